"""MySQL 8 and MariaDB. docs/migration-sources.md says in what they differ, and what that means for the rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from lambda_src.migration.source.address import Address
from lambda_src.migration.source.dialect import ANSWER_SECONDS, CONNECT_SECONDS, Dialect, answers
from lambda_src.migration.source.findings import Finding

_SESSION: Final[Mapping[str, str | int]] = {
    "time_zone": "+00:00",  # in which TIMESTAMP columns are shown
    # A server gives up on a client that is slow to take its rows (60 s), or that asks nothing for long.
    "net_write_timeout": 86_400,
    "wait_timeout": 86_400,
    "idle_transaction_timeout": 0,  # MariaDB
    "idle_readonly_transaction_timeout": 0,  # MariaDB
    "max_statement_time": 0,  # MariaDB
    "max_execution_time": 0,  # MySQL
}
_PASSING: Final = frozenset(
    {
        1053,  # server shutdown in progress
        1158,  # the server could not read a packet
        1160,  # or write one
        1161,
        1205,  # lock wait timeout
        1317,  # query was interrupted
        1412,  # the table was altered after the snapshot began: "please retry transaction"
    }
)  # https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
# How a name ends: `_ai_ci`, `_cs`, `_as_cs_ks`, `_bin`; MariaDB's `_w2` weighs letters and accents.
_SEES: Final = re.compile(r"(?:_(a[is]))?(?:^|_)(c[is]|bin|binary|w2)(_ks)?$")
_STRANGERS: Final = frozenset({1045, 1698})  # access denied, with and without a word on the password


class MySQL(Dialect):
    texts = sa.CHAR

    def engine(self, address: Address) -> sa.Engine:
        limits = {"connect_timeout": CONNECT_SECONDS, "read_timeout": ANSWER_SECONDS, "write_timeout": CONNECT_SECONDS}
        password = str(address.url.password or "").encode()  # as UTF-8: of a text the driver would make latin1
        # The mode is set before anything is asked: in the server's own, quotes may mean names or texts (ANSI_QUOTES),
        # and texts may be padded (PAD_CHAR_TO_FULL_LENGTH).
        return sa.create_engine(
            address.url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",  # the transaction is begun in words that SQLAlchemy does not have
            connect_args={"charset": "utf8mb4", "sql_mode": "", "password": password, **limits},
        )

    @contextmanager
    def reading(self, connection: sa.Connection) -> Iterator[None]:
        """The instant is that of START TRANSACTION; tables of other engines than InnoDB have none.

        https://dev.mysql.com/doc/refman/8.0/en/commit.html
        """
        names = ", ".join(f"'{name}'" for name in _SESSION)
        known = connection.exec_driver_sql(f"SHOW SESSION VARIABLES WHERE Variable_name IN ({names})")
        for name in [name for name, _ in known]:
            connection.exec_driver_sql(f"SET SESSION {name} = %s", (_SESSION[name],))
        connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield
        connection.exec_driver_sql("ROLLBACK")

    def facts(self, connection: sa.Connection) -> Mapping[str, str]:
        names = {
            "version": "VERSION()",
            "comment": "@@version_comment",
            "sql_mode": "@@GLOBAL.sql_mode",
            "time zone": "CONCAT(@@GLOBAL.time_zone, ' (system: ', @@system_time_zone, ')')",
            "character set of the database": "@@character_set_database",
            "collation of the database": "@@collation_database",
        }
        return answers(connection, names)

    def remarks(self, connection: sa.Connection, tables: Sequence[str]) -> Sequence[Finding]:
        return [
            *_engines(connection, tables),
            *_collations(connection, tables),
            *_times_without_zone(connection, tables),
        ]

    def is_passing(self, error: BaseException) -> bool:
        return bool(error.args) and error.args[0] in _PASSING

    def is_stranger(self, error: BaseException) -> bool:
        return bool(error.args) and error.args[0] in _STRANGERS

    def abandon(self, answers: sa.CursorResult[Any]) -> None:
        """The protocol cannot stop a server from sending: the driver would take all rows that are left, or try to.

        https://github.com/PyMySQL/PyMySQL/blob/v1.1.2/pymysql/connections.py, `_finish_unbuffered_query`
        """
        unread = getattr(answers.cursor, "_result", None)
        if unread is not None:
            unread.unbuffered_active = False
        answers.connection.invalidate()
        answers.close()


def _engines(connection: sa.Connection, tables: Sequence[str]) -> Iterator[Finding]:
    question = sa.text(
        "SELECT table_name AS name, engine AS engine FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name IN :tables AND engine <> 'InnoDB' ORDER BY table_name"
    ).bindparams(sa.bindparam("tables", tables, expanding=True))
    for name, engine in connection.execute(question):
        sentence = f"its engine {engine} has no consistent snapshot: ALTER TABLE {name} ENGINE = InnoDB"
        yield Finding("stop", name, "", sentence)


def _collations(connection: sa.Connection, tables: Sequence[str]) -> Iterator[Finding]:
    question = sa.text(
        "SELECT table_name AS name, collation_name AS collation, COUNT(*) AS columns_of_it "
        "FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN :tables "
        "AND collation_name IS NOT NULL GROUP BY table_name, collation_name ORDER BY table_name, collation_name"
    ).bindparams(sa.bindparam("tables", tables, expanding=True))
    for name, collation, columns in connection.execute(question):
        what = f"{collation} ({columns} of its columns)"
        if ignored := ignored_by(collation):
            sentence = f"{what} ignores {', '.join(ignored)}: texts that were one here are several to DynamoDB"
            yield Finding("note", name, "", sentence)
        if not collation.startswith("utf8"):
            yield Finding("note", name, "", f"{what} is not UTF-8: the server converts")


def ignored_by(collation: str) -> list[str]:
    """What a collation may not see, by its name. https://dev.mysql.com/doc/refman/8.0/en/charset-collation-names.html

    A name that is silent on accents says it with case: `_ci` ignores them, `_cs` sees them.
    """
    found = _SEES.search(collation)
    accents, case, kana = found.groups() if found else (None, "ci", None)
    ignores = {
        "case": case in ("ci", "w2"),
        "accents": accents == "ai" or (accents is None and case == "ci"),
        "hiragana and katakana": "_ja_0900_" in collation and case == "cs" and kana is None,
        "blanks at the end": not ("_0900_" in collation or "_nopad_" in collation or collation == "binary"),
    }
    return [what for what, is_ignored in ignores.items() if is_ignored]


def _times_without_zone(connection: sa.Connection, tables: Sequence[str]) -> Iterator[Finding]:
    question = sa.text(
        "SELECT table_name AS name, column_name AS of_name FROM information_schema.columns WHERE table_schema = "
        "DATABASE() AND table_name IN :tables AND data_type = 'datetime' ORDER BY table_name, ordinal_position"
    ).bindparams(sa.bindparam("tables", tables, expanding=True))
    if columns := connection.execute(question).all():
        clock = _clock(connection)
        for table, column in columns:
            yield Finding("note", table, column, f"its times have no zone: they are taken for UTC{clock}")


def _clock(connection: sa.Connection) -> str:
    """How far NOW() is from UTC in a session that says nothing of zones; "" where that is never."""
    year = datetime.now(UTC).year
    moments = [datetime(year, month, 1, tzinfo=UTC) for month in (1, 7)]
    seconds = [f"TIMESTAMPDIFF(SECOND, '{at:%Y-%m-%d}', FROM_UNIXTIME({at.timestamp():.0f}))" for at in moments]
    connection.exec_driver_sql("SET SESSION time_zone = @@GLOBAL.time_zone")
    winter, summer = connection.exec_driver_sql(f"SELECT {', '.join(seconds)}").one()
    connection.exec_driver_sql("SET SESSION time_zone = %s", (_SESSION["time_zone"],))
    if winter == summer == 0:
        return ""
    months = _offset(winter) if winter == summer else f"{_offset(winter)} in January and {_offset(summer)} in July"
    return f", but this server's NOW() is at {months}"


def _offset(seconds: int) -> str:
    """`+09:00`"""
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"
