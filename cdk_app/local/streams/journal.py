"""What has to outlive a kill: how far each function has read, and which items the sweeper of expired ones removed.

One SQLite file, written to in small transactions: after a kill it holds all that was written, after a power cut
everything up to some moment, and what is missing then is delivered once more.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from botocore.exceptions import ClientError

KEPT_SECONDS: Final = 14 * 86_400  # a stream forgets after a day, but only while its engine runs
ROUNDED_TO_SECONDS: Final = 60  # creation times of records, down
BUSY_SECONDS: Final = 5  # another process that looks into the file

TABLES: Final = """
CREATE TABLE IF NOT EXISTS positions (
    mapping TEXT, stream TEXT, shard TEXT, sequence_number TEXT, PRIMARY KEY (mapping, stream, shard)
);
CREATE TABLE IF NOT EXISTS removals (
    id INTEGER PRIMARY KEY, table_name TEXT, key TEXT, expiry TEXT, since REAL, is_sure INTEGER DEFAULT 0, event_id TEXT
);
CREATE INDEX IF NOT EXISTS removals_by_key ON removals (table_name, key);
"""

type Item = Mapping[str, Any]


class Journal:
    """One file, for all threads of a process. Raises sqlite3.Error when it cannot be written."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._file = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.executescript(TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._file.close()

    # ---- positions -------------------------------------------------------------------------------------------------

    def position(self, mapping: str, stream: str, shard: str) -> str | None:
        """The sequence number up to which all is done; None: nothing is, or it is another stream."""
        found = self._rows(
            "SELECT sequence_number FROM positions WHERE (mapping, stream, shard) = (?, ?, ?)", mapping, stream, shard
        )
        return found[0][0] if found else None

    def save_position(self, mapping: str, stream: str, shard: str, sequence_number: str) -> None:
        self._rows("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)", mapping, stream, shard, sequence_number)

    # ---- removals of expired items ---------------------------------------------------------------------------------

    @contextmanager
    def removing(self, table_name: str, key: Item, expiry: str, *, now: float) -> Iterator[None]:
        """While inside, an item is removed because it expired; nobody is answered `is_removal` meanwhile.

        Noted before, so that a kill in between does not lose it. Taken back when the item was not removed: when what
        is inside raises DynamoDB's refusal of a condition, and raised it at the first try.
        """
        with self._lock:
            self._rows("DELETE FROM removals WHERE since < ?", now - KEPT_SECONDS)
            [[noted]] = self._rows(
                "INSERT INTO removals (table_name, key, expiry, since) VALUES (?, ?, ?, ?) RETURNING id",
                *(table_name, _text(key), expiry, now),
            )
            try:
                yield
            except ClientError as error:
                if _was_refused(error):
                    self.withdraw(noted)
                raise
            self.confirm(noted)

    def unsure(self) -> list[tuple[int, str, Item, str]]:
        """Removals that were cut short, perhaps before the item was gone: number, table, key, expiry."""
        return [
            (number, table_name, json.loads(key, object_hook=_value), expiry)
            for number, table_name, key, expiry in self._rows(
                "SELECT id, table_name, key, expiry FROM removals WHERE NOT is_sure"
            )
        ]

    def confirm(self, number: int) -> None:
        self._rows("UPDATE removals SET is_sure = 1 WHERE id = ?", number)

    def withdraw(self, number: int) -> None:
        self._rows("DELETE FROM removals WHERE id = ?", number)

    def is_removal(self, table_name: str, key: Item, *, event_id: str, expiry: str | None, created_at: float) -> bool:
        """Whether this record of a stream is about an item that was removed because it expired.

        The first record that fits belongs to a removal from then on, so the answer is the same at every reading.
        expiry: of the item that is gone, None where the stream does not tell. created_at: epoch seconds.
        """
        with self._lock:
            text = _text(key)
            fitting = self._rows(
                "SELECT id, event_id FROM removals WHERE table_name = ? AND key = ? AND coalesce(event_id, ?) = ? "
                "AND expiry = coalesce(?, expiry) AND since < ? ORDER BY event_id IS NULL, since LIMIT 1",
                *(table_name, text, event_id, event_id, expiry, created_at + ROUNDED_TO_SECONDS),
            )
            for number, known in fitting:
                if known is None:
                    self._rows("UPDATE removals SET event_id = ? WHERE id = ?", event_id, number)
            return bool(fitting)

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._file.execute(statement, values).fetchall()


def _text(key: Item) -> str:
    return json.dumps(key, sort_keys=True, default=bytes.hex)


def _value(part: dict[str, Any]) -> dict[str, Any]:
    return {"B": bytes.fromhex(part["B"])} if isinstance(part.get("B"), str) else part


def _was_refused(error: ClientError) -> bool:
    """Whether DynamoDB refused a condition for certain: a second try is refused, too, after a first that was lost."""
    is_refusal = error.response["Error"]["Code"] == "ConditionalCheckFailedException"
    return is_refusal and not error.response["ResponseMetadata"].get("RetryAttempts")
