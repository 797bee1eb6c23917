"""The way back after the opening: what the tables hold, loaded into a real, empty MariaDB."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql  # type: ignore[import-untyped]
import pytest
from pymysql.constants import CLIENT  # type: ignore[import-untyped]

from lambda_src.dynamo.schema import Entity
from lambda_src.dynamo.values import to_item
from lambda_src.migration.mapping import Row
from lambda_src.migration.mappings.stock_track_record.mapping import mapping
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.reader import take_snapshot
from lambda_src.services.stock_track_record.tables import CHANNEL, STOCK, TABLES, VIDEO
from tests.support.migration.operator import Operator
from tests.support.migration.servers import Database, schema
from tests.support.migration.stock_track_record_rows import (
    channel_row,
    id_of,
    many_rows,
    rows_by_table,
    stock_row,
    video_row,
)

AWKWARD = 'it\'s \\ 100 % "quoted";\n-- not a comment \0 \x1a é 📈'


@pytest.fixture
def operator(stock_track_record_database, dynamodb_endpoint, make_tables, tmp_path):
    for table, rows in rows_by_table(many_rows(200)).items():
        stock_track_record_database.insert(table, rows)
    stock_track_record_database.insert("channels", [channel_row(9000, name=AWKWARD, created_at="1990-01-02 03:04:05")])
    url = stock_track_record_database.url
    return Operator("stock_track_record", url, dynamodb_endpoint, make_tables(TABLES), tmp_path / "kept")


VARIANTS = ("stock_track_record", "stock_track_record_earlier")


def accepted(url: str, path: Path) -> tuple[Mapping[str, Sequence[Row]], int]:
    """The columns of every accepted row as they were prepared, by table, and how many were rejected."""
    service = mapping()
    take_snapshot(Address.parse(url), service, path)
    with Snapshot(path, service) as snapshot:
        rows = {
            source.name: [
                {column.name: row[column.name] for column in source.columns}
                for row in snapshot.rows(f'SELECT * FROM "{source.name}" WHERE reject IS NULL')  # noqa: S608
            ]
            for source in service.sources
        }
        return rows, sum(snapshot.tally().rejected.values())


def load(path: Path, database: Database, port: int) -> None:
    """As the client of MySQL does: every statement, and the first error ends it."""
    connection = pymysql.connect(
        host="127.0.0.1", port=port, user="admin", database=urlsplit(database.url).path[1:],
        client_flag=CLIENT.MULTI_STATEMENTS,
    )  # fmt: skip
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(path.read_text(encoding="utf-8"))
        while cursor.nextset():
            pass


def test_what_was_migrated_and_what_came_after_goes_back_into_an_empty_schema(
    operator, mariadb, dynamodb_client, tmp_path
):
    for phase in ("copy", "verify", "cutover --open --allow-rejects"):
        assert operator.does(*phase.split()).code == 0
    known: dict[str, Any] = {"run_id": "run", "listed": True, "claims": frozenset({"handle:new"}), "layout": 2}
    since: tuple[tuple[Entity[Any], Row], ...] = (
        (CHANNEL, {**channel_row(7000, youtube_channel_id="handle:new"), **known}),
        (VIDEO, {**video_row(7000, 7000), "run_id": "run"}),
        (VIDEO, {**video_row(7001, 7001), "run_id": "run"}),  # its channel is gone
        (STOCK, stock_row("NEW", last_price=None, price_updated_at=None)),
    )
    for entity, row in since:
        item = to_item(entity.item(entity.model(row)))
        dynamodb_client.put_item(TableName=operator.tables[entity.table.name], Item=item)
    done = operator.does("reverse-export", f"--out={tmp_path / 'back'}")
    assert done.code == 0
    [file] = (tmp_path / "back").iterdir()
    before, _ = accepted(operator.url, tmp_path / "before")
    for variant in VARIANTS:
        with mariadb.database(schema(variant)) as empty:
            load(file, empty, mariadb.port)
            after, rejected = accepted(empty.url, tmp_path / "after")
        assert rejected == 0
        new = {table: [row for row in rows if row not in before[table]] for table, rows in after.items()}
        assert {table: len(rows) for table, rows in new.items() if rows} == {"channels": 1, "stocks": 1, "videos": 1}
        assert new["videos"][0]["id"] == id_of("d", 7000)
        assert [row for table, rows in before.items() for row in rows if row not in after[table]] == []
    assert f"| videos | {len(after['videos'])} | 1 |" in done.report


def test_a_row_that_the_schema_does_not_take_stops_the_load_and_nothing_stays(operator, mariadb, tmp_path):
    operator.does("copy")
    operator.does("reverse-export", f"--out={tmp_path}")
    with mariadb.database(schema("stock_track_record")) as empty:
        empty.run("ALTER TABLE videos MODIFY title VARCHAR(5) NOT NULL")
        with pytest.raises(pymysql.err.DataError, match="too long"):
            load(tmp_path / "stock_track_record.sql", empty, mariadb.port)
        assert accepted(empty.url, tmp_path / "after")[0]["channels"] == []
