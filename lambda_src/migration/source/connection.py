"""One read-only transaction that sees one instant, and what goes wrong with it in words for the operator."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from lambda_src.migration.errors import SourceFailed
from lambda_src.migration.source.address import ESCAPE, Address, DialectName
from lambda_src.migration.source.dialect import Dialect
from lambda_src.migration.source.mysql import MySQL
from lambda_src.migration.source.postgresql import PostgreSQL
from lambda_src.migration.source.sqlite import SQLite

DIALECTS: Final[Mapping[DialectName, Dialect]] = {
    "mysql": MySQL(),
    "postgresql": PostgreSQL(),
    "sqlite": SQLite(),
}


class Unreachable(SourceFailed):
    """No connection was made."""


class Dropped(SourceFailed):
    """A connection was made, and what was being read has to be read again."""


@contextmanager
def reading(address: Address) -> Iterator[sa.Connection]:
    """A connection inside its transaction. Raises Unreachable, Dropped, or SourceFailed where no retry helps."""
    dialect = DIALECTS[address.dialect]
    engine = dialect.engine(address)
    try:
        connection = engine.connect()
    except (
        sa.exc.SQLAlchemyError,
        OSError,
        RuntimeError,
    ) as exc:  # RuntimeError: a way to log in that is not installed
        hint = f". {ESCAPE}" if dialect.is_stranger(getattr(exc, "orig", None) or exc) else ""
        raise Unreachable(f"cannot connect to {address}: {_said(address, exc)}{hint}") from None
    try:
        with connection, dialect.reading(connection):
            yield connection
    except sa.exc.DBAPIError as exc:
        is_passing = exc.connection_invalidated or (exc.orig is not None and dialect.is_passing(exc.orig))
        family = Dropped if is_passing else SourceFailed
        raise family(f"reading from {address}: {_said(address, exc)}") from exc
    except (sa.exc.SQLAlchemyError, OSError) as exc:
        raise SourceFailed(f"reading from {address}: {_said(address, exc)}") from exc
    finally:
        engine.dispose()


def _said(address: Address, error: BaseException) -> str:
    """What the driver said, in one line and without the password."""
    said = getattr(error, "orig", None) or error
    return address.without_password(" ".join(str(said).split()))
