"""A MariaDB and a PostgreSQL of our own: in a temporary directory, on a free port of this machine, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any, Final, Self

import psycopg
import pymysql  # type: ignore[import-untyped]

from cdk_app.local.processes import ChildProcess
from tests.support.engines import installed
from tests.support.ports import free_port

HERE: Final = Path(__file__).parent
PASSWORD: Final = "s3cret/@:%"  # of the user with which a source is read; awkward in a URL on purpose
PASSWORD_IN_URL: Final = "s3cret%2F%40%3A%25"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
_ROWS_PER_INSERT: Final = 1_000
# Workers of pytest-xdist are killed without a word on Ctrl-C: where the kernel can, it ends their servers.
_ENDS_WITH_US: Final = ("--pdeathsig=KILL",)
_INSTALL_MARIADB: Final = "apt-get install mariadb-server-core mariadb-client-core"
_POSTGRESQL_OF_DEBIAN: Final = "/usr/lib/postgresql"  # one folder a version, none of them in PATH


@dataclass(frozen=True, slots=True)
class Database:
    """A database of its own on one of the servers. url: as a user who may only read, over TCP, with a password."""

    url: str
    run: Callable[[str], None]
    """Runs statements, separated by `;`, as the administrator."""
    insert: Callable[[str, Iterable[Mapping[str, Any]]], None]
    """Inserts rows into a table, by column; every row has the columns of the first."""


@dataclass(frozen=True, slots=True)
class MariaDB:
    """A private MariaDB."""

    port: int

    @classmethod
    @contextmanager
    def running(cls, *options: str) -> Iterator[Self]:
        """options: of `mariadbd`, such as `--time-zone=+09:00`."""
        server = installed(
            shutil.which("mariadbd") or "/usr/sbin/mariadbd", _INSTALL_MARIADB
        )  # no user's PATH on Debian
        install = installed("mariadb-install-db", _INSTALL_MARIADB)
        with _directory("mariadb") as directory:
            port, data, users = free_port(), f"--datadir={directory / 'data'}", directory / "users.sql"
            users.write_text(
                "CREATE USER admin@'%';\n"  # one statement a line
                "GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION;\n"
                f"CREATE USER reader@'%' IDENTIFIED BY '{PASSWORD}';\n",
                encoding="utf-8",
            )
            _run(install, "--no-defaults", data, "--skip-test-db", *_as_root())
            command = (
                *_ended_with_us(), server, "--no-defaults", data, f"--port={port}", "--bind-address=127.0.0.1",
                f"--socket={directory / 'socket'}", f"--pid-file={directory / 'pid'}", f"--init-file={users}",
                "--skip-name-resolve", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0",
                "--innodb-buffer-pool-size=64M", *_as_root(), *options,
            )  # fmt: skip
            with _running("MariaDB", command, directory) as process:
                started = cls(port)
                process.wait_until(lambda: _answers(started._connect), timeout_seconds=START_SECONDS)
                yield started

    @contextmanager
    def database(self, schema: str = "", *, character_set: str = "utf8mb4") -> Iterator[Database]:
        """A database of its own, with the tables of a schema."""
        name = f"d{uuid.uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name} CHARACTER SET {character_set}", None)
        self._run(f"GRANT SELECT ON {name}.* TO reader@'%'", None)
        try:
            database = Database(
                f"mysql://reader:{PASSWORD_IN_URL}@127.0.0.1:{self.port}/{name}",
                run=lambda text: self._run(text, name),
                insert=lambda table, rows: self._insert(name, table, rows),
            )
            database.run(schema)
            yield database
        finally:
            self._run(f"DROP DATABASE {name}", None)

    def _connect(self, database: str | None = None) -> "pymysql.Connection[Any]":
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="admin",
            database=database,
            autocommit=True,
            # What is written is what the test says: zero dates, values an ENUM does not have, children without parents.
            init_command="SET sql_mode = '', foreign_key_checks = 0, time_zone = '+00:00'",
        )

    def _run(self, text: str, database: str | None) -> None:
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            for statement in _statements(text):
                cursor.execute(statement)

    def _insert(self, database: str, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            connection.begin()
            for batch in batched(rows, _ROWS_PER_INSERT, strict=False):
                columns = ", ".join(f"`{column}`" for column in batch[0])
                values = ", ".join(["%s"] * len(batch[0]))
                statement = f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608 -- names of a test
                cursor.executemany(statement, [tuple(row.values()) for row in batch])
            connection.commit()


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A private PostgreSQL. It refuses to run as root, who starts it as `nobody`."""

    port: int
    socket_directory: Path

    @classmethod
    @contextmanager
    def running(cls, *options: str) -> Iterator[Self]:
        """options: of `postgres`, such as `-c`, `max_connections=5`."""
        programs = _postgresql_programs()
        with _directory("postgresql") as directory:
            port, data = free_port(), directory / "data"
            if os.geteuid() == 0:
                shutil.chown(directory, "nobody")
            access = ("--auth-local=trust", "--auth-host=scram-sha-256", "--username=postgres")
            initdb = (f"{programs}/initdb", "-D", str(data), "--no-sync", "--locale=C", "--encoding=UTF8", *access)
            _run(*_as_nobody(), *initdb)
            command = (
                *_as_nobody(*_ENDS_WITH_US), f"{programs}/postgres", "-D", str(data), "-p", str(port),
                "-c", "listen_addresses=127.0.0.1", "-k", str(directory), "-c", "fsync=off",
                "-c", "full_page_writes=off", "-c", "synchronous_commit=off", *options,
            )  # fmt: skip
            with _running("PostgreSQL", command, directory) as process:
                started = cls(port, directory)
                process.wait_until(lambda: _answers(started._connect), timeout_seconds=START_SECONDS)
                started._run(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'", "postgres")
                yield started

    @contextmanager
    def database(self, schema: str = "", *, encoding: str = "UTF8") -> Iterator[Database]:
        """A database of its own, with the tables of a schema."""
        name = f"d{uuid.uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name} ENCODING {encoding} TEMPLATE template0", "postgres")
        grant = "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader"
        try:
            database = Database(
                f"postgresql+asyncpg://reader:{PASSWORD_IN_URL}@127.0.0.1:{self.port}/{name}",
                run=lambda text: self._run(text, name),
                insert=lambda table, rows: self._insert(name, table, rows),
            )
            database.run(f"{grant}; {schema}")
            yield database
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)", "postgres")

    def _connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.socket_directory), port=self.port, user="postgres", dbname=database, autocommit=True,
            options="-c session_replication_role=replica -c TimeZone=UTC",  # children without parents
        )  # fmt: skip

    def _run(self, text: str, database: str) -> None:
        with closing(self._connect(database)) as connection:
            for statement in _statements(text):
                connection.execute(statement.encode())

    def _insert(self, database: str, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            each = iter(rows)
            first = next(each, None)
            if first is None:
                return
            columns = ", ".join(f'"{column}"' for column in first)
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
                copy.write_row(tuple(first.values()))
                for row in each:
                    copy.write_row(tuple(row.values()))


def schema(name: str) -> str:
    """The statements of `<name>.sql` beside this module."""
    return (HERE / f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def _directory(name: str) -> Iterator[Path]:
    """Outside of pytest's, which only its owner may enter; short, since the path of a socket has 107 bytes at most."""
    path = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def _postgresql_programs() -> Path:
    versions = sorted(Path(_POSTGRESQL_OF_DEBIAN).glob("*/bin"), key=lambda path: int(path.parent.name))
    initdb = versions[-1] / "initdb" if versions else "initdb"
    return Path(installed(initdb, "apt-get install postgresql")).parent


def _as_root() -> Sequence[str]:
    return ("--user=root",) if os.geteuid() == 0 else ()


def _as_nobody(*options: str) -> Sequence[str]:
    """options: of setpriv, where it is there."""
    if os.geteuid() == 0:
        return ("setpriv", *options, "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--")
    return _ended_with_us() if options else ()


def _ended_with_us() -> Sequence[str]:
    return ("setpriv", *_ENDS_WITH_US, "--") if shutil.which("setpriv") else ()


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=START_SECONDS)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"


@contextmanager
def _running(name: str, command: Sequence[str], directory: Path) -> Iterator[ChildProcess]:
    process = ChildProcess.start(name, command, environment=os.environ, log_path=directory / "log")
    try:
        yield process
    finally:
        process.stop(grace_seconds=STOP_SECONDS)


def _answers(connect: Callable[[], Any]) -> bool:
    try:
        connect().close()
    except (pymysql.err.OperationalError, psycopg.OperationalError):
        return False
    return True


def _statements(text: str) -> Iterator[str]:
    lines = (line for line in text.splitlines() if not line.startswith("--"))
    yield from filter(None, (statement.strip() for statement in "\n".join(lines).split(";")))
