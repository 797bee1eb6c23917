"""reverse-export: the tables as they are now, as statements that the SQL schema takes: a way back after the opening.

A file of INSERTs rather than files for LOAD DATA: a server of MySQL 8 refuses LOCAL INFILE unless it was told
otherwise, and where it takes them, a row it cannot take is a warning there and an error here.
https://dev.mysql.com/doc/refman/8.0/en/load-data-local-security.html
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pymysql.converters import escape_string  # type: ignore[import-untyped]

from lambda_src.migration.drafts import Draft, private_folder
from lambda_src.migration.errors import BadUsage
from lambda_src.migration.instants import instant
from lambda_src.migration.mapping import Column, Parent, Restored, Scalar, ServiceMapping, SourceTable
from lambda_src.migration.phases.job import Job
from lambda_src.migration.target.restored import restored_rows

_DIALECT: Final = "mysql"
_ROWS_PER_NOTE: Final = 1_000
_BYTES_PER_INSERT: Final = 1_000_000  # of the 16 MB that MariaDB takes in one packet, and the 64 MB of MySQL 8
_HEAD: Final = """\
-- Loads the rows into an empty copy of the schema, all or nothing:
--   mysql --default-character-set=utf8mb4 DATABASE < {name}
SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES';
START TRANSACTION;
"""
_TAIL: Final = "COMMIT;\n"
_NO_TIME: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class ReverseExported:
    """What was written. rows: by table. orphans: rows left behind because what they belong to is being deleted."""

    file: Path
    rows: Mapping[str, int]
    orphans: Mapping[str, int]


def reverse_export(job: Job, folder: Path) -> ReverseExported:
    """Write a file of the rows that the tables hold now, whoever wrote them, parents first and by key.

    The API must be read-only meanwhile: a Scan sees no single instant. Raises BadUsage for a service whose items do not
    hold the keys of their rows; leaves no file then.
    """
    mapping = job.mapping
    if _DIALECT not in mapping.dialects:
        raise BadUsage(f"{mapping.service} goes back in files of its own: `{mapping.way_back}`")
    name = f"{mapping.service}.sql"
    with (
        TemporaryDirectory(dir=private_folder(folder), prefix=".reverse-") as work,
        closing(_database(Path(work), mapping)) as database,
    ):
        with job.progress.step("Reading the tables") as advance:
            _collect(database, mapping, restored_rows(job.place, on_items=advance))
        orphans = _drop_orphans(database, mapping)
        counts = {source.name: _count(database, source) for source in mapping.sources}
        with job.progress.step("Writing rows") as advance, Draft(folder) as draft:
            draft.text(name, _statements(database, mapping, name))
            advance(sum(counts.values()))
    return ReverseExported(folder / name, counts, orphans)


# ---- rows ----------------------------------------------------------------------------------------------------------


def _database(work: Path, mapping: ServiceMapping) -> sqlite3.Connection:
    """A table for each of the source, in which SQLite sorts and joins."""
    database = sqlite3.connect(work / "rows.sqlite")
    for source in mapping.sources:
        names = ", ".join(_names(source))
        database.execute(f'CREATE TABLE "{source.name}" ({names})')
    return database


def _collect(database: sqlite3.Connection, mapping: ServiceMapping, restored: Iterable[Restored]) -> None:
    columns = {source.name: [column.name for column in source.columns] for source in mapping.sources}
    for batch in batched(restored, _ROWS_PER_NOTE, strict=False):
        for row in batch:
            names = columns[row.table]
            values = ", ".join("?" * len(names))
            found = [row.fields.get(name) for name in names]
            database.execute(f'INSERT INTO "{row.table}" VALUES ({values})', found)
        database.commit()


def _drop_orphans(database: sqlite3.Connection, mapping: ServiceMapping) -> dict[str, int]:
    """Remove rows whose parent is gone: what is being deleted goes piece by piece. How many, by table."""
    dropped: Counter[str] = Counter()
    for source in mapping.sources:
        for rule in source.rules:
            if isinstance(rule, Parent):
                database.execute(
                    f'CREATE INDEX IF NOT EXISTS "{rule.table}.{rule.key}" ON "{rule.table}" ("{rule.key}")'
                )
                gone = (
                    f'DELETE FROM "{source.name}" WHERE "{rule.field}" NOT IN (SELECT "{rule.key}" FROM "{rule.table}")'
                )
                dropped[source.name] += database.execute(gone).rowcount
    database.commit()
    return {name: count for name, count in dropped.items() if count}


def _count(database: sqlite3.Connection, source: SourceTable) -> int:
    count: int = database.execute(f'SELECT COUNT(*) FROM "{source.name}"').fetchone()[0]
    return count


# ---- statements ----------------------------------------------------------------------------------------------------


def _statements(database: sqlite3.Connection, mapping: ServiceMapping, name: str) -> Iterator[str]:
    yield _HEAD.format(name=name)
    for source in mapping.sources:
        yield from _inserts(source, _rows(database, source))
    yield _TAIL


def _rows(database: sqlite3.Connection, source: SourceTable) -> Iterator[str]:
    order = ", ".join(f'"{name}"' for name in source.key)
    for row in database.execute(f'SELECT * FROM "{source.name}" ORDER BY {order}'):
        yield "(" + ", ".join(map(_literal, source.columns, row)) + ")"


def _inserts(source: SourceTable, rows: Iterator[str]) -> Iterator[str]:
    """Statements of many rows each: what is one at a time takes minutes for what takes seconds like this."""
    head = f"INSERT INTO `{source.name}` ({', '.join(f'`{column.name}`' for column in source.columns)}) VALUES\n"
    size_bytes = 0
    for row in rows:
        is_next = 0 < size_bytes < _BYTES_PER_INSERT
        yield f",\n{row}" if is_next else f"{';\n' if size_bytes else ''}{head}{row}"
        size_bytes = size_bytes + len(row.encode()) if is_next else len(row.encode())
    if size_bytes:
        yield ";\n"


def _literal(column: Column, value: Scalar) -> str:
    """A value as MySQL and MariaDB read it."""
    if value is None or (column.kind == "datetime" and _moment(value) == _NO_TIME):
        return "NULL"  # a missing time became that one, and no TIMESTAMP holds it
    match column.kind:
        case "integer" | "decimal" | "boolean":
            return f"{Decimal(value):f}"
        case "datetime":
            return f"'{_moment(value).replace(tzinfo=None).isoformat(sep=' ')}'"
        case _:
            return f"'{escape_string(str(value))}'"


def _moment(value: Scalar) -> datetime:
    return instant(str(value))[0]


def _names(source: SourceTable) -> Iterator[str]:
    yield from (f'"{column.name}"' for column in source.columns)
