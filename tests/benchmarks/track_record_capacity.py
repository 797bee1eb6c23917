"""Capacity figures of Stock Track Record: the reads of its API, and what analysing a channel takes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

from lambda_src.services.stock_track_record.tables import TABLES
from tests.benchmarks import comparing, example_channel, reports, run_costs
from tests.benchmarks.comparing import Cost, Meter, Question, Section
from tests.benchmarks.example_channel import (
    CHANNEL_ID,
    CHANNELS,
    LOG_LINES,
    MENTIONS_PER_VIDEO,
    TICKERS,
    UNPRICED,
    VIDEOS,
)
from tests.benchmarks.legacy_reads import LegacyReads
from tests.support.stock_track_record import Applications

MENTIONS: Final = VIDEOS * MENTIONS_PER_VIDEO
ONE_TICKER: Final = TICKERS[0]
PAGE: Final = 3
PER_PAGE: Final = 20
POLLED_LINES: Final = 100


def section(endpoint_url: str) -> Section:
    """Everything that is measured of this service. About 40 s."""
    with _example(endpoint_url) as (application, legacy, meter):
        costs = [comparing.measure(question, meter) for question in questions(application, legacy)]
    run = run_costs.shares(endpoint_url)
    return Section("stock_track_record", _text(costs, run), _figures(costs, run))


@contextmanager
def _example(endpoint_url: str) -> Iterator[tuple[Applications, LegacyReads, Meter]]:
    """The service over the example's tables, the legacy application over the same, and the meter that counts both."""
    client, names, meter = comparing.empty_tables(endpoint_url, TABLES)
    application = Applications(client=client, names=names, engine=meter)
    try:
        example_channel.write(application.store)
        yield application, LegacyReads(meter, names["main"], names["stocks"]), meter
    finally:
        application.stop()


def questions(application: Applications, legacy: LegacyReads) -> list[Question]:
    """The reads of the API. Those that change something come last."""

    def get(path: str) -> dict[str, Any]:
        return _answer(application, "GET", path)

    def post(path: str) -> dict[str, Any]:
        return _answer(application, "POST", path)

    channel = f"/api/channels/{CHANNEL_ID}"
    since = get(f"{channel}/logs?limit={POLLED_LINES}")["logs"][0]["created_at"]
    return [
        Question(
            "stocks",
            lambda: len(get(f"{channel}/stocks")["stocks"]),
            len(TICKERS),
            lambda: len(legacy.stocks(CHANNEL_ID)),
        ),
        Question(
            "timeline",
            lambda: sum(len(video["mentions"]) for video in get(f"{channel}/timeline")["timeline"]),
            MENTIONS,
            lambda: len(legacy.timeline(CHANNEL_ID)),
        ),
        Question(
            "one stock (drilldown)",
            lambda: len(get(f"{channel}/stocks/{ONE_TICKER}")["mentions"]),
            -(-MENTIONS // len(TICKERS)),
            lambda: len(legacy.drilldown(CHANNEL_ID, ONE_TICKER)),
        ),
        Question(
            f"list of channels, page {PAGE} of {CHANNELS // PER_PAGE}",
            lambda: len(get(f"/api/channels?page={PAGE}&per_page={PER_PAGE}")["items"]),
            PER_PAGE,
            lambda: len(legacy.channel_page(page=PAGE, per_page=PER_PAGE)[1]),
        ),
        Question(
            f"logs, newest {POLLED_LINES} of {LOG_LINES:,}",
            lambda: len(get(f"{channel}/logs?limit={POLLED_LINES}")["logs"]),
            POLLED_LINES,
            lambda: len(legacy.logs(CHANNEL_ID)),
            LOG_LINES,
        ),
        Question(
            f"logs, since the last {POLLED_LINES}",
            lambda: len(get(f"{channel}/logs?since={since}")["logs"]),
            POLLED_LINES,
            lambda: len(legacy.logs(CHANNEL_ID)),
            LOG_LINES,
        ),
        Question(
            "refresh of prices, all fresh",
            lambda: len(post(f"{channel}/refresh-prices")["prices"]),
            len(TICKERS),
            lambda: len(legacy.stocks(CHANNEL_ID)),
        ),
        Question(
            f"backfill: count of {UNPRICED} unpriced",
            lambda: int(post(f"{channel}/backfill-prices")["missing"]),
            UNPRICED,
            lambda: legacy.count_unpriced(CHANNEL_ID),
        ),
    ]


def _answer(application: Applications, method: str, path: str) -> dict[str, Any]:
    answer = application.api.request(method, path)
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


def _figures(costs: list[Cost], run: Mapping[str, run_costs.RunCost]) -> dict[str, Any]:
    """As the cost page reads them."""
    return {
        "example": {"videos": VIDEOS, "mentions": MENTIONS, "tickers": len(TICKERS)},
        "requests": comparing.as_data(costs),
        "run": {name: comparing.rounded(asdict(share)) for name, share in run.items()},
    }


def _text(costs: list[Cost], run: Mapping[str, run_costs.RunCost]) -> str:
    copy_bytes = example_channel.mean_copy_bytes()
    steps = reports.table(
        ("Analysing a channel", "requests", "read units", "write units", "messages"), run_costs.as_rows(run)
    )
    return f"""## Stock Track Record

The example channel has {VIDEOS} videos, {MENTIONS:,} mentions of {len(TICKERS)} tickers ({round(copy_bytes)} bytes
each on average, as copied beside the channel) and {LOG_LINES:,} log lines; {CHANNELS} channels are listed. What
is replaced is the algorithm of the legacy application: one Query per video, one GetItem per ticker.

{comparing.cost_table(costs, heading="Read")}

Analysing a channel: the line through three runs, of {run_costs.FEW_VIDEOS} and {run_costs.MANY_VIDEOS} videos without
mentions and of {run_costs.FEW_VIDEOS} videos with {run_costs.MENTIONS}. Each message is sent, received and deleted
once, and is one invocation of the worker.

{steps}

- All reads of results are eventually consistent here. In the minute after a run has ended they are consistent, which
  doubles their read units and changes no number of requests.
- A mention is written twice, beside its video and beside its channel, and has index entries; then it gets its price.
- A Query reads 1 MB per request and rounds its size up once; one Query per video rounds up {VIDEOS} times, to 0.5 each.
  The service's own Query reads larger items, so its gain lies in requests, and with them in time, more than in units.
- The count of unpriced mentions reads a sparse index that holds nothing else. Its write is the lock that lets one
  backfill begin in ten minutes.
"""
