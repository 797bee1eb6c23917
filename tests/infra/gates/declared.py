"""Rules that hold templates against what the services declare: variables, origins, schedules, queues, queries."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from cdk_app.services.service import Service
from lambda_src.runtime.settings import ServiceSettings
from tests.infra.gates.data import SECRET
from tests.infra.gates.functions import LOG_GROUP
from tests.infra.gates.http import API
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.principals import DISTRIBUTION
from tests.infra.gates.queues import dead_letters_of, dead_records_of, fed_functions, stream_mappings
from tests.infra.gates.references import FUNCTION, QUEUE, construct, function_behind, target, text

RULE = "AWS::Events::Rule"
SAVED_QUERY = "AWS::Logs::QueryDefinition"
HANDLER = re.compile(r"lambda_src\.services\.\w+\.(?P<asker>\w+)\.handler")
OF_THE_RUNTIME = {"AWS_CA_BUNDLE"}  # read by botocore
ORIGINS = re.compile(r"ORIGINS$|^FRONTEND_URL$")
OWN_ADDRESS = ("api_base_url", "public_url")
LATER = "https://known-at-deployment.example"
RATE = re.compile(r"rate\((?P<number>\d+) (?P<unit>minute|hour|day)s?\)")
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


def is_route(rule_resource: Resource) -> bool:
    """Whether a rule of EventBridge waits for events, and keeps no schedule."""
    return "EventPattern" in rule_resource.properties and "ScheduleExpression" not in rule_resource.properties


def functions_of_services(deployment: Deployment) -> Iterator[tuple[Service, Resource]]:
    for function in deployment.of_type(FUNCTION):
        service = deployment.service_of(function.stack)
        if service is not None:
            yield service, function


def variables_of(function: Resource) -> Json:
    variables: Json = function.properties.get("Environment", {}).get("Variables", {})
    return variables


def asker_of(function: Resource) -> str:
    """As declarations call it: the module of its handler."""
    found = HANDLER.fullmatch(str(function.properties.get("Handler")))
    return found["asker"] if found else ""


@rule("stacks-are-of-services", "What is deployed beside all services escapes every rule that asks a declaration")
def stacks_are_of_services(deployment: Deployment) -> Complaints:
    for stack in deployment.stacks.values():
        if deployment.service_of(stack) is None:
            yield stack, "belongs to no service"


# ---- variables -----------------------------------------------------------------------------------------------------


@rule(
    "apis-are-open-as-asked", "An API that stays closed after a maintenance is down, and its health check says healthy"
)
def apis_are_open_as_asked(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        asked, said = (
            deployment.environment.maintenance.get(service.name),
            variables_of(function).get("MAINTENANCE_MODE"),
        )
        if (said or "off") != (asked or "off" if asker_of(function) == "api" else "off"):
            yield function, f"its maintenance is {said}, the environment says {asked}"


@rule("functions-know-their-environment", "Guards of production ask the function where it runs")
def functions_know_their_environment(deployment: Deployment) -> Complaints:
    for _, function in functions_of_services(deployment):
        said = variables_of(function).get("ENVIRONMENT")
        if said != deployment.environment.name:
            yield function, f"is told that it runs in {said}"


@rule("variables-lead-where-declared", "Two addresses that changed places deploy without complaint and lose messages")
def variables_lead_where_declared(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        variables = variables_of(function)
        for table in service.tables:
            wanted = deployment.environment.table_in_use(table.physical_name(deployment.environment.name))
            if variables.get(table.environment_variable) != wanted:
                yield function, f"{table.environment_variable} is {variables.get(table.environment_variable)}"
        for name, value in variables.items():
            about = target(deployment, function.stack, value)
            declared = {**service.queues, **service.secrets}.get(name)
            if about is not None and about.type in {QUEUE, SECRET} and construct(about) != declared:
                yield function, f"{name} is for {construct(about)}, declared is {declared}"
            elif declared and not _leads_to_its_own(deployment, service, function, value):
                yield function, f"{name} is {value}: no address of a queue, and no secret, of its service"
        for bucket in service.buckets:
            value = variables.get(bucket.environment_variable)
            meant = target(deployment, function.stack, value)
            leads = meant is not None and construct(meant) == f"{bucket.name}Bucket"
            is_ours = meant is not None and deployment.service_of(meant.stack) is service
            if (leads and is_ours) != any(bucket.rights(asker_of(function))) or (value and not leads):
                yield function, f"{bucket.environment_variable} is {text(value)}"


def _leads_to_its_own(deployment: Deployment, service: Service, function: Resource, value: object) -> bool:
    about = target(deployment, function.stack, value)
    if about is None or deployment.service_of(about.stack) is not service:
        return False
    return about.type == SECRET or value == {"Ref": about.logical_id}  # of a queue, that is its URL


@rule("origins-are-the-environments", "A page that is not the service's own may then act for whoever is signed in")
def origins_are_the_environments(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        known = set(deployment.environment.origins_of(service.name))
        for name, value in variables_of(function).items():
            named = set(filter(None, value.split(","))) if isinstance(value, str) and ORIGINS.search(name) else set()
            for origin in sorted(named - known):
                yield function, f"{name} names {origin}, the environment knows {', '.join(sorted(known))}"
        settings = _settings(service, function)
        if hasattr(settings, "cors") and set(settings.cors.origins) != known:
            yield function, f"lets in {settings.cors.origins}, the environment knows {', '.join(sorted(known))}"
    for api in deployment.of_type(API):
        owner = deployment.service_of(api.stack)
        allowed = set(api.properties.get("CorsConfiguration", {}).get("AllowOrigins", ()))
        if owner is not None and allowed != set(deployment.environment.origins_of(owner.name)):
            yield api, f"lets in {sorted(allowed)}"


@rule("variables-are-settings", "A function that does not know a variable ignores it; one it cannot read ends it")
def variables_are_settings(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        known = {name.upper() for name in _settings_class(service, function).model_fields}
        for name in sorted(variables_of(function).keys() - known - OF_THE_RUNTIME):
            yield function, f"is given {name}, which it does not read"
        for name in sorted(_leading(deployment, service) & known - variables_of(function).keys()):
            yield function, f"is not told {name}"
        settings = _settings(service, function)
        if isinstance(settings, ValidationError):
            yield function, f"cannot start: {settings.errors()[0]['loc']} {settings.errors()[0]['msg']}"


def _leading(deployment: Deployment, service: Service) -> set[str]:
    """Variables that lead to a queue or secret which is deployed."""
    made = {construct(each) for each in deployment.of_service(service).of_type(QUEUE, SECRET)}
    return {name for name, about in {**service.queues, **service.secrets}.items() if about in made}


@rule("functions-know-their-own-address", "Without it people are sent to a laptop, with another one elsewhere")
def functions_know_their_own_address(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        for name in OWN_ADDRESS:
            asks = name in _settings_class(service, function).model_fields
            address = text(variables_of(function).get(name.upper()))
            if asks and not deployment.environment.on_this_machine and address != _own(deployment, service, function):
                yield function, f"takes {address} for its own address"


def _own(deployment: Deployment, service: Service, function: Resource) -> str:
    """Where people find a service: at an address of its own, at its distribution, or else at its API."""
    made = {each.type: each for each in function.stack.resources.values() if each.type in (API, DISTRIBUTION)}
    if service.name in deployment.environment.public_urls:
        return deployment.environment.public_urls[service.name]
    if DISTRIBUTION in made:
        return f"https://${{{made[DISTRIBUTION].logical_id}.DomainName}}"
    return f"${{{made[API].logical_id}.ApiEndpoint}}" if API in made else ""


def _settings_class(service: Service, function: Resource) -> type[ServiceSettings]:
    module = import_module(f"lambda_src.services.{service.package}.settings")
    found: type[ServiceSettings] = getattr(module, f"{asker_of(function).capitalize() or 'Api'}Settings")
    return found


def _settings(service: Service, function: Resource) -> Any:
    """What a function makes of its variables, or why it cannot."""
    known = _settings_class(service, function)
    given = {
        name.lower(): value if isinstance(value, str) else LATER
        for name, value in variables_of(function).items()
        if name.lower() in known.model_fields
    }
    try:
        return known.model_validate(given)
    except ValidationError as error:
        return error


# ---- schedules and queries -----------------------------------------------------------------------------------------


@rule("schedules-ask-for-tasks", "A function that is called without its task does nothing, and says so to nobody")
def schedules_ask_for_tasks(deployment: Deployment) -> Complaints:
    workers = [fed for _, _, fed in fed_functions(deployment)]
    for schedule in (each for each in deployment.of_type(RULE) if not is_route(each)):
        service = deployment.service_of(schedule.stack)
        every = RATE.fullmatch(str(schedule.properties.get("ScheduleExpression")))
        minutes = int(every["number"]) * MINUTES[every["unit"]] if every else None
        for each in schedule.properties.get("Targets", []):
            if (_task(each.get("Input")), minutes) not in (service.tasks.items() if service else ()):
                yield schedule, f"asks for {each.get('Input')} every {minutes} minutes"
            called = function_behind(deployment, schedule.stack, each.get("Arn"))
            if called not in workers or called is None or called.stack.full_name != schedule.stack.full_name:
                yield schedule, "calls no worker of its service"


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
    dead = {str(dead_letters_of(deployment, queue)) for queue in deployment.of_type(QUEUE)}
    dead |= {str(dead_records_of(deployment, mapping)) for mapping in stream_mappings(deployment)}
    for queue in deployment.of_type(QUEUE):
        if str(queue) not in fed | dead:
            yield queue, "feeds nobody, and is no place for dead letters"
