"""The boxes of an architecture diagram: which resources get one, and what stands in it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from cdk_app.docs.templates import Resource, Templates

type Kind = Literal[
    "api", "function", "queue", "table", "bucket", "secret", "schedule", "event", "topic", "alarm", "person"
]

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "AWS::ApiGatewayV2::Api": "api",
        "AWS::ApiGateway::RestApi": "api",
        "AWS::Lambda::Function": "function",
        "AWS::StepFunctions::StateMachine": "function",
        "AWS::SQS::Queue": "queue",
        "AWS::Kinesis::Stream": "queue",
        "AWS::DynamoDB::GlobalTable": "table",
        "AWS::DynamoDB::Table": "table",
        "AWS::S3::Bucket": "bucket",
        "AWS::SecretsManager::Secret": "secret",
        "AWS::Events::Rule": "schedule",
        "AWS::Events::EventBus": "topic",
        "AWS::Scheduler::Schedule": "schedule",
        "AWS::SNS::Topic": "topic",
    }
)
ALARMS: Final = "Alarms*"  # the one box of all alarms of a service; no logical id holds an asterisk
MAILBOX: Final = "Mailbox*"
_ABBREVIATIONS: Final = MappingProxyType({"Api": "API", "Http": "HTTP", "Dlq": "DLQ", "OAuth": "OAuth"})
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Box:
    """id: the resource's logical id without its hash. lines: what is worth knowing, at most two. stack: where it is."""

    id: str
    kind: Kind
    title: str
    lines: Sequence[str]
    stack: str


def is_drawn(resource: Resource) -> bool:
    """Whether a resource gets a box of its own."""
    return resource.type in KINDS


def box_of(resource: Resource, templates: Templates) -> Box:
    """The box of a drawn resource."""
    kind = _kind(resource)
    describe = _LINES.get(kind, _service_only) if kind != "event" else _events
    lines = [line for line in describe(resource, templates) if line]
    return Box(resource.name, kind, _title(resource, templates), lines, resource.stack)


