"""Requests and capacity units of the API's reads, beside the algorithm they replace, on one engine in one run.

    python -m tests.benchmarks.capacity

Fills DynamoDB Local with the example channel, calls every endpoint over HTTP, then lets `ReferenceReads` answer the
same questions from the same tables; last it analyses channels to see what a run takes. Writes
`docs/benchmarks/capacity.md` for people and `capacity.json` for the cost page. Needs `make setup`.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from cdk_app.local.dynamodb_local import DynamoDBLocal
from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.meter import Usage, UsageMeter
from lambda_src.dynamo.render import create_table_input
from lambda_src.services.stock_track_record.tables import TABLES
from tests.benchmarks import example_channel, reports, run_costs
from tests.benchmarks.example_channel import CHANNEL, CHANNELS, LOG_LINES, MENTIONS_PER_VIDEO, TICKERS, UNPRICED, VIDEOS
from tests.benchmarks.reference_reads import ReferenceReads
from tests.support.ports import free_port
from tests.support.stock_track_record import Applications

MENTIONS: Final = VIDEOS * MENTIONS_PER_VIDEO
ONE_TICKER: Final = TICKERS[0]
PAGE: Final = 3
PER_PAGE: Final = 20
POLLED_LINES: Final = 100


class DifferentAnswers(RuntimeError):
    """The service and the reference do not say the same, so their costs cannot be compared."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and how many things each side answers with.

    ours, reference: answer it and return that number. expected: both numbers; the reference's own where it reads more.
    """

    name: str
    ours: Callable[[], int]
    reference: Callable[[], int]
    expected: int
    expected_of_reference: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one question took on either side. cpu_ms: of this process for ours, the HTTP client included."""

    question: Question
    ours: Usage
    reference: Usage
    cpu_ms: float


@contextmanager
def example() -> Iterator[tuple[Applications, ReferenceReads, UsageMeter]]:
    """The service over the example's tables, the reference over the same, and the meter that counts both."""
    engine = DynamoDBLocal(free_port())
    try:
        engine.start()
        engine.wait_until_ready()
        names = {table.name: table.seed_name for table in TABLES}
        client = make_client(region="us-east-1", endpoint_url=engine.endpoint_url, read_timeout_seconds=30)
        for table in TABLES:
            client.create_table(**create_table_input(table, names[table.name]))
        meter = UsageMeter()
        meter.attach(client)
        application = Applications(client=client, names=names)
        try:
            example_channel.write(application.store)
            yield application, ReferenceReads(client, names["main"], names["stocks"]), meter
        finally:
            application.stop()
    finally:
        engine.stop()


