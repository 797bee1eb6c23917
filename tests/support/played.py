"""What a service meets in tests instead of the world: a clock that is moved, a queue whose deliveries a test plays."""

import json
import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from lambda_src.dynamo.meter import UsageMeter
from lambda_src.dynamo.values import from_item
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.keyring import GeneratedKeys
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.usage import UsageSource
from lambda_src.runtime.worker import QueueWorker

NOON = datetime(2025, 1, 15, 8, 30, 0, 123_000, tzinfo=UTC)


class TestClock:
    """A clock that moves when it is told to."""

    __test__ = False

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message on a queue."""

    queue_url: str
    message_id: str
    body: str
    delay_seconds: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, Any]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    @property
    def kind(self) -> str:
        """What the message asks for, as services name it."""
        return kind_of(self.body)


def kind_of(body: str) -> str:
    """What a message asks for, as services name it."""
    content = json.loads(body)
    return str(content.get("type") or content.get("task"))


class PlayedQueue(QueueClient):
    """Keeps what is sent; the test decides what is delivered, when and how often. Safe to use from many threads."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: deque[Sent] = deque()
        self.every: list[Sent] = []
        self.visibility: list[tuple[str, int]] = []
        self.is_down = False
        self._numbers = count(1)
        self._lock = threading.Lock()

    def send(
        self, queue_url: str, body: str, *, delay_seconds: int = 0, attributes: Mapping[str, str] | None = None
    ) -> str:
        if self.is_down:
            raise StoreUnavailable
        with self._lock:
            sent = Sent(queue_url, f"message-{next(self._numbers)}", body, delay_seconds, dict(attributes or {}))
            self.every.append(sent)
            self.waiting.append(sent)
        return sent.message_id

    def send_batch(self, queue_url: str, bodies: Sequence[str], *, delay_seconds: int = 0) -> None:
        for body in bodies:
            self.send(queue_url, body, delay_seconds=delay_seconds)

    def set_visibility(self, queue_url: str, receipt_handle: str, seconds: int) -> None:
        with self._lock:
            self.visibility.append((receipt_handle, seconds))

    def of_type(self, kind: str) -> list[Sent]:
        """Every message of a type that was ever sent to a working queue."""
        return [sent for sent in self.every if "dlq" not in sent.queue_url and sent.kind == kind]

    def dead(self) -> list[Sent]:
        return [sent for sent in self.every if "dlq" in sent.queue_url]

    def take(self) -> list[Sent]:
        """What waits on the working queues, in order; it no longer waits then."""
        with self._lock:
            taken = [sent for sent in self.waiting if "dlq" not in sent.queue_url]
            self.waiting = deque(sent for sent in self.waiting if "dlq" in sent.queue_url)
        return taken


class FixedKeys(Secret):
    """A secret with these members, without Secrets Manager."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__("keys")
        self.values = dict(values)
        self.refreshed = 0

    def get(self, name: str, *, default: str | None = None) -> str:
        value = self.values.get(name, default)
        assert value is not None
        return value

    def refresh(self) -> None:
        self.refreshed += 1


def generated_keys(current: str, previous: str = "") -> GeneratedKeys:
    """Signing keys as a secret holds them."""
    return GeneratedKeys(FixedKeys({"current": current, "previous": previous}))


@dataclass(frozen=True, slots=True)
class Invocation:
    """A Lambda context with plenty of time, unless a test says otherwise."""

    milliseconds: int = 900_000
    aws_request_id: str = "invocation"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def record(sent: Sent, *, receive_count: int = 1) -> dict[str, Any]:
    """The record Lambda hands over for one delivery of a message."""
    name = sent.queue_url.rsplit("/", 1)[-1]
    return {
        "messageId": sent.message_id,
        "receiptHandle": f"{sent.message_id}/{receive_count}",
        "body": sent.body,
        "attributes": {
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": "1736929800123",
            "SenderId": "test",
            "ApproximateFirstReceiveTimestamp": "1736929800123",
        },
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String"} for name, value in sent.attributes.items()
        },
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{name}",
        "awsRegion": "us-east-1",
    }


class PlayedService[Message](ABC):
    """A service over test tables, whose deliveries a test plays. A service adds how it is built and asked."""

    client: Any
    names: Mapping[str, str]
    invocation_milliseconds: ClassVar[int]

    @property
    @abstractmethod
    def worker(self) -> QueueWorker[Message]: ...

    @property
    @abstractmethod
    def usage(self) -> UsageSource:
        """What counts the requests of the API."""

    def deliver(
        self,
        *messages: Sent,
        receive_count: int = 1,
        milliseconds: int | None = None,
        worker: QueueWorker[Message] | None = None,
    ) -> list[str]:
        """One invocation with these messages; returns the ids of those that are to be delivered again."""
        event = {"Records": [record(sent, receive_count=receive_count) for sent in messages]}
        context = Invocation(self.invocation_milliseconds if milliseconds is None else milliseconds)
        answer = (worker or self.worker)(event, context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def scheduled(self, task: str) -> None:
        """One invocation by a schedule."""
        self.worker({"task": task}, Invocation(self.invocation_milliseconds))

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """The DynamoDB requests of the API made inside the block, by operation, once it is over."""
        assert isinstance(self.usage, UsageMeter)
        before = Counter(self.usage.calls)
        counted: Counter[str] = Counter()
        yield counted
        counted.update(Counter(self.usage.calls) - before)

    def items(self, client: Any = None) -> list[dict[str, Any]]:
        """Every item of the main table, as the table layer reads it."""
        pages: Iterable[Any] = (
            (client or self.client).get_paginator("scan").paginate(TableName=self.names["main"], ConsistentRead=True)
        )
        return [from_item(item) for page in pages for item in page["Items"]]
