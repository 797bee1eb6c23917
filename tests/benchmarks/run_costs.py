"""What it takes to analyse a channel, as a line through three measured runs: per channel, per video and per mention.

Each run goes through the real API and worker over DynamoDB Local, with the stand-ins of the outside services. Units of
transactions are computed from the items before and after by AWS's rule, because DynamoDB Local states 8 for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cdk_app.local.standins import World
from lambda_src.dynamo.capacity import Write, transact_write_units
from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.meter import UsageMeter
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.values import from_item
from lambda_src.services.stock_track_record.tables import TABLES
from tests.support.stock_track_record import NOON, Applications, TestClock
from tests.support.worlds import channel_with, numbered_stocks, spread_mentions

FEW_VIDEOS: Final = 20
MANY_VIDEOS: Final = 40
MENTIONS: Final = 100
TICKERS: Final = 25


@dataclass(frozen=True, slots=True)
class RunCost:
    """What a run took, or a share of it. messages: sent to the queues; each is one invocation of the worker."""

    requests: float
    read_units: float
    write_units: float
    messages: float

    def times(self, factor: float) -> "RunCost":
        return RunCost(*(getattr(self, name) * factor for name in self.__slots__))

    def minus(self, other: "RunCost") -> "RunCost":
        return RunCost(*(getattr(self, name) - getattr(other, name) for name in self.__slots__))


class TransactionMeter:
    """Adds up what transactions really take, and what the engine stated for them instead."""

    def __init__(self, client: Any, names: Mapping[str, str]) -> None:
        self.units = 0
        self.stated = 0.0
        self._reader = make_client(region="us-east-1", endpoint_url=client.meta.endpoint_url, read_timeout_seconds=30)
        self._tables = {names[table.name]: table for table in TABLES}
        self._before: list[tuple[str, Mapping[str, Any], Mapping[str, Any] | None]] = []
        client.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", self._begin)
        client.meta.events.register("after-call.dynamodb.TransactWriteItems", self._end)

    def _begin(self, params: Mapping[str, Any], **_: object) -> None:
        keys = [self._key(next(iter(action.values()))) for action in params["TransactItems"]]
        self._before = [(table, key, self._item(table, key)) for table, key in keys]

    def _end(self, parsed: Mapping[str, Any], **_: object) -> None:
        stated = parsed.get("ConsumedCapacity", ())
        self.stated += sum(float(entry["CapacityUnits"]) for entry in stated)
        if stated:  # a cancelled transaction states nothing and changed nothing
            writes = [Write(self._tables[t], before, self._item(t, key)) for t, key, before in self._before]
            self.units += transact_write_units(writes)

    def _key(self, action: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        name = action["TableName"]
        attributes = action.get("Key") or action["Item"]
        return name, {part: attributes[part] for part in self._tables[name].key_names}

    def _item(self, table: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        item = self._reader.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else from_item(item)


def shares(endpoint_url: str) -> Mapping[str, RunCost]:
    """What one channel, one of its videos and one of its mentions take. About 20 s."""
    few = run(endpoint_url, "few", videos=FEW_VIDEOS, mentions=0)
    many = run(endpoint_url, "many", videos=MANY_VIDEOS, mentions=0)
    mentioned = run(endpoint_url, "mentioned", videos=FEW_VIDEOS, mentions=MENTIONS)
    video = many.minus(few).times(1 / (MANY_VIDEOS - FEW_VIDEOS))
    return {
        "channel": few.minus(video.times(FEW_VIDEOS)),
        "video": video,
        "mention": mentioned.minus(few).times(1 / MENTIONS),
    }


def run(endpoint_url: str, prefix: str, *, videos: int, mentions: int) -> RunCost:
    """Add a channel to empty tables and analyse all of it."""
    names = {table.name: f"{prefix}-{table.seed_name}" for table in TABLES}
    client = make_client(region="us-east-1", endpoint_url=endpoint_url, read_timeout_seconds=30)
    for table in TABLES:
        client.create_table(**create_table_input(table, names[table.name]))
    meter = UsageMeter()
    meter.attach(client)
    transactions = TransactionMeter(client, names)
    clock = TestClock()
    channel = channel_with(videos, newest=NOON - timedelta(days=2))
    stocks = numbered_stocks(TICKERS)
    answers = spread_mentions(channel, stocks, mentions)
    world = World.custom(channels=[channel], answers=answers, stocks=stocks, clock=clock, quotas={})
    application = Applications(client=client, names=names, world=world, clock=clock)
    try:
        channel_id = application.add()
        application.drain()
        usage = meter.snapshot()
        _check(application.channel(channel_id), videos)
        return RunCost(
            usage.requests,
            usage.read_units,
            usage.write_units - transactions.stated + transactions.units,
            len(application.queue.every),
        )
    finally:
        application.stop()


def _check(channel: Mapping[str, Any], videos: int) -> None:
    if channel["status"] != "completed" or channel["processed_video_count"] != videos:
        raise RuntimeError(f"the run did not do its work: {channel}")


def as_rows(costs: Mapping[str, RunCost]) -> Sequence[tuple[str, ...]]:
    """Rows of a table."""
    return [
        (
            f"for each {name}",
            f"{cost.requests:.1f}",
            f"{cost.read_units:.1f}",
            f"{cost.write_units:.1f}",
            f"{cost.messages:.1f}",
        )
        for name, cost in costs.items()
    ]
