"""Logs as JSON lines and metrics in CloudWatch's embedded format. Everything below calls `logging.getLogger(__name__)`.

A lower layer never imports this module: the entry point calls `configure_logging` once, and a service that counts
something is handed the `Metrics` it makes.
"""

import json
import logging
import sys
from collections.abc import Mapping
from functools import partial
from typing import TextIO

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from lambda_src.runtime.correlation import correlation_id
from lambda_src.runtime.metrics import Metrics

PRODUCT_LOGGER = "lambda_src"

# ASCII only, so that a lone surrogate in somebody's text cannot keep a line from being written.
_to_json = partial(json.dumps, default=str, separators=(",", ":"), ensure_ascii=True)


def configure_logging(*, service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Write every log record of this process as one JSON line, with `service` and the correlation id.

    level applies to the product's own loggers. Libraries are heard from WARNING on: httpx and botocore write addresses
    (and with them keys) at INFO. Calling it again replaces what was set before.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.addFilter(_with_our_fields)
    handler.setFormatter(
        LambdaPowertoolsFormatter(json_serializer=_to_json, use_rfc3339=True, utc=True, service=service)
    )
    root = logging.getLogger()
    root.handlers = [handler]  # in place of the Lambda runtime's own, which would write each line once more
    root.setLevel(logging.WARNING)
    logging.getLogger(PRODUCT_LOGGER).setLevel(level)


def _with_our_fields(record: logging.LogRecord) -> bool:
    identifier = correlation_id()
    if identifier is not None and not hasattr(record, "correlation_id"):
        record.correlation_id = identifier
    vars(record).pop("taskName", None)  # Python's own, of the asyncio task; Powertools takes it for a field of ours
    return True


class EmfMetrics(Metrics):
    """Counts and durations of what happened, written by `flush` as one log line per invocation and set of dimensions.

    Everything has the dimension `service`. Others divide it: `by` names them, with few values each, since CloudWatch
    bills every combination as a metric.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    def __init__(self, *, namespace: str, service: str) -> None:
        self._namespace = namespace
        self._service = service
        self._lines: dict[tuple[frozenset[tuple[str, str]], ...], AmazonCloudWatchEMFProvider] = {}

    def count(self, name: str, value: float = 1, /, **by: str) -> None:
        """Something happened, `value` times. Also counted undivided: an alarm sees one set of dimensions."""
        self._line({}, *([by] if by else [])).add_metric(name=name, unit="Count", value=value)

    def milliseconds(self, name: str, value: float, /, **by: str) -> None:
        """Something took that long. Divided only: different things have no percentile in common."""
        self._line(by).add_metric(name=name, unit="Milliseconds", value=value)

    def flush(self) -> None:
        for line in self._lines.values():
            line.flush_metrics()
        self._lines.clear()

    def _line(self, *divisions: Mapping[str, str]) -> AmazonCloudWatchEMFProvider:
        """Where metrics are collected that are published under each of these sets of dimensions."""
        key = tuple(frozenset(division.items()) for division in divisions)
        if key not in self._lines:
            self._lines[key] = line = AmazonCloudWatchEMFProvider(namespace=self._namespace, service=self._service)
            first, *others = divisions
            for name, value in first.items():
                line.add_dimension(name, value)
            for division in others:
                line.add_dimensions(service=self._service, **division)
        return self._lines[key]
