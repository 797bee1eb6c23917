"""How traffic becomes usage, in the terms of every service: requests to an API, messages to a worker, what is assumed.

The workload of a service says which requests its users send and how many; the cost page multiplies by prices.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from cdk_app.environments import PROD

MEASURED: Final = Path(__file__).parents[2] / "docs" / "benchmarks" / "capacity.json"

STORE_MS: Final = 5  # wait for one request to DynamoDB
ANSWER_KB: Final = 10
API_LOG_KB: Final = 2  # access log line, the function's lines, Lambda's own start and report
WORKER_LOG_KB: Final = 4
COLD_SHARE: Final = 0.01
REQUESTS_PER_MESSAGE: Final = 3  # send, receive, delete
MONTHS_KEPT: Final = 12
TRACES: Final = 1.0 if PROD.tracing else 0.0  # per invocation

type Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Quantities that AWS bills, per month or per unit of traffic. GB are 10^9 bytes, durations GB-seconds."""

    http_requests: float = 0
    internet_gb: float = 0
    invocations: float = 0
    gb_seconds: float = 0
    snapstart_gb_seconds: float = 0
    restored_gb: float = 0
    read_units: float = 0
    write_units: float = 0
    stored_gb: float = 0
    object_gb: float = 0
    object_writes: float = 0
    object_reads: float = 0
    transcribed_minutes: float = 0
    queue_requests: float = 0
    logged_gb: float = 0
    traces: float = 0
    alarm_metrics: float = 0
    composite_alarms: float = 0
    dashboards: float = 0
    custom_metrics: float = 0
    secrets: float = 0
    secret_requests: float = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in _QUANTITIES})

    def times(self, factor: float) -> "Usage":
        """So many of it."""
        return Usage(**{name: getattr(self, name) * factor for name in _QUANTITIES})


_QUANTITIES: Final = tuple(quantity.name for quantity in fields(Usage))


@dataclass(frozen=True, slots=True)
class Dial:
    """A kind of traffic and what one unit of it uses. name: in the singular, "API request"."""

    name: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Scenario:
    """A month. counts: units of traffic by name of their dial; a dial that is missing stands at zero.

    also: what such a month uses that grows with nothing, such as metrics that are written at all.
    """

    title: str
    counts: Mapping[str, float]
    also: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Workload:
    """How traffic becomes usage in one service, with the scenarios that are shown. assumptions: a list in Markdown."""

    dials: Sequence[Dial]
    scenarios: Sequence[Scenario]
    assumptions: str = ""


def measured(package: str) -> tuple[str, Mapping[str, Any]]:
    """When the figures of a service were taken, and what they are."""
    every = json.loads(MEASURED.read_text(encoding="utf-8"))
    return every["date"], every["services"][package]


def mean(figures: Mapping[str, Figures], mix: Mapping[str, float]) -> Figures:
    """The mean of measured requests over a mix of them: shares that add up to 1, by name."""
    names = next(iter(figures.values()))
    sums = {name: sum(share * figures[request][name] for request, share in mix.items()) for name in names}
    return MappingProxyType(sums)


def api_request(figures: Figures, *, memory_mb: int, waited_ms: float = 0, kept_kb: float = 0) -> Usage:
    """One request to an API. waited_ms: for others than DynamoDB. kept_kb: what stays in the tables."""
    waited_ms += figures["requests"] * STORE_MS
    return Usage(
        http_requests=1,
        internet_gb=ANSWER_KB / 1e6,
        invocations=1,
        gb_seconds=gb_seconds(memory_mb=memory_mb, cpu_ms=figures["cpu_ms"], waited_ms=waited_ms),
        restored_gb=COLD_SHARE * memory_mb / 1024 if PROD.snap_start else 0,
        read_units=figures["read_units"],
        write_units=figures["write_units"],
        stored_gb=kept_kb * MONTHS_KEPT / 1e6,
        logged_gb=API_LOG_KB / 1e6,
        traces=TRACES,
    )


def worked(figures: Figures, *, memory_mb: int, messages: float, seconds: float, kept_kb: float = 0) -> Usage:
    """Work of a worker. messages: sent for it. seconds: of waiting for others than DynamoDB. kept_kb: what stays."""
    waited_ms = seconds * 1000 + figures["requests"] * STORE_MS
    return Usage(
        invocations=messages,
        gb_seconds=gb_seconds(memory_mb=memory_mb, cpu_ms=figures.get("cpu_ms", 0), waited_ms=waited_ms),
        read_units=figures["read_units"],
        write_units=figures["write_units"],
        stored_gb=kept_kb * MONTHS_KEPT / 1e6,
        queue_requests=messages * REQUESTS_PER_MESSAGE,
        logged_gb=messages * WORKER_LOG_KB / 1e6,
        traces=messages * TRACES,
    )


def shares(mix: Mapping[str, float]) -> str:
    """A mix in words."""
    return ", ".join(f"{share:.0%} {request}" for request, share in mix.items())


def shared_assumptions() -> str:
    """What is assumed of every service."""
    return f"""\
- Time: {STORE_MS} ms of waiting for each request to DynamoDB; CPU time as measured, stretched to the share of a core
  that the function's memory buys. None of it was measured on AWS.
- Sizes: {ANSWER_KB} KB for an answer; {API_LOG_KB} KB of logs for an API request and {WORKER_LOG_KB} KB for a message.
- {COLD_SHARE:.0%} of API requests find no warm function. Every request and message is traced: X-Ray samples less only
  above one a second.
"""


def gb_seconds(*, memory_mb: int, cpu_ms: float, waited_ms: float = 0) -> float:
    """What an invocation is billed for: its CPU time on the share of a core that its memory buys, and its waits.

    A function has one full core at 1,769 MB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
    """
    share_of_core = min(1.0, memory_mb / 1769)
    seconds = (cpu_ms / share_of_core + waited_ms) / 1000
    return seconds * memory_mb / 1024
