"""What should be in the tables against what is, by digest, in a SQLite file: two million items in little memory."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Literal, Self

from lambda_src.dynamo.schema import Table
from lambda_src.migration import content
from lambda_src.migration.derive import Derived, derive
from lambda_src.migration.errors import MigrationError
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.target.meeting import is_foreign
from lambda_src.migration.target.place import Place, key_text
from lambda_src.migration.target.scan import pages

type Verdict = Literal["missing", "different", "extra"]

_PAGE_ROWS: Final = 5_000
_ROW_BITS: Final = 40  # of a number for an answer: its stream, then its row
_DUE: Final = """
SELECT 'missing' AS verdict, e.place, e.pk, e.sk, 0 AS untouched FROM expected e
  LEFT JOIN found f USING (place, pk, sk) WHERE f.pk IS NULL
UNION ALL
SELECT 'different', e.place, e.pk, e.sk, f.untouched FROM expected e
  JOIN found f USING (place, pk, sk) WHERE e.digest <> f.digest
"""
_ROWS_DUE: Final = """
SELECT e.answer >> ?, COUNT(DISTINCT e.answer) FROM expected e LEFT JOIN found f USING (place, pk, sk)
  WHERE f.pk IS NULL OR e.digest <> f.digest GROUP BY 1
"""
_ALL: Final = f"""{_DUE}
UNION ALL
SELECT 'extra', f.place, f.pk, f.sk, f.untouched FROM found f
  LEFT JOIN expected e USING (place, pk, sk) WHERE e.pk IS NULL
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """An item that is not as it should be. untouched: the migration wrote it and nobody changed it since."""

    verdict: Verdict
    table: Table
    key: dict[str, str]
    untouched: bool


class Comparison:
    """Digests of the items that follow from a snapshot, and of those that a scan found. Used by one thread."""

    def __init__(self, path: Path, place: Place, *, of_everything: bool = True) -> None:
        """of_everything: what is not expected is extra; else nothing is, because only some items were asked for."""
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        self._place = place
        self._findings = _ALL if of_everything else _DUE
        self._tables = tuple(place.tables())
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -32768", "temp_store = FILE"):
            self._connection.execute(f"PRAGMA {pragma}")
        for name, last in (("expected", "answer"), ("found", "untouched")):
            self._connection.execute(f"CREATE TABLE {name} (place INT, pk TEXT, sk TEXT, digest TEXT, {last} INT)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def expect(self, snapshot: Snapshot, *, on_items: Callable[[int], None] = lambda _: None) -> int:
        """Note every item that follows from the snapshot; how many there are.

        Raises MigrationError when two rows make the same item.
        """
        return self.expect_all(derive(snapshot, self._place.mapping, self._place.migration_id), on_items=on_items)

    def expect_all(self, answers: Iterable[Derived], *, on_items: Callable[[int], None] = lambda _: None) -> int:
        """Note every item of these answers; see `expect`."""
        items = (
            (table, item, answer.after.stream << _ROW_BITS | answer.after.row)
            for answer in answers
            for table, item in answer.items
        )
        total = self._note("expected", items, on_items)
        self._index("expected")
        return total

    def scan(self, *, on_items: Callable[[int], None] = lambda _: None) -> int:
        """Note every item that is there; how many there are. Costs a Scan of each table."""
        place = self._place
        scanned = (
            (table, item, content.is_untouched(item, place.migration_id))
            for table in self._tables
            for item in chain.from_iterable(pages(place, table))
            if not is_foreign(place, item)
        )
        total = self._note("found", scanned, on_items)
        self._index("found")
        return total

    def findings(self) -> Iterator[Finding]:
        """Every item that is not as it should be."""
        for verdict, place, *values, untouched in self._connection.execute(self._findings):
            table = self._tables[place]
            yield Finding(verdict, table, dict(zip(table.key_names, values, strict=False)), bool(untouched))

    def counts(self) -> dict[Verdict, int]:
        """How many items are not as they should be, by verdict."""
        counts: dict[Verdict, int] = {"missing": 0, "different": 0, "extra": 0}
        counts.update(self._connection.execute(f"SELECT verdict, COUNT(*) FROM ({self._findings}) GROUP BY verdict"))
        return counts

    def rows_due(self) -> dict[int, int]:
        """How many answers have an item that is missing or different, by number of their stream."""
        return dict(self._connection.execute(_ROWS_DUE, (_ROW_BITS,)))

    def mark_due(self) -> None:
        """Remember which expected items are missing or different, for `is_due`."""
        self._connection.execute(f"CREATE TABLE due AS SELECT place, pk, sk, verdict FROM ({_DUE})")
        self._index("due")

    def due(self, table: Table, key: dict[str, str]) -> Verdict | None:
        """Whether an item is missing or different; None when it is neither."""
        values = (self._tables.index(table), *_key_pair(key))
        row = self._connection.execute(
            "SELECT verdict FROM due WHERE place = ? AND pk = ? AND sk = ?", values
        ).fetchone()
        return None if row is None else row[0]

    def _note(
        self,
        name: str,
        items: "Iterator[tuple[Table, content.WireItem, int]]",
        on_items: Callable[[int], None],
    ) -> int:
        total = 0
        rows = []
        for table, item, last in items:
            key = key_text(table, item)
            rows.append((self._tables.index(table), *_key_pair(key), content.digest(item), last))
            if len(rows) == _PAGE_ROWS:
                total += self._insert(name, rows)
                on_items(len(rows))
                rows = []
        total += self._insert(name, rows)
        on_items(len(rows))
        return total

    def _insert(self, name: str, rows: Sequence[tuple[object, ...]]) -> int:
        self._connection.execute("BEGIN")
        self._connection.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")
        return len(rows)

    def _index(self, name: str) -> None:
        try:
            self._connection.execute(f"CREATE UNIQUE INDEX {name}_key ON {name} (place, pk, sk)")
        except sqlite3.IntegrityError as exc:
            twice = self._connection.execute(
                f"SELECT pk, sk FROM {name} GROUP BY place, pk, sk HAVING COUNT(*) > 1 LIMIT 1"
            ).fetchone()
            raise MigrationError(
                f"Two rows make the same item {' / '.join(twice)}: the mapping lacks a rule of uniqueness"
            ) from exc


def _key_pair(key: dict[str, str]) -> tuple[str, str]:
    """Partition and sort key; the latter empty where the table has none."""
    partition, *sort = key.values()
    return partition, sort[0] if sort else ""
