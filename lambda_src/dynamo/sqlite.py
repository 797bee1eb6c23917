"""SQLite as an engine: tables in one file, for one machine, that answer as DynamoDB does.

A write is on disk when it is answered, as SQLite does it unless told otherwise; that is most of what it costs.

Where it differs: indexes are up to date at once; items of one index key are in the order of their primary keys; a
batch is written as a whole; capacity units are not stated. Nothing that starts a function may import this module.
"""

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from lambda_src.dynamo.batches import ITEMS_PER_WRITE, KEYS_PER_READ, binary_text
from lambda_src.dynamo.client import CallRefused, Response
from lambda_src.dynamo.errors import CONDITION_FAILED
from lambda_src.dynamo.evaluation import Attributes, Reader, refused, stored_value
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.dynamo.sqlite_table import KeptTable, UnusableDatabase
from lambda_src.dynamo.values import Request, from_item

APPLICATION_ID: Final = 0x44796E61  # what tells our files from other databases: "Dyna"
VERSION: Final = 1  # of the way in which tables are kept
BUSY_SECONDS: Final = 5.0  # how long a call waits for another process that writes
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
BATCH_BYTES: Final = 16 * 1024 * 1024
TRANSACTION_BYTES: Final = 4 * 1024 * 1024
TOKEN_SECONDS: Final = 600
ACTIONS_PER_TRANSACTION: Final = 100

_DONE: Final = '"(done)"'  # transactions that went through; no table of DynamoDB can have this name
_KINDS: Final = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}


class SqliteClient:
    """An engine on a file, or in memory where the path is `:memory:`. Safe to use from many threads and processes.

    tables: by physical name; they are made, and given new indexes, where they lack. seconds: the time, since 1970.
    Raises UnusableDatabase. What is in memory ends with `close`.
    """

    def __init__(
        self, path: Path | str, tables: Mapping[str, Table], *, seconds: Callable[[], float] = time.time
    ) -> None:
        self._path = str(path)
        self._tables = {name: KeptTable(name, table) for name, table in tables.items()}
        self._seconds = seconds
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = self._opened()

    def call(self, operation: str, request: Request, pattern: str) -> Response:  # noqa: ARG002 -- for who stands around
        with self._database() as database:
            return self._answer(database, operation, request)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def delete_expired(self) -> int:
        """Delete the items whose time is over by their table's TTL; how many. Until then they are found as ever."""
        with self._database() as database, _writing(database):
            return sum(kept.delete_expired(database, self._seconds()) for kept in self._tables.values())

    # ---- the file ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """For one thread at a time. What SQLite cannot do now, busy for too long or out of space, may work later."""
        try:
            with self._lock:
                self._connection = self._connection or self._opened()
                yield self._connection
        except sqlite3.Error as exc:
            raise CallRefused("InternalServerError", str(exc), status=500) from exc

    def _opened(self) -> sqlite3.Connection:
        with ExitStack() as undo:
            try:
                database = sqlite3.connect(
                    self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
                )
                undo.callback(database.close)
                with _writing(database):
                    self._refuse_foreign(database)
                    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    database.execute(f"PRAGMA user_version = {VERSION}")
                    database.execute(
                        f"CREATE TABLE IF NOT EXISTS {_DONE} (token TEXT PRIMARY KEY, digest TEXT, at REAL)"
                    )
                    database.execute(f'CREATE INDEX IF NOT EXISTS "(done) by at" ON {_DONE} (at)')
                    for kept in self._tables.values():
                        kept.make(database)
                with suppress(sqlite3.OperationalError):  # busy, as somebody else opens it: who does so alone succeeds
                    database.execute("PRAGMA journal_mode = WAL")
            except sqlite3.Error as exc:
                raise UnusableDatabase(f"{self._path}: {exc}") from exc
            undo.pop_all()
        return database

    def _refuse_foreign(self, database: sqlite3.Connection) -> None:
        questions = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_schema")
        maker, version, count = (database.execute(question).fetchone()[0] for question in questions)
        if maker != APPLICATION_ID and (maker or version or count):
            raise UnusableDatabase(f"{self._path} is a database of another program")
        if version > VERSION:
            raise UnusableDatabase(f"{self._path} is of version {version}, and this program knows {VERSION}")

    # ---- operations --------------------------------------------------------------------------------------------------

    def _answer(self, database: sqlite3.Connection, operation: str, request: Request) -> Response:
        match operation:
            case "GetItem":
                kept = self._kept(request["TableName"])
                item, _ = kept.find(database, kept.key(request["Key"]))
                return {"Item": item} if item else {}
            case "BatchGetItem":
                return self._batch_get(database, request["RequestItems"])
            case "Query":
                return self._kept(request["TableName"]).query(database, request)
            case "PutItem" | "UpdateItem" | "DeleteItem":
                write = _Write(self._kept(request["TableName"]), _KINDS[operation], request)
                with _writing(database):
                    return write.carry_out(database)
            case "BatchWriteItem":
                return self._batch_write(database, request["RequestItems"])
            case "TransactWriteItems":
                return self._transact(database, request["TransactItems"], request["ClientRequestToken"])
        raise CallRefused("UnknownOperationException", operation)

    def _kept(self, name: str) -> KeptTable:
        try:
            return self._tables[name]
        except KeyError:
            raise CallRefused("ResourceNotFoundException", f"there is no table {name}") from None

    def _batch_get(self, database: sqlite3.Connection, entries: Mapping[str, Any]) -> Response:
        keys = [(self._kept(name), key) for name, entry in entries.items() for key in entry["Keys"]]
        _refuse_too_many_or_repeated([(kept.name, kept.key(key)) for kept, key in keys], KEYS_PER_READ)
        found: dict[str, list[Attributes]] = {name: [] for name in entries}
        left: dict[str, Any] = {}
        size_bytes = 0
        for kept, key in keys:
            item, item_bytes = kept.find(database, kept.key(key))
            size_bytes += item_bytes
            if size_bytes > BATCH_BYTES:
                left.setdefault(kept.name, {**entries[kept.name], "Keys": []})["Keys"].append(key)
            elif item:
                found[kept.name].append(item)
        return {"Responses": found, "UnprocessedKeys": left}

    def _batch_write(self, database: sqlite3.Connection, entries: Mapping[str, Any]) -> Response:
        writes = [
            _Write(self._kept(name), kind.removesuffix("Request"), request)
            for name, requests in entries.items()
            for entry in requests
            for kind, request in entry.items()
        ]
        _refuse_too_many_or_repeated([write.identity for write in writes], ITEMS_PER_WRITE)
        with _writing(database):
            for write in writes:
                write.carry_out(database)
        return {"UnprocessedItems": {}}

    def _transact(self, database: sqlite3.Connection, entries: Sequence[Mapping[str, Any]], token: str) -> Response:
        actions = [pair for entry in entries for pair in entry.items()]
        writes = [_Write(self._kept(request["TableName"]), kind, request) for kind, request in actions]
        _refuse_too_many_or_repeated([write.identity for write in writes], ACTIONS_PER_TRANSACTION)
        if sum(write.size_bytes for write in writes) > TRANSACTION_BYTES:
            raise refused("Transaction payload size cannot exceed 4MB")
        digest = hashlib.sha256(json.dumps(entries, default=binary_text, sort_keys=True).encode()).hexdigest()
        with _writing(database):
            database.execute(f"DELETE FROM {_DONE} WHERE at < ?", (self._seconds() - TOKEN_SECONDS,))
            for (done,) in database.execute(f"SELECT digest FROM {_DONE} WHERE token = ?", (token,)):
                if done != digest:
                    raise CallRefused("IdempotentParameterMismatchException")
                return {}
            reasons = [write.reason(database) for write in writes]
            if any(reason["Code"] != "None" for reason in reasons):
                raise CallRefused("TransactionCanceledException", reasons=reasons)
            database.execute(f"INSERT INTO {_DONE} VALUES (?, ?, ?)", (token, digest, self._seconds()))
        return {}


