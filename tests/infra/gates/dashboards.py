"""Rules about dashboards and budgets: a graph of nothing looks like a quiet day."""

import json
from collections.abc import Iterator
from typing import Any

from tests.infra.gates.metrics import ALARM
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.published_metrics import unknown
from tests.infra.gates.references import FUNCTION, references, text

DASHBOARD = "AWS::CloudWatch::Dashboard"
BUDGET = "AWS::Budgets::Budget"
AS_IN_THE_ROW_ABOVE = "."


def widgets_of(dashboard: Resource) -> list[Json]:
    """The widgets, with `${LogicalId}` for what only deployment knows. Raises ValueError when the body is not JSON."""
    widgets: list[Json] = json.loads(text(dashboard.properties["DashboardBody"]))["widgets"]
    return widgets


def graphed(dashboard: Resource) -> Iterator[tuple[str, str, list[str]]]:
    """(namespace, metric, names of dimensions) of everything drawn, but for searches and expressions.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    for widget in widgets_of(dashboard):
        above: list[str] = []
        for row in widget.get("properties", {}).get("metrics", []):
            parts: list[Any] = [part for part in row if isinstance(part, str)]
            if parts:
                above = [above[at] if part == AS_IN_THE_ROW_ABOVE else part for at, part in enumerate(parts)]
                yield above[0], above[1], above[2::2]


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


@rule("spending-is-watched", "A loop that costs money shows on the bill first", not_local="nothing costs money there")
def spending_is_watched(deployment: Deployment) -> Complaints:
    yield from _without(deployment, BUDGET)
    for budget in deployment.of_type(BUDGET):
        if not budget.properties.get("NotificationsWithSubscribers"):
            yield budget, "tells nobody"


def _without(deployment: Deployment, resource_type: str) -> Complaints:
    """Stacks that run functions and have no resource of a type."""
    for stack in deployment.stacks.values():
        types = {resource.type for resource in stack.resources.values()}
        if FUNCTION in types and resource_type not in types:
            yield stack, f"has no {resource_type}"
