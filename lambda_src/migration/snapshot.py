"""The rows of the source at one instant, in a SQLite file, with what was decided about each.

Everything after the reading works on this file: joins, order and sums come from SQLite, so that memory stays small
however many rows there are, keys sort by bytes whatever collation the source has, and a run that was killed goes on
with the very rows it began with. It holds personal data: the file is readable by its owner only.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from itertools import batched
from pathlib import Path
from typing import Any, Final, Self

from lambda_src.errors import AppError
from lambda_src.migration.mapping import Parent, Reject, Resident, Row, Scalar, ServiceMapping, SourceTable, Unique

_ROWS_PER_INSERT: Final = 50  # a text may have a megabyte
_DIGEST_BITS: Final = 256
INTEGERS: Final = range(-(2**63), 2**63)
"""What SQLite holds, and PostgreSQL."""
_PRAGMAS: Final = (
    "PRAGMA journal_mode = MEMORY",  # what a kill or a power cut breaks is read again: only a finished
    "PRAGMA synchronous = OFF",  # snapshot is used
    "PRAGMA cache_size = -32768",  # 32 MB, and as much again while it sorts
    "PRAGMA temp_store = FILE",
)


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished snapshot: when it was taken, what it was taken for, rows by table, and a digest of all of them.

    begun_at: of the migration, and the digest has what the rows met, where the mapping asks for that.
    """

    taken_at: str
    mapping_version: str
    rows: Mapping[str, int]
    digest: str
    begun_at: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows by table: read, and of those rejected. kinds: the rejected ones by table and kind."""

    read: Mapping[str, int]
    rejected: Mapping[str, int]
    kinds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that becomes no item, and why."""

    table: str
    key: Mapping[str, Scalar]
    kind: str
    column: str
    reason: str
    row: Row

    def as_json(self) -> dict[str, Any]:
        """The line of the reject file."""
        return asdict(self)


