"""Rules about dashboards and budgets: a graph of nothing looks like a quiet day."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from cdk_app import prices
from tests.infra.gates.data import BUCKET
from tests.infra.gates.http import API
from tests.infra.gates.metrics import ALARM
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.published_metrics import unknown
from tests.infra.gates.queues import dead_letters_of
from tests.infra.gates.references import FUNCTION, IN_SUB, QUEUE, TABLES, index_names, references, target, text

DASHBOARD = "AWS::CloudWatch::Dashboard"
BUDGET = "AWS::Budgets::Budget"
COLUMNS = 24
COSTS = ("US dollars per hour", "The last hour over a month")
FACTOR = re.compile(r"FILL\((\w+), 0\) \* ([0-9.]+)")
PRICED = {
    ("Count", prices.HTTP_API_REQUEST.each),
    ("Invocations", prices.LAMBDA_REQUEST.each),
    ("ConsumedReadCapacityUnits", prices.DYNAMODB_READ_UNIT.each),
    ("ConsumedWriteCapacityUnits", prices.DYNAMODB_WRITE_UNIT.each),
    ("NumberOfMessagesSent", prices.SQS_REQUEST.each),
    ("NumberOfMessagesReceived", prices.SQS_REQUEST.each),
    ("NumberOfMessagesDeleted", prices.SQS_REQUEST.each),
    ("NumberOfEmptyReceives", prices.SQS_REQUEST.each),
}
# What to see of each resource.
SEEN = {
    API: ("Count", "4xx", "5xx", "Latency"),
    FUNCTION: ("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"),
    QUEUE: (
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateAgeOfOldestMessage",
    ),
    BUCKET: ("BucketSizeBytes", "NumberOfObjects"),
    "AWS::Events::Rule": ("Invocations", "FailedInvocations"),
}
# Of a queue that somebody works on, and not of its dead letters.
OF_WORK = SEEN[QUEUE][1:]
OF_TABLES = ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents")
WARNINGS = {(kind, "GREATER_THAN", "100", "PERCENTAGE", "heard") for kind in ("FORECASTED", "ACTUAL")}
AS_IN_THE_ROW_ABOVE = "."


def widgets_of(dashboard: Resource) -> list[Json]:
    """The widgets, with `${LogicalId}` for what only deployment knows. Raises ValueError when the body is not JSON."""
    widgets: list[Json] = json.loads(text(dashboard.properties["DashboardBody"]))["widgets"]
    return widgets


def _title(widget: Json) -> str:
    return str(widget.get("properties", {}).get("title", ""))


def _rows(widget: Json) -> Iterator[tuple[list[str], Json]]:
    """(namespace, metric, dimensions in turn) and options of each row of a graph; expressions have no names.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    above: list[str] = []
    for row in widget.get("properties", {}).get("metrics", []):
        parts: list[Any] = [part for part in row if isinstance(part, str)]
        if parts:
            above = [above[at] if part == AS_IN_THE_ROW_ABOVE else part for at, part in enumerate(parts)]
        yield above if parts else [], row[-1] if isinstance(row[-1], dict) else {}


def _drawn(widget: Json) -> Iterator[tuple[list[str], Json]]:
    """The rows that name a metric."""
    return ((parts, options) for parts, options in _rows(widget) if parts)


def graphed(dashboard: Resource) -> Iterator[tuple[str, str, list[str]]]:
    """(namespace, metric, names of dimensions) of everything drawn, but for searches and expressions."""
    for widget in widgets_of(dashboard):
        yield from ((parts[0], parts[1], parts[2::2]) for parts, _ in _drawn(widget))


@rule("dashboards-can-be-drawn", "CloudWatch refuses a body that is not JSON, and with it the whole deployment")
def dashboards_can_be_drawn(deployment: Deployment) -> Complaints:
    for dashboard in deployment.of_type(DASHBOARD):
        try:
            widgets_of(dashboard)
        except (ValueError, KeyError) as error:
            yield dashboard, f"its body cannot be read: {error}"


@rule("dashboards-show-metrics-that-exist", "A graph of a misspelt metric stays empty, and nobody asks why")
def dashboards_show_metrics_that_exist(deployment: Deployment) -> Complaints:
    for dashboard in deployment.of_type(DASHBOARD):
        for namespace, name, dimensions in graphed(dashboard):
            problem = unknown(namespace, name, dimensions)
            if problem:
                yield dashboard, problem