def questions(application: Applications, reference: ReferenceReads) -> list[Question]:
    """The reads of the API. Those that change something come last."""

    def get(path: str) -> dict[str, Any]:
        return _answer(application, "GET", path)

    def post(path: str) -> dict[str, Any]:
        return _answer(application, "POST", path)

    channel = f"/api/channels/{CHANNEL}"
    since = get(f"{channel}/logs?limit={POLLED_LINES}")["logs"][0]["created_at"]
    return [
        Question(
            "stocks",
            lambda: len(get(f"{channel}/stocks")["stocks"]),
            lambda: len(reference.stocks(CHANNEL)),
            len(TICKERS),
        ),
        Question(
            "timeline",
            lambda: sum(len(video["mentions"]) for video in get(f"{channel}/timeline")["timeline"]),
            lambda: len(reference.timeline(CHANNEL)),
            MENTIONS,
        ),
        Question(
            "one stock (drilldown)",
            lambda: len(get(f"{channel}/stocks/{ONE_TICKER}")["mentions"]),
            lambda: len(reference.drilldown(CHANNEL, ONE_TICKER)),
            -(-MENTIONS // len(TICKERS)),
        ),
        Question(
            f"list of channels, page {PAGE} of {CHANNELS // PER_PAGE}",
            lambda: len(get(f"/api/channels?page={PAGE}&per_page={PER_PAGE}")["items"]),
            lambda: len(reference.channel_page(page=PAGE, per_page=PER_PAGE)[1]),
            PER_PAGE,
        ),
        Question(
            f"logs, newest {POLLED_LINES} of {LOG_LINES:,}",
            lambda: len(get(f"{channel}/logs?limit={POLLED_LINES}")["logs"]),
            lambda: len(reference.logs(CHANNEL)),
            POLLED_LINES,
            LOG_LINES,
        ),
        Question(
            f"logs, since the last {POLLED_LINES}",
            lambda: len(get(f"{channel}/logs?since={since}")["logs"]),
            lambda: len(reference.logs(CHANNEL)),
            POLLED_LINES,
            LOG_LINES,
        ),
        Question(
            "refresh of prices, all fresh",
            lambda: len(post(f"{channel}/refresh-prices")["prices"]),
            lambda: len(reference.stocks(CHANNEL)),
            len(TICKERS),
        ),
        Question(
            f"backfill: count of {UNPRICED} unpriced",
            lambda: int(post(f"{channel}/backfill-prices")["missing"]),
            lambda: reference.count_unpriced(CHANNEL),
            UNPRICED,
        ),
    ]


def _answer(application: Applications, method: str, path: str) -> dict[str, Any]:
    answer = application.api.request(method, path)
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


def measure(question: Question, meter: UsageMeter) -> Cost:
    """Ask both sides. Raises DifferentAnswers when one of them does not say what it should."""
    before = meter.snapshot()
    began = time.process_time()
    ours = question.ours()
    cpu_ms = (time.process_time() - began) * 1000
    between = meter.snapshot()
    reference = question.reference()
    after = meter.snapshot()
    expected = (question.expected, question.expected_of_reference or question.expected)
    if (ours, reference) != expected:
        raise DifferentAnswers(f"{question.name}: {(ours, reference)} instead of {expected}")
    return Cost(question, between - before, after - between, cpu_ms)


def cost_table(costs: list[Cost]) -> str:
    head = (
        "Read", "requests", "read units", "write units", "CPU ms", "reference: requests", "read units",
        "fewer requests",
    )  # fmt: skip
    rows = (
        (
            cost.question.name,
            f"{cost.ours.requests}",
            f"{cost.ours.read_units:.1f}",
            f"{cost.ours.write_units:.1f}",
            f"{cost.cpu_ms:.1f}",
            f"{cost.reference.requests}",
            f"{cost.reference.read_units:.1f}",
            f"{cost.reference.requests / cost.ours.requests:.0f} x",
        )
        for cost in costs
    )
    return reports.table(head, rows)


def run_table(run: Mapping[str, run_costs.RunCost]) -> str:
    head = ("Analysing a channel", "requests", "read units", "write units", "messages")
    return reports.table(head, run_costs.as_rows(run))


def data(costs: list[Cost], run: Mapping[str, run_costs.RunCost]) -> dict[str, Any]:
    """The figures as the cost page reads them."""
    return {
        "service": "stock_track_record",
        "example": {"videos": VIDEOS, "mentions": MENTIONS, "tickers": len(TICKERS)},
        "reads": {
            cost.question.name: {**_rounded(asdict(cost.ours)), "cpu_ms": round(cost.cpu_ms, 1)} for cost in costs
        },
        "run": {name: _rounded(asdict(share)) for name, share in run.items()},
    }


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(figure, 2) for name, figure in figures.items()}


def report(costs: list[Cost], run: Mapping[str, run_costs.RunCost]) -> str:
    copy_bytes = example_channel.mean_copy_bytes()
    return f"""# Requests and capacity units

The example channel has {VIDEOS} videos, {MENTIONS:,} mentions of {len(TICKERS)} tickers ({round(copy_bytes)} bytes
each on average, as copied beside the channel) and {LOG_LINES:,} log lines; {CHANNELS} channels are listed. Each route
is called once over HTTP; then the algorithm it replaces (one Query per video, one GetItem per ticker) answers the same
from the same tables, and both have to find the same number of rows. Made by `make bench-capacity`.

{cost_table(costs)}

Analysing a channel: the line through three runs, of {run_costs.FEW_VIDEOS} and {run_costs.MANY_VIDEOS} videos without
mentions and of {run_costs.FEW_VIDEOS} videos with {run_costs.MENTIONS}. Each message is sent, received and deleted
once, and is one invocation of the worker.

{run_table(run)}

{reports.circumstances(("boto3",))}

## How to read it

- Figures are those DynamoDB Local states in its answers (`ReturnConsumedCapacity`); AWS counts the same way.
- All reads of results are eventually consistent here. In the minute after a run has ended they are consistent, which
  doubles their read units and changes no number of requests.
- CPU time is that of one call in one process with both ends of HTTP, so it is more than a function alone would need.
- Units of transactions are computed from the items before and after by AWS's rule: DynamoDB Local states 8 for each.
- A mention is written twice, beside its video and beside its channel, and has index entries; then it gets its price.
- A Query reads 1 MB per request and rounds its size up once; one Query per video rounds up {VIDEOS} times, to 0.5 each.
  The service's own Query reads larger items, so its gain lies in requests, and with them in time, more than in units.
- The count of unpriced mentions reads a sparse index that holds nothing else. Its write is the lock that lets one
  backfill begin in ten minutes.
"""


def main() -> None:
    with example() as (application, reference, meter):
        costs = [measure(question, meter) for question in questions(application, reference)]
        run = run_costs.shares(application.endpoint_url)
    path = reports.publish("capacity", report(costs, run))
    reports.publish_data("capacity", data(costs, run))
    sys.stdout.write(f"{cost_table(costs)}\n\n{run_table(run)}\n\n{path.name} written\n")


if __name__ == "__main__":
    main()
