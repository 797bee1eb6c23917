"""Any service in a test: a clock that is moved, a queue whose deliveries are played, its API over HTTP.

class PlayedShop(PlayedService[Order]):
    package = "shop"
    settings = {"order_queue_url": "http://queue.test/orders"}
"""

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib import import_module
from itertools import batched, count
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.client import Client
from lambda_src.dynamo.meter import UsageMeter
from lambda_src.dynamo.schema import ItemKey, Table
from lambda_src.dynamo.store import Store
from lambda_src.dynamo.values import from_item, to_item, to_key
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.keyring import GeneratedKeys
from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.outside import Http
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.resources import Resources, metered
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.settings import ServiceSettings
from lambda_src.runtime.worker import QueueWorker
from tests.support import loopback
from tests.support.http_server import LateServer
from tests.support.quick_routes import quick_routes
from tests.support.recorded_metrics import RecordedMetrics

if TYPE_CHECKING:
    from fastapi import FastAPI

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
        return kind_of(self.body)


def kind_of(body: str) -> str:
    """What a message asks for, as services name it."""
    content = json.loads(body)
    return str(content.get("type") or content.get("task") or content.get("kind"))


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


class HeldSecret(Secret):
    """A secret without Secrets Manager. held: what it says; is_cached: changes show after `refresh` only."""

    def __init__(self, held: Mapping[str, Any], *, is_cached: bool = False) -> None:
        super().__init__("held")
        self.held = dict(held)
        self.refreshed = 0
        self._is_cached = is_cached
        self._read = deepcopy(self.held)

    def refresh(self) -> None:
        self.refreshed += 1
        self._read = deepcopy(self.held)

    def _members(self) -> dict[str, object]:
        return self._read if self._is_cached else self.held


def generated_keys(current: str, previous: str = "") -> GeneratedKeys:
    """Signing keys as a secret holds them."""
    return GeneratedKeys(HeldSecret({"current": current, "previous": previous}))


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


