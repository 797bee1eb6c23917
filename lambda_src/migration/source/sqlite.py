"""SQLite: one file, opened for reading only."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from lambda_src.migration.mapping import Kind
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.dialect import ANSWER_SECONDS, Dialect
from lambda_src.migration.source.findings import Finding


class SQLite(Dialect):
    texts = sa.Text
    rows_per_fetch = 50  # a text may have a megabyte, and a fetch asks no server

    def engine(self, address: Address) -> sa.Engine:
        file = f"file:{quote(str(Path(str(address.url.database)).absolute()))}"  # mode=ro: never made where none is
        return sa.create_engine(
            address.url.set(database=file, query={"mode": "ro", "uri": "true"}),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": ANSWER_SECONDS},
        )

    @contextmanager
    def reading(self, connection: sa.Connection) -> Iterator[None]:
        """The instant is that of the first question. https://www.sqlite.org/isolation.html"""
        connection.exec_driver_sql("BEGIN")
        yield
        connection.exec_driver_sql("ROLLBACK")

    def facts(self, connection: sa.Connection) -> Mapping[str, str]:
        row = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
        return {"version": str(row), "encoding": str(connection.exec_driver_sql("PRAGMA encoding").scalar_one())}

    def remarks(self, connection: sa.Connection, tables: Sequence[str]) -> Sequence[Finding]:
        del connection, tables
        return ()

    def is_passing(self, error: BaseException) -> bool:
        return "locked" in str(error)

    def is_stranger(self, error: BaseException) -> bool:
        del error
        return False

    def selected(self, column: sa.ColumnClause[Any], kind: Kind) -> sa.ColumnElement[Any]:
        # A column of SQLite holds what it is given: numbers and bytes where texts belong, and texts where numbers do.
        if kind in ("integer", "boolean"):
            is_integer = sa.func.typeof(column) == "integer"
            return sa.case((is_integer, column), else_=sa.cast(column, sa.Text)).label(column.name)
        return sa.cast(column, sa.Text).label(column.name)