class _Write:
    """One write, or the check of a transaction. Raises CallRefused for what can be refused without looking."""

    def __init__(self, kept: KeptTable, kind: str, request: Request) -> None:
        reader = Reader(request)
        self._kept = kept
        self._kind = kind
        self._request = request
        self._holds = reader.condition("ConditionExpression")
        self._steps = reader.steps()
        if not {step.name for step in self._steps}.isdisjoint(kept.table.key_names):
            raise refused("Cannot update an attribute that is part of the key")
        named = request["Item" if kind == "Put" else "Key"]
        self._item = {name: stored_value(value) for name, value in named.items()}
        self._key = kept.key_of(self._item) if kind == "Put" else kept.key(self._item)
        self._row = kept.row(self._item) if kind == "Put" else ()
        values = request.get("ExpressionAttributeValues", {})
        self.identity: Final = (kept.name, self._key)
        self.size_bytes: Final = item_size_bytes(from_item({**self._item, **values}))

    def carry_out(self, database: sqlite3.Connection) -> Response:
        """Write, and the answer. Raises CallRefused when the condition does not hold."""
        before, _ = self._kept.find(database, self._key)
        if not self._holds(before or {}):
            is_asked = self._request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            message = "The conditional request failed"
            raise CallRefused("ConditionalCheckFailedException", message, item=before if is_asked else None)
        after = dict(before or self._item)
        match self._kind:
            case "Put":
                self._kept.put(database, self._row)
            case "Update":
                for step in self._steps:
                    step.apply(after)
                self._kept.put(database, self._kept.row(after))
            case "Delete":
                self._kept.remove(database, self._key)
        changed = {step.name: after[step.name] for step in self._steps if step.name in after}
        shown = {"ALL_OLD": before, "ALL_NEW": after, "UPDATED_NEW": changed}.get(self._request.get("ReturnValues", ""))
        return {"Attributes": shown} if shown else {}

    def reason(self, database: sqlite3.Connection) -> Mapping[str, Any]:
        """Write, and why not, as a cancelled transaction says it of its actions."""
        try:
            self.carry_out(database)
        except CallRefused as exc:
            code = CONDITION_FAILED if exc.code == "ConditionalCheckFailedException" else "ValidationError"
            return {"Code": code, "Message": exc.message, **({"Item": exc.item} if exc.item else {})}
        return {"Code": "None"}


@contextmanager
def _writing(database: sqlite3.Connection) -> Iterator[None]:
    """One transaction, that nobody else writes in the middle of."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        yield


def _refuse_too_many_or_repeated(identities: Sequence[object], most: int) -> None:
    if len(identities) > most:
        raise refused(f"Too many items requested: {len(identities)}")
    if len(set(identities)) < len(identities):
        raise refused("A request cannot name an item twice")