class PlayedService[Message]:
    """A service over test tables: its API over HTTP, and deliveries, schedules and the clock as a test plays them.

    A service says its package and the settings it has in tests; whoever needs more than that adds it. Settings of both
    functions are given by name; forced: what no deployment could set. secrets: by the name that the settings give them.
    http: for outside services. engine: what stands between the store and `client`. objects: opens a bucket.
    """

    package: ClassVar[str]
    invocation_milliseconds: ClassVar[int] = 900_000
    settings: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        *,
        client: Any,
        names: Mapping[str, str],
        clock: Callable[[], datetime] | None = None,
        queue: PlayedQueue | None = None,
        secrets: Mapping[str, Secret] | None = None,
        http: Http | None = None,
        engine: Client | None = None,
        objects: Callable[[str], ObjectClient] = ObjectClient,
        api_options: Mapping[str, Any] | None = None,
        forced: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.client = client
        self.names = names
        self.clock = clock or TestClock()
        self.queue = queue or PlayedQueue()
        self.metrics = RecordedMetrics()
        self._wiring = import_module(f"lambda_src.services.{self.package}.wiring")
        self._classes = import_module(f"lambda_src.services.{self.package}.settings")
        tables: Sequence[Table] = import_module(f"lambda_src.services.{self.package}.tables").TABLES
        named = {table.environment_variable.lower(): names[table.name] for table in tables}
        self._forced = forced or {}
        self._opened: list[Http] = []
        self._given = {"environment": "local", **named, **self.settings, **settings}
        self.api_settings = self._settings(self._classes.ApiSettings)
        held = secrets or {}
        self.resources = Resources(
            client=metered(engine or Boto3Client(client), self.api_settings, self.metrics),
            queue=self.queue,
            http=self._outside if http is None else lambda **_: http,
            secret=lambda name: held[name],
            objects=objects,
            metrics=self.metrics,
            clock=self.clock,
            sleep=self.sleep,
            serves_many=True,
        )
        with quick_routes():
            self.app: FastAPI = self._wiring.api(self.api_settings, self.resources, **(api_options or {}))
        self._server = LateServer(self.app)

    @property
    def api(self) -> httpx.Client:
        """Asks a server, which starts when it is first needed."""
        return self._server.client

    def _outside(self, **options: Any) -> Http:
        """A client for outside services, which ends with this service."""
        self._opened.append(loopback.outside(**options))
        return self._opened[-1]

    def sleep(self, _seconds: float) -> None:
        """No test waits for a pause between two tries."""

    @cached_property
    def worker(self) -> QueueWorker[Message]:
        """The handler of the queues and schedules."""
        return self.another_worker()

    def another_worker(self, **changes: Any) -> QueueWorker[Message]:
        """One more, with other resources than this service."""
        made: QueueWorker[Message] = self._wiring.worker(self.worker_settings, replace(self.resources, **changes))
        return made

    def part[T](self, of: type[T]) -> T:
        """What the wiring made for the routes, by its type."""
        found = self.app.state.provided[of]
        assert isinstance(found, of)
        return found

    def metered(self, client: Client) -> UsageMeter:
        """Another client as the service wants it."""
        return metered(client, self.api_settings, self.metrics)

    @property
    def worker_settings(self) -> Any:
        return self._settings(self._classes.WorkerSettings)

    @property
    def store(self) -> Store:
        return self.part(Store)

    @property
    def usage(self) -> UsageMeter:
        """What counts the requests of the service."""
        return self.resources.client

    def stop(self) -> None:
        self._server.stop()
        for http in self._opened:
            http.close()

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

    def drain(self) -> None:
        """Deliver every message until nothing is left."""
        for _ in range(1_000):
            messages = self.queue.take()
            if not messages:
                return
            assert self.deliver(*messages) == []
        raise AssertionError("the queue never runs dry")

    def scheduled(self, task: str) -> None:
        """One invocation by a schedule."""
        self.worker({"task": task}, Invocation(self.invocation_milliseconds))

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """The DynamoDB requests made inside the block, by operation, once it is over."""
        before = Counter(self.usage.calls)
        counted: Counter[str] = Counter()
        yield counted
        counted.update(Counter(self.usage.calls) - before)

    def all_at_once(self, *requests: Callable[[], httpx.Response], threads: int = 30) -> list[httpx.Response]:
        with ThreadPoolExecutor(threads) as pool:
            return [future.result() for future in [pool.submit(request) for request in requests]]

    # ---- what is stored ----------------------------------------------------------------------------------------------

    def items(self, client: Any = None, *, table: str = "main") -> list[dict[str, Any]]:
        """Every item of a table, as Python values."""
        pages: Iterable[Any] = (
            (client or self.client).get_paginator("scan").paginate(TableName=self.names[table], ConsistentRead=True)
        )
        return [from_item(item) for page in pages for item in page["Items"]]

    def item(self, key: ItemKey) -> dict[str, Any] | None:
        """An item as it is stored, None when there is none."""
        name = self.names[key.entity.table.name]
        answer = self.client.get_item(TableName=name, Key=to_key(key.values), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def remove(self, key: ItemKey) -> None:
        """Delete an item behind the service's back."""
        self.client.delete_item(TableName=self.names[key.entity.table.name], Key=to_key(key.values))

    def put_items(self, *items: Mapping[str, object], table: str = "main") -> None:
        """Write items as if they had been there before the test began."""
        for some in batched(items, 25, strict=False):
            puts = [{"PutRequest": {"Item": to_item(item)}} for item in some]
            assert not self.client.batch_write_item(RequestItems={self.names[table]: puts}).get("UnprocessedItems")

    def _settings(self, of: type[ServiceSettings]) -> Any:
        made = of(**{name: value for name, value in self._given.items() if name in of.model_fields})
        return made.model_copy(update={name: value for name, value in self._forced.items() if name in of.model_fields})


@contextmanager
def played[P: PlayedService[Any]](
    cls: type[P], client: Any, make_names: Callable[[], Mapping[str, str]]
) -> Iterator[Callable[..., P]]:
    """`make(clock=..., some_setting=8)`: every part has a default, a fresh table too; they stop at the end.

    `make(names=other.names)` is one more process over the table of another.
    """
    with ExitStack() as stack:

        def make(**options: Any) -> P:
            names = options.pop("names", None) or make_names()
            made = cls(**{"client": client, "names": names, **options})
            stack.callback(made.stop)
            return made

        yield make
