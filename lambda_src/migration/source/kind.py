"""What every kind of source can do: be looked at, and be read into a snapshot."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lambda_src.migration.errors import BadUsage, MigrationError
from lambda_src.migration.mapping import Row, ServiceMapping, SourceTable
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.findings import SourceReport

type OnRows = Callable[[int], None]
"""Called with how many rows came since the last call: less than 0 when they have to be read again."""


class Source(ABC):
    """Where rows come from.

    is_fixed: they never change, so that a run which goes on reads them again and takes no others. total: how many rows
    there are, None where nobody knows before. folder: of documents, None for a database.
    """

    is_fixed: bool = False
    total: int | None = None
    folder: Path | None = None

    @abstractmethod
    def examine(self) -> SourceReport:
        """What the source is like, and how it differs from what the mapping expects. Raises SourceFailed, BadUsage."""

    def secrets(self, source: SourceTable) -> Iterator[Row]:
        """Key and secret columns of every row of a table, which no snapshot holds. Raises SourceFailed, BadUsage."""
        raise BadUsage(f"secret columns of {source.name} are read from the database: set DATABASE_URL")

    @abstractmethod
    def take(self, path: Path, *, on_rows: OnRows) -> None:
        """Read the rows into a finished snapshot. Raises SourceFailed, BadUsage, and leaves no file then."""


@contextmanager
def taking(path: Path, mapping: ServiceMapping) -> Iterator[Snapshot]:
    """An empty snapshot to be filled and finished. Whatever fails, no file stays: rows are personal data."""
    try:
        with Snapshot.begin(path, mapping) as snapshot:
            yield snapshot
    except BaseException as exc:
        path.unlink(missing_ok=True)
        if isinstance(exc, sqlite3.Error):  # of the snapshot: the source's errors are SQLAlchemy's, also SQLite's
            raise MigrationError(f"the snapshot {path} cannot be written: {exc}") from exc
        raise
