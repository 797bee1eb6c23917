"""Batches that are spelled out as JSON once: botocore would walk through every attribute of every item again.

That walk is most of what a BatchWriteItem costs in Python, and where a copy would spend its time. The text goes in
through botocore's event `before-call`, which comes before the request is signed:
https://docs.aws.amazon.com/boto3/latest/guide/events.html

DynamoDB is not asked of every batch what it consumed: a local engine needs a third longer for a batch to tell.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lambda_src.dynamo.batches import binary_text
from lambda_src.dynamo.client import Client
from lambda_src.migration.content import WireItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Answer = Mapping[str, Any]  # the stubs say that it always states what was consumed

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=binary_text)


def put_text(item: WireItem) -> str:
    """The put of an item, as it stands in a request; pure ASCII, so that its length is its size in bytes."""
    return _ENCODER.encode({"PutRequest": {"Item": item}})


class SpelledBatches:
    """Sends BatchWriteItem whose writes are text already. Safe to use from many threads.

    metered: what counts the calls of the boto3 client. asks_every: of so many batches, one asks what it consumed; the
    others are taken to be like those that did.
    """

    def __init__(self, client: "DynamoDBClient", metered: Client, *, asks_every: int = 1) -> None:
        self._metered = metered
        self._asks_every = asks_every
        self._thread = threading.local()
        self._lock = threading.Lock()
        self._sent = 0
        self._stated_writes = 0
        self._stated_units = 0.0
        self._unstated_writes = 0
        client.meta.events.register("before-call.dynamodb.BatchWriteItem", self._put_in)

    @property
    def unstated_units(self) -> float:
        """Write units of the batches that did not ask, about."""
        with self._lock:
            return self._unstated_writes * self._stated_units / max(1, self._stated_writes)

    def send(self, writes: Mapping[str, Sequence[Any]]) -> Answer:
        """One call. writes: by physical name; each is text, or a request as DynamoDB gave it back unprocessed."""
        with self._lock:
            asks = self._sent % self._asks_every == 0
            self._sent += 1
        self._thread.body = _body(writes, asks=asks)
        try:
            answer: Answer = self._metered.call("BatchWriteItem", {"RequestItems": {}}, "migration")
        finally:
            self._thread.body = None
        self._count(answer, _count(writes) - _count(answer["UnprocessedItems"]))
        return answer

    def _count(self, answer: Answer, written: int) -> None:
        with self._lock:
            if "ConsumedCapacity" not in answer:
                self._unstated_writes += written
            else:
                self._stated_writes += written
                self._stated_units += sum(of_table["CapacityUnits"] for of_table in answer["ConsumedCapacity"])

    def _put_in(self, params: dict[str, Any], **_: object) -> None:
        body = getattr(self._thread, "body", None)
        if body is not None:
            params["body"] = body


def _count(writes: Mapping[str, Sequence[Any]]) -> int:
    return sum(map(len, writes.values()))


def _body(writes: Mapping[str, Sequence[Any]], *, asks: bool) -> bytes:
    capacity = "TOTAL" if asks else "NONE"
    tables = (f"{_ENCODER.encode(name)}:[{','.join(map(_spelled, of_table))}]" for name, of_table in writes.items())
    return f'{{"RequestItems":{{{",".join(tables)}}},"ReturnConsumedCapacity":"{capacity}"}}'.encode("ascii")


def _spelled(write: Any) -> str:
    return write if isinstance(write, str) else _ENCODER.encode(write)
