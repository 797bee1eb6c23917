"""Where the source is: `DATABASE_URL`, in the spelling of whatever framework the service used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import URL

from lambda_src.migration.errors import BadUsage

VARIABLE: Final = "DATABASE_URL"
ESCAPE: Final = "In user and password, write @ as %40, : as %3A, / as %2F and % as %25"

type DialectName = Literal["mysql", "postgresql", "sqlite"]

_DIALECTS: Final[Mapping[str, DialectName]] = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "sqlite": "sqlite",
}
_DRIVERS: Final[Mapping[DialectName, str]] = {
    "mysql": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "sqlite": "sqlite",
}
# What may follow the `?`. Other drivers' parameters would be refused later, with less to go by.
_PARAMETERS: Final[Mapping[DialectName, frozenset[str]]] = {
    "mysql": frozenset({"unix_socket", "ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_check_hostname"}),
    "postgresql": frozenset({"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding"}),
    "sqlite": frozenset(),
}
_DECIDED_HERE: Final = frozenset({"charset"})  # every connection speaks UTF-8
_RENAMED: Final[Mapping[DialectName, Mapping[str, str]]] = {
    "mysql": {},
    "postgresql": {"ssl": "sslmode"},  # asyncpg's word
    "sqlite": {},
}


@dataclass(frozen=True, slots=True)
class Address:
    """A database and how to reach it. As text it names host, port, database and user, never the password."""

    dialect: DialectName
    url: URL = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Address":
        """What `DATABASE_URL` says: never an option, because everybody may read a process list."""
        text = environment.get(VARIABLE, "").strip()
        if not text:
            raise BadUsage(
                f"{VARIABLE} is not set: export {VARIABLE}=mysql://user:password@host/database, or postgresql://"
            )
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """An address for the drivers we have. Raises BadUsage, whose text repeats nothing that may be a password."""
        try:
            url = sa.make_url(text)
        except (sa.exc.ArgumentError, ValueError):
            raise BadUsage(f"{VARIABLE} is no database URL. {ESCAPE}") from None  # its text would hold the password
        name = url.drivername.partition("+")[0]
        dialect = _DIALECTS.get(name)
        if dialect is None:
            raise BadUsage(f"{VARIABLE} names a database of kind {name}: known are {', '.join(_DIALECTS)}")
        if "@" in f"{url.host}{url.database if dialect != 'sqlite' else ''}":
            raise BadUsage(f"{VARIABLE} has more than one @. {ESCAPE}")  # else half a password were called a host
        if not url.database:
            raise BadUsage(f"{VARIABLE} names no database: it ends in /name")
        return cls(dialect, url.set(drivername=_DRIVERS[dialect], query=_parameters(dialect, url)))

    def __str__(self) -> str:
        if self.dialect == "sqlite":
            return f"sqlite, file {self.url.database}"
        socket = self.url.query.get("unix_socket")
        port = "" if self.url.port is None else f":{self.url.port}"
        where = f"socket {socket}" if socket else f"{self.url.host or 'localhost'}{port}"
        return f"{self.dialect} at {where}, database {self.url.database}, user {self.url.username or '(none)'}"

    def without_password(self, text: str) -> str:
        """A text of a driver, should it ever repeat what it was given."""
        password = None if self.url.password is None else str(self.url.password)
        return text.replace(password, "***") if password else text


def _parameters(dialect: DialectName, url: URL) -> dict[str, tuple[str, ...] | str]:
    renamed = {_RENAMED[dialect].get(name, name): value for name, value in url.query.items()}
    kept = {name: value for name, value in renamed.items() if name not in _DECIDED_HERE}
    if unknown := sorted(kept.keys() - _PARAMETERS[dialect]):
        known = ", ".join(sorted(_PARAMETERS[dialect])) or "none"
        raise BadUsage(f"{VARIABLE} has parameters that are not known: {', '.join(unknown)}. Known: {known}")
    return kept
