"""Files of the earlier product of Yoto Smart Stream: SQLite as it made it, with whatever SQLite lets in."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from argon2 import PasswordHasher

from lambda_src.migration.mappings.yoto_smart_stream.way_back import SCHEMA

type Values = Mapping[str, Any]

CREATED: Final = "2025-01-15 08:30:00.123456"
CREATED_HERE: Final = "2025-01-15T08:30:00.123456Z"
HASH: Final = f"$argon2id$v=19$m=65536,t=3,p=4${'A' * 22}${'B' * 43}"
BCRYPT: Final = "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
_CHEAP: Final = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)
SHIPPED_HASH: Final = _CHEAP.hash("yoto", salt=bytes(16))  # always the same: ids of tests hold it
OWN_HASH: Final = _CHEAP.hash("a password of one's own", salt=bytes(16))
# The earlier product had these from the start; the others came later, and some files never got them.
FIRST_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "users": frozenset({"id", "username", "email", "hashed_password", "created_at"}),
    "audio_files": frozenset({"id", "filename", "size", "created_at"}),
    "settings": frozenset({"id", "key", "value"}),
}


def user(number: int, username: str, **values: Any) -> dict[str, Any]:
    """A row of `users`."""
    row = {
        "id": number, "username": username, "email": None, "hashed_password": HASH, "is_active": 1, "is_admin": 0,
        "created_at": CREATED, "updated_at": CREATED,
    }  # fmt: skip
    return {**row, **values}


def audio(number: int, filename: str, **values: Any) -> dict[str, Any]:
    """A row of `audio_files`."""
    row = {
        "id": number, "filename": filename, "size": 1_024_000, "duration": 120, "transcript": None,
        "transcript_status": "pending", "transcript_error": None, "created_at": CREATED, "updated_at": CREATED,
        "transcribed_at": None, "tts_provider": None, "tts_voice_id": None, "tts_model": None,
    }  # fmt: skip
    return {**row, **values}


def setting(number: int, key: str, value: Any, **values: Any) -> dict[str, Any]:
    """A row of `settings`."""
    return {"id": number, "key": key, "value": value, "created_at": CREATED, "updated_at": CREATED, **values}


def earlier_file(
    path: Path,
    *,
    users: Iterable[Values] = (),
    audio_files: Iterable[Values] = (),
    settings: Iterable[Values] = (),
    is_first: bool = False,
) -> str:
    """A file with these rows; its address. is_first: of the first version, with the first columns alone."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)
        for table, rows in (("users", users), ("audio_files", audio_files), ("settings", settings)):
            if is_first:
                for column in _columns(database, table) - FIRST_COLUMNS[table]:
                    database.execute(f'ALTER TABLE {table} DROP COLUMN "{column}"')
            insert(database, table, rows)
        database.commit()
    return f"sqlite:///{path}"


def insert(database: sqlite3.Connection, table: str, rows: Iterable[Values]) -> None:
    """Of each row the columns that the file has."""
    known = _columns(database, table)
    for row in rows:
        there = {name: value for name, value in row.items() if name in known}
        names = ", ".join(f'"{name}"' for name in there)
        marks = ", ".join("?" * len(there))
        database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(there.values()))  # noqa: S608


def change(path: Path, *statements: str) -> None:
    """Run statements in a file."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(";".join(statements))


def rows_of(path: Path, table: str) -> Sequence[dict[str, Any]]:
    """Every row of a table, by its id."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(f"SELECT * FROM {table} ORDER BY id")]  # noqa: S608


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


# ---- many ------------------------------------------------------------------------------------------------------------


def many_users(count: int) -> Iterator[dict[str, Any]]:
    """Among them administrators, accounts nobody can sign in to, addresses that two have, and names that are none."""
    for number in range(1, count + 1):
        yield user(
            number,
            f"no name {number}" if number % 97 == 0 else f"user_{number}",
            email=None if number % 3 else f"{number - number % 2}@example.com",
            hashed_password=BCRYPT if number % 11 == 0 else HASH,
            is_admin=int(number % 5 == 0),
            is_active=int(number % 7 != 0),
        )


def many_files(count: int) -> Iterator[dict[str, Any]]:
    """In every status, some with a text."""
    statuses = ("pending", "processing", "completed", "error", "cancelled", "disabled", "unheard of")
    for number in range(1, count + 1):
        yield audio(
            number,
            f"100%{number}.mp3" if number % 101 == 0 else f"Story #{number} é.mp3",
            transcript=f"Once upon a time {number}" if number % 2 else None,
            transcript_status=statuses[number % len(statuses)],
            duration=number % 500,
        )