class Snapshot:
    """Rows as they were read, and the fields they were prepared to. Used by one thread."""

    def __init__(self, path: Path, mapping: ServiceMapping) -> None:
        self.path = path
        self._mapping = mapping
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._loaded: dict[str, int] = {}
        self._digest_sum = 0  # so that the digest does not depend on the order of the rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _prepare(self) -> None:
        for pragma in _PRAGMAS:
            self._connection.execute(pragma)

    # ---- taking one ------------------------------------------------------------------------------------------------

    @classmethod
    def begin(cls, path: Path, mapping: ServiceMapping) -> "Snapshot":
        """An empty one; an older file of this name is removed."""
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        snapshot = cls(path, mapping)
        snapshot._prepare()
        execute = snapshot._connection.execute
        execute("CREATE TABLE summary (text TEXT NOT NULL)")
        execute("CREATE TABLE warnings (source TEXT NOT NULL, kind TEXT NOT NULL, sentence TEXT NOT NULL, times INT)")
        execute("CREATE TABLE residents (kind TEXT NOT NULL, name NOT NULL, fields TEXT NOT NULL)")
        for source in mapping.sources:
            fields = ", ".join(_name(field) for field in source.fields)  # without a type SQLite keeps values as given
            execute(
                f"CREATE TABLE {_name(source.name)} "
                f"(n INTEGER PRIMARY KEY, raw TEXT NOT NULL, reject TEXT, reason TEXT, at TEXT, {fields})"
            )
        return snapshot

    def load(self, source: SourceTable, rows: Iterable[Row]) -> int:
        """Prepare and keep the rows of a table; how many there are."""
        total = 0
        columns = ("raw", "reject", "reason", "at", *source.fields)
        insert = (
            f"INSERT INTO {_name(source.name)} ({', '.join(map(_name, columns))}) "
            f"VALUES ({', '.join('?' * len(columns))})"
        )
        for chunk in batched(rows, _ROWS_PER_INSERT, strict=False):
            values = []
            warnings: list[tuple[str, str, str]] = []
            for row in chunk:
                raw = _dense(row)
                self._digest_sum += int.from_bytes(blake2b(f"{source.name}{raw}".encode(), digest_size=32).digest())
                if source.confidential:
                    raw = _dense({name: value for name, value in row.items() if name not in source.confidential})
                values.append((raw, *_prepared(source, row, warnings)))
            self._connection.execute("BEGIN")
            self._connection.executemany(insert, values)
            self._connection.executemany("INSERT INTO warnings VALUES (?, ?, ?, 1)", warnings)
            self._connection.execute("COMMIT")
            total += len(chunk)
        self._loaded[source.name] = total
        return total

    def finish(self, *, taken_at: str, mapping_version: str) -> Summary:
        """Decide what needs more than one row to decide, and call the snapshot finished."""
        self._connection.execute("BEGIN")
        for source in self._mapping.sources:
            self._index(source)
            for rule in source.rules:
                match rule:
                    case Unique():
                        self._keep_first(source, rule)
                    case Parent():
                        self._keep_children(source, rule)
        self._mapping.settle(self)
        digest = f"{self._digest_sum % 2**_DIGEST_BITS:064x}"
        summary = Summary(taken_at, mapping_version, self._loaded, digest)
        self._connection.execute("INSERT INTO summary VALUES (?)", (json.dumps(asdict(summary)),))
        self._connection.execute("COMMIT")
        self._connection.execute("ANALYZE")
        return summary

    def meet(self, residents: Iterable[Resident], begun_at: str) -> None:
        """Let the rows meet what is in the tables; once, before anything is asked of them."""
        meeting = self._mapping.meeting
        assert meeting is not None
        told = _in_order(residents)
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO residents VALUES (?, ?, ?)", told)
        self._connection.execute("CREATE INDEX residents_name ON residents (kind, name)")
        meeting.settle(self, begun_at)
        summary = self.summary()
        digest = blake2b(_dense([summary.digest, begun_at, told]).encode(), digest_size=32).hexdigest()
        met = replace(summary, digest=digest, begun_at=begun_at)
        self._connection.execute("UPDATE summary SET text = ?", (json.dumps(asdict(met)),))
        self._connection.execute("COMMIT")

    def has_met(self, residents: Iterable[Resident], begun_at: str) -> bool:
        """Whether these are what the rows met."""
        found = self._connection.execute("SELECT kind, name, fields FROM residents").fetchall()
        return self.summary().begun_at == begun_at and sorted(map(tuple, found), key=str) == _in_order(residents)

    # ---- reading one -----------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, path: Path, mapping: ServiceMapping) -> "Snapshot | None":
        """The finished snapshot in this file, None where there is none."""
        if not path.exists():
            return None
        snapshot = cls(path, mapping)
        try:
            snapshot._prepare()
            snapshot.summary()
        except (sqlite3.DatabaseError, TypeError):  # cut off while it was taken
            snapshot._connection.close()
            return None
        return snapshot

    def summary(self) -> Summary:
        """Raises DatabaseError or TypeError when the snapshot is not finished."""
        return Summary(**json.loads(self._connection.execute("SELECT text FROM summary").fetchone()["text"]))

    def rows(self, query: str, *values: Scalar) -> Iterator[Row]:
        """The answers to a question, one at a time."""
        with closing(self._connection.cursor()) as cursor:
            for row in cursor.execute(query, [storable(value) for value in values]):
                yield dict(row)

    def count(self, query: str, *values: Scalar) -> int:
        """How many answers a question has."""
        found: int = self._connection.execute(f"SELECT COUNT(*) FROM ({query})", values).fetchone()[0]
        return found

    def rejected(self) -> Iterator[Rejected]:
        """Every row that becomes no item, by table and key."""
        for source in self._mapping.sources:
            query = f"SELECT raw, reject, reason, at FROM {_name(source.name)} WHERE reject IS NOT NULL ORDER BY n"
            for row in self.rows(query):
                raw = json.loads(str(row["raw"]))
                yield Rejected(
                    table=source.name,
                    key={name: raw.get(name) for name in source.key},
                    kind=str(row["reject"]),
                    column=str(row["at"] or ""),
                    reason=str(row["reason"]),
                    row=raw,
                )

    def reject_counts(self) -> dict[str, Counter[str]]:
        """Rejected rows by table and kind."""
        return {
            source.name: Counter(
                {
                    str(row["reject"]): int(row["c"] or 0)
                    for row in self.rows(
                        f"SELECT reject, COUNT(*) AS c FROM {_name(source.name)} "
                        "WHERE reject IS NOT NULL GROUP BY reject"
                    )
                }
            )
            for source in self._mapping.sources
        }

    def tally(self) -> Tally:
        """How many rows there are, and how many of them become no item."""
        kinds = self.reject_counts()
        return Tally(self.summary().rows, {name: of.total() for name, of in kinds.items()}, kinds)

    def warnings(self) -> list[Row]:
        """What was kept although it is not as it should be: table, kind, how often, one sentence of them."""
        return list(
            self.rows(
                "SELECT source, kind, SUM(times) AS times, MIN(sentence) AS sentence FROM warnings "
                "GROUP BY source, kind ORDER BY source, kind"
            )
        )

    def notes(self) -> Iterator[Row]:
        """Every one of them."""
        return self.rows('SELECT source AS "table", kind, sentence FROM warnings ORDER BY rowid')

    # ---- deciding --------------------------------------------------------------------------------------------------

    def reject(self, table: str, row: int, reject: Reject) -> None:
        """Decide that a row becomes no item. row: its `n`."""
        self._connection.execute(
            f"UPDATE {_name(table)} SET reject = ?, reason = ?, at = ? WHERE n = ?",
            (reject.kind, reject.reason, reject.column, row),
        )

    def change(self, table: str, row: int, fields: Mapping[str, Scalar]) -> None:
        """Decide that a row is prepared differently. row: its `n`."""
        sets = ", ".join(f"{_name(field)} = ?" for field in fields)
        self._connection.execute(f"UPDATE {_name(table)} SET {sets} WHERE n = ?", (*fields.values(), row))

    def warn(self, table: str, kind: str, sentence: str, *, times: int = 1) -> None:
        """Note something that is kept although it is not as it should be. times: in how many rows."""
        self._connection.execute("INSERT INTO warnings VALUES (?, ?, ?, ?)", (table, kind, sentence, times))

    def _index(self, source: SourceTable) -> None:
        """One index per question the rules ask, and for the key, by which streams are ordered and rows found."""
        wanted = {fields for fields in (source.key, source.found_by) if fields and set(fields) <= set(source.fields)}
        for rule in source.rules:
            wanted.add(rule.fields if isinstance(rule, Unique) else (rule.field,))
        for number, fields in enumerate(sorted(wanted)):
            columns = ", ".join(map(_name, fields))
            self._connection.execute(
                f"CREATE INDEX {_name(f'{source.name}_{number}')} ON {_name(source.name)} ({columns})"
            )

    def _keep_first(self, source: SourceTable, rule: Unique) -> None:
        table, fields = _name(source.name), ", ".join(map(_name, rule.fields))
        order = ", ".join(map(_name, (*rule.order, "n")))
        present = " AND ".join(f"{_name(field)} IS NOT NULL" for field in rule.fields)
        self._connection.execute(
            f"UPDATE {table} SET reject = ?, at = ?, reason = 'kept is the row that comes first' WHERE n IN ("
            f"SELECT n FROM (SELECT n, ROW_NUMBER() OVER (PARTITION BY {fields} ORDER BY {order}) AS place "
            f"FROM {table} WHERE reject IS NULL AND {present}) WHERE place > 1)",
            (rule.kind, ", ".join(rule.fields)),
        )

    def _keep_children(self, source: SourceTable, rule: Parent) -> None:
        table, parent = _name(source.name), _name(rule.table)
        is_parent = f"{parent}.{_name(rule.key)} = {table}.{_name(rule.field)}"
        self._connection.execute(
            f"UPDATE {table} SET reject = ?, at = ?, reason = CASE "
            f"WHEN EXISTS (SELECT 1 FROM {parent} WHERE {is_parent}) THEN 'its parent was rejected' "
            f"ELSE 'it has no parent' END WHERE reject IS NULL AND NOT EXISTS "
            f"(SELECT 1 FROM {parent} WHERE {is_parent} AND {parent}.reject IS NULL)",
            (rule.kind, rule.field),
        )


