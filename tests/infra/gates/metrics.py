"""What an alarm looks at."""

from collections.abc import Iterator
from typing import Any

from tests.infra.gates.model import Json, Resource

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"


def metrics_of(alarm: Resource) -> Iterator[Json]:
    """Every metric an alarm looks at: its own, or those inside its expression."""
    if "MetricName" in alarm.properties:
        yield alarm.properties
    for part in alarm.properties.get("Metrics", []):
        if "MetricStat" in part:
            yield part["MetricStat"]["Metric"]


def dimensions(metric: Json) -> dict[str, Any]:
    return {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions", [])}
