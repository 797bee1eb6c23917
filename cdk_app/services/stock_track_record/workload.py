"""The traffic of Stock Track Record: people who look at results, and channels that are analysed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from cdk_app.environments import PROD
from cdk_app.services.workloads import (
    MONTHS_KEPT,
    Dial,
    Scenario,
    Usage,
    Workload,
    api_request,
    mean,
    measured,
    shares,
    worked,
)

# Which reads make up the traffic of the API, by their names in the benchmark. A page that watches a run polls its log.
MIX: Final[Mapping[str, float]] = MappingProxyType(
    {
        "logs, since the last 100": 0.40,
        "list of channels, page 3 of 5": 0.20,
        "stocks": 0.15,
        "one stock (drilldown)": 0.15,
        "timeline": 0.10,
    }
)
VIDEO_SECONDS: Final = 30  # one video, most of it waiting for Gemini to watch it
CHANNEL_SECONDS: Final = 10  # listing the uploads, and fetching prices at the end
VIDEO_KB: Final = 2  # the video with its index entry and its claim
MENTION_KB: Final = 2.5  # two copies of 0.8 KB and their index entries


def workload() -> Workload:
    """Dials: requests to the API, and what is analysed."""
    date, figures = measured("stock_track_record")
    run = figures["run"]
    read = api_request(mean(figures["requests"], MIX), memory_mb=PROD.api_size.memory_mb)
    return Workload(
        dials=(
            Dial("API request", read),
            Dial("channel", _analysed(run["channel"], seconds=CHANNEL_SECONDS)),
            Dial("video", _analysed(run["video"], seconds=VIDEO_SECONDS, kept_kb=VIDEO_KB)),
            Dial("mention", _analysed(run["mention"], kept_kb=MENTION_KB)),
        ),
        scenarios=(
            _month("Quiet", requests=1_000, channels=1, videos=50),
            _month("Busy", requests=100_000, channels=20, videos=100),
            _month("Large", requests=1_000_000, channels=200, videos=200),
        ),
        assumptions=_assumptions(date, figures["example"]),
    )


def _analysed(share: Mapping[str, float], *, seconds: float = 0, kept_kb: float = 0) -> Usage:
    """A share of a run."""
    memory_mb = PROD.worker_size.memory_mb
    return worked(share, memory_mb=memory_mb, messages=share["messages"], seconds=seconds, kept_kb=kept_kb)


def _month(title: str, *, requests: int, channels: int, videos: int, mentions: int = 5) -> Scenario:
    """videos: of each channel. mentions: of each video."""
    return Scenario(
        title,
        {
            "API request": requests,
            "channel": channels,
            "video": channels * videos,
            "mention": channels * videos * mentions,
        },
    )


def _assumptions(date: str, example: Mapping[str, Any]) -> str:
    return f"""\
- **Measured** on {date} ([capacity.md](benchmarks/capacity.md)): requests, capacity units and CPU time of
  each read, on a channel of {example["videos"]} videos and {example["mentions"]:,} mentions; requests, capacity units
  and messages of a run.
- **Assumed**, the mix of API requests: {shares(MIX)}.
- **Assumed**, {VIDEO_SECONDS} s of a worker for a video, nearly all of it waiting for Gemini; {CHANNEL_SECONDS} s for
  the rest of a channel's run; {VIDEO_KB} KB stored for a video and {MENTION_KB} KB for a mention, indexes included,
  {MONTHS_KEPT} months of them at a time.
- **Not counted**: what YouTube, Gemini, Finnhub and Alpha Vantage ask for.
"""