def _dense(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _in_order(residents: Iterable[Resident]) -> list[tuple[str, Scalar, str]]:
    told = ((each.kind, each.name, _dense(dict(sorted(each.fields.items())))) for each in residents)
    return sorted(told, key=str)


def _prepared(source: SourceTable, row: Row, warnings: list[tuple[str, str, str]]) -> tuple[Scalar, ...]:
    """Reject kind, reason and column, and the fields; of a rejected row only those of its key."""
    try:
        fields = source.prepare(row, lambda kind, sentence: warnings.append((source.name, kind, sentence)))
    except Reject as reject:
        return (reject.kind, reject.reason, reject.column, *_key_fields(source, row))
    except AppError as error:  # a rule of the service refuses the value
        return ("invalid_value", error.detail, "", *_key_fields(source, row))
    values = tuple(fields[name] for name in source.fields)
    for name, value in zip(source.fields, values, strict=True):
        if storable(value) is not value:
            reason = f"{value} is no integer of 64 bits with a sign"
            return ("integer_out_of_range", reason, name, *_key_fields(source, row))
    return (None, None, None, *values)


def _key_fields(source: SourceTable, row: Row) -> tuple[Scalar, ...]:
    return tuple(storable(row.get(name)) if name in source.key else None for name in source.fields)


def storable(value: Scalar) -> Scalar:
    """As text what SQLite's integers of 64 bits do not hold: MySQL's `BIGINT UNSIGNED` needs one bit more."""
    return str(value) if isinstance(value, int) and value not in INTEGERS else value


def _name(text: str) -> str:
    """A name quoted for SQLite."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"'
