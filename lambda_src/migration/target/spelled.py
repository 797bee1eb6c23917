"""Batches that are spelled out as JSON once: botocore would walk through every attribute of every item again.

That walk is most of what a BatchWriteItem costs in Python, and where a copy would spend its time. The text goes in
through botocore's event `before-call`, which comes before the request is signed:
https://docs.aws.amazon.com/boto3/latest/guide/events.html
"""

import json
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lambda_src.dynamo.batches import binary_text
from lambda_src.migration.content import WireItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import BatchWriteItemOutputTypeDef

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=binary_text)


def put_text(item: WireItem) -> str:
    """The put of an item, as it stands in a request; pure ASCII, so that its length is its size in bytes."""
    return _ENCODER.encode({"PutRequest": {"Item": item}})


class SpelledBatches:
    """Sends BatchWriteItem whose writes are text already. Safe to use from many threads."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client
        self._thread = threading.local()
        client.meta.events.register("before-call.dynamodb.BatchWriteItem", self._put_in)

    def send(self, writes: Mapping[str, Sequence[Any]]) -> "BatchWriteItemOutputTypeDef":
        """One call. writes: by physical name; each is text, or a request as DynamoDB gave it back unprocessed."""
        self._thread.body = _body(writes)
        try:
            return self._client.batch_write_item(RequestItems={})
        finally:
            self._thread.body = None

    def _put_in(self, params: dict[str, Any], **_: object) -> None:
        body = getattr(self._thread, "body", None)
        if body is not None:
            params["body"] = body


def _body(writes: Mapping[str, Sequence[Any]]) -> bytes:
    tables = (f"{_ENCODER.encode(name)}:[{','.join(map(_spelled, of_table))}]" for name, of_table in writes.items())
    return f'{{"RequestItems":{{{",".join(tables)}}},"ReturnConsumedCapacity":"TOTAL"}}'.encode("ascii")


def _spelled(write: Any) -> str:
    return write if isinstance(write, str) else _ENCODER.encode(write)
