"""Rows as statements that MySQL and MariaDB read.

A file of INSERTs rather than files for LOAD DATA: a server of MySQL 8 refuses LOCAL INFILE unless it was told
otherwise, and where it takes them, a row it cannot take is a warning there and an error here.
https://dev.mysql.com/doc/refman/8.0/en/load-data-local-security.html
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from pymysql.converters import escape_string  # type: ignore[import-untyped]

from lambda_src.migration.collation import folded
from lambda_src.migration.drafts import Draft
from lambda_src.migration.instants import instant
from lambda_src.migration.mapping import Column, Row, Scalar, ServiceMapping, SourceTable
from lambda_src.migration.phases.reverse_export import RowsOf, WayBack

_BYTES_PER_INSERT: Final = 1_000_000  # of the 16 MB that MariaDB takes in one packet, and the 64 MB of MySQL 8
_COMMAND: Final = "mysql --default-character-set=utf8mb4 DATABASE <"
_HEAD: Final = f"""\
-- Loads the rows into an empty copy of the schema, all or nothing:
--   {_COMMAND} {{name}}
-- It is all ASCII, so that no client misreads it: other texts are hexadecimal digits of UTF-8.
SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES';
START TRANSACTION;
"""
_TAIL: Final = "COMMIT;\n"
_NO_TIME: Final = datetime.fromtimestamp(0, UTC)


def _write(draft: Draft, mapping: ServiceMapping, rows_of: RowsOf) -> str:
    name = f"{mapping.service}.sql"
    draft.text(name, _statements(mapping, rows_of, name))
    return name


STATEMENTS: Final = WayBack(_write, f"{_COMMAND} {{path}}", alike=folded)


def _statements(mapping: ServiceMapping, rows_of: RowsOf, name: str) -> Iterator[str]:
    yield _HEAD.format(name=name)
    for source in mapping.sources:
        yield from _inserts(source, rows_of(source))
    yield _TAIL


def _inserts(source: SourceTable, rows: Iterable[Row]) -> Iterator[str]:
    """Statements of many rows each: what is one at a time takes minutes for what takes seconds like this."""
    head = f"INSERT INTO `{source.name}` ({', '.join(f'`{column.name}`' for column in source.columns)}) VALUES\n"
    size_bytes = 0
    for values in rows:
        row = "(" + ", ".join(_literal(column, values[column.name]) for column in source.columns) + ")"
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
            text = str(value)
            return f"'{escape_string(text)}'" if text.isascii() else f"_utf8mb4 x'{text.encode().hex()}'"


def _moment(value: Scalar) -> datetime:
    return instant(str(value))[0]
