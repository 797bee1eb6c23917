"""Rules about who may call a function."""

from typing import Any

from tests.infra.gates.model import Complaints, Deployment, Resource, rule
from tests.infra.gates.references import function_behind, references, target, text

PERMISSION = "AWS::Lambda::Permission"
CALLERS = {"apigateway.amazonaws.com", "events.amazonaws.com"}


@rule("callers-are-named", "Without SourceArn every API, rule or bucket of every account may call the function")
def callers_are_named(deployment: Deployment) -> Complaints:
    for permission in deployment.of_type(PERMISSION):
        principal = permission.properties.get("Principal")
        if principal not in CALLERS:
            yield permission, f"lets {principal} call"
        named = {logical_id for logical_id, _ in references(permission.properties.get("SourceArn"))}
        if not named & permission.stack.resources.keys():
            yield permission, f"lets {text(permission.properties.get('SourceArn'))} call, which is nothing of ours"


@rule("schedules-may-call", "A rule without permission to call its function fails in silence")
def schedules_may_call(deployment: Deployment) -> Complaints:
    for schedule in deployment.of_type("AWS::Events::Rule"):
        for goal in schedule.properties.get("Targets", []):
            function = function_behind(deployment, schedule.stack, goal["Arn"])
            if function is not None and not _may_call(deployment, schedule, goal["Arn"]):
                yield schedule, f"may not call {function.logical_id}"


def _may_call(deployment: Deployment, caller: Resource, called: Any) -> bool:
    wanted = target(deployment, caller.stack, called)
    return any(
        permission.properties.get("Principal") == "events.amazonaws.com"
        and target(deployment, permission.stack, permission.properties["FunctionName"]) == wanted
        and target(deployment, permission.stack, permission.properties.get("SourceArn")) == caller
        for permission in deployment.of_type(PERMISSION)
    )


@rule("schedules-are-on", "A switched-off schedule looks like one that has nothing to do")
def schedules_are_on(deployment: Deployment) -> Complaints:
    for schedule in deployment.of_type("AWS::Events::Rule"):
        if schedule.properties.get("State") != "ENABLED":
            yield schedule, f"is {schedule.properties.get('State', 'not switched on')}"
