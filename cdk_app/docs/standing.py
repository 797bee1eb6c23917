"""What a service uses before its first request, read from its templates: alarms, secrets, snapshots, polling."""

import re
from collections.abc import Iterator
from typing import Any, Final

from cdk_app.docs.architecture import architecture_of
from cdk_app.docs.templates import Resource, Templates
from cdk_app.prices import SECONDS_PER_MONTH
from cdk_app.services.workloads import Usage

POLLERS: Final = 5  # connections with which Lambda waits at a queue that is quiet; assumed, see the cost page
POLL_SECONDS: Final = 20  # the longest wait of SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/best-practices-setting-up-long-polling.html
SECRET_SECONDS: Final = 300  # how long a function keeps a secret; runtime/secrets.py
SCHEDULED_SECONDS: Final = 0.2  # a run of a schedule that finds nothing to do; assumed


def standing_usage(templates: Templates) -> Usage:
    """Usage of a month without traffic."""
    alarms = templates.of_type("AWS::CloudWatch::Alarm")
    mappings = templates.of_type("AWS::Lambda::EventSourceMapping")
    # To read a table's stream costs nothing: https://aws.amazon.com/dynamodb/pricing/on-demand/
    queues = [each for each in mappings if "StartingPosition" not in each.properties]
    arrows = architecture_of("", templates).arrows
    secrets = {secret.name for secret in templates.of_type("AWS::SecretsManager::Secret")}
    reads_of_secrets = sum(arrow.flow == "reads" and arrow.target in secrets for arrow in arrows)
    usage = Usage(
        alarm_metrics=sum(_metric_count(alarm) for alarm in alarms),
        composite_alarms=len(templates.of_type("AWS::CloudWatch::CompositeAlarm")),
        dashboards=len(templates.of_type("AWS::CloudWatch::Dashboard")),
        custom_metrics=len({name for alarm in alarms for name in _own_metrics(alarm)}),
        secrets=len(secrets),
        secret_requests=reads_of_secrets * SECONDS_PER_MONTH / SECRET_SECONDS,
        snapstart_gb_seconds=sum(_memory_gb(function) for function in _with_snapstart(templates)) * SECONDS_PER_MONTH,
        queue_requests=len(queues) * POLLERS * SECONDS_PER_MONTH / POLL_SECONDS,
    )
    for rule in templates.of_type("AWS::Events::Rule", "AWS::Scheduler::Schedule"):
        usage += _scheduled(rule, templates)
    return usage


def traced(templates: Templates) -> bool:
    """Whether functions of the service record traces."""
    functions = templates.of_type("AWS::Lambda::Function")
    return any(function.properties.get("TracingConfig", {}).get("Mode") == "Active" for function in functions)


def _metric_count(alarm: Resource) -> int:
    """An alarm over metric math is billed for each metric it reads."""
    read = [part for part in alarm.properties.get("Metrics", []) if "MetricStat" in part]
    return max(1, len(read))


def _own_metrics(alarm: Resource) -> Iterator[tuple[str, str]]:
    """Metrics that are no AWS service's: those the functions write."""
    properties = alarm.properties
    stats: list[Any] = [part["MetricStat"]["Metric"] for part in properties.get("Metrics", []) if "MetricStat" in part]
    for metric in [properties, *stats]:
        namespace = metric.get("Namespace", "AWS/")
        if not namespace.startswith("AWS/"):
            yield namespace, metric["MetricName"]


def _with_snapstart(templates: Templates) -> Iterator[Resource]:
    for function in templates.of_type("AWS::Lambda::Function"):
        if function.properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions":
            yield function


def _memory_gb(function: Resource) -> float:
    return float(function.properties.get("MemorySize", 128)) / 1024


def _scheduled(rule: Resource, templates: Templates) -> Usage:
    """Invocations of functions by a rate; cron expressions and events are left out."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", str(rule.properties.get("ScheduleExpression", "")))
    if rate is None:
        return Usage()
    seconds = int(rate[1]) * {"minute": 60, "hour": 3600, "day": 86_400}[rate[2]]
    times = SECONDS_PER_MONTH / seconds
    named = templates.named_in(rule.properties.get("Targets"), rule.stack)
    memory = sum(_memory_gb(resource) for resource in named if resource.type == "AWS::Lambda::Function")
    return Usage(
        invocations=times, gb_seconds=times * SCHEDULED_SECONDS * memory, traces=times if traced(templates) else 0
    )
