"""PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy.pool import NullPool

from lambda_src.migration.mapping import Kind
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.dialect import ANSWER_SECONDS, CONNECT_SECONDS, Dialect, answers
from lambda_src.migration.source.findings import Finding

_SESSION: Final[Mapping[str, str]] = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "row_security": "off",  # a policy that would hide rows from us is an error instead
    "statement_timeout": f"{ANSWER_SECONDS}s",
    "lock_timeout": "60s",  # ALTER TABLE is under way
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",  # PostgreSQL 17
}
_CONNECTION: Final[Mapping[str, Any]] = {
    "connect_timeout": CONNECT_SECONDS,
    "client_encoding": "utf8",
    "prepare_threshold": None,  # prepared statements do not survive a pool such as PgBouncer
    # A peer that vanished is noticed after about a minute.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}
_POLL_SECONDS: Final = 0.1  # Ctrl-C is noticed so often
_GRACE_SECONDS: Final = 2
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING: Final = ("40001", "40P01", "55P03", "57P")  # conflict with recovery, deadlock, lock, shutdown and its kin


class _Connection(psycopg.Connection[Any]):
    """One that waits for an answer a little longer than the server does, in case it has no clock any more.

    The driver of its own accord waits without end.
    """

    def wait[A](self, gen: PQGen[A], interval: float = _POLL_SECONDS, timeout: float | None = None) -> A:
        try:
            return super().wait(gen, interval, timeout or ANSWER_SECONDS + _GRACE_SECONDS)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # no answer came, and none may come now
                self.close()
            raise


class PostgreSQL(Dialect):
    texts = sa.Text

    def engine(self, address: Address) -> sa.Engine:
        engine = sa.create_engine(
            address.url,
            poolclass=NullPool,
            isolation_level="REPEATABLE READ",
            connect_args=dict(_CONNECTION),
            execution_options={"postgresql_readonly": True},
        )
        sa.event.listen(engine, "do_connect", _connect)
        return engine

    @contextmanager
    def reading(self, connection: sa.Connection) -> Iterator[None]:
        """The instant is that of the first question.

        https://www.postgresql.org/docs/current/transaction-iso.html#XACT-REPEATABLE-READ
        """
        with connection.begin():
            settings = sa.text("SELECT set_config(name, :value, true) FROM pg_settings WHERE name = :name")
            for name, value in _SESSION.items():  # older servers do not know all of them
                connection.execute(settings, {"name": name, "value": value})
            yield

    def facts(self, connection: sa.Connection) -> Mapping[str, str]:
        names = {
            "version": "version()",
            "encoding of the database": "current_setting('server_encoding')",
            "collation of the database": "(SELECT datcollate FROM pg_database WHERE datname = current_database())",
            "time zone": "(SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')",
            "schema": "current_schema()",
        }
        return answers(connection, names)

    def remarks(self, connection: sa.Connection, tables: Sequence[str]) -> Sequence[Finding]:
        return [*_encodings(connection), *_times_without_zone(connection, tables)]

    def is_passing(self, error: BaseException) -> bool:
        return (getattr(error, "sqlstate", None) or "").startswith(_PASSING)

    def is_stranger(self, error: BaseException) -> bool:
        return "authentication failed" in str(error)  # libpq keeps no SQLSTATE of a connection that was never made

    def selected(self, column: sa.ColumnClause[Any], kind: Kind) -> sa.ColumnElement[Any]:
        if kind == "text":  # also UUID, which the driver would make an object of
            return sa.cast(column, sa.Text).label(column.name)
        return super().selected(column, kind)


def _connect(_dialect: object, _record: object, arguments: Sequence[str], options: Mapping[str, Any]) -> _Connection:
    return _Connection.connect(*arguments, **options)


def _encodings(connection: sa.Connection) -> Iterator[Finding]:
    encoding = connection.exec_driver_sql("SELECT current_setting('server_encoding')").scalar_one()
    if encoding == "SQL_ASCII":
        yield Finding("note", "", "", "the database has encoding SQL_ASCII: a text that is not UTF-8 stops the reading")


def _times_without_zone(connection: sa.Connection, tables: Sequence[str]) -> Iterator[Finding]:
    question = sa.text(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
        "AND table_name IN :tables AND data_type = 'timestamp without time zone' ORDER BY table_name, ordinal_position"
    ).bindparams(sa.bindparam("tables", tables, expanding=True))
    for table, column in connection.execute(question):
        yield Finding("note", table, column, "its times have no zone: they are taken for UTC")
