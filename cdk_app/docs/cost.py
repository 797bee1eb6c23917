"""The arithmetic of the cost page: what is used, times what it costs. Nothing here knows a service.

A service costs a standing amount a month and, for each unit of traffic, what that unit uses. Both are a `Usage`, so
the sum is linear, and a reader can put in traffic of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Final

from cdk_app import prices
from cdk_app.prices import Price


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

# What each quantity costs; stored data also costs its recovery.
PRICED: Final[Mapping[str, tuple[Price, ...]]] = MappingProxyType(
    {
        "http_requests": (prices.HTTP_API_REQUEST,),
        "internet_gb": (prices.INTERNET_TRAFFIC,),
        "invocations": (prices.LAMBDA_REQUEST,),
        "gb_seconds": (prices.LAMBDA_ARM_DURATION,),
        "snapstart_gb_seconds": (prices.SNAPSTART_CACHE,),
        "restored_gb": (prices.SNAPSTART_RESTORE,),
        "read_units": (prices.DYNAMODB_READ_UNIT,),
        "write_units": (prices.DYNAMODB_WRITE_UNIT,),
        "stored_gb": (prices.DYNAMODB_STORAGE, prices.DYNAMODB_RECOVERY),
        "queue_requests": (prices.SQS_REQUEST,),
        "logged_gb": (prices.LOGS_INGESTED,),
        "traces": (prices.TRACE,),
        "alarm_metrics": (prices.ALARM_METRIC,),
        "composite_alarms": (prices.COMPOSITE_ALARM,),
        "dashboards": (prices.DASHBOARD,),
        "custom_metrics": (prices.CUSTOM_METRIC,),
        "secrets": (prices.SECRET,),
        "secret_requests": (prices.SECRET_REQUEST,),
    }
)


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


def usage_of(standing: Usage, workload: Workload, scenario: Scenario) -> Usage:
    """Everything a month uses. Raises ValueError for traffic that no dial describes."""
    unknown = scenario.counts.keys() - {dial.name for dial in workload.dials}
    if unknown:
        raise ValueError(f"no dial describes {sorted(unknown)}")
    total = standing + scenario.also
    for dial in workload.dials:
        total += dial.usage.times(scenario.counts.get(dial.name, 0))
    return total


def bill(usage: Usage) -> Iterator[tuple[str, float]]:
    """US dollars by price, in the order of the price list; nothing used, nothing listed."""
    for quantity, asked in PRICED.items():
        amount: float = getattr(usage, quantity)
        yield from ((price.name, amount * float(price.each)) for price in asked if amount)


def total(usage: Usage) -> float:
    """US dollars."""
    return sum(usd for _, usd in bill(usage))


def gb_seconds(*, memory_mb: int, cpu_ms: float, waited_ms: float = 0) -> float:
    """What an invocation is billed for: its CPU time on the share of a core that its memory buys, and its waits.

    A function has one full core at 1,769 MB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
    """
    share_of_core = min(1.0, memory_mb / 1769)
    seconds = (cpu_ms / share_of_core + waited_ms) / 1000
    return seconds * memory_mb / 1024
