"""Rules that hold each service to its promises: the numbers and names that people plan with.

They stand in `tests/infra/promises/<package>.toml` in words of their own, and no command writes them: whoever changes a
limit changes it in two places, and a reviewer sees both. What follows from a declaration is compared elsewhere.
"""

import json
import re
import tomllib
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from cdk_app.services.service import Service
from tests.infra.gates.dashboards import DASHBOARD, graphed
from tests.infra.gates.data import SECRET, by_name
from tests.infra.gates.declared import functions_of_services, is_route
from tests.infra.gates.http import API, STAGE
from tests.infra.gates.metrics import ALARM, dimensions
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, Rule, rule
from tests.infra.gates.queues import MAPPING, fed_functions, stream_mappings
from tests.infra.gates.references import (
    FUNCTION,
    QUEUE,
    TABLES,
    construct,
    physical_name,
    restored_tables,
    target,
    text,
)
from tests.support.assembly import ROOT

PROMISES: Final = ROOT / "tests" / "infra" / "promises"
SCHEDULE = "AWS::Events::Rule"
ASYNCHRONOUS = "AWS::Lambda::EventInvokeConfig"
REFERENCE = re.compile(r"\$\{(\w+?)(?:[0-9A-F]{8}(?:[0-9a-f]{32})?)?(?:\.\w+)?\}")
SAID_ELSEWHERE = re.compile(r"\$\{[\w-]+\.\w+\}")
COMPARISONS = {"GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}
SEARCH = re.compile(r"SEARCH\('[^']*', '\w+'\)")
SILENCE = {"notBreaching": "well", "breaching": "ill"}
OF_A_ROLLOUT = "ApiRolloutNewVersion"
OPERATOR_ROLE = "MigrationOperatorRole"
MADE_FOR_OTHER_STACKS = "PublishOutput"  # by the CDK

type Promised = dict[str, str | list[str]]
type Describe = Callable[[Resource], str | list[str]]


@cache
def promises_of(package: str) -> Json:
    """Everything that a service promised, by section. Raises FileNotFoundError when nobody has written it down."""
    return tomllib.loads((PROMISES / f"{package}.toml").read_text(encoding="utf-8"))


def as_promised(name: str, reason: str, section: str, types: tuple[str, ...], describe: Describe, **kw: str) -> Rule:
    """Make the rule that each resource of some types is in a section, as it is described there, and no other is.

    A resource that is described as "" belongs elsewhere.
    """

    @rule(name, reason, **kw)
    def check(deployment: Deployment) -> Complaints:
        for service in deployment.services:
            mine = deployment.of_service(service)
            promised = promised_in(deployment, service, section)
            if deployment.environment.rollout == "all_at_once":
                promised = {key: value for key, value in promised.items() if not key.startswith(OF_A_ROLLOUT)}
            if deployment.environment.on_this_machine:  # its alarms know no metric math, and its engine never throttles
                promised = {key: value for key, value in promised.items() if not _needs_aws(section, value)}
            for resource in mine.of_type(*types):
                key = _in_words(deployment, service, _name(resource))
                found = _in_words(deployment, service, describe(resource))
                if found != "" and promised.pop(key, None) != found:
                    yield resource, f"{section}: nobody promised {key} = {json.dumps(found)}"
            for key, lost in promised.items():
                stack = next(iter(mine.stacks.values()), next(iter(deployment.stacks.values())))
                yield stack, f"{service.name} promised {section}: {key} = {json.dumps(lost)}"

    return check


def promised_in(deployment: Deployment, service: Service, section: str) -> Promised:
    """A section of what a service promised, with what it promised for the flags that are on."""
    said = deployment.promises[service.package]
    promised: Promised = dict(said.get(section, {}))
    for flag in service.flags:
        if getattr(deployment.environment, flag.name):
            promised |= said.get("with", {}).get(flag.name, {}).get(section, {})
    return promised


def _needs_aws(section: str, value: str | list[str]) -> bool:
    return section == "alarms" and (not isinstance(value, str) or "AWS/DynamoDB" in value)


def _name(resource: Resource) -> str:
    return physical_name(resource) or construct(resource) if resource.type in TABLES else construct(resource)


def _in_words[Words: (str, str | list[str])](deployment: Deployment, service: Service, found: Words) -> Words:
    """A description as it is in every environment: by the names of constructs, and of the tables that were declared."""
    if isinstance(found, list):
        return [_in_words(deployment, service, each) for each in found]
    for restored, table in restored_tables(deployment).items():
        found = found.replace(restored, table)
    stack = next(iter(deployment.of_service(service).stacks.values()))
    for said in SAID_ELSEWHERE.findall(found):
        resource = target(deployment, stack, {"Fn::Sub": said})
        found = found.replace(said, construct(resource) if resource else said)
    found = REFERENCE.sub(r"\1", found).replace(f"-{deployment.environment.name}", "")
    return found.replace(service.name, deployment.promises[service.package]["name"])


# ---- functions, queues, schedules ----------------------------------------------------------------------------------


def _size(function: Resource) -> str:
    its = function.properties
    itself = ", may cause its own calls" if its.get("RecursiveLoop") == "Allow" else ""
    return f"{its.get('MemorySize')} MB, {its.get('Timeout')} s{itself}"


FUNCTIONS = as_promised(
    "functions-are-sized-as-promised",
    "Memory is speed and price; a timeout decides what a caller waits for and how long a message is hidden",
    "functions",
    (FUNCTION,),
    _size,
)


def _patience(queue: Resource) -> str:
    its = queue.properties
    tries = its.get("RedrivePolicy", {}).get("maxReceiveCount")
    place = text(its.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
    given_up = f"given up after {tries} receives to {place}" if tries else "kept for people"
    days = its.get("MessageRetentionPeriod", 0) / 86400
    return f"hidden for {its.get('VisibilityTimeout', 30)} s, {given_up}, {days:g} days"


QUEUES = as_promised(
    "queues-wait-as-promised",
    "How often and how long is tried decides what ends as a dead letter, and whether anybody is still there to see it",
    "queues",
    (QUEUE,),
    _patience,
)


def _feeding(mapping: Resource) -> str | list[str]:
    """How many at once; of a stream also which of its records, and how long a bad one holds up the others."""
    its = mapping.properties
    window = its.get("MaximumBatchingWindowInSeconds", 0)
    at_once = its.get("ParallelizationFactor") or its.get("ScalingConfig", {}).get("MaximumConcurrency")
    fed = f"batches of {its.get('BatchSize')} within {window} s, {at_once} at once, to {text(its['FunctionName'])}"
    if "StartingPosition" not in its:
        return fed
    place = text(its.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
    patience = f"{its.get('MaximumRetryAttempts')} retries within {its.get('MaximumRecordAgeInSeconds')} s"
    asked = [text(each.get("Pattern")) for each in its.get("FilterCriteria", {}).get("Filters", [])]
    return [fed, f"from {its['StartingPosition']}, {patience}, then to {place}", *asked]


FEEDS = as_promised(
    "workers-are-fed-as-promised",
    "What lies behind a worker was sized for so many at once; a larger batch shares one timeout",
    "feeds",
    (MAPPING,),
    _feeding,
)


def _schedule(schedule: Resource) -> str:
    if is_route(schedule):
        return ""
    return f"{schedule.properties.get('ScheduleExpression')}, {len(schedule.properties.get('Targets', []))} target"


SCHEDULES = as_promised(
    "schedules-come-as-promised",
    "A sweep that comes more seldom lets people wait for what it mends",
    "schedules",
    (SCHEDULE,),
    _schedule,
)


def _asynchronous(config: Resource) -> str:
    its = config.properties
    return f"{its.get('MaximumRetryAttempts')} retries within {its.get('MaximumEventAgeInSeconds')} s"


CALLS = as_promised(
    "scheduled-calls-are-tried-as-promised",
    "A failed sweep that is repeated runs beside the next one",
    "asynchronous",
    (ASYNCHRONOUS,),
    _asynchronous,
)


@rule("feeds-lead-where-named", "Two workers that changed places would read each other's messages")
def feeds_lead_where_named(deployment: Deployment) -> Complaints:
    for mapping, queue, _ in fed_functions(deployment):
        if construct(mapping).removesuffix("Feed") != construct(queue).removesuffix("Queue"):
            yield mapping, f"reads {construct(queue)}"


@rule("dead-letters-are-for-workers", "Only what gives up may write there; a second writer needs a reason")
def dead_letters_are_for_workers(deployment: Deployment) -> Complaints:
    fed = {function.logical_id for _, _, function in fed_functions(deployment)}
    fed |= {text(mapping.properties["FunctionName"])[2:-1] for mapping in stream_mappings(deployment)}
    for service, function in functions_of_services(deployment):
        dead = {name for name, queue in service.queues.items() if queue.endswith("DeadLetters")}
        known = dead & function.properties.get("Environment", {}).get("Variables", {}).keys()
        if known and function.logical_id not in fed:
            yield function, f"is told {', '.join(sorted(known))} and reads neither queue nor stream"


# ---- the API -------------------------------------------------------------------------------------------------------


def _limits(stage: Resource) -> list[str]:
    its = stage.properties
    limits = {"every route": its.get("DefaultRouteSettings", {}), **its.get("RouteSettings", {})}
    return [
        f"at {its.get('StageName')}, deployed {'at once' if its.get('AutoDeploy') else 'by hand'}",
        *(
            f"{route}: {limit.get('ThrottlingRateLimit')} a second, {limit.get('ThrottlingBurstLimit')} in a burst"
            for route, limit in sorted(limits.items())
        ),
    ]


LIMITS = as_promised(
    "requests-are-limited-as-promised",
    "A limit is what a stranger can cost, and what a client may count on",
    "limits",
    (STAGE,),
    _limits,
)


def _cors(api: Resource) -> list[str]:
    cors = api.properties.get("CorsConfiguration", {})
    lists = [", ".join(cors.get(name, ())) for name in ("AllowMethods", "AllowHeaders", "ExposeHeaders")]
    credentials = "with" if cors.get("AllowCredentials") else "without"
    reachable = "closed" if api.properties.get("DisableExecuteApiEndpoint") else "open"
    return [*lists, f"{credentials} cookies, kept for {cors.get('MaxAge')} s, address {reachable}"]


BROWSERS = as_promised(
    "browsers-may-as-promised",
    "A method or header that is no longer allowed breaks every page, and no server notices",
    "browsers",
    (API,),
    _cors,
)


@rule("limits-wait-for-their-route", "API Gateway refuses a limit on a route that is not there yet")
def limits_wait_for_their_route(deployment: Deployment) -> Complaints:
    for stage in deployment.of_type(STAGE):
        keys = {
            each.properties["RouteKey"]
            for name in stage.body.get("DependsOn", [])
            for each in [stage.stack.resource(name)]
            if each is not None and "RouteKey" in each.properties
        }
        for route in sorted(stage.properties.get("RouteSettings", {}).keys() - keys):
            yield stage, f"does not wait for {route}"


@rule("outputs-are-as-promised", "Scripts and people ask a stack where things are by these names")
def outputs_are_as_promised(deployment: Deployment) -> Complaints:
    while_migrating = {OPERATOR_ROLE} if deployment.environment.migration_operator else set()
    for service in deployment.services:
        for stack in deployment.of_service(service).stacks.values():
            kind = stack.name.removeprefix(service.name)
            wanted = {
                *deployment.promises[service.package]["outputs"][kind],
                *promised_in(deployment, service, "more_outputs").get(kind, ()),
                *(while_migrating if kind == "Data" else ()),
            }
            found = {name for name in stack.body.get("Outputs", {}) if not name.startswith(MADE_FOR_OTHER_STACKS)}
            for name in sorted(wanted ^ found):
                yield stack, f"output {name} is {'missing' if name in wanted else 'promised by nobody'}"


# ---- data ----------------------------------------------------------------------------------------------------------


def _table(table: Resource) -> list[str]:
    its = table.properties
    indexes = by_name(its.get("GlobalSecondaryIndexes", []), "IndexName")
    kept = [f"{construct(table)}, expires by {its.get('TimeToLiveSpecification', {}).get('AttributeName')}"]
    return kept + [f"{name}: {index['Projection']['ProjectionType']}" for name, index in sorted(indexes.items())]


TABLES_NAMED = as_promised(
    "tables-are-named-as-promised",
    "Others read these tables by name; a projection that shrank answers them with holes",
    "tables",
    TABLES,
    _table,
)


def _secret(secret: Resource) -> str:
    generated = secret.properties.get("GenerateSecretString", {})
    empty = json.loads(generated.get("SecretStringTemplate", "{}"))
    return f"generates {generated.get('GenerateStringKey')}; empty: {', '.join(sorted(empty))}"


SECRETS = as_promised(
    "secrets-hold-what-was-promised",
    "Whoever fills in a secret, and the function that reads it, know its fields by name",
    "secrets",
    (SECRET,),
    _secret,
)


# ---- alarms --------------------------------------------------------------------------------------------------------


def _alarm(alarm: Resource) -> str | list[str]:
    """The condition and, where several metrics are added up, each of them."""
    its = alarm.properties
    compared = f"{COMPARISONS.get(its.get('ComparisonOperator', ''), '?')} {its.get('Threshold'):g}"
    periods, of = its.get("EvaluationPeriods"), its.get("DatapointsToAlarm", its.get("EvaluationPeriods"))
    patience = f"{of} of {periods}, silence is {SILENCE.get(its.get('TreatMissingData', ''))}"
    if "MetricName" in its:
        statistic = its.get("Statistic") or its.get("ExtendedStatistic")
        return f"{_metric(its, statistic, its.get('Period'))} {compared}, {patience}"
    stats = [part["MetricStat"] for part in its.get("Metrics", []) if "MetricStat" in part]
    expressions = [part["Expression"] for part in its.get("Metrics", []) if "Expression" in part]
    parts = sorted(_metric(each["Metric"], each["Stat"], each["Period"]) for each in stats)
    return [f"{' '.join(expressions)} {compared}, {patience}", *parts]


def _metric(metric: Json, statistic: Any, seconds: Any) -> str:
    about = ", ".join(f"{name} {text(value)}" for name, value in sorted(dimensions(metric).items()))
    return f"{statistic} in {seconds} s of {metric['Namespace']} {metric['MetricName']} ({about})"


ALARMS = as_promised(
    "alarms-ring-as-promised",
    "An alarm at ten times its threshold is still an alarm, to every other rule",
    "alarms",
    (ALARM,),
    _alarm,
)


# ---- dashboards ----------------------------------------------------------------------------------------------------


def _in_its_own_words(dashboard: Resource) -> list[str]:
    """What the service counts and waits for itself: metrics of its own namespace, and searches through them."""
    body = text(dashboard.properties["DashboardBody"])
    own = {f"{namespace} {name}" for namespace, name, _ in graphed(dashboard) if not namespace.startswith("AWS/")}
    return [*sorted(own), *sorted(set(SEARCH.findall(body.replace("\\", ""))))]


DASHBOARDS = as_promised(
    "dashboards-tell-what-was-promised",
    "What a service counts for people and nobody draws is read by nobody",
    "dashboards",
    (DASHBOARD,),
    _in_its_own_words,
)
