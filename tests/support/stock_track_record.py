"""Stock Track Record on test tables: the real services over DynamoDB Local, with a queue whose deliveries a test plays.

app = ...                                   # fixture `new_app`
channel_id = app.add("https://www.youtube.com/@TestChannel")
app.drain()                                 # deliver everything that was sent, until nothing is left
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from cdk_app.services.registry import VIDEOS_AND_PRICES
from cdk_app.services.stock_track_record.stand_ins.app import standins_app
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.client import Client
from lambda_src.runtime.outside import Http
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.worker import QueueWorker
from lambda_src.services.stock_track_record import wiring
from lambda_src.services.stock_track_record.market.repository import MarketRepository
from lambda_src.services.stock_track_record.market.service import Shares
from lambda_src.services.stock_track_record.messages import Message
from lambda_src.services.stock_track_record.models import ChannelId, Mention
from lambda_src.services.stock_track_record.processing_log import LogLines, ProcessingLog
from lambda_src.services.stock_track_record.settings import WorkerSettings
from lambda_src.services.stock_track_record.tables import MENTIONS_OF_CHANNEL
from tests.support import loopback
from tests.support.http_server import ThreadedServer
from tests.support.played import NOON, HeldSecret, Invocation, PlayedQueue, PlayedService, Sent, TestClock

__all__ = [
    "ALL_KEYS", "DLQ", "NOON", "PRICE_DLQ", "PRICE_QUEUE", "QUEUE", "Applications", "Invocation", "PlayedQueue",
    "Sent", "TestClock",
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
CURSOR_KEYS = {"current": "k" * 32}


class Applications(PlayedService[Message]):
    """The service over given tables, with stand-ins for the outside services and everything else under control.

    sleep: takes the place of waiting; otherwise `slept` keeps how long that would have been.
    """

    package = "stock_track_record"
    settings: ClassVar[Mapping[str, Any]] = {
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
        world: World | None = None,
        keys: Mapping[str, str] = ALL_KEYS,
        sleep: Callable[[float], None] | None = None,
        secrets: Mapping[str, Secret] | None = None,
        **options: Any,
    ) -> None:
        self.world = world or World.custom()
        self.slept: list[float] = []
        self._wait = sleep or self.slept.append
        self._standins = ThreadedServer(standins_app(self.world))
        self._http = loopback.outside()
        addresses = {name.lower(): url for name, url in VIDEOS_AND_PRICES.variables(self._standins.url).items()}
        held = secrets or {"keys": HeldSecret(keys), "cursor": HeldSecret(CURSOR_KEYS)}
        super().__init__(client=client, http=self._http, secrets=held, **{**addresses, **options})

    def sleep(self, seconds: float) -> None:
        self._wait(seconds)

    def stop(self) -> None:
        super().stop()
        self._http.close()
        self._standins.stop()

    # ---- deliveries ------------------------------------------------------------------------------------------------

    def another_worker(
        self,
        *,
        client: Client | None = None,
        queue: QueueClient | None = None,
        http: Http | None = None,
        **settings: Any,
    ) -> QueueWorker[Message]:
        """A worker as another process has it, over the same tables and queues: its parts and settings by name."""
        resources = replace(
            self.resources,
            client=self.resources.client if client is None else self.metered(client),
            queue=queue or self.resources.queue,
            http=self.resources.http if http is None else lambda **_: http,
        )
        changed: WorkerSettings = self.worker_settings.model_copy(update=settings)
        return wiring.worker(changed, resources)

    def drain(self, *, max_deliveries: int = 5_000) -> None:
        """Deliver everything that waits, again while it fails (at most 5 times each), until nothing is left."""
        deliveries = 0
        while messages := self.queue.take():
            for sent in messages:
                for receive_count in range(1, 6):
                    deliveries += 1
                    assert deliveries <= max_deliveries, "the queues never run dry"
                    if not self.deliver(sent, receive_count=receive_count):
                        break

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

    def mentions(self, channel_id: ChannelId) -> list[Mention]:
        """The channel's copies of its mentions, as they are this instant."""
        return self.store.items(MENTIONS_OF_CHANNEL, channel_id=channel_id, consistent=True)

    def forward(self, **by: float) -> None:
        """Let time pass: `forward(minutes=5)`."""
        assert isinstance(self.clock, TestClock)
        self.clock.forward(**by)

    @property
    def shares(self) -> Shares:
        return Shares(self.store, self.clock)

    @property
    def slots(self) -> MarketRepository:
        return MarketRepository(self.store, self.clock)

    @cached_property
    def log(self) -> ProcessingLog:
        """One writer, so that its lines keep their order."""
        lines = LogLines(
            clock=self.clock, pick=self.resources.pick, retention_days=self.api_settings.log_retention_days
        )
        return ProcessingLog(self.store, lines)

    def items_of(self, entity_type: str) -> list[dict[str, Any]]:
        return [item for item in self.items() if item["entity_type"] == entity_type]