@rule("dashboards-show-every-alarm", "Whoever is woken up looks at one page, and should find the alarm on it")
def dashboards_show_every_alarm(deployment: Deployment) -> Complaints:
    for dashboard in deployment.of_type(DASHBOARD):
        shown = {logical_id for logical_id, _ in references(dashboard.properties)}
        for alarm in deployment.of_type(ALARM):
            if alarm.stack == dashboard.stack and alarm.logical_id not in shown:
                yield dashboard, f"does not show {alarm.logical_id}"


@rule("services-have-a-dashboard", "Whoever did not write the service should see in one place whether it is well")
def services_have_a_dashboard(deployment: Deployment) -> Complaints:
    yield from _without(deployment, DASHBOARD)


@rule("widgets-lie-side-by-side", "CloudWatch refuses what is wider than its grid, and hides what lies below something")
def widgets_lie_side_by_side(deployment: Deployment) -> Complaints:
    for dashboard in deployment.of_type(DASHBOARD):
        taken: set[tuple[int, int]] = set()
        for widget in widgets_of(dashboard):
            columns = range(widget["x"], widget["x"] + widget["width"])
            cells = {(x, y) for x in columns for y in range(widget["y"], widget["y"] + widget["height"])}
            if cells & taken or columns.stop > COLUMNS:
                yield dashboard, f"{_title(widget)} lies on another, or outside"
            taken |= cells


@rule("alarms-are-at-the-top", "Whoever opens the page has been woken, and looks for why")
def alarms_are_at_the_top(deployment: Deployment) -> Complaints:
    for dashboard in deployment.of_type(DASHBOARD):
        heights: dict[str, list[int]] = {"alarm": [], "metric": []}
        for widget in widgets_of(dashboard):
            heights.setdefault(widget["type"], []).append(widget["y"])
        if not heights["alarm"] or min(heights["alarm"]) >= min(heights["metric"], default=1_000_000):
            yield dashboard, "shows graphs before its alarms"


@rule("waits-are-percentiles", "An average hides the one in twenty who waits ten times as long")
def waits_are_percentiles(deployment: Deployment) -> Complaints:
    for dashboard in deployment.of_type(DASHBOARD):
        for widget in widgets_of(dashboard):
            drawn = list(_drawn(widget))
            statistics = {
                options.get("stat", "Average") for parts, options in drawn if parts[1] in {"Latency", "Duration"}
            }
            if drawn and statistics and _title(widget) not in COSTS and statistics != {"p50", "p95", "p99"}:
                yield dashboard, f"{_title(widget)} shows {', '.join(sorted(statistics))}"


@rule("dashboards-show-what-there-is", "What is not on the page is looked at by nobody until it is on the bill")
def dashboards_show_what_there_is(deployment: Deployment) -> Complaints:
    for dashboard in deployment.of_type(DASHBOARD):
        shown = {
            (parts[1], frozenset(_about(deployment, dashboard, parts[2:])))
            for widget in widgets_of(dashboard)
            if _title(widget) not in COSTS
            for parts, _ in _drawn(widget)
        }
        for metric, resource, index in _worth_seeing(deployment, dashboard):
            if (metric, frozenset({str(resource), index} - {None})) not in shown:
                yield dashboard, f"does not show {metric} of {resource.logical_id} {index or ''}".rstrip()


def _worth_seeing(deployment: Deployment, dashboard: Resource) -> Iterator[tuple[str, Resource, str | None]]:
    """(metric, resource, index) of everything whose state explains what users see."""
    for resource in deployment.of_type(*SEEN, *TABLES):
        mine = deployment.service_of(resource.stack) is deployment.service_of(dashboard.stack)
        for metric in SEEN.get(resource.type, ()) if mine else ():
            if metric not in OF_WORK or dead_letters_of(deployment, resource) is not None:
                yield metric, resource, None
        for metric in OF_TABLES if mine and resource.type in TABLES else ():
            yield from ((metric, resource, index) for index in (None, *index_names(resource)))


def _about(deployment: Deployment, dashboard: Resource, dimensions: list[str]) -> Iterator[str]:
    """What the dimensions of a graph name: resources of ours, and the names of indexes."""
    for name, value in zip(dimensions[::2], dimensions[1::2], strict=True):
        if name == "StorageType":  # of a bucket that another dimension names
            continue
        reference = IN_SUB.fullmatch(value)
        found = target(deployment, dashboard.stack, {"Fn::Sub": value} if reference else value)
        yield value if found is None or name == "GlobalSecondaryIndexName" else str(found)


