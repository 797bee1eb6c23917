"""A table with a stream, and a function that stands at its end: what the bridge of the local cloud lies between."""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cdk_app.local.ministack import QUICK, local_session
from cdk_app.local.streams.batches import Answer, Calls, NotInvoked, NotSent
from cdk_app.local.streams.bridge import StreamBridge
from cdk_app.local.streams.filters import compile_filters
from cdk_app.local.streams.journal import Journal
from cdk_app.local.streams.mappings import StreamMapping
from cdk_app.local.tables import DeployedTable

FUNCTION_ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:consumer:live"
QUEUE_ARN: Final = "arn:aws:sqs:us-east-1:123456789012:dead"
WAIT_SECONDS: Final = 30.0

type Handler = Callable[[list[str]], Any]
"""What a function does with the names of some records; it returns its answer or raises."""


def stream_table(**other: Any) -> DeployedTable:
    """A table whose items have a name and perhaps an expiry; its own name is new."""
    settings: dict[str, Any] = {
        "name": f"Things-{uuid.uuid4()}",
        "attributes": ({"AttributeName": "name", "AttributeType": "S"},),
        "key_schema": ({"AttributeName": "name", "KeyType": "HASH"},),
        "indexes": {},
        "stream_view": "NEW_AND_OLD_IMAGES",
        "ttl_attribute": "expires_at",
    }
    return DeployedTable(**{**settings, **other})


def stream_mapping(table: str, *patterns: Mapping[str, Any], **other: Any) -> StreamMapping:
    settings: dict[str, Any] = {
        "name": "local-Things/Feed",
        "table_name": table,
        "source_arn": f"arn:aws:dynamodb:us-east-1:123456789012:table/{table}/stream/2026-01-01T00:00:00.000",
        "function_arn": FUNCTION_ARN,
        "matches": compile_filters(json.dumps(pattern) for pattern in patterns),
        "batch_size": 10,
        "window_seconds": 0,
        "bisects": False,
        "reports_failures": True,
        "max_retries": 2,
        "max_age_seconds": 86_400,
        "on_failure_arn": QUEUE_ARN,
    }
    return StreamMapping(**{**settings, **other})


@dataclass(slots=True)
class PlayedClock:
    """A clock that a test moves on."""

    seconds: float = 1_800_000_000.0

    def time(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


@dataclass(slots=True)
class Consumer:
    """A function with its dead-letter queue. batches: names of records of each call; events: as it was given them."""

    handler: Handler = field(default=lambda _names: None)
    batches: list[list[str]] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    is_queue_away: bool = False
    is_away: bool = False

    @property
    def names(self) -> list[str]:
        """Of all records, in the order of their deliveries."""
        return [name for batch in self.batches for name in batch]

    def had(self, name: str, *, times: int = 1) -> Callable[[], bool]:
        """Whether it was given a record of that name so many times: a question to ask later."""
        return lambda: self.names.count(name) >= times

    def calls(self, clock: Any = time) -> Calls:
        return Calls(self.invoke, self.send, self.announced.append, clock)

    def invoke(self, function_arn: str, event: Mapping[str, Any]) -> Answer:
        assert function_arn == FUNCTION_ARN
        if self.is_away:
            raise NotInvoked("it is away")
        event = json.loads(json.dumps(event))
        names = [record["dynamodb"]["Keys"]["name"]["S"] for record in event["Records"]]
        self.batches.append(names)
        self.events.append(event)
        try:
            return Answer(self.handler(names))
        except ValueError as error:
            return Answer({"errorMessage": str(error)}, "Unhandled")

    def send(self, queue_arn: str, text: str) -> None:
        assert queue_arn == QUEUE_ARN
        if self.is_queue_away:
            raise NotSent("it is away")
        self.sent.append(json.loads(text))


def fails_with(*poison: str) -> Handler:
    """A function that raises when one of these is among its records."""

    def handle(names: list[str]) -> None:
        if found := set(poison) & set(names):
            raise ValueError(f"cannot handle {sorted(found)}")

    return handle


class Engine:
    """Clients of a DynamoDB Local, and what tests do with its tables."""

    def __init__(self, endpoint: str) -> None:
        session = local_session()
        self.dynamodb = session.client("dynamodb", endpoint_url=endpoint, config=QUICK)
        self.streams = session.client("dynamodbstreams", endpoint_url=endpoint, config=QUICK)

    def close(self) -> None:
        self.dynamodb.close()
        self.streams.close()

    def put(self, table: DeployedTable, *names: str, **attributes: Any) -> None:
        for name in names:
            self.dynamodb.put_item(TableName=table.name, Item={"name": {"S": name}, **attributes})

    def delete(self, table: DeployedTable, name: str) -> None:
        self.dynamodb.delete_item(TableName=table.name, Key={"name": {"S": name}})

    def bridge(self, journal: Journal, table: DeployedTable, calls: Calls, *mappings: StreamMapping) -> StreamBridge:
        return StreamBridge(
            mappings or (stream_mapping(table.name),),
            {table.name: table},
            dynamodb=self.dynamodb,
            streams=self.streams,
            journal=journal,
            calls=calls,
        )


@contextmanager
def running(bridge: StreamBridge) -> Iterator[StreamBridge]:
    bridge.start()
    try:
        yield bridge
    finally:
        bridge.stop()


def until(is_so: Callable[[], bool], *, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait for something to become true. Raises AssertionError when it does not."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        meanwhile()
        time.sleep(0.01)


def deliver(bridge: StreamBridge, is_done: Callable[[], bool]) -> None:
    """Turn a bridge that has no threads until something is true."""
    until(is_done, meanwhile=bridge.turn)


def journal_in(folder: Path) -> Journal:
    return Journal(folder / "streams.sqlite")
