"""A scenario through the API and the worker asks of DynamoDB exactly what the declared access patterns grant."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cdk_app.local.standins import World, gemini_answers
from cdk_app.local.standins import models as standin
from cdk_app.local.standins.ledger import Call
from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.updates import Update
from lambda_src.services.stock_track_record.models import ChannelId, RunId, Stock
from lambda_src.services.stock_track_record.repository.channels import active_run_item, channel_key
from lambda_src.services.stock_track_record.repository.leases import Lease
from lambda_src.services.stock_track_record.rules.dates import timestamp
from lambda_src.services.stock_track_record.tables import (
    API_PATTERNS,
    MAIN,
    SUPPORT_PATTERNS,
    TABLES,
    WORKER_PATTERNS,
)
from tests.support.recorded_operations import Recorder, granted
from tests.support.stock_track_record import NOON, Applications, Sent, TestClock
from tests.support.track_record_items import channel_named, mention_in, store, video_of
from tests.support.worlds import channel_with

PATTERNS = {"api": API_PATTERNS, "worker": WORKER_PATTERNS}
SHARES = [standin.Stock(ticker=name, name=f"{name} Inc.") for name in ("AAPL", "MSFT")]


class Recorded(Applications):
    """The service, with the worker's deliveries told apart from the API's requests."""

    recorder: Recorder

    def deliver(self, *messages: Sent, **options: Any) -> list[str]:
        with self.recorder.acting("worker"):
            return super().deliver(*messages, **options)

    def sweep(self) -> None:
        with self.recorder.acting("worker"):
            super().sweep()


@pytest.fixture
def app(dynamodb_endpoint, make_tables, monkeypatch) -> Iterator[Recorded]:
    names = make_tables(TABLES)
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    clock = TestClock()
    first = replace(channel_with(4, newest=NOON - timedelta(days=2)), old_handles=("@FormerName",))
    second = channel_with(3, newest=NOON - timedelta(days=2), handle="@Second")
    picks = [standin.Pick("AAPL", "buy"), standin.Pick("GONE", "buy"), standin.Pick("MSFT", "hold")]
    answers = {video.id: [gemini_answers.stocks(*picks)] for video in first.videos}
    world = World.custom(channels=[first, second], answers=answers, stocks=SHARES, clock=clock, quotas={})
    applications = Recorded(client=client, names=names, world=world, clock=clock)
    applications.recorder = Recorder(client, names)
    applications.recorder.watch_repositories("stock_track_record", monkeypatch)
    yield applications
    applications.stop()
    client.close()


def prepare(app: Recorded) -> None:
    """What was there before: a channel of the reference, a share nobody verified, a price nobody will find."""
    with app.recorder.acting("test"):
        old = channel_named("old")
        video = video_of(old, "old-video", "2024-03-04")
        mentions = [mention_in(video, "AAPL"), mention_in(video, "LOST")]
        store(app, old, videos=[video], mentions=mentions, stocks=[Stock("AAPL"), Stock("LOST")])
        reference = channel_named("reference")
        store(app, reference, videos=[video_of(reference, "reference-video", "2024-03-04")])
        app.store.update(MAIN, channel_key(reference.id), Update().remove("layout", "claims"))


def use_everything(app: Recorded) -> None:
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
    upgrade_the_reference(app)
    remove(app, first)


def read_everything(app: Recorded, channel_id: str) -> None:
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


def lose_a_message(app: Recorded, channel_id: str) -> None:
    app.api.post(f"/api/channels/{channel_id}/process")
    app.queue.take()
    app.forward(minutes=20)
    app.sweep()
    app.drain()


def cancel_a_run(app: Recorded) -> None:
    """One video is under way and stored all the same; the next run is listed by two workers at once."""
    [second] = (channel for channel in app.world.channels if channel.title == "Second")
    channel_id = app.add(f"https://www.youtube.com/channel/{second.id}")
    app.world.before_answer = lambda call: cancel_once(app, channel_id, call)
    app.drain()
    app.api.post(f"/api/channels/{channel_id}/process")
    with app.recorder.acting("test"):
        channel = app.repository.channels.channel_by_id(ChannelId(channel_id))
        assert channel is not None
        app.repository.work.lease_listing(channel.id, channel.run_id, Lease("somebody", 1), seconds=60)
    [listing] = app.queue.take()
    app.deliver(listing)
    app.forward(minutes=30)
    app.deliver(listing)
    app.drain()
    assert app.channel(channel_id)["status"] == "completed"


def cancel_once(app: Recorded, channel_id: str, call: Call) -> None:
    if call.service == "gemini":
        app.world.before_answer = None
        with app.recorder.acting("api"):
            assert app.api.post(f"/api/channels/{channel_id}/cancel").status_code == 200


def fail_a_run(app: Recorded) -> None:
    channel_id = app.add("https://www.youtube.com/@nobody")
    app.drain()
    assert app.channel(channel_id)["status"] == "failed"


def merge_with(app: Recorded) -> None:
    channel_id = app.add("https://www.youtube.com/@FormerName")
    app.drain()
    assert app.api.post(f"/api/channels/{channel_id}/process").json()["code"] == "duplicate_channel"


def price_old_mentions(app: Recorded) -> None:
    old = channel_named("old").id
    app.api.post(f"/api/channels/{old}/backfill-prices")
    [message] = app.queue.take()
    app.world.fail_next("yahoo", 429)
    app.deliver(message, milliseconds=30_000)
    app.drain()
    app.forward(minutes=2)
    app.api.post(f"/api/channels/{old}/backfill-prices?force=true")
    app.drain()


def upgrade_the_reference(app: Recorded) -> None:
    with app.recorder.acting("test"):
        counter = app.store.get(MAIN, {"PK": "COUNTER#CHANNELS", "SK": "COUNTER#CHANNELS"})
        assert counter is not None
        app.store.delete(MAIN, {"PK": "COUNTER#CHANNELS", "SK": "COUNTER#CHANNELS"})
    assert app.api.get("/api/channels").status_code == 200
    with app.recorder.acting("test"):
        app.store.put(MAIN, counter)
    assert app.api.get(f"/api/channels/{channel_named('reference').id}/stocks").status_code == 200
    app.drain()


def remove(app: Recorded, channel_id: str) -> None:
    assert app.api.delete(f"/api/channels/{channel_id}").status_code == 204
    app.queue.take()
    with app.recorder.acting("test"):
        gone = ChannelId("gone")
        app.store.put(MAIN, active_run_item(gone, RunId("run-1"), timestamp(app.clock())))
    app.forward(hours=30)
    app.sweep()
    app.drain()


def test_the_scenario_asks_exactly_what_is_granted(app):
    prepare(app)
    use_everything(app)

    for role, patterns in PATTERNS.items():
        asked, allowed = app.recorder.operations[role], granted(patterns)
        assert asked - allowed == set(), f"{role} is refused this"
        assert allowed - asked == set(), f"{role} does not need this"


def test_each_function_uses_its_own_access_patterns_alone(app):
    prepare(app)
    use_everything(app)

    for role, patterns in PATTERNS.items():
        declared = {pattern.name for of_table in patterns.values() for pattern in of_table}
        assert app.recorder.methods[role] - declared == set(), f"{role} has to declare these patterns"
        assert declared - app.recorder.methods[role] == set(), f"{role} never uses these patterns"


def test_what_support_asks_is_granted_by_its_patterns(app):
    prepare(app)
    with app.recorder.acting("support"):
        repository = app.repository
        repository.channels.channels_by_identity("handle:old")
        repository.videos.videos_by_youtube_id("old-video")
        repository.mentions.mentions_of_ticker("AAPL")

    assert app.recorder.operations["support"] == granted(SUPPORT_PATTERNS)
