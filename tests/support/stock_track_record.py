"""Stock Track Record on test tables: the real services over DynamoDB Local, with a queue whose deliveries a test plays.

house = ...                                   # fixture `house`
channel_id = house.api.post("/api/channels", json={"url": ...}).json()["id"]
house.drain()                                 # deliver everything that was sent, until nothing is left
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

import httpx

from cdk_app.services.registry import VIDEOS_AND_PRICES
from cdk_app.services.stock_track_record.stand_ins.app import standins_app
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.cursor import KeyRing
from lambda_src.dynamo.store import Store
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.usage import UsageSource
from lambda_src.runtime.worker import QueueWorker
from lambda_src.services.stock_track_record.bootstrap.api import build_api
from lambda_src.services.stock_track_record.bootstrap.common import Outside
from lambda_src.services.stock_track_record.bootstrap.worker import build_worker
from lambda_src.services.stock_track_record.clients.transport import Http
from lambda_src.services.stock_track_record.handlers.routes import create
from lambda_src.services.stock_track_record.messages import Message
from lambda_src.services.stock_track_record.repository import Repository
from lambda_src.services.stock_track_record.settings import ApiSettings, WorkerSettings
from tests.support.http_server import ThreadedServer
from tests.support.played import (
    NOON,
    FixedKeys,
    Invocation,
    PlayedQueue,
    PlayedService,
    Sent,
    TestClock,
    generated_keys,
)

__all__ = [
    "ALL_KEYS", "DLQ", "NOON", "PRICE_DLQ", "PRICE_QUEUE", "QUEUE", "Applications", "FixedKeys", "Invocation",
    "PlayedQueue", "Sent", "TestClock", "generated_keys",
]  # fmt: skip

QUEUE = "http://queue.test/processing"
PRICE_QUEUE = "http://queue.test/prices"
DLQ = "http://queue.test/processing-dlq"
PRICE_DLQ = "http://queue.test/prices-dlq"

ALL_KEYS = {
    "youtube_api_key": "youtube-sample",
    "gemini_api_key": "gemini-sample",
    "finnhub_api_key": "finnhub-sample",
    "alpha_vantage_api_key": "alpha-sample",
}


class Applications(PlayedService[Message]):
    """The service over given tables, with stand-ins for the outside services and everything else under control."""

    invocation_milliseconds = 900_000
    addresses: Mapping[str, str] = {
        "sqs_queue_url": QUEUE,
        "price_queue_url": PRICE_QUEUE,
        "sqs_dlq_url": DLQ,
        "price_dlq_url": PRICE_DLQ,
        "api_keys_secret_id": "keys",
        "cursor_secret_id": "cursor",
    }

    def __init__(
        self,
        *,
        client: Any,
        names: Mapping[str, str],
        world: World | None = None,
        clock: Callable[[], datetime] | None = None,
        keys: Mapping[str, str] = ALL_KEYS,
        sleep: Callable[[float], None] | None = None,
        **settings: Any,
    ) -> None:
        self.client = client
        self.names = names
        self.store = Store(client, names)
        self.endpoint_url: str = client.meta.endpoint_url
        self.world = world or World.custom()
        self.clock = clock or TestClock()
        self.queue = self.open_queue()
        self.slept: list[float] = []
        self._server = ThreadedServer(standins_app(self.world))
        common: dict[str, Any] = {
            "environment": "local",
            "dynamodb_table_name": names["main"],
            "dynamodb_stocks_table_name": names["stocks"],
            **self.addresses,
            **settings,
            **{name.lower(): url for name, url in VIDEOS_AND_PRICES.variables(self._server.url).items()},
        }
        self.api_settings = ApiSettings(**{k: v for k, v in common.items() if k in ApiSettings.model_fields})
        self.worker_settings = WorkerSettings(**{k: v for k, v in common.items() if k in WorkerSettings.model_fields})
        self._outside = Outside(
            client=client,
            queue=self.queue,
            keys=self.open_keys(keys),
            http=Http(),
            clock=self.clock,
            sleep=sleep or self.slept.append,
        )
        self._outside_of_worker = replace(
            self._outside, keys=self.open_keys(keys), http=Http(repeats=2, sleep=self.slept.append)
        )
        self.services = build_api(self.api_settings, self._outside, cursor_keys=self.open_cursor_keys())
        self._api_server = ThreadedServer(create(self.services, inline_endpoints=False))
        self.api = httpx.Client(base_url=self._api_server.url, timeout=30)

    @cached_property
    def worker(self) -> QueueWorker[Message]:
        return build_worker(self.worker_settings, self._outside_of_worker)

    @property
    def usage(self) -> UsageSource:
        return self.services.usage

    def open_queue(self) -> PlayedQueue:
        return PlayedQueue()

    def open_keys(self, keys: Mapping[str, str]) -> Secret:
        return FixedKeys(keys)

    def open_cursor_keys(self) -> KeyRing | None:
        """Where signing keys of cursors come from; None: the secret."""
        return generated_keys("k" * 32)

    def stop(self) -> None:
        self.api.close()
        self._api_server.stop()
        self._outside.http.close()
        self._outside_of_worker.http.close()
        self._server.stop()

    # ---- deliveries ------------------------------------------------------------------------------------------------

    def another_worker(
        self, *, client: Any = None, queue: QueueClient | None = None, http: Http | None = None, **settings: Any
    ) -> QueueWorker[Message]:
        """A worker as another process has it, over the same tables and queues: its parts and settings by name."""
        outside = self._outside_of_worker
        outside = replace(
            outside, client=client or outside.client, queue=queue or outside.queue, http=http or outside.http
        )
        return build_worker(self.worker_settings.model_copy(update=settings), outside)

    def drain(self, *, max_deliveries: int = 5_000) -> int:
        """Deliver everything that waits, again while it fails (at most 5 times each), until nothing is left."""
        deliveries = 0
        while messages := self.queue.take():
            for sent in messages:
                for receive_count in range(1, 6):
                    deliveries += 1
                    assert deliveries <= max_deliveries, "the queues never run dry"
                    if not self.deliver(sent, receive_count=receive_count):
                        break
        return deliveries

    def sweep(self) -> None:
        self.scheduled("sweep")

    # ---- what a test looks at --------------------------------------------------------------------------------------

    def add(self, url: str = "https://www.youtube.com/@TestChannel", **body: Any) -> str:
        answer = self.api.post("/api/channels", json={"url": url, **body})
        assert answer.status_code == 201, answer.text
        channel_id = answer.json()["id"]
        assert isinstance(channel_id, str)
        return channel_id

    def channel(self, channel_id: str) -> dict[str, Any]:
        answer = self.api.get(f"/api/channels/{channel_id}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert isinstance(body, dict)
        return body

    def messages(self, channel_id: str) -> list[str]:
        """The texts of the channel's log."""
        lines = self.api.get(f"/api/channels/{channel_id}/logs").json()["logs"]
        return [line["message"] for line in lines]

    def forward(self, **by: float) -> None:
        """Let time pass: `forward(minutes=5)`."""
        assert isinstance(self.clock, TestClock)
        self.clock.forward(**by)

    @property
    def repository(self) -> Repository:
        return self.services.channels.repository

    def items_of(self, entity_type: str) -> list[dict[str, Any]]:
        return [item for item in self.items() if item["entity_type"] == entity_type]
