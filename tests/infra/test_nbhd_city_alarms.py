"""The alarms of nbhd.city, one by one: metric, dimensions, threshold and patience as its operators were promised."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.infra.gates.metrics import ALARM
from tests.support.assembly import Assembly

LAMBDA, GATEWAY, DYNAMODB, SQS, OURS = "AWS/Lambda", "AWS/ApiGateway", "AWS/DynamoDB", "AWS/SQS", "NbhdCity"
INDEXES = ("GSI1", "GSI2", "GSI3")
OPERATIONS = (
    "BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem",
)  # fmt: skip
SERVICE = {"service": "nbhd_city"}

type Dimensions = dict[str, str]


@dataclass(frozen=True)
class Promise:
    """An alarm. at_least: of the sum, or what `statistic` and `expression` say. periods: of 5 minutes, one after the
    other. metrics: name and dimensions; `{table}` stands for the table, other parts are named as in the stack."""

    alarm: str
    namespace: str
    metrics: list[tuple[str, Dimensions]]
    at_least: float
    statistic: str = "Sum"
    periods: int = 1
    expression: str | None = None


TABLE = {"TableName": "{table}"}
PROMISES = [
    *(
        Promise(f"{alarm}{what}", LAMBDA, [(what, {"FunctionName": function})], 1)
        for alarm, function in (("ApiFunction", "ApiFunction"), ("Worker", "WorkerFunction"))
        for what in ("Errors", "Throttles")
    ),
    Promise("ApiServerErrors", GATEWAY, [("5xx", {"ApiId": "ApiHttp"})], 11),
    Promise(
        "ErrorRate",
        GATEWAY,
        [("5xx", {"ApiId": "ApiHttp"}), ("Count", {"ApiId": "ApiHttp"})],
        0.1,
        periods=3,
        expression="IF(requests >= 1000, 100 * errors / requests, 0)",
    ),
    Promise("ApiLatency", GATEWAY, [("Latency", {"ApiId": "ApiHttp"})], 500, statistic="p95", periods=3),
    Promise(
        "MainTableThrottled",
        DYNAMODB,
        [
            (metric, TABLE | dimensions)
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents")
            for dimensions in ({}, *({"GlobalSecondaryIndexName": index} for index in INDEXES))
        ],
        6,
        expression="SUM(METRICS())",
    ),
    Promise(
        "MainTableErrors",
        DYNAMODB,
        [("SystemErrors", TABLE | {"Operation": operation}) for operation in OPERATIONS],
        6,
        expression="SUM(METRICS())",
    ),
    Promise("Contention", DYNAMODB, [("TransactionConflict", TABLE)], 101),
    Promise(
        "TasksDeadLetters",
        SQS,
        [("ApproximateNumberOfMessagesVisible", {"QueueName": "TasksDeadLetters"})],
        1,
        statistic="Maximum",
    ),
    Promise(
        "TasksAge", SQS, [("ApproximateAgeOfOldestMessage", {"QueueName": "TasksQueue"})], 900, statistic="Maximum"
    ),
    Promise(
        "Invariants",
        OURS,
        [(name, SERVICE) for name in ("MemberCountInvariant", "MemberCountDrift", "NameSentinelInvariant")],
        1,
        expression="SUM(METRICS())",
    ),
    Promise("SignInFailures", OURS, [("OAuthFailure", SERVICE)], 21),
]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.alarm)
def test_the_operator_is_told_as_promised(deployed, promise):
    alarm = deployed.templates["NbhdCityApp"].properties(ALARM, f"{promise.alarm}Alarm")

    assert found(alarm) == sorted((name, sorted(its.items())) for name, its in expected(promise, deployed))
    assert {metric["Namespace"] for metric, _ in parts(alarm)} == {promise.namespace}
    assert {statistic for _, statistic in parts(alarm)} == {(promise.statistic, 300)}
    expressions = [part["Expression"] for part in alarm.get("Metrics", []) if "Expression" in part]
    assert expressions == ([] if promise.expression is None else [promise.expression])
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", promise.at_least)
    assert alarm["EvaluationPeriods"] == alarm.get("DatapointsToAlarm", promise.periods) == promise.periods
    assert alarm["TreatMissingData"] == "notBreaching"
    assert len(alarm["AlarmActions"]) == 1


def expected(promise: Promise, assembly: Assembly) -> list[tuple[str, Dimensions]]:
    table = f"nbhd-city-{assembly.environment}"
    return [(name, {key: value.format(table=table) for key, value in its.items()}) for name, its in promise.metrics]


def parts(alarm: dict[str, Any]) -> list[tuple[dict[str, Any], tuple[str, int]]]:
    """The metrics of an alarm, each with its statistic and period in seconds."""
    if "Metrics" not in alarm:
        return [(alarm, (alarm.get("Statistic") or alarm["ExtendedStatistic"], alarm["Period"]))]
    stats = [part["MetricStat"] for part in alarm["Metrics"] if "MetricStat" in part]
    return [(stat["Metric"], (stat["Stat"], stat["Period"])) for stat in stats]


def found(alarm: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    return sorted(
        (metric["MetricName"], sorted((each["Name"], named(each["Value"])) for each in metric["Dimensions"]))
        for metric, _ in parts(alarm)
    )


def named(value: Any) -> str:
    """The value of a dimension: a text, or the construct of the stack whose name it is."""
    if isinstance(value, str):
        return value
    logical_id: str = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
    return logical_id[:-8]  # the rest is the CDK's digest of its path
