"""BatchGetItem and BatchWriteItem: in chunks, and what comes back unprocessed is asked again, never dropped."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from typing import Any, Final

from lambda_src.dynamo.calls import RetryingClient
from lambda_src.dynamo.failures import unavailable
from lambda_src.dynamo.schema import AccessPattern, ItemKey, Table
from lambda_src.dynamo.values import AttributeValue, Request, to_item, to_key

type Send = Callable[[Mapping[str, Sequence[Any]]], Mapping[str, Any]]
"""Makes a BatchWriteItem call with these writes by physical name; its answer is DynamoDB's."""

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-api
KEYS_PER_READ: Final = 100
ITEMS_PER_WRITE: Final = 25
WIRE_BYTES_PER_WRITE: Final = 15_500_000  # 16 MB, some of it for the headers; 25 items of 400 KB are 10 MB in English,
# and above 16 in scripts whose letters JSON writes as \u1234


def batch_get(
    caller: RetryingClient, pattern: AccessPattern[Any], keys: Iterable[ItemKey], *, consistent: bool
) -> list[Mapping[str, AttributeValue]]:
    """The items that exist, in any order; see `Store.batch_get`."""
    name = caller.physical_name(pattern.table)
    wanted = {tuple(key.values.values()): key.values for key in keys}
    items: list[Mapping[str, AttributeValue]] = []
    for chunk in batched(wanted.values(), KEYS_PER_READ, strict=False):
        entry = {"Keys": [to_key(key) for key in chunk], "ConsistentRead": consistent}
        items += _read_all(caller, pattern, {name: entry})
    return items


def batch_write(
    caller: RetryingClient,
    pattern: AccessPattern[Any],
    puts: Iterable[Mapping[str, object]],
    deletes: Iterable[Mapping[str, str]],
) -> None:
    """Put and delete items; see `Store.batch_write`."""
    writes = _writes(pattern.table, puts, deletes)
    left = len(writes)
    name = caller.physical_name(pattern.table)

    def send(entries: Mapping[str, Sequence[Any]]) -> Mapping[str, Any]:
        return caller.client.call("BatchWriteItem", {"RequestItems": entries}, pattern.name)

    for chunk in chunks(writes, _wire_bytes, most=ITEMS_PER_WRITE, most_bytes=WIRE_BYTES_PER_WRITE):
        unwritten = write_all(caller, {name: chunk}, send=send)
        left -= len(chunk) - unwritten
        if unwritten:
            raise unavailable(f"The service is busy; items still to be written: {left}")


def write_all(caller: RetryingClient, writes: Mapping[str, Sequence[Any]], *, send: Send) -> int:
    """One BatchWriteItem, by physical name, repeated for what it left; how many writes are left after all rounds.

    The caller keeps to 25 writes, 16 MB and one write per key. send: makes the call.
    """
    left = writes
    for attempt in range(caller.backoff.rounds + 1):
        if attempt:
            caller.pause(attempt - 1)
        entries = left
        left = caller.repeated(lambda entries=entries: send(entries))["UnprocessedItems"]  # type: ignore[misc]
        if not left:
            break
    return sum(map(len, left.values()))


def _read_all(
    caller: RetryingClient, pattern: AccessPattern[Any], request: Request
) -> list[Mapping[str, AttributeValue]]:
    items: list[Mapping[str, AttributeValue]] = []
    for attempt in range(caller.backoff.rounds + 1):
        if attempt:
            caller.pause(attempt - 1)
        answer = caller.call("BatchGetItem", {"RequestItems": request}, pattern.name)
        for found in answer["Responses"].values():
            items += found
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


def chunks[E](entries: Iterable[E], size_bytes: Callable[[E], int], *, most: int, most_bytes: int) -> Iterator[list[E]]:
    """Entries in requests, in order, split by their number and their size; one that is too large goes alone."""
    chunk: list[E] = []
    chunk_bytes = 0
    for entry in entries:
        more_bytes = size_bytes(entry)
        if chunk and (len(chunk) == most or chunk_bytes + more_bytes > most_bytes):
            yield chunk
            chunk, chunk_bytes = [], 0
        chunk.append(entry)
        chunk_bytes += more_bytes
    if chunk:
        yield chunk


def _wire_bytes(write: Request) -> int:
    return len(_ENCODER.encode(write))


def binary_text(content: bytes) -> str:
    """Bytes as JSON for DynamoDB holds them."""
    return base64.b64encode(content).decode()


_ENCODER: Final = json.JSONEncoder(default=binary_text)
