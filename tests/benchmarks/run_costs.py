"""What it takes to analyse a channel, as a line through three measured runs: per channel, per video and per mention.

Each run goes through the real API and worker over DynamoDB Local, with the stand-ins of the outside services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.services.stock_track_record.tables import TABLES
from tests.benchmarks.comparing import empty_tables
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
    client, names, meter = empty_tables(endpoint_url, TABLES, prefix=f"{prefix}-")
    clock = TestClock()
    channel = channel_with(videos, newest=NOON - timedelta(days=2))
    stocks = numbered_stocks(TICKERS)
    answers = spread_mentions(channel, stocks, mentions)
    world = World.custom(channels=[channel], answers=answers, stocks=stocks, clock=clock, quotas={})
    application = Applications(client=client, names=names, world=world, clock=clock, engine=meter)
    try:
        channel_id = application.add()
        application.drain()
        usage = meter.snapshot()
        _check(application.channel(channel_id), videos)
        return RunCost(usage.requests, usage.read_units, usage.write_units, len(application.queue.every))
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
