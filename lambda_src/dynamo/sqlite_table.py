"""A declared table as SQLite keeps it: how items are stored, found and listed.

It has a column for each key attribute, so that SQLite keeps the indexes; beside them stand the item as JSON, in the
form of DynamoDB's answers, and its size.
"""

import base64
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Any, Final

from lambda_src.dynamo.batches import binary_text
from lambda_src.dynamo.client import CallRefused, Response
from lambda_src.dynamo.evaluation import Attributes, Reader, refused
from lambda_src.dynamo.keys import PARTITION_KEY_BYTES, SORT_KEY_BYTES
from lambda_src.dynamo.schema import Index, Table
from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.dynamo.values import AttributeValue, Request, from_item

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
ITEM_BYTES: Final = 400 * 1024
PAGE_BYTES: Final = 1024 * 1024

type Key = tuple[bytes, ...]
type Row = tuple[bytes | str | int | None, ...]  # key attributes, the item, its size

_ITEM: Final = '"(item)"'  # columns whose names no attribute has
_SIZE: Final = '"(size)"'
_RANGES: Final = {"BETWEEN": "{0} BETWEEN ? AND ?", "begins_with": "{0} >= ? AND {0} < ?"}
_BEHIND_ALL: Final = b"\xff"  # in no UTF-8


class UnusableDatabase(Exception):
    """The file is no database of this engine, or one of a later version. It was left as it is."""


