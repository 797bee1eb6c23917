"""The arithmetic of the cost page: what is used, times what it costs. Nothing here knows a service.

A service costs a standing amount a month and, for each unit of traffic, what that unit uses. Both are a `Usage`, so
the sum is linear, and a reader can put in traffic of their own.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from cdk_app import prices
from cdk_app.prices import Price
from cdk_app.services.workloads import Scenario, Usage, Workload

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
        "object_gb": (prices.S3_STORAGE,),
        "object_writes": (prices.S3_WRITE,),
        "object_reads": (prices.S3_READ,),
        "transcribed_minutes": (prices.TRANSCRIBED_MINUTE,),
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
