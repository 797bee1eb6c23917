"""What the workloads of all services have in common: requests to an API, messages to a worker, and what is assumed."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from cdk_app.docs.cost import Usage, gb_seconds
from cdk_app.environments import PROD

MEASURED: Final = Path(__file__).parents[3] / "docs" / "benchmarks" / "capacity.json"

STORE_MS: Final = 5  # wait for one request to DynamoDB
ANSWER_KB: Final = 10
API_LOG_KB: Final = 2  # access log line, the function's lines, Lambda's own start and report
WORKER_LOG_KB: Final = 4
COLD_SHARE: Final = 0.01
REQUESTS_PER_MESSAGE: Final = 3  # send, receive, delete
MONTHS_KEPT: Final = 12
TRACES: Final = 1.0 if PROD.tracing else 0.0  # per invocation

type Figures = Mapping[str, float]


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
