"""The items that `tables.py` says a pattern reads are the items that its method finds."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import wraps
from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.schema import Entity, Table
from lambda_src.services.stock_track_record.models import ChannelId
from lambda_src.services.stock_track_record.tables import TABLES
from tests.support.services import public_methods, repository_classes
from tests.support.stock_track_record import NOON, Applications, TestClock
from tests.support.worlds import channel_with, numbered_stocks, spread_mentions

# What this scenario does not reach: a COUNT, which returns no items, items of the reference's layout, and purges that
# wait longer than one message takes.
NEVER_FOUND = {
    "listed_channel_count": {"Channel"},
    "mentions_of_video": {"StockMention"},
    "active_work": {"PendingPurge"},
    "purge_page": {"StockMention"},
}


class Finder:
    """Notes which kinds of item each repository method gets from DynamoDB."""

    def __init__(self, client: Any, names: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: defaultdict[str, set[str]] = defaultdict(set)
        self._tables = {names[table.name]: table for table in TABLES}
        self._at_work = threading.local()
        for operation in ("GetItem", "Query", "BatchGetItem"):
            client.meta.events.register(f"provide-client-params.dynamodb.{operation}", self._ask)
            client.meta.events.register(f"after-call.dynamodb.{operation}", self._note)
        for cls in repository_classes("stock_track_record"):
            for name, method in public_methods(cls).items():
                monkeypatch.setattr(cls, name, self._noting(name, method))

    def _noting[**P, T](self, name: str, method: Callable[P, T]) -> Callable[P, T]:
        @wraps(method)
        def noted(*args: P.args, **kwargs: P.kwargs) -> T:
            before, self._at_work.name = getattr(self._at_work, "name", "outside"), name
            try:
                return method(*args, **kwargs)
            finally:
                self._at_work.name = before

        return noted

    def _ask(self, params: Mapping[str, Any], **_: object) -> None:
        self._at_work.table = params.get("TableName")

    def _note(self, parsed: Mapping[str, Any], **_: object) -> None:
        by_table = dict(parsed.get("Responses", {}))  # of a batch
        items = parsed.get("Items", [parsed["Item"]] if "Item" in parsed else [])
        if items:
            by_table[self._at_work.table] = items
        for table, found in by_table.items():
            kinds = {entity_of(self._tables[table], item).name for item in found}
            self.found[self._at_work.name] |= kinds


def entity_of(table: Table, item: Mapping[str, Any]) -> Entity:
    """The one kind of item whose key templates fit this item's key."""
    [entity] = [entity for entity in table.entities if fits(table, entity, item)]
    return entity


def fits(table: Table, entity: Entity, item: Mapping[str, Any]) -> bool:
    try:
        entity.partition.parse(item[table.partition]["S"])
        if table.sort is not None and entity.sort is not None:
            entity.sort.parse(item[table.sort]["S"])
    except ValueError:
        return False
    return True


@pytest.fixture
def scene(dynamodb_endpoint, make_tables, monkeypatch) -> Iterator[tuple[Applications, Finder]]:
    names = make_tables(TABLES)
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    finder = Finder(client, names, monkeypatch)
    clock = TestClock()
    channel = channel_with(3, newest=NOON - timedelta(days=2))
    stocks = numbered_stocks(2)
    answers = spread_mentions(channel, stocks, 6)
    world = World.custom(channels=[channel], answers=answers, stocks=stocks, clock=clock, quotas={})
    application = Applications(client=client, names=names, world=world, clock=clock)
    yield application, finder
    application.stop()
    client.close()


def test_every_pattern_finds_what_it_declares(scene):
    app, finder = scene
    live_once(app)

    declared = {
        pattern.name: {entity.name for entity in pattern.reads} for table in TABLES for pattern in table.patterns
    }
    wrong = {name: found - declared[name] for name, found in finder.found.items() if not found <= declared[name]}
    assert wrong == {}

    missed = {name: declared[name] - finder.found[name] - NEVER_FOUND.get(name, set()) for name in finder.found}
    assert {name: kinds for name, kinds in missed.items() if kinds} == {}
    assert len(finder.found) >= 18, sorted(finder.found)


def live_once(app: Applications) -> None:
    """Add a channel, analyse it, look at everything, sweep, ask support's questions, and delete it again."""
    channel_id = app.add()
    app.sweep()
    app.drain()
    for path in ("", "/logs", "/logs?since=2025-01-01T00:00:00Z", "/stocks", "/timeline", "/stocks/QAA"):
        assert app.api.get(f"/api/channels/{channel_id}{path}").status_code == 200, path
    assert app.api.get("/api/channels").status_code == 200
    assert app.api.get("/api/stocks/QAA/price").status_code == 200
    app.api.post(f"/api/channels/{channel_id}/refresh-prices")
    app.api.post(f"/api/channels/{channel_id}/backfill-prices")
    app.drain()
    [video] = app.items_of("Video")[:1]
    app.repository.videos.videos_by_youtube_id(video["youtube_video_id"])
    app.repository.mentions.mentions_of_ticker("QAA")
    app.repository.channels.channels_by_identity(app.items_of("Channel")[0]["youtube_channel_id"])
    app.repository.channels.channel_by_id(ChannelId(channel_id))
    assert app.api.delete(f"/api/channels/{channel_id}").status_code in (200, 204)
    app.drain()
