"""Stock Track Record used to the full: every route, every message, the sweep, and the accidents that take other paths.

Beside the played queue stand real queues and real secrets of the emulator, so that what the service asks of AWS is what
the deployed functions ask.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins import models as standin
from cdk_app.services.stock_track_record.stand_ins.ledger import Call
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.leases import Lease
from lambda_src.runtime.secrets import Secret
from lambda_src.services.stock_track_record.models import ActiveRun, ChannelId, RunId, Stock, timestamp
from lambda_src.services.stock_track_record.runs.repository import RunRepository
from lambda_src.services.stock_track_record.tables import ACTIVE_RUN, CHANNEL_BY_ID, COUNTER
from tests.support.legacy_items import legacy_items
from tests.support.mirrored_queue import MirroredQueue
from tests.support.recording import Recording
from tests.support.stock_track_record import ALL_KEYS, CURSOR_KEYS, NOON, Applications, Sent, TestClock
from tests.support.track_record_items import channel_named, mention_in, store, video_of
from tests.support.worlds import channel_with

QUEUES = {
    "sqs_queue_url": "processing",
    "price_queue_url": "prices",
    "sqs_dlq_url": "processing-dlq",
    "price_dlq_url": "prices-dlq",
}
SECRETS: Mapping[str, Mapping[str, str]] = {"api_keys_secret_id": ALL_KEYS, "cursor_secret_id": CURSOR_KEYS}
SHARES = [standin.Stock(ticker=name, name=f"{name} Inc.") for name in ("AAPL", "MSFT")]


class Everything(Applications):
    """The service, with the worker's deliveries told apart from the API's requests."""

    def __init__(self, made: Recording) -> None:
        self.recorder = made.recorder
        self.addresses = made.addresses
        clock = TestClock()
        addresses: dict[str, Any] = dict(made.addresses)
        super().__init__(
            client=made.engine,
            engine=made.recorder,
            names=made.tables,
            world=world_of_everything(clock),
            clock=clock,
            queue=MirroredQueue(made.receiver),
            secrets={address: Secret(address) for address in made.addresses.values()},
            **addresses,
        )
        self.resources = replace(self.resources, secret=Secret)  # the worker, made later, reads its own

    def deliver(self, *messages: Sent, **options: Any) -> list[str]:
        with self.recorder.acting("worker"):
            return super().deliver(*messages, **options)

    def sweep(self) -> None:
        with self.recorder.acting("worker"):
            super().sweep()


def world_of_everything(clock: TestClock) -> World:
    first = replace(channel_with(4, newest=NOON - timedelta(days=2)), old_handles=("@FormerName",))
    second = channel_with(3, newest=NOON - timedelta(days=2), handle="@Second")
    picks = [standin.Pick("AAPL", "buy"), standin.Pick("GONE", "buy"), standin.Pick("MSFT", "hold")]
    answers = {video.id: [gemini_answers.stocks(*picks)] for video in first.videos}
    return World.custom(channels=[first, second], answers=answers, stocks=SHARES, clock=clock, quotas={})


def prepare(app: Everything) -> None:
    """What was there before: two legacy channels, a share nobody verified, a price nobody will find."""
    with app.recorder.acting("test"):
        old = channel_named("old")
        video = video_of(old, "old-video", "2024-03-04")
        mentions = [mention_in(video, "AAPL"), mention_in(video, "LOST")]
        store(app, old, videos=[video], mentions=mentions, stocks=[Stock("AAPL"), Stock("LOST")])
        for name in ("legacy", "forgotten"):
            app.put_items(*legacy_items(channel_named(name).id, identity=f"handle:{name}", before=f"{name}-"))


def use_everything(app: Everything) -> None:
    """Every route of the API, every message and the sweep, with the accidents that take paths of their own."""
    app.world.answer_next("gemini", gemini_answers.rate_limited())
    app.world.answer_next("gemini", gemini_answers.overloaded())
    first = app.add("https://www.youtube.com/@TestChannel")
    app.drain()
    read_everything(app, first)
    lose_a_message(app, first)
    cancel_a_run(app)
    fail_a_run(app)
    merge_with(app)
    price_old_mentions(app)
    upgrade_the_legacy_channel(app)
    remove(app, first)
    send_nonsense(app)


def read_everything(app: Everything, channel_id: str) -> None:
    app.world.fail_next("finnhub", 429)
    for path in (
        "/api/channels?per_page=1",
        *(f"/api/channels/{channel_id}{path}" for path in ("", "/logs", "/logs?since=2025-01-01T00:00:00Z")),
        *(f"/api/channels/{channel_id}{path}" for path in ("/stocks", "/timeline", "/stocks/AAPL")),
        *(f"/api/stocks/{ticker}/price" for ticker in ("AAPL", "LOST", "NEVER")),
    ):
        assert app.api.get(path).status_code == 200, path
    app.forward(hours=3)
    for path in ("refresh-prices", "backfill-prices", "backfill-prices?force=true"):
        assert app.api.post(f"/api/channels/{channel_id}/{path}").status_code == 200, path
    app.drain()


def lose_a_message(app: Everything, channel_id: str) -> None:
    app.api.post(f"/api/channels/{channel_id}/process")
    app.queue.take()
    app.forward(minutes=20)
    app.sweep()
    app.drain()


def cancel_a_run(app: Everything) -> None:
    """One video is under way and stored all the same; the next run is listed by two workers at once."""
    [second] = (channel for channel in app.world.channels if channel.title == "Second")
    channel_id = app.add(f"https://www.youtube.com/channel/{second.id}")
    app.world.before_answer = lambda call: cancel_once(app, channel_id, call)
    app.drain()
    app.api.post(f"/api/channels/{channel_id}/process")
    with app.recorder.acting("test"):
        channel = app.store.get(CHANNEL_BY_ID, id=channel_id)
        assert channel is not None
        runs = RunRepository(app.store, app.log, app.clock)
        runs.lease_listing(channel.id, channel.run_id, Lease("somebody", 1), seconds=60)
    [listing] = app.queue.take()
    app.deliver(listing)
    app.forward(minutes=30)
    app.deliver(listing)
    app.drain()
    assert app.channel(channel_id)["status"] == "completed"


def cancel_once(app: Everything, channel_id: str, call: Call) -> None:
    if call.service == "gemini":
        app.world.before_answer = None
        with app.recorder.acting("api"):
            assert app.api.post(f"/api/channels/{channel_id}/cancel").status_code == 200


def fail_a_run(app: Everything) -> None:
    channel_id = app.add("https://www.youtube.com/@nobody")
    app.drain()
    assert app.channel(channel_id)["status"] == "failed"


def merge_with(app: Everything) -> None:
    channel_id = app.add("https://www.youtube.com/@FormerName")
    app.drain()
    assert app.api.post(f"/api/channels/{channel_id}/process").json()["code"] == "duplicate_channel"


def price_old_mentions(app: Everything) -> None:
    old = channel_named("old").id
    app.api.post(f"/api/channels/{old}/backfill-prices")
    [message] = app.queue.take()
    app.world.fail_next("yahoo", 429)
    app.deliver(message, milliseconds=30_000)
    app.drain()
    app.forward(minutes=2)
    app.api.post(f"/api/channels/{old}/backfill-prices?force=true")
    app.drain()


def upgrade_the_legacy_channel(app: Everything) -> None:
    with app.recorder.acting("test"):
        counter = app.item(COUNTER.key())
        assert counter is not None
        app.remove(COUNTER.key())
    assert app.api.get("/api/channels").status_code == 200
    with app.recorder.acting("test"):
        app.put_items(counter)
    assert app.api.get(f"/api/channels/{channel_named('legacy').id}/stocks").status_code == 200
    app.drain()


def remove(app: Everything, channel_id: str) -> None:
    for each in (channel_id, channel_named("forgotten").id):
        assert app.api.delete(f"/api/channels/{each}").status_code == 204
    app.queue.take()
    with app.recorder.acting("test"):
        gone = ActiveRun(ChannelId("gone"), RunId("run-1"), timestamp(app.clock()))
        app.put_items(ACTIVE_RUN.item(gone))
    app.forward(hours=30)
    app.sweep()
    app.drain()


def send_nonsense(app: Everything) -> None:
    for setting in ("sqs_queue_url", "price_queue_url"):
        assert app.deliver(Sent(app.addresses[setting], "odd", "not json")) == []
    assert len(app.queue.dead()) == len(QUEUES) // 2
