"""What moves: each service with its tables on both sides, its rows, and what people do while it moves."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambda_src.dynamo.schema import Table
from lambda_src.migration.errors import DONE
from lambda_src.migration.mapping import Row, Scalar, ServiceMapping
from lambda_src.migration.mappings.registry import MIGRATIONS
from lambda_src.migration.phases.job import Job
from lambda_src.migration.source import reader
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.version import mapping_version
from lambda_src.migration.target.place import Place
from lambda_src.services.nbhd_city import tables as nbhd_city
from lambda_src.services.stock_track_record import tables as stock_track_record
from tests.support.migration import nbhd_city_rows, stock_track_record_rows
from tests.support.migration.operator import Operator
from tests.support.migration.servers import Database
from tests.support.migration.stock_track_record_awkward import awkward_rows
from tests.support.migration.stock_track_record_rows import FIRST, id_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_ROWS_PER_NEIGHBORHOOD: Final = 10
_ABOVE_THE_AWKWARD: Final = 1_000


@dataclass(frozen=True, slots=True)
class Service:
    """A service that moves.

    many: so many rows by table, parents first, made one by one. awkward: every awkward one. changes: SQL statements
    without end that insert, update and delete among so many rows, by a seed. options: of every command.
    """

    name: str
    tables: tuple[Table, ...]
    many: Callable[[int], Iterator[tuple[str, Iterator[Row]]]]
    awkward: Callable[[], Mapping[str, Sequence[Row]]]
    changes: Callable[[int, int], Iterator[str]]
    choices: Mapping[str, object]
    options: tuple[str, ...] = ()

    @property
    def mapping(self) -> ServiceMapping:
        return MIGRATIONS[self.name].make(**self.choices)

    def fill(self, database: Database, rows: int) -> None:
        """Insert so many rows, and every awkward one."""
        for table, awkward in self.awkward().items():
            database.insert(table, awkward)
        for table, many in self.many(rows):
            database.insert(table, many)


@dataclass(frozen=True, slots=True)
class Moving:
    """A service with a database of its own on a real server. folder: for what its migrations keep."""

    service: Service
    database: Database
    endpoint_url: str
    make_tables: Callable[[Sequence[Table]], Mapping[str, str]]
    folder: Path

    def operator(self, label: str, *, endpoint_url: str | None = None) -> Operator:
        """Somebody who moves it into fresh tables. endpoint_url: instead of the engine's own."""
        names = self.make_tables(self.service.tables)
        return Operator(
            self.service.name, self.database.url, endpoint_url or self.endpoint_url, names, self.folder / label
        )

    def job(self, operator: Operator, client: "DynamoDBClient") -> Job:
        """The same in this process, for what a report does not say."""
        mapping = self.service.mapping
        source = reader.Database(mapping, lambda: Address.parse(operator.url))
        return Job(Place.of(mapping, client, operator.tables), operator.folder, source, mapping_version(mapping))

    def done(self, operator: Operator, *phase: str) -> str:
        """The report of a phase that ends well."""
        ended = operator.does(*phase, *self.service.options)
        assert ended.code == DONE, ended.said
        return ended.report


# ---- nbhd.city -----------------------------------------------------------------------------------------------------


def _many_of_nbhd_city(rows: int) -> Iterator[tuple[str, Iterator[Row]]]:
    neighborhoods = rows // _ROWS_PER_NEIGHBORHOOD
    for table, of in nbhd_city_rows.many_rows(neighborhoods, rows - neighborhoods).items():
        yield table, map(_shifted, of)


def _awkward_of_nbhd_city() -> Mapping[str, Sequence[Row]]:
    cases = {
        "neighborhoods": nbhd_city_rows.awkward_neighborhoods(),
        "memberships": nbhd_city_rows.awkward_memberships(),
    }
    return {table: [case.row for case in of if case.in_sql] for table, of in cases.items()}


def _shifted(row: Row) -> dict[str, Scalar]:
    """Above the ids of the awkward rows; ids below zero belong to nobody."""
    return {
        name: value + _ABOVE_THE_AWKWARD if name in ("id", "neighborhood_id") and isinstance(value, int) else value
        for name, value in row.items()
    }


