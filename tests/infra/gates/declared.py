"""Rules that hold templates against what the services declare: rights, variables, schedules, saved queries."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from cdk_app.services.service import Service
from lambda_src.runtime.settings import ServiceSettings
from tests.infra.gates.data import SECRET
from tests.infra.gates.identity import POLICIES, is_operator
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.queues import fed_functions, stream_mappings
from tests.infra.gates.references import (
    FUNCTION,
    QUEUE,
    TABLE_ARN,
    as_list,
    function_behind,
    role_of,
    target,
    text,
)
from tests.infra.gates.rights import POLLS_QUEUE, READS_STREAM, TRACES, USED_BY, WRITES_LOGS, told

RULE = "AWS::Events::Rule"
SAVED_QUERY = "AWS::Logs::QueryDefinition"
LOG_GROUP = "AWS::Logs::LogGroup"
HANDLER = re.compile(r"lambda_src\.services\.\w+\.(?P<asker>\w+)\.handler")
MADE_BY_CDK = re.compile(r"[0-9A-F]{8}$")  # what it adds to a construct's path
ON_ANYTHING = "*"
OF_THE_RUNTIME = {"AWS_CA_BUNDLE"}  # read by botocore
LATER = "https://known-at-deployment.example"
HIDES = "sqs:ChangeMessageVisibility"  # a message that failed is hidden for as long as its next try waits

type Right = tuple[str, str]
"""An action, and the logical id or the table and index that it is allowed on."""


def construct(resource: Resource) -> str:
    """The name of a resource as its stack gave it."""
    return MADE_BY_CDK.sub("", resource.logical_id)


def functions_of_services(deployment: Deployment) -> Iterator[tuple[Service, Resource]]:
    for function in deployment.of_type(FUNCTION):
        service = deployment.service_of(function.stack)
        if service is not None:
            yield service, function


# ---- rights --------------------------------------------------------------------------------------------------------


def rights_declared(deployment: Deployment, service: Service, function: Resource) -> set[Right]:
    """What a function does by its declarations: patterns that name it, queues and secrets that it is told, its log."""
    found = HANDLER.fullmatch(str(function.properties.get("Handler")))
    asker = found["asker"] if found else ""
    rights = {
        (f"dynamodb:{operation}", _place(table.physical_name(deployment.environment.name), index))
        for table in service.tables
        for pattern in table.patterns
        if asker in pattern.asked_by
        for operation in pattern.operations
        for index in [pattern.index.name if pattern.index is not None and operation == "Query" else None]
    }
    for _, about in told(deployment, function):
        if about.type in USED_BY:
            rights.add((USED_BY[about.type], about.logical_id))
    for _, queue, fed in fed_functions(deployment):
        if fed == function:
            rights |= {(action, queue.logical_id) for action in (*POLLS_QUEUE, HIDES)}
    for mapping in stream_mappings(deployment):
        if function_behind(deployment, mapping.stack, mapping.properties["FunctionName"]) == function:
            read = target(deployment, mapping.stack, mapping.properties["EventSourceArn"])
            rights |= {(action, read.logical_id) for action in READS_STREAM if read is not None}
            rights.add(("dynamodb:ListStreams", ON_ANYTHING))
    group = target(deployment, function.stack, function.properties.get("LoggingConfig", {}).get("LogGroup"))
    rights |= {(action, group.logical_id) for action in WRITES_LOGS if group is not None}
    if function.properties.get("TracingConfig", {}).get("Mode") == "Active":
        rights |= {(action, ON_ANYTHING) for action in TRACES}
    return rights


def rights_granted(deployment: Deployment, role: Resource) -> Iterator[Right]:
    for policy, statement in statements_of(deployment, role):
        for action in as_list(statement.get("Action")):
            for place in as_list(statement.get("Resource")):
                yield action, _named(deployment, policy, place)


def statements_of(deployment: Deployment, role: Resource) -> Iterator[tuple[Resource, Json]]:
    """(policy, statement) of all that a role holds."""
    for policy in deployment.of_type(*POLICIES):
        if role in [target(deployment, policy.stack, holder) for holder in policy.properties.get("Roles", [])]:
            yield from ((policy, each) for each in as_list(policy.properties["PolicyDocument"]["Statement"]))
    for inline in role.properties.get("Policies", []):
        yield from ((role, each) for each in as_list(inline["PolicyDocument"]["Statement"]))


def _place(table: str, index: str | None) -> str:
    return table if index is None else f"{table}/{index}"


def _named(deployment: Deployment, policy: Resource, place: Any) -> str:
    in_table = TABLE_ARN.search(text(place))
    if in_table:
        renamed = {restored: name for name, restored in deployment.environment.table_names.items()}
        return _place(renamed.get(in_table["table"], in_table["table"]), in_table["index"])
    about = target(deployment, policy.stack, place)
    return text(place) if about is None else about.logical_id


@rule(
    "roles-do-what-is-declared",
    "Every right of a function follows from a pattern, a queue, a secret or its log; what does not is somebody's wish",
)
def roles_do_what_is_declared(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        role = role_of(deployment, function)
        if role is None:
            continue
        granted, declared = set(rights_granted(deployment, role)), rights_declared(deployment, service, function)
        for action, place in sorted(granted - declared):
            yield role, f"allows {action} on {place}, which {function.logical_id} does not do"
        for action, place in sorted(declared - granted):
            yield role, f"does not allow {action} on {place}, which {function.logical_id} does"


@rule(
    "statements-only-allow",
    "A Deny, a condition or an exception in a function's own policy is a right that differs from what it reads like",
)
def statements_only_allow(deployment: Deployment) -> Complaints:
    roles = [role_of(deployment, function) for function in deployment.of_type(FUNCTION)]
    for role in deployment.of_type("AWS::IAM::Role"):
        if is_operator(deployment, role):
            continue
        for policy, statement in statements_of(deployment, role):
            if statement.get("Effect") != "Allow":
                yield policy, f"holds a statement that says {statement.get('Effect')}"
            elif role in roles and statement.keys() - {"Action", "Effect", "Resource", "Sid"}:
                yield policy, f"holds a statement with {', '.join(sorted(statement.keys()))}"


# ---- variables -----------------------------------------------------------------------------------------------------


@rule("functions-know-their-environment", "Guards of production ask the function where it runs")
def functions_know_their_environment(deployment: Deployment) -> Complaints:
    for _, function in functions_of_services(deployment):
        said = function.properties.get("Environment", {}).get("Variables", {}).get("ENVIRONMENT")
        if said != deployment.environment.name:
            yield function, f"is told that it runs in {said}"


@rule("variables-lead-where-declared", "Two addresses that changed places deploy without complaint and lose messages")
def variables_lead_where_declared(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        declared = {**service.queues, **service.secrets}
        for name, about in told(deployment, function):
            if about.type in {QUEUE, SECRET} and declared.get(name) != construct(about):
                yield function, f"{name} is for {construct(about)}, declared is {declared.get(name)}"
        variables = function.properties.get("Environment", {}).get("Variables", {})
        for table in service.tables:
            wanted = table.physical_name(deployment.environment.name)
            wanted = deployment.environment.table_names.get(wanted, wanted)
            if variables.get(table.environment_variable) != wanted:
                yield function, f"{table.environment_variable} is {variables.get(table.environment_variable)}"
        for name in declared.keys() & variables.keys():
            if target(deployment, function.stack, variables[name]) is None:
                yield function, f"{name} leads to nothing of ours"


@rule("origins-are-the-environments", "A page that is not the service's own may then act for whoever is signed in")
def origins_are_the_environments(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        known = deployment.environment.origins_of(service.name)
        for name, value in function.properties.get("Environment", {}).get("Variables", {}).items():
            if not re.search(r"ORIGINS$|^FRONTEND_URL$", name) or not isinstance(value, str):
                continue
            for origin in filter(None, value.split(",")):
                if origin not in known:
                    yield function, f"{name} names {origin}, the environment knows {', '.join(known)}"


@rule("variables-are-settings", "A function that does not know a variable ignores it; one it cannot read ends it")
def variables_are_settings(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        settings = _settings(service, function)
        variables = function.properties.get("Environment", {}).get("Variables", {})
        for name in sorted(variables.keys() - {each.upper() for each in settings.model_fields} - OF_THE_RUNTIME):
            yield function, f"is given {name}, which it does not read"
        given = {name.lower(): value if isinstance(value, str) else LATER for name, value in variables.items()}
        try:
            settings.model_validate({name: value for name, value in given.items() if name in settings.model_fields})
        except ValidationError as error:
            yield function, f"cannot start: {error.errors()[0]['loc']} {error.errors()[0]['msg']}"


def _settings(service: Service, function: Resource) -> type[ServiceSettings]:
    module = import_module(f"lambda_src.services.{service.package}.settings")
    found = HANDLER.fullmatch(str(function.properties.get("Handler")))
    settings: type[ServiceSettings] = getattr(
        module, f"{found['asker'].capitalize()}Settings" if found else "ApiSettings"
    )
    return settings


# ---- schedules and queries -----------------------------------------------------------------------------------------


@rule("schedules-ask-for-tasks", "A function that is called without its task does nothing, and says so to nobody")
def schedules_ask_for_tasks(deployment: Deployment) -> Complaints:
    workers = [fed for _, _, fed in fed_functions(deployment)]
    for schedule in deployment.of_type(RULE):
        service = deployment.service_of(schedule.stack)
        every = schedule.properties.get("ScheduleExpression")
        for each in schedule.properties.get("Targets", []):
            if service is None or service.tasks.get(_task(each.get("Input"))) != every:
                yield schedule, f"asks for {each.get('Input')} at {every}"
            if function_behind(deployment, schedule.stack, each.get("Arn")) not in workers:
                yield schedule, "calls no worker"


@rule("tasks-are-asked-for", "Work that waits for its schedule waits for ever without one")
def tasks_are_asked_for(deployment: Deployment) -> Complaints:
    asked = {
        (deployment.service_of(schedule.stack), _task(each.get("Input")))
        for schedule in deployment.of_type(RULE)
        for each in schedule.properties.get("Targets", [])
    }
    for _, worker in functions_of_services(deployment):
        service = deployment.service_of(worker.stack)
        if service is not None and worker in [fed for _, _, fed in fed_functions(deployment)]:
            for task in service.tasks:
                if (service, task) not in asked:
                    yield worker, f"nobody asks it for {task}"


def _task(event: object) -> str:
    """What an event asks a worker for, "" when it is no such event."""
    try:
        content = json.loads(str(event))
    except ValueError:
        return ""
    return str(content["task"]) if isinstance(content, dict) and content.keys() == {"task"} else ""


@rule("queries-read-their-service", "Who looks for an error at night and finds none takes the service for healthy")
def queries_read_their_service(deployment: Deployment) -> Complaints:
    for query in deployment.of_type(SAVED_QUERY):
        groups = {
            group.logical_id
            for group in deployment.of_type(LOG_GROUP)
            if group.stack.full_name == query.stack.full_name
        }
        read = [target(deployment, query.stack, group) for group in query.properties.get("LogGroupNames", [])]
        if {group.logical_id for group in read if group is not None} != groups or None in read:
            yield query, "does not read exactly the log groups of its stack"


@rule("mappings-feed-everything", "A filter drops messages without a word, and what nobody reads waits for ever")
def mappings_feed_everything(deployment: Deployment) -> Complaints:
    for mapping, queue, _ in fed_functions(deployment):
        if mapping.properties.get("FilterCriteria", {}).get("Filters"):
            yield mapping, f"drops messages of {queue.logical_id}"
    fed = {str(queue) for _, queue, _ in fed_functions(deployment)}
    for _, function in functions_of_services(deployment):
        for name, about in told(deployment, function):
            if name.endswith("QUEUE_URL") and about.type == QUEUE and str(about) not in fed:
                yield about, f"is sent to by {function.logical_id} and feeds nobody"
