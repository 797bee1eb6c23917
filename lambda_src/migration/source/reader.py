"""Reads a source: what it is like, and all its rows at one instant."""

import logging
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from lambda_src.migration.errors import BadUsage, SourceFailed
from lambda_src.migration.mapping import Column, Row, ServiceMapping, SourceTable
from lambda_src.migration.snapshot import Snapshot, Summary
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.connection import DIALECTS, Dropped, Unreachable, reading
from lambda_src.migration.source.dialect import Dialect
from lambda_src.migration.source.findings import SourceReport
from lambda_src.migration.source.kind import OnRows, Source, taking
from lambda_src.migration.source.schema import compare
from lambda_src.migration.source.version import mapping_version

_TRIES: Final = 5
_FIRST_PAUSE_SECONDS: Final = 1.0  # doubled after each try: 15 s in all, what a failover or a restart takes at least

logger = logging.getLogger(__name__)


def _silent(_: int) -> None:
    return None


class Database(Source):
    """A SQL database. address: asked for when it is needed, because not every phase reads a source."""

    def __init__(self, mapping: ServiceMapping, address: Callable[[], Address]) -> None:
        self._mapping = mapping
        self._address = address

    def examine(self) -> SourceReport:
        """See `check_source`."""
        return check_source(self._address(), self._mapping)

    def take(self, path: Path, *, on_rows: OnRows) -> None:
        """See `take_snapshot`."""
        take_snapshot(self._address(), self._mapping, path, on_rows=on_rows)

    def secrets(self, source: SourceTable) -> Iterator[Row]:
        """Key and secret columns of every row, as they are now. Raises SourceFailed, BadUsage."""
        address = self._address()
        _check_dialect(address, self._mapping)
        dialect = DIALECTS[address.dialect]
        columns = [column for column in source.columns if column.secret or column.name in source.key]
        with reading(address) as connection:
            present, findings = compare(connection, self._mapping)
            if stops := [str(finding) for finding in findings if finding.severity == "stop"]:
                raise SourceFailed("\n  ".join([f"{address} cannot be read:", *stops]))
            question = _selected(dialect, source, columns, present[source.name])
            with closing(_rows(connection, dialect, question, _Counter(_silent))) as rows:
                yield from rows


def check_source(address: Address, mapping: ServiceMapping) -> SourceReport:
    """What the source is like and how it differs from what the mapping expects. Raises SourceFailed, BadUsage."""
    _check_dialect(address, mapping)
    with reading(address) as connection:
        return _report(connection, DIALECTS[address.dialect], mapping)


def take_snapshot(
    address: Address,
    mapping: ServiceMapping,
    path: Path,
    *,
    on_rows: OnRows = _silent,
    pause: Callable[[float], None] = time.sleep,
) -> Summary:
    """All rows at one instant, in a finished snapshot at `path`, which replaces what was there.

    A connection that drops cannot go on at the same instant: everything is read again, five times at most. Raises
    SourceFailed, and leaves no file, when the source cannot be reached, is not what the mapping expects, or drops
    every time; BadUsage when it is another kind of database.
    """
    _check_dialect(address, mapping)
    for tried in range(1, _TRIES + 1):
        counter = _Counter(on_rows)
        try:
            return _take(address, mapping, path, counter)
        except (Unreachable, Dropped) as exc:
            if tried == 1 and isinstance(exc, Unreachable):  # an address that never worked is a mistake
                raise
            if tried == _TRIES:
                raise SourceFailed(f"given up after {_TRIES} tries: {exc}") from exc
            logger.warning("reading again", extra={"try": tried, "of": _TRIES, "reason": str(exc)})
            on_rows(-counter.rows)
        pause(_FIRST_PAUSE_SECONDS * 2 ** (tried - 1))
    raise AssertionError("the last try returns or raises")


class _Counter:
    def __init__(self, on_rows: OnRows) -> None:
        self.rows = 0
        self._on_rows = on_rows

    def add(self, rows: int) -> None:
        self.rows += rows
        self._on_rows(rows)


def _take(address: Address, mapping: ServiceMapping, path: Path, counter: _Counter) -> Summary:
    with taking(path, mapping) as snapshot:
        return _fill(snapshot, address, mapping, counter)


def _fill(snapshot: Snapshot, address: Address, mapping: ServiceMapping, counter: _Counter) -> Summary:
    dialect = DIALECTS[address.dialect]
    counts: dict[str, int] = {}
    with reading(address) as connection:
        taken_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        report = _report(connection, dialect, mapping)
        if report.stops:
            raise SourceFailed("\n  ".join([f"{address} cannot be read:", *map(str, report.stops)]))
        for source in mapping.sources:
            question = _question(dialect, source, report.present[source.name])
            with closing(_rows(connection, dialect, question, counter)) as rows:
                counts[source.name] = snapshot.load(source, rows)
    if counts != report.counts:
        told = ", ".join(
            f"{name}: {report.counts[name]:,} and {read:,}"
            for name, read in counts.items()
            if read != report.counts[name]
        )
        raise SourceFailed(f"rows that were counted and read at the same instant are not as many: {told}")
    return snapshot.finish(taken_at=taken_at, mapping_version=mapping_version(mapping))


def _question(dialect: Dialect, source: SourceTable, present: Collection[str]) -> sa.Select[tuple[Any, ...]]:
    """The mapping's columns, in its order and without secret ones, by the order of the primary key.

    That is an index, so that nothing is sorted.
    """
    return _selected(dialect, source, [column for column in source.columns if not column.secret], present)


def _selected(
    dialect: Dialect, source: SourceTable, columns: Sequence[Column], present: Collection[str]
) -> sa.Select[tuple[Any, ...]]:
    table = sa.table(source.name, *(sa.column(column.name) for column in source.columns))
    selected = [
        dialect.selected(table.c[column.name], column.kind)
        if column.name in present
        else (sa.null() if column.missing is None else sa.literal(column.missing)).label(column.name)
        for column in columns
    ]
    # Of the table: a bare name would mean what was selected, a text that no index is in the order of.
    return sa.select(*selected).order_by(*(table.c[name] for name in source.key))


def _rows(
    connection: sa.Connection, dialect: Dialect, question: sa.Select[tuple[Any, ...]], counter: _Counter
) -> Generator[Row]:
    """The answers, from a cursor of the server, as many at a time as that kind of database gives."""
    names = question.selected_columns.keys()
    answers = connection.execute(question, execution_options={"yield_per": dialect.rows_per_fetch})
    try:
        for page in answers.partitions():
            for row in page:
                yield dict(zip(names, row, strict=True))
            counter.add(len(page))
    except BaseException:
        dialect.abandon(answers)
        raise


def _report(connection: sa.Connection, dialect: Dialect, mapping: ServiceMapping) -> SourceReport:
    present, findings = compare(connection, mapping)
    remarks = dialect.remarks(connection, list(present)) if present else ()
    counts = {
        name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
        for name in present
    }
    return SourceReport(dialect.facts(connection), (*findings, *remarks), present, counts)


def _check_dialect(address: Address, mapping: ServiceMapping) -> None:
    if address.dialect not in mapping.dialects:
        raise BadUsage(f"{mapping.service} came from {' or '.join(mapping.dialects)}, but the address is {address}")