def watch_boxes(templates: Templates) -> tuple[list[Box], list[tuple[str, str]]]:
    """One box for all alarms of the service, one for the e-mail address, and what notifies what, by box id."""
    alarms = templates.of_type("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    boxes: list[Box] = []
    notices: list[tuple[str, str]] = []
    if alarms:
        title = f"{len(alarms)} alarms" if len(alarms) != 1 else "1 alarm"
        boxes.append(Box(ALARMS, "alarm", title, ["CloudWatch"], alarms[0].stack))
        for alarm in alarms:
            topics = templates.named_in(alarm.properties.get("AlarmActions"), alarm.stack)
            notices += [(ALARMS, topic.name) for topic in topics]
    for subscription in templates.of_type("AWS::SNS::Subscription"):
        if subscription.properties["Protocol"].startswith("email"):
            topics = templates.named_in(subscription.properties["TopicArn"], subscription.stack)
            boxes.append(Box(MAILBOX, "person", "Operator", ["e-mail"], subscription.stack))
            notices += [(topic.name, MAILBOX) for topic in topics]
    return boxes, list(dict.fromkeys(notices))


def words(name: str) -> str:
    """A logical id as people say it: `ProcessingDeadLetters` is "Processing dead letters"."""
    parts = re.findall(r"OAuth|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    said = [_ABBREVIATIONS.get(part, part if part.isupper() else part.lower()) for part in parts]
    text = " ".join(said)
    return text[:1].upper() + text[1:]


def _kind(resource: Resource) -> Kind:
    return "event" if "EventPattern" in resource.properties else KINDS[resource.type]


def _title(resource: Resource, templates: Templates) -> str:
    kind = _kind(resource)
    if kind in ("table", "bucket"):
        physical = resource.properties.get("TableName") or resource.properties.get("BucketName")
        if isinstance(physical, str):
            return physical.removesuffix(f"-{templates.environment}")
    if kind == "api":
        return "HTTP API" if resource.type == "AWS::ApiGatewayV2::Api" else "REST API"
    if kind in ("schedule", "event"):
        return words(resource.name.removesuffix("Rule").removesuffix("Schedule"))
    return words(resource.name)


def _service_only(resource: Resource, _: Templates) -> list[str]:
    return [{"AWS::SecretsManager::Secret": "Secrets Manager"}.get(resource.type, resource.type.split("::")[1])]


def _api(api: Resource, templates: Templates) -> list[str]:
    rates = [
        stage.properties.get("DefaultRouteSettings", {}).get("ThrottlingRateLimit")
        for stage in templates.of_type("AWS::ApiGatewayV2::Stage")
        if api in templates.named_in(stage.properties["ApiId"], stage.stack)
    ]
    return ["API Gateway", *(f"up to {rate:g} requests/s" for rate in rates[:1] if rate)]


def _function(function: Resource, templates: Templates) -> list[str]:
    properties = function.properties
    facts = [f"{properties.get('MemorySize', 128)} MB", _span(properties.get("Timeout", 3))]
    aliases = [
        alias
        for alias in templates.of_type("AWS::Lambda::Alias")
        if function in templates.named_in(alias.properties["FunctionName"], alias.stack)
    ]
    released = [f"alias {alias.properties['Name']}" for alias in aliases]
    released += ["SnapStart"] if properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions" else []
    released += [
        _shifting(alias, templates) for alias in aliases if "CodeDeployLambdaAliasUpdate" in alias.update_policy
    ]
    return [" · ".join(["Lambda", *facts]), " · ".join(released)]


def _shifting(alias: Resource, templates: Templates) -> str:
    """How CodeDeploy moves traffic to a new version: by a configuration of our own, or by one of AWS's, by name."""
    update: Mapping[str, Any] = alias.update_policy["CodeDeployLambdaAliasUpdate"]
    for group in templates.named_in(update.get("DeploymentGroupName"), alias.stack):
        configuration = group.properties.get("DeploymentConfigName")
        own = [part.properties for part in templates.named_in(configuration, group.stack)]
        routing = json.dumps(own) if own else str(configuration)
        for word in ("Canary", "Linear", "AllAtOnce"):
            if word in routing:
                return words(word).lower()
    return "CodeDeploy"


def _queue(queue: Resource, _: Templates) -> list[str]:
    if queue.type != "AWS::SQS::Queue":
        return ["Kinesis"]
    kept = queue.properties.get("MessageRetentionPeriod", 4 * _DAY)  # AWS keeps messages for 4 days unless told
    return [f"SQS · keeps {_span(kept)}"]


def _table(table: Resource, _: Templates) -> list[str]:
    count = len(table.properties.get("GlobalSecondaryIndexes", []))
    indexes = [f"{count} index" if count == 1 else f"{count} indexes"] if count else []
    stream = ["stream"] if table.properties.get("StreamSpecification") else []
    replicas = table.properties.get("Replicas", [table.properties])
    recovery = any(
        replica.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled") for replica in replicas
    )
    return [" · ".join(["DynamoDB", *indexes, *stream]), "point-in-time recovery" if recovery else ""]


def _bucket(bucket: Resource, _: Templates) -> list[str]:
    """What it is, and how long what stays where that is not for good."""
    versions = bucket.properties.get("VersioningConfiguration", {}).get("Status") == "Enabled"
    rules = bucket.properties.get("LifecycleConfiguration", {}).get("Rules", [])
    kept = [
        f"{each.get('Prefix', '')} {_span(each['ExpirationInDays'] * _DAY)}"
        for each in rules
        if "ExpirationInDays" in each
    ]
    return [" · ".join(["S3", *(["old versions"] if versions else [])]), ", ".join(kept)]


def _events(rule: Resource, _: Templates) -> list[str]:
    return ["EventBridge", ", ".join(rule.properties["EventPattern"].get("detail-type", ["on events"]))]


def _schedule(rule: Resource, _: Templates) -> list[str]:
    expression = str(rule.properties.get("ScheduleExpression", ""))
    rate = re.fullmatch(r"rate\((\d+) (\w+?)s?\)", expression)
    if rate:
        count, unit = int(rate[1]), rate[2]
        return ["EventBridge", f"every {count} {unit}s" if count != 1 else f"every {unit}"]
    return ["EventBridge", expression or "on events"]


def _span(seconds: int) -> str:
    """Seconds in the largest unit that keeps them whole."""
    for size, unit in ((_DAY, "days"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}" if seconds != _DAY else "1 day"
    return f"{seconds} s"


_LINES: Final[Mapping[Kind, Callable[[Resource, Templates], list[str]]]] = MappingProxyType(
    {
        "api": _api,
        "function": _function,
        "queue": _queue,
        "table": _table,
        "bucket": _bucket,
        "schedule": _schedule,
    }
)
