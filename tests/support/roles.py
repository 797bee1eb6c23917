"""What the roles of a synthesised stack may do, in terms of what its functions were told: tables, queues, secrets."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.assembly import Resource, Template
from tests.support.recorded_operations import EVERYTHING, Operations

FUNCTION = "AWS::Lambda::Function"
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html; to list streams knows no resource to name
READING = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
FINDING = "dynamodb:ListStreams"
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html; the group is there already
LOGGING = ("logs:CreateLogStream", "logs:PutLogEvents")
# https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html; they know no resource to name
TRACING = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")


def statements(template: Template, role: str) -> list[tuple[str, Any]]:
    """(action, resource) pairs that a role is allowed. role: start of its logical id."""
    return [
        (action, place)
        for policy in template.of_type("AWS::IAM::Policy").values()
        if any(each["Ref"].startswith(role) for each in policy["Properties"]["Roles"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        for place in _listed(resource, statement)
    ]


def _listed(resource: Any, statement: Mapping[str, Any]) -> list[Any]:
    """A bucket that is listed by prefix as what is seen of it, written like what is allowed on objects there."""
    shown = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix")
    return [resource] if shown is None else [{"Fn::Join": ["/", [resource, each]]} for each in as_list(shown)]


def granted_to(template: Template, function: str, *, tables: Mapping[str, str]) -> Operations:
    """Everything the role of a function is allowed.

    function: start of its logical id. tables: names to use, by physical name. Queues, dead-letter queues, buckets and
    secrets are named by the setting that leads the function to them; its log group is `logs`.
    """
    _, resource = _function(template, function)
    role = resource["Properties"]["Role"]["Fn::GetAtt"][0]
    names = _names(resource)
    return {(_name(place, names, tables), action) for action, place in statements(template, role)}


def done_by_lambda(template: Template, function: str) -> Operations:
    """What the Lambda service does in the name of a function: takes its messages, writes its logs and traces.

    Of a stream it takes records, and leaves a note where it gives some up.
    """
    logical_id, resource = _function(template, function)
    names = _names(resource)
    done = {("logs", action) for action in LOGGING}
    if resource["Properties"].get("TracingConfig", {}).get("Mode") == "Active":
        done |= {(EVERYTHING, action) for action in TRACING}
    for mapping in _mappings(template, logical_id):
        given_up = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        source = _name(mapping["EventSourceArn"], names, {})
        done |= {(source, action) for action in (READING if given_up else POLLING)}
        done |= {(EVERYTHING, FINDING), (_name(given_up, names, {}), "sqs:SendMessage")} if given_up else set()
    return done


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(resource: Any) -> str:
    """A resource as one string: `Fn::Join` joined, references by name."""
    if isinstance(resource, str):
        return resource
    if "Fn::Join" in resource:
        separator, parts = resource["Fn::Join"]
        return str(separator).join(text(part) for part in parts)
    return json.dumps(resource, sort_keys=True)


def _function(template: Template, starting: str) -> tuple[str, Resource]:
    [found] = [item for item in template.of_type(FUNCTION).items() if item[0].startswith(starting)]
    return found


def _variables(function: Resource) -> dict[str, Any]:
    variables: dict[str, Any] = function["Properties"]["Environment"]["Variables"]
    return variables


def _names(function: Resource) -> dict[str, str]:
    """What a function was told of, and its log group, by what leads there."""
    names = {json.dumps(value): variable.lower() for variable, value in _variables(function).items()}
    return {**names, json.dumps(function["Properties"]["LoggingConfig"]["LogGroup"]): "logs"}


def _mappings(template: Template, function_id: str) -> Iterator[Any]:
    for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values():
        if mapping["Properties"]["FunctionName"] == {"Ref": function_id}:
            yield mapping["Properties"]


def _name(place: Any, names: Mapping[str, str], tables: Mapping[str, str]) -> str:
    """What a resource of a policy is called; its own text when the function was never told of it."""
    _, is_table, path = text(place).partition(":table/")
    if is_table:
        physical, _, index = path.partition("/index/")
        return f"{tables.get(physical, physical)}/{index}" if index else tables.get(physical, physical)
    _, is_job, path = text(place).partition(":transcription-job/")
    if is_job:
        return f"transcription-job/{path}"
    _, is_bucket, path = text(place).partition(":s3:::")
    for known, name in names.items() if is_bucket else ():
        bucket = json.dumps(json.loads(known), sort_keys=True)
        if path.startswith(bucket):
            return name + path.removeprefix(bucket).removesuffix("/*")
    if isinstance(place, dict) and "Fn::GetAtt" in place:
        place = {"Ref": place["Fn::GetAtt"][0]}
    return names.get(json.dumps(place), text(place))
