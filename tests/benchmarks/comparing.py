"""How capacity figures are taken: one question, asked of the service and of what it replaces, and both are counted."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.client import Client, Response
from lambda_src.dynamo.meter import Usage, UsageMeter
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Request
from tests.benchmarks import reports
from tests.benchmarks.transaction_meter import TransactionMeter


class DifferentAnswers(RuntimeError):
    """The service or the reference does not say what it should, so their costs cannot be compared."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and how many things each side answers with.

    ours, reference: answer it and return that number; None where nothing is replaced. expected: both numbers; the
    reference's own where it reads more.
    """

    name: str
    ours: Callable[[], int]
    expected: int
    reference: Callable[[], int] | None = None
    expected_of_reference: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one question took on either side. cpu_ms: of this process for ours, the HTTP client included."""

    question: Question
    ours: Usage
    reference: Usage | None
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Section:
    """What was measured of a service: its part of the report, and the figures for programs. package: of the service."""

    package: str
    text: str
    figures: Mapping[str, Any]


class Meter:
    """A client that counts requests and units, those of transactions by AWS's rule."""

    def __init__(self, client: Client, tables: Sequence[Table], names: Mapping[str, str]) -> None:
        self._transactions = TransactionMeter(client, tables, names)
        self._usage = UsageMeter(self._transactions)

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        return self._usage.call(operation, request, pattern)

    def close(self) -> None:
        self._usage.close()

    def snapshot(self) -> Usage:
        """The totals so far."""
        usage, transactions = self._usage.snapshot(), self._transactions
        return Usage(usage.requests, usage.read_units, usage.write_units - transactions.stated + transactions.units)

    def cpu_ms(self) -> float:
        """CPU time of this process so far, without that of measuring."""
        return time.process_time() * 1000 - self._transactions.cpu_ms


def empty_tables(
    endpoint_url: str, tables: Sequence[Table], *, prefix: str = ""
) -> tuple[Any, Mapping[str, str], Meter]:
    """A boto3 client of the engine, the names of new tables by declared ones, and a client that counts their use."""
    names = {table.name: f"{prefix}{table.base_name}" for table in tables}
    client = make_client(region="us-east-1", endpoint_url=endpoint_url, read_timeout_seconds=30)
    for table in tables:
        client.create_table(**create_table_input(table, names[table.name]))
    return client, names, Meter(Boto3Client(client), tables, names)


def measure(question: Question, meter: Meter) -> Cost:
    """Ask both sides. Raises DifferentAnswers when one of them does not say what it should."""
    before, began = meter.snapshot(), meter.cpu_ms()
    ours = question.ours()
    cpu_ms, between = meter.cpu_ms() - began, meter.snapshot()
    _check(question, ours, question.expected)
    if question.reference is None:
        return Cost(question, between - before, None, cpu_ms)
    expected = question.expected if question.expected_of_reference is None else question.expected_of_reference
    _check(question, question.reference(), expected)
    return Cost(question, between - before, meter.snapshot() - between, cpu_ms)


def _check(question: Question, answered: int, expected: int) -> None:
    if answered != expected:
        raise DifferentAnswers(f"{question.name}: {answered} instead of {expected}")


def cost_table(costs: Sequence[Cost], *, heading: str) -> str:
    """A line for each question. heading: of the questions."""
    head: tuple[str, ...] = (heading, "requests", "read units", "write units", "CPU ms")
    if any(cost.reference for cost in costs):
        head += ("replaced: requests", "read units", "write units", "fewer requests")
    return reports.table(head, [_row(cost)[: len(head)] for cost in costs])


def _row(cost: Cost) -> tuple[str, ...]:
    reference = ("-",) * 4
    if cost.reference is not None:
        fewer = cost.reference.requests / cost.ours.requests
        reference = (*_figures(cost.reference), f"{fewer:.3g} x")
    return cost.question.name, *_figures(cost.ours), f"{cost.cpu_ms:.1f}", *reference


def _figures(usage: Usage) -> tuple[str, str, str]:
    return f"{usage.requests}", f"{usage.read_units:.1f}", f"{usage.write_units:.1f}"


def as_data(costs: Iterable[Cost]) -> dict[str, dict[str, float]]:
    """The figures of the service by question, as the cost page reads them."""
    return {cost.question.name: {**rounded(asdict(cost.ours)), "cpu_ms": round(cost.cpu_ms, 1)} for cost in costs}


def rounded(figures: Mapping[str, float]) -> dict[str, float]:
    """Figures for people and diffs."""
    return {name: round(figure, 2) for name, figure in figures.items()}