class KeptTable:
    """A declared table as SQLite keeps it."""

    def __init__(self, name: str, table: Table) -> None:
        self.name: Final = name
        self.table: Final = table
        self._indexes = {index.name: index for index in table.indexes}
        partitions = {table.partition, *(index.partition for index in table.indexes)}
        self._limits = {
            each: PARTITION_KEY_BYTES if each in partitions else SORT_KEY_BYTES for each in table.key_attributes()
        }
        self._name = _quoted(name)
        columns = (*map(_quoted, self._limits), _ITEM, _SIZE)
        is_it = " AND ".join(f"{_quoted(each)} = ?" for each in table.key_names)
        self._find = f"SELECT {_ITEM}, {_SIZE} FROM {self._name} WHERE {is_it}"
        self._remove = f"DELETE FROM {self._name} WHERE {is_it}"
        self._put = f"REPLACE INTO {self._name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"

    def make(self, database: sqlite3.Connection) -> None:
        """Make what there is not yet. Items from before are taken into new indexes, as far as they have its keys."""
        keys = _listed(self.table.key_names)
        columns = ", ".join(f"{_quoted(each)} BLOB" for each in self.table.key_names)
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {self._name} ({columns}, {_ITEM} TEXT, {_SIZE} INTEGER, PRIMARY KEY ({keys}))"
        )
        known = database.execute(f"PRAGMA table_info({self._name})").fetchall()
        if {row[1] for row in known if row[5]} != set(self.table.key_names):
            raise UnusableDatabase(f"table {self.name} was made with another primary key than {keys}")
        added = self._limits.keys() - {row[1] for row in known}
        for name in added:
            database.execute(f"ALTER TABLE {self._name} ADD COLUMN {_quoted(name)} BLOB")
        for index in self.table.indexes:
            columns, there = _listed(self._order(index)), _all_there(index.attributes)
            name = _quoted(f"{self.name} by {', '.join(index.attributes)}")
            database.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {self._name} ({columns}) WHERE {there}")
        if added:
            for (text,) in database.execute(f"SELECT {_ITEM} FROM {self._name}").fetchall():
                with suppress(CallRefused):
                    self.put(database, self.row(_decoded(text)))

    # ---- items -------------------------------------------------------------------------------------------------------

    def key(self, attributes: Attributes) -> Key:
        """The primary key that a request names."""
        if attributes.keys() != set(self.table.key_names):
            raise refused("The number of conditions on the keys is invalid")
        return self.key_of(attributes)

    def key_of(self, item: Attributes) -> Key:
        return tuple(self._key_value(name, item.get(name, {})) for name in self.table.key_names)

    def row(self, item: Attributes) -> Row:
        """What is kept of an item. Raises CallRefused for one that DynamoDB does not store."""
        size_bytes = item_size_bytes(from_item(item))
        if size_bytes > ITEM_BYTES:
            raise refused("Item size has exceeded the maximum allowed size")
        keys = [self._key_value(name, item[name]) if name in item else None for name in self._limits]
        return (*keys, _encoded(item), size_bytes)

    def find(self, database: sqlite3.Connection, key: Key) -> tuple[Attributes | None, int]:
        """The item and its size; None and 0 where there is none."""
        found = database.execute(self._find, key).fetchone()
        return (_decoded(found[0]), found[1]) if found else (None, 0)

    def put(self, database: sqlite3.Connection, row: Row) -> None:
        database.execute(self._put, row)

    def remove(self, database: sqlite3.Connection, key: Key) -> None:
        database.execute(self._remove, key)

    def delete_expired(self, database: sqlite3.Connection, now: float) -> int:
        if self.table.ttl is None:
            return 0
        expiry = f"CAST(json_extract({_ITEM}, ?) AS INTEGER)"
        path = f"$.{_quoted(self.table.ttl)}.N"
        return database.execute(f"DELETE FROM {self._name} WHERE {expiry} < ?", (path, int(now))).rowcount

    def _key_value(self, name: str, value: AttributeValue) -> bytes:
        content: str = value.get("S", "")
        if not content:
            raise refused(f"A key must be text, and not be empty: {name}")
        key = content.encode(errors="surrogatepass")
        if len(key) > self._limits[name]:
            raise refused(f"A key has more than {self._limits[name]} bytes: {name}")
        return key

    # ---- lists -------------------------------------------------------------------------------------------------------

    def query(self, database: sqlite3.Connection, request: Request) -> Response:
        """A page: up to the limit, or to the item with which it has a megabyte."""
        index, reader = self._index(request), Reader(request)
        holds, wanted = reader.condition("FilterExpression"), reader.names("ProjectionExpression")
        found: list[Attributes] = []
        last: Attributes | None = None
        read, size_bytes, limit = 0, 0, request.get("Limit")
        with closing(database.execute(*self._select(request, index, reader))) as rows:
            for text, item_bytes in rows:
                if size_bytes >= PAGE_BYTES:
                    break
                last = _decoded(text)
                read += 1
                size_bytes += item_bytes
                entry = {name: value for name, value in last.items() if self._shows(index, name)}
                if holds(entry):
                    found.append({name: value for name, value in entry.items() if not wanted or name in wanted})
                if read == limit:
                    break
            else:
                last = None
        answer: dict[str, Any] = {"Count": len(found), "ScannedCount": read}
        if request.get("Select") != "COUNT":
            answer["Items"] = found
        if last is not None:
            answer["LastEvaluatedKey"] = {name: last[name] for name in self._order(index)}
        return answer

    def _index(self, request: Request) -> Index | None:
        if "IndexName" not in request:
            return None
        index = self._indexes.get(request["IndexName"])
        if index is None:
            raise refused("The table does not have the specified index")
        if request.get("ConsistentRead"):
            raise refused("Consistent reads are not supported on global secondary indexes")
        return index

    def _shows(self, index: Index | None, name: str) -> bool:
        return index is None or name in self._order(index) or index.holds(name)

    def _order(self, index: Index | None) -> tuple[str, ...]:
        """The attributes that a list is in the order of, its partition first."""
        return tuple(dict.fromkeys((*(index.attributes if index else ()), *self.table.key_names)))

    def _select(self, request: Request, index: Index | None, reader: Reader) -> tuple[str, list[bytes]]:
        keys, order = index.attributes if index else self.table.key_names, self._order(index)
        asked = reader.names("FilterExpression")
        if not asked.isdisjoint(keys):
            raise refused("Filter Expression can only contain non-primary key attributes")
        if not all(self._shows(index, name) for name in asked | reader.names("ProjectionExpression")):
            raise refused("The index does not project one or more attributes")
        parts, values = [_all_there(keys)], []
        for name, word, operands in reader.key_tests():
            bounds = [self._key_value(name, operand) for operand in operands]
            parts.append(_RANGES.get(word, f"{{0}} {word} ?").format(_quoted(name)))
            values += [*bounds, bounds[0] + _BEHIND_ALL] if word == "begins_with" else bounds
        is_down = not request.get("ScanIndexForward", True)
        rest = order[1:] or order
        if start := request.get("ExclusiveStartKey"):
            if start.keys() != set(order) or not reader.condition("KeyConditionExpression")(start):
                raise refused("The provided starting key does not match the range key predicate")
            parts.append(f"({_listed(rest)}) {'<' if is_down else '>'} ({', '.join('?' * len(rest))})")
            values += [self._key_value(name, start[name]) for name in rest]
        sorting = ", ".join(f"{_quoted(name)} {'DESC' if is_down else 'ASC'}" for name in rest)
        where = " AND ".join(parts)
        return f"SELECT {_ITEM}, {_SIZE} FROM {self._name} WHERE {where} ORDER BY {sorting}", values


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(_quoted, names))


def _all_there(names: Iterable[str]) -> str:
    return " AND ".join(f"{_quoted(name)} IS NOT NULL" for name in names)


def _encoded(item: Attributes) -> str:
    return json.dumps(item, default=binary_text, separators=(",", ":"))


def _decoded(text: str) -> Attributes:
    item: Attributes = json.loads(text, object_hook=_binary if '{"B":"' in text else None)
    return item


def _binary(value: dict[str, Any]) -> dict[str, Any]:
    """An attribute named B of a map is no text, but a value of some type."""
    content = value.get("B")
    return {"B": base64.b64decode(content)} if isinstance(content, str) else value
