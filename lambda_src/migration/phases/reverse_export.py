"""reverse-export: the tables as they are now, in files that the SQL schema takes: a way back after the opening."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from lambda_src.migration.drafts import Draft, private_folder
from lambda_src.migration.errors import BadUsage
from lambda_src.migration.mapping import Parent, Restored, Row, ServiceMapping, SourceTable
from lambda_src.migration.phases.job import Job
from lambda_src.migration.target.restored import restored_rows

_ROWS_PER_COMMIT: Final = 1_000

type RowsOf = Callable[[SourceTable], Iterator[Row]]
"""The rows of a table, by its key; may be asked as often as one likes. Each has the columns, and `found_by`."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """How rows go back.

    write: the files; the name of the one that is loaded. load: the command that does, with {folder} or {path} of it.
    number: where items do not hold the keys of their rows: statements of SQLite that set them in the tables of rows,
    by what stands in the tables of the source, `before.<table>`.
    """

    write: Callable[[Draft, ServiceMapping, RowsOf], str]
    load: str
    number: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReverseExported:
    """What was written. file: the one that is loaded. rows: by table. orphans: rows left behind because what they
    belong to is being deleted.
    """

    file: Path
    rows: Mapping[str, int]
    orphans: Mapping[str, int]


def reverse_export(job: Job, folder: Path, way_back: WayBack) -> ReverseExported:
    """Write files of the rows that the tables hold now, whoever wrote them, parents first and by key.

    The API must be read-only meanwhile: a Scan sees no single instant. Reads the source where keys are to be found
    there. Raises BadUsage, SourceFailed; leaves no file then.
    """
    if job.source.folder is not None and folder.resolve() == job.source.folder.resolve():
        raise BadUsage(f"{folder} holds the export of the old database, which would be replaced: take another folder")
    mapping = job.mapping
    with (
        TemporaryDirectory(dir=private_folder(folder), prefix=".reverse-") as work,
        closing(_database(Path(work), mapping)) as database,
    ):
        if way_back.number:
            with job.fresh_snapshot() as before:
                database.execute("ATTACH DATABASE ? AS before", (str(before.path),))
        with job.progress.step("Reading the tables") as advance:
            _collect(database, mapping, restored_rows(job.place, on_items=advance))
        for statement in way_back.number:
            database.execute(statement)
        orphans = _drop_orphans(database, mapping)
        counts = {source.name: _count(database, source) for source in mapping.sources}
        with job.progress.step("Writing rows") as advance, Draft(folder) as draft:
            name = way_back.write(draft, mapping, lambda source: _rows(database, source))
            advance(sum(counts.values()))
    return ReverseExported(folder / name, counts, orphans)


def _database(work: Path, mapping: ServiceMapping) -> sqlite3.Connection:
    """A table for each of the source, in which SQLite sorts and joins."""
    database = sqlite3.connect(work / "rows.sqlite")
    database.row_factory = sqlite3.Row
    for source in mapping.sources:
        names = ", ".join(f'"{name}"' for name in _names(source))
        database.execute(f'CREATE TABLE "{source.name}" ({names})')
        if source.found_by:
            by = ", ".join(f'"{name}"' for name in source.found_by)
            database.execute(f'CREATE INDEX "{source.name}.found_by" ON "{source.name}" ({by})')
    return database


def _names(source: SourceTable) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(column.name for column in source.columns), *source.found_by)))


def _collect(database: sqlite3.Connection, mapping: ServiceMapping, restored: Iterable[Restored]) -> None:
    names = {source.name: _names(source) for source in mapping.sources}
    inserts = {table: f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(of))})' for table, of in names.items()}
    for batch in batched(restored, _ROWS_PER_COMMIT, strict=False):
        for row in batch:
            database.execute(inserts[row.table], [row.fields.get(name) for name in names[row.table]])
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
                    f'DELETE FROM "{source.name}" WHERE "{rule.field}" IS NULL '
                    f'OR "{rule.field}" NOT IN (SELECT "{rule.key}" FROM "{rule.table}")'
                )
                dropped[source.name] += database.execute(gone).rowcount
    database.commit()
    return {name: count for name, count in dropped.items() if count}


def _count(database: sqlite3.Connection, source: SourceTable) -> int:
    count: int = database.execute(f'SELECT COUNT(*) FROM "{source.name}"').fetchone()[0]
    return count


def _rows(database: sqlite3.Connection, source: SourceTable) -> Iterator[Row]:
    order = ", ".join(f'"{name}"' for name in source.key)
    yield from map(dict, database.execute(f'SELECT * FROM "{source.name}" ORDER BY {order}'))
