"""Following CloudFormation's references: which resource a value means, and what text it becomes."""

import re
from collections.abc import Iterator
from typing import Any

from tests.infra.gates.model import Deployment, Resource, Stack

FUNCTION = "AWS::Lambda::Function"
VERSION = "AWS::Lambda::Version"
ALIAS = "AWS::Lambda::Alias"
QUEUE = "AWS::SQS::Queue"
TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
IN_SUB = re.compile(r"\$\{([^!}][^}]*)\}")
TABLE_ARN = re.compile(r":table/(?P<table>[^/]+)(?:/index/(?P<index>[^/]+))?")
MADE_BY_CDK = re.compile(r"[0-9A-F]{8}$")  # what it adds to a construct's path
QUEUE_ARN = re.compile(r":sqs:.*:(?P<queue>[^:}]+)$")


def as_list(value: Any) -> list[Any]:
    """IAM and CloudFormation write a list of one as the one; nothing is an empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def construct(resource: Resource) -> str:
    """The name of a resource as its stack gave it."""
    return MADE_BY_CDK.sub("", resource.logical_id)


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Every (logical id, attribute) that a value refers to; `Ref` has the attribute "". Pseudo parameters too."""
    if isinstance(value, list):
        for part in value:
            yield from references(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _reference(key, part)


def _reference(key: str, part: Any) -> Iterator[tuple[str, str]]:
    if key == "Ref":
        yield part, ""
    elif key == "Fn::GetAtt":
        logical_id, attribute = part if isinstance(part, list) else part.split(".", 1)
        yield logical_id, str(attribute)
    elif key == "Fn::Sub":
        template, variables = part if isinstance(part, list) else (part, {})
        names = [name for name in IN_SUB.findall(template) if name not in variables]
        yield from ((name.partition(".")[0], name.partition(".")[2]) for name in names)
        yield from references(variables)
    else:
        yield from references(part)


def text(value: Any) -> str:
    """A value as one string, with `${LogicalId}` or `${LogicalId.Attribute}` for what only deployment knows.

    What another stack's output will say is `${stack.Output}`.
    """
    if isinstance(value, dict) and len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Fn::Join":
            return str(argument[0]).join(text(part) for part in argument[1])
        if function == "Fn::Sub" and isinstance(argument, str):
            return argument
        if function == "Fn::GetStackOutput":
            return f"${{{argument['StackName']}.{argument['OutputName']}}}"
        found = list(_reference(function, argument))
        if len(found) == 1:
            return "${" + ".".join(part for part in found[0] if part) + "}"
    return value if isinstance(value, str) else str(value)


def output_of(deployment: Deployment, value: Any) -> tuple[Stack, Any] | None:
    """The stack and value behind a weak reference to another stack's output; None when there is no such output."""
    if not (isinstance(value, dict) and "Fn::GetStackOutput" in value):
        return None
    wanted = value["Fn::GetStackOutput"]
    stack = deployment.stack_of_full_name(wanted["StackName"])
    outputs = stack.body.get("Outputs", {}) if stack else {}
    return (stack, outputs[wanted["OutputName"]]["Value"]) if stack and wanted["OutputName"] in outputs else None


def target(deployment: Deployment, stack: Stack, value: Any) -> Resource | None:
    """The resource of ours that a name, ARN or reference means, if it means exactly one."""
    elsewhere = output_of(deployment, value)
    if elsewhere:
        return target(deployment, *elsewhere)
    by_name = _by_physical_name(deployment, text(value))
    if by_name:
        return by_name
    found = {logical_id for logical_id, _ in references(value)} & stack.body["Resources"].keys()
    for other, output in () if found else references(value):  # as `text` writes what other stacks say
        elsewhere = output_of(deployment, {"Fn::GetStackOutput": {"StackName": other, "OutputName": output}})
        if elsewhere:
            return target(deployment, *elsewhere)
    return stack.resource(found.pop()) if len(found) == 1 else None


def _by_physical_name(deployment: Deployment, name: str) -> Resource | None:
    """Queues and tables have fixed names, and so ARNs that are put together from text."""
    if name.startswith("${"):
        return None
    in_arn = TABLE_ARN.search(name) or QUEUE_ARN.search(name)
    wanted = in_arn[1] if in_arn else name
    wanted = restored_tables(deployment).get(wanted, wanted)
    return next((named for named in deployment.of_type(*TABLES, QUEUE) if physical_name(named) == wanted), None)


def restored_tables(deployment: Deployment) -> dict[str, str]:
    """The table of the stack by the name of the restored one that is used in its place, which is in no stack."""
    return {restored: name for name, restored in deployment.environment.table_names.items()}


def table_named(deployment: Deployment, name: str | None) -> Resource | None:
    """The table of a physical name, its own or that of the restored table in its place."""
    found = _by_physical_name(deployment, name) if name else None
    return found if found is not None and found.type in TABLES else None


def physical_name(resource: Resource) -> str | None:
    """The fixed name of a table or queue; None when CloudFormation chooses one."""
    name = resource.properties.get("TableName") or resource.properties.get("QueueName")
    return name if isinstance(name, str) else None


def index_names(table: Resource) -> list[str]:
    return [index["IndexName"] for index in table.properties.get("GlobalSecondaryIndexes", [])]


def function_behind(deployment: Deployment, stack: Stack, value: Any) -> Resource | None:
    """The function that a reference to it, or to a version or alias of it, calls in the end."""
    found = target(deployment, stack, value)
    while found is not None and found.type in {ALIAS, VERSION}:
        found = target(deployment, found.stack, found.properties["FunctionName"])
    return found if found is not None and found.type == FUNCTION else None


def role_of(deployment: Deployment, function: Resource) -> Resource | None:
    """The execution role of a function, when it is one of ours."""
    return target(deployment, function.stack, function.properties.get("Role"))
