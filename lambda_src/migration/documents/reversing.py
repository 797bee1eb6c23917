"""reverse-export: table -> files that the SQL schema takes, for a way back after the API was opened.

Profiles stay behind: SQL had none. So do neighborhoods that were deleted and wait for their purge.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from lambda_src.migration.documents import files
from lambda_src.migration.documents.taking import FileSource
from lambda_src.migration.drafts import Draft, private_folder
from lambda_src.migration.errors import BadUsage
from lambda_src.migration.phases.job import Advance, Progress, Silent
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.target.place import Place
from lambda_src.migration.target.restored import restored_rows
from lambda_src.services.nbhd_city.rules.times import timestamp

LOAD: Final = "load.sql"

_ROWS_PER_INSERT: Final = 5_000
_SCHEMA: Final = """
CREATE TABLE known_neighborhoods (nbhd_id PRIMARY KEY, id);
CREATE TABLE known_memberships (nbhd_id, user_id, joined_at, id, PRIMARY KEY (nbhd_id, user_id));
CREATE TABLE neighborhoods (nbhd_id PRIMARY KEY, name, description, created_by, created_at, updated_at);
CREATE TABLE memberships (nbhd_id, user_id, joined_at);
CREATE TABLE numbered (nbhd_id PRIMARY KEY, id);
"""
# A row that SQL had keeps its id, the others are numbered on, by age. Who left and joined again is a new row.
_NUMBER: Final = """
INSERT INTO numbered SELECT nbhd_id,
  COALESCE(k.id, ? + ROW_NUMBER() OVER (PARTITION BY k.id IS NULL ORDER BY h.created_at, nbhd_id))
FROM neighborhoods h LEFT JOIN known_neighborhoods k USING (nbhd_id)
"""
_NEIGHBORHOODS: Final = """
SELECT id, name, description, created_by, created_at, updated_at, nbhd_id
FROM neighborhoods JOIN numbered USING (nbhd_id) ORDER BY id
"""
_MEMBERSHIPS: Final = """
SELECT COALESCE(k.id, ? + ROW_NUMBER() OVER (PARTITION BY k.id IS NULL ORDER BY m.joined_at, n.id, m.user_id)) AS id,
  m.user_id, n.id AS neighborhood_id, m.joined_at
FROM memberships m JOIN numbered n ON n.nbhd_id = m.nbhd_id
LEFT JOIN known_memberships k ON (k.nbhd_id, k.user_id, k.joined_at) = (m.nbhd_id, m.user_id, m.joined_at)
ORDER BY 1
"""
_LOAD: Final = """\
-- Loads these files into an empty copy of the schema, all or nothing. In this folder:
--   psql --set ON_ERROR_STOP=1 --single-transaction --file load.sql "$DATABASE_URL"
\\set neighborhoods `cat neighborhoods_export.json`
\\set memberships `cat memberships_export.json`
INSERT INTO neighborhoods (id, name, description, created_by, created_at, updated_at)
SELECT id, name, description, created_by, created_at, updated_at
FROM json_populate_recordset(NULL::neighborhoods, :'neighborhoods');
INSERT INTO memberships (id, user_id, neighborhood_id, joined_at)
SELECT id, user_id, neighborhood_id, joined_at FROM json_populate_recordset(NULL::memberships, :'memberships');
SELECT setval(pg_get_serial_sequence('neighborhoods', 'id'), GREATEST(1, MAX(id))) FROM neighborhoods;
SELECT setval(pg_get_serial_sequence('memberships', 'id'), GREATEST(1, MAX(id))) FROM memberships;
"""


def reverse_export(
    known: Path, folder: Path, place: Place, *, now: datetime, progress: Progress | None = None
) -> files.Manifest:
    """Write neighborhoods and memberships as they are now, with the ids they had in SQL, and how to load them.

    known: the folder of the export that was imported, with its id_mapping.json. The API must be read-only meanwhile: a
    Scan sees no single instant. Raises BadDocument, StoreUnavailable, BadUsage; leaves no file then.
    """
    if folder.resolve() == known.resolve():
        raise BadUsage(f"{folder} holds the export of the old database, which would be replaced: take another folder")
    progress = progress or Silent()
    source = FileSource(known, place.mapping)
    ids = files.read_object(known / files.ID_MAPPING)
    with (
        TemporaryDirectory(dir=private_folder(folder), prefix=".reverse-") as work,
        closing(_database(Path(work))) as database,
    ):
        _insert(database, "known_neighborhoods", ((nbhd_id, int(number)) for number, nbhd_id in ids.items()))
        with progress.step("Reading the files", source.rows) as advance:
            _insert(database, "known_memberships", _known_memberships(source, Path(work), advance))
        with progress.step("Reading the table") as advance:
            _collect(database, place, advance)
        database.execute(_NUMBER, (source.manifest.neighborhoods.max_id,))
        with Draft(folder) as draft:
            return _write(database, draft, source.manifest, now)


def _database(work: Path) -> sqlite3.Connection:
    database = sqlite3.connect(work / "rows.sqlite")
    database.row_factory = sqlite3.Row
    database.executescript(_SCHEMA)
    return database


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    for chunk in batched(rows, _ROWS_PER_INSERT, strict=False):
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(chunk[0]))})", chunk)
    database.commit()


def _known_memberships(source: FileSource, work: Path, advance: Advance) -> Iterator[tuple[object, ...]]:
    """The memberships that were imported, with the ids they had."""
    path = work / "snapshot.sqlite"
    source.take(path, on_rows=advance)
    with Snapshot(path, source.mapping) as snapshot:
        for row in snapshot.rows("SELECT nbhd_id, user_id, joined_at, id FROM memberships WHERE reject IS NULL"):
            yield tuple(row.values())


def _collect(database: sqlite3.Connection, place: Place, advance: Advance) -> None:
    """What is in the table now, as the fields of rows."""
    wanted = {
        "neighborhoods": ("nbhd_id", "name", "description", "created_by", "created_at", "updated_at"),
        "memberships": ("nbhd_id", "user_id", "joined_at"),
    }
    for rows in batched(restored_rows(place, on_items=advance), _ROWS_PER_INSERT, strict=False):
        for name, fields in wanted.items():
            found = (tuple(row.fields[field] for field in fields) for row in rows if row.table == name)
            _insert(database, name, found)


def _write(database: sqlite3.Connection, draft: Draft, before: files.Manifest, now: datetime) -> files.Manifest:
    neighborhoods = (_without(row, "nbhd_id") for row in database.execute(_NEIGHBORHOODS))
    memberships = map(dict, database.execute(_MEMBERSHIPS, (before.memberships.max_id,)))
    manifest = files.Manifest(
        exported_at=timestamp(now),
        neighborhoods=files.write_array(draft, files.array_name("neighborhoods"), neighborhoods),
        memberships=files.write_array(draft, files.array_name("memberships"), memberships),
    )
    draft.object(files.ID_MAPPING, ((str(row["id"]), row["nbhd_id"]) for row in database.execute(_NEIGHBORHOODS)))
    draft.text(LOAD, [_LOAD])
    draft.object(files.MANIFEST, manifest.model_dump().items())
    return manifest


def _without(row: sqlite3.Row, name: str) -> dict[str, Any]:
    return {key: value for key, value in dict(row).items() if key != name}