_CHANGES_OF_NBHD_CITY: Final = (
    "INSERT INTO memberships VALUES ({new}, 'did:plc:new{new}', {neighborhood}, now())",
    "INSERT INTO neighborhoods VALUES ({new}, 'New {new}', NULL, 'did:plc:alice', now(), NULL)",
    "DELETE FROM memberships WHERE id = {membership}",
    "DELETE FROM neighborhoods WHERE id = {neighborhood} AND id % 20 = 0",  # some leave their members behind
    "UPDATE neighborhoods SET description = 'Text {new}', updated_at = now() WHERE id = {neighborhood}",
    "UPDATE neighborhoods SET name = 'Renamed {new}' WHERE id = {neighborhood}",
    "UPDATE memberships SET joined_at = now() WHERE id = {membership}",
)


def _changes_of_nbhd_city(rows: int, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    neighborhoods = rows // _ROWS_PER_NEIGHBORHOOD
    for new in count(10_000_000):
        yield chance.choice(_CHANGES_OF_NBHD_CITY).format(
            new=new,
            neighborhood=_ABOVE_THE_AWKWARD + chance.randint(1, neighborhoods),
            membership=_ABOVE_THE_AWKWARD + chance.randint(1, rows - neighborhoods),
        )


# ---- Stock Track Record --------------------------------------------------------------------------------------------


def _many_of_stock_track_record(rows: int) -> Iterator[tuple[str, Iterator[Row]]]:
    for table, of in groupby(stock_track_record_rows.many_rows(rows), key=itemgetter(0)):
        yield table, map(itemgetter(1), of)


def _awkward_of_stock_track_record() -> Mapping[str, Sequence[Row]]:
    return stock_track_record_rows.rows_by_table((case.table, case.row) for case in awkward_rows() if case.fits)


_CHANGES_OF_STOCK_TRACK_RECORD: Final = (
    "INSERT INTO videos VALUES ('{new_video}', '{channel}', 'new{new}', 'New', 'url', '2025-03-01', NULL, NULL, NOW())",
    "INSERT IGNORE INTO stock_mentions VALUES ('{new_mention}', '{video}', 'WAA', 'buy', 1.5, 0.5, 'New', NOW())",
    "INSERT INTO processing_logs VALUES (NULL, '{channel}', 'info', 'Line {new}', NOW())",
    "DELETE FROM stock_mentions WHERE id = '{mention}'",
    "DELETE FROM videos WHERE id = '{video}' AND id LIKE '%0-0000%'",  # some leave their mentions behind
    "UPDATE stock_mentions SET price_at_mention = {new} % 1000 WHERE id = '{mention}'",
    "UPDATE videos SET title = 'Title {new}' WHERE id = '{video}'",
    "UPDATE channels SET name = 'Name {new}', updated_at = NOW() WHERE id = '{channel}'",
    "UPDATE stocks SET last_price = {new} % 1000, price_updated_at = NOW() WHERE ticker = 'WAA'",
)


def _changes_of_stock_track_record(rows: int, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    for new in count(100_000_000):
        yield chance.choice(_CHANGES_OF_STOCK_TRACK_RECORD).format(
            new=new,
            new_video=id_of("d", new),
            new_mention=id_of("e", new),
            channel=id_of("c", FIRST + chance.randrange(max(1, rows // 2_000))),
            video=id_of("d", FIRST + chance.randrange(rows // 6)),
            mention=id_of("e", FIRST + chance.randrange(rows // 2)),
        )


NBHD_CITY: Final = Service(
    "nbhd_city",
    nbhd_city.TABLES,
    _many_of_nbhd_city,
    _awkward_of_nbhd_city,
    _changes_of_nbhd_city,
    {"on_name_collision": "suffix"},
    ("--on-name-collision=suffix",),
)
STOCK_TRACK_RECORD: Final = Service(
    "stock_track_record",
    stock_track_record.TABLES,
    _many_of_stock_track_record,
    _awkward_of_stock_track_record,
    _changes_of_stock_track_record,
    {},
)
SERVICES: Final = (NBHD_CITY, STOCK_TRACK_RECORD)
