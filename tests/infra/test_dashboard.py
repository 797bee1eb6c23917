"""The dashboard: what it shows, that it can be drawn, and that its costs are list prices times what AWS counts."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from cdk_app import prices
from cdk_app.constructs.queries import MOST_EXPENSIVE
from lambda_src.services.stock_track_record.tables import TABLES
from tests.infra.test_alarms import alarms
from tests.support.assembly import Assembly

FILL = re.compile(r"FILL\((\w+), 0\) \* ([0-9.]+)")


def plain(value: Any) -> str:
    """Text of a template with references as `${name}`."""
    if isinstance(value, str):
        return value
    [(function, argument)] = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(plain(part) for part in argument[1])
    return "${" + (argument if isinstance(argument, str) else ".".join(argument)) + "}"


def widgets(assembly: Assembly) -> list[dict[str, Any]]:
    """The widgets as CloudWatch reads them."""
    body = json.loads(plain(assembly.app.properties("AWS::CloudWatch::Dashboard")["DashboardBody"]))
    found: list[dict[str, Any]] = body["widgets"]
    return found


def graphs(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Properties of widgets by title."""
    return {
        widget["properties"]["title"]: widget["properties"]
        for widget in widgets(assembly)
        if "title" in widget["properties"]
    }


def metrics(graph: dict[str, Any]) -> list[list[Any]]:
    """What a graph draws. `.` repeats the value above."""
    drawn: list[list[Any]] = []
    for line in graph["metrics"]:
        drawn.append([drawn[-1][at] if part == "." else part for at, part in enumerate(line)])
    return drawn


def statistics(graph: dict[str, Any]) -> set[str]:
    return {line[-1].get("stat", "Average") for line in graph["metrics"]}


def test_every_alarm_is_at_the_top(assembly):
    [states] = [widget for widget in widgets(assembly) if widget["type"] == "alarm"]
    assert set(states["properties"]["alarms"]) == {f"${{{name}.Arn}}" for name in alarms(assembly)}
    first_graph = min(widget["y"] for widget in widgets(assembly) if widget["type"] == "metric")
    assert states["y"] < first_graph


def test_widgets_lie_side_by_side_and_not_on_each_other(assembly):
    taken: set[tuple[int, int]] = set()
    for widget in widgets(assembly):
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, widget
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_latency_and_durations_are_percentiles(assembly):
    shown = graphs(assembly)
    for title in ("Latency", "API: duration", "Worker: duration"):
        assert statistics(shown[title]) == {"p50", "p95", "p99"}


@pytest.mark.parametrize("name", ["API", "Worker"])
def test_a_function_shows_calls_errors_refusals_and_how_many_run_at_once(assembly, name):
    shown = graphs(assembly)
    drawn = {line[1] for line in metrics(shown[f"{name}: calls in 5 minutes"])}
    assert drawn == {"Invocations", "Errors", "Throttles"}
    assert [line[1] for line in metrics(shown[f"{name}: calls at once"])] == ["ConcurrentExecutions"]


@pytest.mark.parametrize("name", ["Processing", "Prices"])
def test_a_queue_shows_depth_age_and_dead_letters(assembly, name):
    shown = graphs(assembly)
    assert len(shown[f"{name}: messages"]["metrics"]) == 3
    [age] = metrics(shown[f"{name}: age"])
    [dead] = metrics(shown[f"{name}: dead letters"])
    assert (age[1], dead[1]) == ("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible")
    assert dead[3].startswith(f"${{{name}DeadLetters")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_shows_consumption_and_throttles_of_itself_and_each_index(assembly, table):
    shown = graphs(assembly)
    name = table.physical_name(assembly.environment)
    for kind in ("Read", "Write"):
        drawn = metrics(shown[f"{name}: {kind.lower()} units in 5 minutes"])
        assert {line[1] for line in drawn} == {f"Consumed{kind}CapacityUnits"}
        assert sum("GlobalSecondaryIndexName" in line for line in drawn) == len(table.indexes)
        assert len(drawn) == 1 + len(table.indexes)
    assert len(shown[f"{name}: throttled in 5 minutes"]["metrics"]) == 2 * (1 + len(table.indexes))


def test_what_the_service_counts_is_shown_by_its_own_names(assembly):
    drawn = metrics(graphs(assembly)["Service, in 5 minutes"])
    assert {(line[0], line[1]) for line in drawn} == {
        ("StockTrackRecord", "RunFailed"),
        ("StockTrackRecord", "PriceRefreshDropped"),
    }


def test_recent_errors_and_cold_starts_come_from_the_logs_of_both_functions(assembly):
    logs = [widget["properties"] for widget in widgets(assembly) if widget["type"] == "log"]
    assert [log["title"] for log in logs] == ["Recent errors", "Cold starts by hour"]
    for log in logs:
        sources = re.findall(r"SOURCE '\$\{(\w+)\}'", log["query"])
        assert [source.partition("Logs")[0] for source in sources] == ["ApiFunction", "Worker"]


def test_costs_are_list_prices_times_what_aws_counts(assembly):
    """Each term by the metric it multiplies; Lambda's duration is in milliseconds and priced by the GB and second."""
    graph = graphs(assembly)["US dollars per hour"]
    named = {line[-1]["id"]: line for line in graph["metrics"] if "id" in line[-1] and len(line) > 1}
    drawn = dict(zip((line[-1].get("id") for line in graph["metrics"]), metrics(graph), strict=True))
    terms: dict[str, set[Decimal]] = {}
    for line in graph["metrics"]:
        for id_, factor in FILL.findall(line[-1].get("expression", "")):
            assert named[id_][-1]["stat"] == "Sum"
            terms.setdefault(drawn[id_][1], set()).add(Decimal(factor))
    per_ms = prices.LAMBDA_ARM_DURATION.each / 1000
    assert terms == {
        "Count": {prices.HTTP_API_REQUEST.each},
        "Invocations": {prices.LAMBDA_REQUEST.each},
        "Duration": {per_ms * Decimal("0.5"), per_ms},
        "ConsumedReadCapacityUnits": {prices.DYNAMODB_READ_UNIT.each},
        "ConsumedWriteCapacityUnits": {prices.DYNAMODB_WRITE_UNIT.each},
        "NumberOfMessagesSent": {prices.SQS_REQUEST.each},
        "NumberOfMessagesReceived": {prices.SQS_REQUEST.each},
        "NumberOfMessagesDeleted": {prices.SQS_REQUEST.each},
        "NumberOfEmptyReceives": {prices.SQS_REQUEST.each},
    }


def test_the_most_expensive_requests_weigh_a_write_as_the_price_list_does():
    ratio = prices.DYNAMODB_WRITE_UNIT.each / prices.DYNAMODB_READ_UNIT.each
    assert f"read_units + {ratio.normalize():f} * write_units" in MOST_EXPENSIVE.text
