"""How rows go back: into a SQLite file of the earlier product.

Tokens stay NULL, since they are in no table; who has no password here has none there. Files get new ids, by age,
because their names are what they are known by.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import batched
from pathlib import Path
from typing import Final

from lambda_src.migration.drafts import Draft
from lambda_src.migration.instants import instant
from lambda_src.migration.mapping import Column, Row, Scalar, ServiceMapping, SourceTable
from lambda_src.migration.phases.reverse_export import RowsOf, WayBack

DATABASE: Final = "yoto_smart_stream.sqlite"
SCHEMA: Final = """\
CREATE TABLE users (id INTEGER NOT NULL, username VARCHAR(50) NOT NULL, email VARCHAR(255),
  hashed_password VARCHAR(255) NOT NULL, is_active BOOLEAN NOT NULL, is_admin BOOLEAN NOT NULL,
  created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
  yoto_access_token TEXT, yoto_refresh_token TEXT, yoto_token_expires_at DATETIME, PRIMARY KEY (id));
CREATE TABLE audio_files (id INTEGER NOT NULL, filename VARCHAR(255) NOT NULL, size INTEGER NOT NULL,
  duration INTEGER, transcript TEXT, transcript_status VARCHAR(20) NOT NULL, transcript_error TEXT,
  created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, transcribed_at DATETIME,
  tts_provider VARCHAR(50), tts_voice_id VARCHAR(255), tts_model VARCHAR(100), PRIMARY KEY (id));
CREATE TABLE settings (id INTEGER NOT NULL, "key" VARCHAR(100) NOT NULL, value TEXT NOT NULL,
  description TEXT, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_users_id ON users (id);
CREATE UNIQUE INDEX ix_users_username ON users (username);
CREATE INDEX ix_audio_files_id ON audio_files (id);
CREATE UNIQUE INDEX ix_audio_files_filename ON audio_files (filename);
CREATE INDEX ix_settings_id ON settings (id);
CREATE UNIQUE INDEX ix_settings_key ON settings ("key");
"""
"""That of the earlier product, with all of its columns."""

_ROWS_PER_COMMIT: Final = 50  # a text may have a megabyte
_BY_AGE: Final = """
UPDATE {table} SET id = new.id FROM (
  SELECT rowid AS at, ROW_NUMBER() OVER (ORDER BY created_at, "{name}") AS id FROM {table}
) new WHERE new.at = {table}.rowid
"""
_NUMBER: Final = (
    "UPDATE users SET id = user_id",
    _BY_AGE.format(table="audio_files", name="filename"),
    _BY_AGE.format(table="settings", name="key"),
)


def _write(draft: Draft, mapping: ServiceMapping, rows_of: RowsOf) -> str:
    draft.made(DATABASE, partial(_fill, mapping, rows_of))
    return DATABASE


def _fill(mapping: ServiceMapping, rows_of: RowsOf, path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)
        for source in mapping.sources:
            columns = [column for column in source.columns if not column.secret]
            names = ", ".join(f'"{column.name}"' for column in columns)
            insert = f'INSERT INTO "{source.name}" ({names}) VALUES ({", ".join("?" * len(columns))})'
            for rows in batched(_values(source, columns, rows_of), _ROWS_PER_COMMIT, strict=False):
                database.executemany(insert, rows)
                database.commit()


def _values(source: SourceTable, columns: list[Column], rows_of: RowsOf) -> Iterator[tuple[Scalar, ...]]:
    for row in rows_of(source):
        yield tuple(_value(column, row) for column in columns)


def _value(column: Column, row: Row) -> Scalar:
    value = row[column.name]
    if column.kind == "datetime" and value is not None:
        return instant(str(value))[0].replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    if column.name == "transcript_status" and value == "failed":
        return "error"  # the word of the earlier product
    return value


FILE: Final = WayBack(_write, "cp {path} THE_DATABASE_OF_THE_EARLIER_PRODUCT", _NUMBER, is_alone=True)
