"""BatchGetItem and BatchWriteItem: in chunks, and what comes back unprocessed is asked again, never dropped."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import batched
from typing import Any, Final

from lambda_src.dynamo.calls import Caller
from lambda_src.dynamo.failures import unavailable
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Item, Request, from_item, to_item, to_key

type Send = Callable[[Mapping[str, Sequence[Any]]], Any]
"""Makes a BatchWriteItem call with these writes by physical name; its answer is botocore's."""

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-api
KEYS_PER_READ: Final = 100
ITEMS_PER_WRITE: Final = 25
WIRE_BYTES_PER_WRITE: Final = 15_500_000  # 16 MB, some of it for the headers; 25 items of 400 KB are 10 MB in English,
# and above 16 in scripts whose letters JSON writes as \u1234


def batch_get(caller: Caller, keys: Iterable[tuple[Table, Mapping[str, str]]], *, consistent: bool) -> list[Item]:
    """The items that exist, in any order; see `Store.batch_get`."""
    wanted = {(caller.physical_name(table), *(key[name] for name in table.key_names)): key for table, key in keys}
    items: list[Item] = []
    for chunk in batched(wanted.items(), KEYS_PER_READ, strict=False):
        request: Request = {}
        for (name, *_), key in chunk:
            entry = request.setdefault(name, {"Keys": [], "ConsistentRead": consistent})
            entry["Keys"].append(to_key(key))
        items += _read_all(caller, request)
    return items


def batch_write(
    caller: Caller, table: Table, puts: Iterable[Mapping[str, object]], deletes: Iterable[Mapping[str, str]]
) -> None:
    """Put and delete items; see `Store.batch_write`."""
    writes = _writes(table, puts, deletes)
    left = len(writes)
    name = caller.physical_name(table)
    for chunk in _chunks(writes):
        unwritten = write_all(caller, {name: chunk})
        left -= len(chunk) - unwritten
        if unwritten:
            raise unavailable(f"The service is busy; items still to be written: {left}")


def write_all(caller: Caller, writes: Mapping[str, Sequence[Any]], *, send: Send | None = None) -> int:
    """One BatchWriteItem, by physical name, repeated for what it left; how many writes are left after all rounds.

    The caller keeps to 25 writes, 16 MB and one write per key. send: makes the call, where the client shall not.
    """
    send = send or (lambda left: caller.client.batch_write_item(RequestItems=left))
    left = writes
    for attempt in range(caller.backoff.rounds + 1):
        if attempt:
            caller.pause(attempt - 1)
        left = caller.call(partial(send, left))["UnprocessedItems"]
        if not left:
            break
    return sum(map(len, left.values()))


def _read_all(caller: Caller, request: Request) -> list[Item]:
    items: list[Item] = []
    for attempt in range(caller.backoff.rounds + 1):
        if attempt:
            caller.pause(attempt - 1)
        answer = caller.call(partial(caller.client.batch_get_item, RequestItems=request))
        for found in answer["Responses"].values():
            items += [from_item(item) for item in found]
        request = {**answer["UnprocessedKeys"]}
        if not request:
            return items
    left = sum(len(entry["Keys"]) for entry in request.values())
    raise unavailable(f"The service is busy; items still to be read: {left}")


def _writes(table: Table, puts: Iterable[Mapping[str, object]], deletes: Iterable[Mapping[str, str]]) -> list[Request]:
    """One request per key. Deleting twice is deleting once; DynamoDB takes no other pair of writes of one item."""
    writes: dict[tuple[object, ...], Request] = {}
    for key in deletes:
        writes[tuple(key[name] for name in table.key_names)] = {"DeleteRequest": {"Key": to_key(key)}}
    for item in puts:
        identity = tuple(item[name] for name in table.key_names)
        if identity in writes:
            raise ValueError(f"a batch writes an item of table {table.name} once: {identity}")
        writes[identity] = {"PutRequest": {"Item": to_item(item)}}
    return list(writes.values())


def _chunks(writes: Iterable[Request]) -> Iterator[list[Request]]:
    chunk: list[Request] = []
    size_bytes = 0
    for write in writes:
        more_bytes = wire_bytes(write)
        if chunk and (len(chunk) == ITEMS_PER_WRITE or size_bytes + more_bytes > WIRE_BYTES_PER_WRITE):
            yield chunk
            chunk, size_bytes = [], 0
        chunk.append(write)
        size_bytes += more_bytes
    if chunk:
        yield chunk


def wire_bytes(write: Request) -> int:
    """What a write takes in a request."""
    return len(_ENCODER.encode(write))


def binary_text(content: bytes) -> str:
    """Bytes as JSON for DynamoDB holds them."""
    return base64.b64encode(content).decode()


_ENCODER: Final = json.JSONEncoder(default=binary_text)
