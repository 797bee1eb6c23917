"""How traffic becomes usage, for each service: figures that were measured, and assumptions that are named."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from cdk_app.docs.cost import Dial, Scenario, Usage, Workload, gb_seconds
from cdk_app.environments import PROD

MEASURED: Final = Path(__file__).parents[2] / "docs" / "benchmarks" / "capacity.json"

# ---- Stock Track Record --------------------------------------------------------------------------------------------

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
STORE_MS: Final = 5  # wait for one request to DynamoDB
ANSWER_KB: Final = 10
API_LOG_KB: Final = 2  # access log line, the function's lines, Lambda's own start and report
WORKER_LOG_KB: Final = 4
COLD_SHARE: Final = 0.01
VIDEO_SECONDS: Final = 30  # one video, most of it waiting for Gemini to watch it
CHANNEL_SECONDS: Final = 10  # listing the uploads, and fetching prices at the end
REQUESTS_PER_MESSAGE: Final = 3  # send, receive, delete
VIDEO_KB: Final = 2  # the video with its index entry and its claim
MENTION_KB: Final = 2.5  # two copies of 0.8 KB and their index entries
MONTHS_KEPT: Final = 12


def stock_track_record() -> Workload:
    """Reads `capacity.json`, which `make bench-capacity` writes."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    traces = 1.0 if PROD.tracing else 0.0
    return Workload(
        dials=(
            Dial("API request", _api_request(measured["reads"], traces)),
            Dial("channel", _worked(measured["run"]["channel"], CHANNEL_SECONDS, traces=traces)),
            Dial("video", _worked(measured["run"]["video"], VIDEO_SECONDS, kept_kb=VIDEO_KB, traces=traces)),
            Dial("mention", _worked(measured["run"]["mention"], 0, kept_kb=MENTION_KB, traces=traces)),
        ),
        scenarios=(
            _month("Quiet", requests=1_000, channels=1, videos=50),
            _month("Busy", requests=100_000, channels=20, videos=100),
            _month("Large", requests=1_000_000, channels=200, videos=200),
        ),
        assumptions=_assumptions(measured),
    )


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


def _api_request(reads: Mapping[str, Mapping[str, float]], traces: float) -> Usage:
    """The mean over the mix."""

    def mean(name: str) -> float:
        return sum(share * reads[read][name] for read, share in MIX.items())

    memory_mb = PROD.api_size.memory_mb
    return Usage(
        http_requests=1,
        internet_gb=ANSWER_KB / 1e6,
        invocations=1,
        gb_seconds=gb_seconds(memory_mb=memory_mb, cpu_ms=mean("cpu_ms"), waited_ms=mean("requests") * STORE_MS),
        restored_gb=COLD_SHARE * memory_mb / 1024 if PROD.snap_start else 0,
        read_units=mean("read_units"),
        write_units=mean("write_units"),
        logged_gb=API_LOG_KB / 1e6,
        traces=traces,
    )


def _worked(share: Mapping[str, float], seconds: float, *, kept_kb: float = 0, traces: float) -> Usage:
    """A share of a run. kept_kb: what stays in the tables."""
    messages = share["messages"]
    waited_ms = seconds * 1000 + share["requests"] * STORE_MS
    return Usage(
        invocations=messages,
        gb_seconds=gb_seconds(memory_mb=PROD.worker_size.memory_mb, cpu_ms=0, waited_ms=waited_ms),
        read_units=share["read_units"],
        write_units=share["write_units"],
        stored_gb=kept_kb * MONTHS_KEPT / 1e6,
        queue_requests=messages * REQUESTS_PER_MESSAGE,
        logged_gb=messages * WORKER_LOG_KB / 1e6,
        traces=messages * traces,
    )


def _assumptions(measured: Mapping[str, Any]) -> str:
    example = measured["example"]
    mix = ", ".join(f"{share:.0%} {read}" for read, share in MIX.items())
    return f"""\
- **Measured** on {measured["date"]} ([capacity.md](benchmarks/capacity.md)): requests, capacity units and CPU time of
  each read, on a channel of {example["videos"]} videos and {example["mentions"]:,} mentions; requests, capacity units
  and messages of a run.
- **Assumed**, the mix of API requests: {mix}.
- **Assumed**, time: {STORE_MS} ms of waiting for each request to DynamoDB; CPU time as measured, stretched to the share
  of a core that the function's memory buys; {VIDEO_SECONDS} s of a worker for a video, nearly all of it waiting for
  Gemini; {CHANNEL_SECONDS} s for the rest of a channel's run. None of it was measured on AWS.
- **Assumed**, sizes: {ANSWER_KB} KB for an answer; {API_LOG_KB} KB of logs for an API request and {WORKER_LOG_KB} KB
  for a message; {VIDEO_KB} KB stored for a video and {MENTION_KB} KB for a mention, indexes included, {MONTHS_KEPT}
  months of them at a time.
- **Assumed**, {COLD_SHARE:.0%} of API requests find no warm function. Every request and message is traced: X-Ray
  samples less only above one a second.
- **Not counted**: what YouTube, Gemini, Finnhub and Alpha Vantage ask for.
"""


WORKLOADS: Final[Mapping[str, Callable[[], Workload]]] = MappingProxyType({"stock_track_record": stock_track_record})
