"""reverse-export: the tables as they are now, in files that the SQL schema takes: a way back after the opening."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import batched, islice
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from lambda_src.migration.drafts import Draft, private_folder
from lambda_src.migration.errors import BadUsage
from lambda_src.migration.limits import refusal
from lambda_src.migration.mapping import Parent, Restored, Row, Scalar, ServiceMapping, SourceTable, Unique
from lambda_src.migration.phases.job import Job
from lambda_src.migration.snapshot import storable
from lambda_src.migration.target.restored import restored_rows

LEFT: Final = "left_behind.jsonl"

_ROWS_PER_COMMIT: Final = 50  # a text may have a megabyte
_SHOWN: Final = 20
_AT, _REASON = "left.column", "left.reason"  # beside the columns of each table, none of which has a dot in its name
_PART: Final = "INSERT INTO parts VALUES (?, ?)"
_GOES: Final = f'"{_REASON}" IS NULL'
_STAYS: Final = f'"{_REASON}" IS NOT NULL'

type RowsOf = Callable[[SourceTable], Iterator[Row]]
"""The rows of a table, by its key; may be asked as often as one likes. Each has the columns, and `found_by`."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """How rows go back.

    write: the files; the name of the one that is loaded. load: the command that does, with {folder} or {path} of it.
    number: where items do not hold the keys of their rows: statements of SQLite that set them in the tables of rows,
    by what stands in the tables of the source, `before.<table>`. is_alone: these do not need
    the source. alike: the same for texts that the old schema takes for one where it wants them unique.
    """

    write: Callable[[Draft, ServiceMapping, RowsOf], str]
    load: str
    number: tuple[str, ...] = ()
    is_alone: bool = False
    alike: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class ReverseExported:
    """What was written. file: the one that is loaded. rows: by table. orphans: rows left behind because what they
    belong to is being deleted. refused: rows and items that the old schema does not take, by table, all of them in the
    file `left`; shown: the first of them, as (table, key, column, reason).
    """

    file: Path
    rows: Mapping[str, int]
    orphans: Mapping[str, int]
    refused: Mapping[str, int]
    shown: tuple[tuple[str, str, str, str], ...]
    left: Path


def reverse_export(job: Job, folder: Path, way_back: WayBack) -> ReverseExported:
    """Write files of the rows that the tables hold now, whoever wrote them, parents first and by key.

    What the old schema does not take goes into a file of its own, each row with its reason, and so do the rows that
    belong to it. The API must be read-only meanwhile: a Scan sees no single instant. Reads the source where keys are to
    be found there. Raises BadUsage, SourceFailed; leaves no file then.
    """
    if job.source.folder is not None and folder.resolve() == job.source.folder.resolve():
        raise BadUsage(f"{folder} holds the export of the old database, which would be replaced: take another folder")
    mapping = job.mapping
    with (
        TemporaryDirectory(dir=private_folder(folder), prefix=".reverse-") as work,
        closing(_database(Path(work), mapping)) as database,
    ):
        if way_back.number and not way_back.is_alone:
            with job.fresh_snapshot() as before:
                database.execute("ATTACH DATABASE ? AS before", (str(before.path),))
        unreadable: list[str] = []
        with job.progress.step("Reading the tables") as advance:
            restored = restored_rows(job.place, on_items=advance, on_unreadable=unreadable.append)
            _collect(database, mapping, restored)
        for statement in way_back.number:
            database.execute(statement)
        orphans = _drop_orphans(database, mapping)
        _refuse(database, mapping, way_back.alike)
        counts = {source.name: _count(database, source, _GOES) for source in mapping.sources}
        refused = {source.name: _count(database, source, _STAYS) for source in mapping.sources}
        if unreadable:
            refused["items"] = len(unreadable)
        with job.progress.step("Writing rows") as advance, Draft(folder) as draft:
            name = way_back.write(draft, mapping, lambda source: _rows(database, source))
            if any(refused.values()):
                draft.lines(LEFT, _left(database, mapping, unreadable))
            advance(sum(counts.values()))
        if not any(refused.values()):
            (folder / LEFT).unlink(missing_ok=True)  # of an earlier run
        shown = (
            (each["table"], ", ".join(map(str, each["key"].values())), each["column"], each["reason"])
            for each in _left(database, mapping, unreadable)
        )
        return ReverseExported(folder / name, counts, orphans, refused, tuple(islice(shown, _SHOWN)), folder / LEFT)


def _database(work: Path, mapping: ServiceMapping) -> sqlite3.Connection:
    """A table for each of the source, in which SQLite sorts and joins."""
    database = sqlite3.connect(work / "rows.sqlite")
    database.row_factory = sqlite3.Row
    database.execute('CREATE TABLE parts ("table" TEXT NOT NULL, fields TEXT NOT NULL)')
    for source in mapping.sources:
        names = ", ".join(f'"{name}"' for name in (*_names(source), _AT, _REASON))
        database.execute(f'CREATE TABLE "{source.name}" ({names})')
        if source.found_by:
            by = ", ".join(f'"{name}"' for name in source.found_by)
            database.execute(f'CREATE INDEX "{source.name}.found_by" ON "{source.name}" ({by})')
    return database


def _names(source: SourceTable) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(column.name for column in source.columns), *source.found_by)))


def _collect(database: sqlite3.Connection, mapping: ServiceMapping, restored: Iterable[Restored]) -> None:
    names = {source.name: _names(source) for source in mapping.sources}
    inserts = {
        table: f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(of))}, NULL, NULL)' for table, of in names.items()
    }
    for batch in batched(restored, _ROWS_PER_COMMIT, strict=False):
        for row in batch:
            if row.is_part:
                database.execute(_PART, (row.table, json.dumps(dict(row.fields))))
            else:
                database.execute(inserts[row.table], [_cell(row.fields.get(name)) for name in names[row.table]])
        database.commit()
    for table, fields in database.execute('SELECT "table", fields FROM parts'):
        _join(database, mapping.source(table), json.loads(fields))
    database.commit()


def _join(database: sqlite3.Connection, source: SourceTable, part: Row) -> None:
    """Add to a row what another item restores of it; a part without a row is nothing to go back."""
    rest = {name: value for name, value in part.items() if name not in source.found_by}
    sets = ", ".join(f'"{name}" = ?' for name in rest)
    by = " AND ".join(f'"{name}" = ?' for name in source.found_by)
    values = [*map(_cell, rest.values()), *(part[name] for name in source.found_by)]
    database.execute(f'UPDATE "{source.name}" SET {sets} WHERE {by}', values)


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


def _cell(value: Any) -> Scalar:
    """As text what SQLite does not hold and no column of the old schema either: somebody wrote a set, or a fraction."""
    return storable(value) if value is None or isinstance(value, str | int) else str(value)


def _refuse(database: sqlite3.Connection, mapping: ServiceMapping, alike: Callable[[str], str]) -> None:
    """Say of each row that the old schema does not take why, parents before their children."""
    database.create_function(
        "alike", 1, lambda value: alike(value) if isinstance(value, str) else value, deterministic=True
    )
    for source in mapping.sources:
        for rule in source.rules:
            if isinstance(rule, Parent):
                _refuse_children(database, source, rule)
        _refuse_values(database, source)
        for unique in (Unique("", source.key, ()), *source.unique):
            _refuse_alike(database, source, unique)
    database.commit()


def _refuse_children(database: sqlite3.Connection, source: SourceTable, rule: Parent) -> None:
    parents = f'SELECT "{rule.key}" FROM "{rule.table}" WHERE {_GOES} AND "{rule.key}" IS NOT NULL'
    database.execute(
        f'UPDATE "{source.name}" SET "{_AT}" = ?, "{_REASON}" = ? WHERE {_GOES} AND "{rule.field}" NOT IN ({parents})',
        (rule.field, "what it belongs to stays behind"),
    )


def _refuse_values(database: sqlite3.Connection, source: SourceTable) -> None:
    refused: list[tuple[str, str, int]] = []
    for row in database.execute(f'SELECT rowid AS "left.row", * FROM "{source.name}" WHERE {_GOES}'):
        found = ((column.name, refusal(column, row[column.name])) for column in source.columns)
        refused += [(name, reason, row["left.row"]) for name, reason in islice(filter(itemgetter(1), found), 1)]
    database.executemany(f'UPDATE "{source.name}" SET "{_AT}" = ?, "{_REASON}" = ? WHERE rowid = ?', refused)


def _refuse_alike(database: sqlite3.Connection, source: SourceTable, unique: Unique) -> None:
    fields = [f'"{name}"' for name in unique.fields]
    order = ", ".join((*(f'"{name}"' for name in unique.order), "rowid"))
    database.execute(
        f'UPDATE "{source.name}" SET "{_AT}" = ?, "{_REASON}" = twin.first || ? FROM ('
        f"SELECT rowid AS at, ROW_NUMBER() OVER same AS place, FIRST_VALUE({" || ', ' || ".join(fields)}) OVER same "
        f'AS first FROM "{source.name}" WHERE {_GOES} AND {" AND ".join(f"{name} IS NOT NULL" for name in fields)} '
        f"WINDOW same AS (PARTITION BY {', '.join(f'alike({name})' for name in fields)} ORDER BY {order})"
        f') twin WHERE twin.at = "{source.name}".rowid AND twin.place > 1',
        (", ".join(unique.fields), " goes, which is the same to the old schema"),
    )


def _left(database: sqlite3.Connection, mapping: ServiceMapping, unreadable: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What stays behind, each with its reason."""
    for source in mapping.sources:
        for row in database.execute(f'SELECT * FROM "{source.name}" WHERE {_STAYS} ORDER BY rowid'):
            yield {
                "table": source.name,
                "key": {name: row[name] for name in source.key},
                "column": row[_AT],
                "reason": row[_REASON],
                "row": {name: row[name] for name in _names(source) if name not in source.confidential},
            }
    for sentence in unreadable:
        yield {"table": "items", "key": {}, "column": "", "reason": sentence, "row": {}}


def _count(database: sqlite3.Connection, source: SourceTable, which: str) -> int:
    count: int = database.execute(f'SELECT COUNT(*) FROM "{source.name}" WHERE {which}').fetchone()[0]
    return count


def _rows(database: sqlite3.Connection, source: SourceTable) -> Iterator[Row]:
    names, order = (", ".join(f'"{name}"' for name in of) for of in (_names(source), source.key))
    yield from map(dict, database.execute(f'SELECT {names} FROM "{source.name}" WHERE {_GOES} ORDER BY {order}'))