@rule("logs-are-shown-of-all-functions", "An error that is in no list happened to users alone")
def logs_are_shown_of_all_functions(deployment: Deployment) -> Complaints:
    for dashboard in deployment.of_type(DASHBOARD):
        groups = {
            "${" + str(each.properties["LoggingConfig"]["LogGroup"]["Ref"]) + "}"
            for each in dashboard.stack.resources.values()
            if each.type == FUNCTION
        }
        logs = [widget["properties"] for widget in widgets_of(dashboard) if widget["type"] == "log"]
        if [log["title"] for log in logs] != ["Recent errors", "Cold starts by hour"]:
            yield dashboard, f"shows {len(logs)} lists of the logs"
        for log in logs:
            if set(re.findall(r"SOURCE '([^']+)'", log["query"])) != groups:
                yield dashboard, f"{log['title']} does not read the log of each function"


@rule("costs-are-list-prices", "An estimate with a wrong factor is worse than none: somebody plans with it")
def costs_are_list_prices(deployment: Deployment) -> Complaints:
    for dashboard in deployment.of_type(DASHBOARD):
        [widget] = [each for each in widgets_of(dashboard) if _title(each) == COSTS[0]]
        named = {options["id"]: (parts, options) for parts, options in _drawn(widget) if "id" in options}
        terms: set[tuple[str, Decimal]] = set()
        for _, options in _rows(widget):
            for id_, factor in FACTOR.findall(options.get("expression", "")):
                terms.add((named[id_][0][1], Decimal(factor)))
                if named[id_][1].get("stat") != "Sum":
                    yield dashboard, f"multiplies the {named[id_][1].get('stat')} of {named[id_][0][1]} by a price"
        memory = {each.properties["MemorySize"] for each in dashboard.stack.resources.values() if each.type == FUNCTION}
        by_memory = {("Duration", prices.LAMBDA_ARM_DURATION.each / 1000 * size / 1024) for size in memory}
        for metric, factor in sorted(terms ^ (PRICED | by_memory)):
            yield dashboard, f"{metric} at {factor} is {'wrong' if (metric, factor) in terms else 'missing'}"


@rule("spending-is-watched", "A loop that costs money shows on the bill first", not_local="nothing costs money there")
def spending_is_watched(deployment: Deployment) -> Complaints:
    yield from _without(deployment, BUDGET)
    for budget in deployment.of_type(BUDGET):
        service, its = deployment.service_of(budget.stack), budget.properties["Budget"]
        tag = f"user:deployment${service.name if service else ''}-{deployment.environment.name}"
        if its.get("CostFilters") != {"TagKeyValue": [tag]}:
            yield budget, f"counts {its.get('CostFilters')}"
        limit = {"Amount": deployment.environment.monthly_budget_usd, "Unit": "USD"}
        if (its.get("BudgetType"), its.get("TimeUnit"), its.get("BudgetLimit")) != ("COST", "MONTHLY", limit):
            yield budget, f"its limit is {its.get('BudgetLimit')} {its.get('TimeUnit')}"
        told = {
            _warning(deployment, budget, each) for each in budget.properties.get("NotificationsWithSubscribers", [])
        }
        for wanted in sorted(WARNINGS - told):
            yield budget, f"tells nobody: {wanted}"


def _warning(deployment: Deployment, budget: Resource, told: Json) -> tuple[str, ...]:
    """When somebody is told, and whether it is the topic of the alarms."""
    when, who = told.get("Notification", {}), told.get("Subscribers", [])
    topics = [target(deployment, budget.stack, each.get("Address")) for each in who]
    heard = all(topic is not None and topic.type == "AWS::SNS::Topic" for topic in topics) and len(topics) == 1
    heard = heard and who[0].get("SubscriptionType") == "SNS"
    names = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
    return (*(str(when.get(name)) for name in names), "heard" if heard else "unheard")


def _without(deployment: Deployment, resource_type: str) -> Complaints:
    """Stacks that run functions and have no resource of a type."""
    for stack in deployment.stacks.values():
        types = {resource.type for resource in stack.resources.values()}
        if FUNCTION in types and resource_type not in types:
            yield stack, f"has no {resource_type}"
