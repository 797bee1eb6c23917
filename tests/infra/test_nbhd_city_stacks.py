"""The stacks of nbhd.city: what the rules for all services do not say already."""

from typing import Any

import pytest
from pydantic import ValidationError

from lambda_src.services.nbhd_city.settings import ApiSettings
from tests.support.assembly import Assembly, Template

ALARM = "AWS::CloudWatch::Alarm"
FUNCTION = "AWS::Lambda::Function"
TABLE = "AWS::DynamoDB::GlobalTable"
PLAIN: dict[str, Any] = {
    "environment": "prod",
    "dynamodb_table_name": "nbhd-city-prod",
    "nbhd_task_queue_url": "https://sqs.example/tasks",
    "app_secret_arn": "arn",
    "frontend_origins": "https://nbhdcity.example",
    "cors_allowed_origins": "https://nbhdcity.example",
    "api_base_url": "https://api.nbhdcity.example",
}


def app(assembly: Assembly) -> Template:
    return assembly.templates["NbhdCityApp"]


def metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    parts = alarm.get("Metrics") or [{"MetricStat": {"Metric": alarm}}]
    return [part["MetricStat"]["Metric"] for part in parts if "MetricStat" in part]


def watched(template: Template, starting: str) -> tuple[dict[str, Any], set[str]]:
    alarm = template.properties(ALARM, starting)
    return alarm, {metric["MetricName"] for metric in metrics(alarm)}


def test_the_table_is_named_and_kept_as_it_should_be(prod):
    table = prod.templates["NbhdCityData"].properties(TABLE)
    [replica] = table["Replicas"]
    assert table["TableName"] == "nbhd-city-prod"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert replica["DeletionProtectionEnabled"] is True
    assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    projections = {
        index["IndexName"]: index["Projection"]["ProjectionType"] for index in table["GlobalSecondaryIndexes"]
    }
    assert projections == {"GSI1": "ALL", "GSI2": "KEYS_ONLY", "GSI3": "ALL"}


def test_functions_have_their_sizes_and_no_reserved_variable(deployed):
    sizes = {}
    for name, function in app(deployed).of_type(FUNCTION).items():
        properties = function["Properties"]
        assert "AWS_REGION" not in properties["Environment"]["Variables"], name
        sizes[name[:3]] = (properties["MemorySize"], properties["Timeout"])
    assert sizes == {"Api": (512, 20), "Wor": (256, 60)}


def test_the_api_knows_its_own_address(deployed):
    variables = app(deployed).properties(FUNCTION, "ApiFunction")["Environment"]["Variables"]
    [api] = app(deployed).of_type("AWS::ApiGatewayV2::Api")
    assert variables["API_BASE_URL"] == {"Fn::GetAtt": [api, "ApiEndpoint"]}


def test_on_aws_nobody_signs_in_through_a_stand_in(deployed):
    variables = app(deployed).properties(FUNCTION, "ApiFunction")["Environment"]["Variables"]
    assert variables.keys().isdisjoint({"OAUTH_PROFILE", "ALLOW_INSECURE_UPSTREAMS", "TEST_LOGIN_ENABLED"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"test_login_enabled": True}, "TEST_LOGIN_ENABLED"),
        ({"oauth_profile": "basic"}, "OAUTH_PROFILE"),
        ({"allow_insecure_upstreams": True}, "ALLOW_INSECURE_UPSTREAMS"),
        ({"callback_mode": "token"}, "CALLBACK_MODE"),
        ({"cors_allowed_origins": "*"}, "exact"),
    ],
)
def test_settings_that_are_unsafe_in_production_stop_the_synthesis(change, reason):
    """The stack fills the variables through this class, so nothing of it can be synthesised."""
    assert ApiSettings.model_validate(PLAIN)
    with pytest.raises(ValidationError, match=reason):
        ApiSettings.model_validate(PLAIN | change)


def test_what_the_operator_is_told(deployed):
    template = app(deployed)
    for starting, names, at_least in (
        ("ApiServerErrors", {"5xx"}, 11),
        ("ErrorRate", {"5xx", "Count"}, 0.1),
        ("TasksDeadLetters", {"ApproximateNumberOfMessagesVisible"}, 1),
        ("TasksAge", {"ApproximateAgeOfOldestMessage"}, 900),
        ("MainTableThrottled", {"ReadThrottleEvents", "WriteThrottleEvents"}, 6),
        ("MainTableErrors", {"SystemErrors"}, 6),
        ("Contention", {"TransactionConflict"}, 101),
        ("Invariants", {"MemberCountInvariant", "MemberCountDrift", "NameSentinelInvariant"}, 1),
        ("SignInFailures", {"OAuthFailure"}, 21),
    ):
        alarm, found = watched(template, starting)
        assert (found, alarm["Threshold"]) == (names, at_least), starting
        assert alarm["TreatMissingData"] == "notBreaching", starting
    latency, _ = watched(template, "ApiLatency")
    assert (latency["ExtendedStatistic"], latency["Threshold"], latency["EvaluationPeriods"]) == ("p95", 500, 3)


def test_throttles_are_counted_on_the_table_and_every_index(deployed):
    alarm, _ = watched(app(deployed), "MainTableThrottled")
    places = {tuple(sorted(dimension["Value"] for dimension in metric["Dimensions"])) for metric in metrics(alarm)}
    name = f"nbhd-city-{deployed.environment}"
    assert places == {(name,), ("GSI1", name), ("GSI2", name), ("GSI3", name)}


def test_signing_in_has_a_limit_of_its_own(assembly):
    stage = app(assembly).properties("AWS::ApiGatewayV2::Stage")
    limited = {"GET /auth/login", "POST /auth/token", "POST /auth/test-login"}
    assert stage["RouteSettings"] == {
        route: {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20} for route in limited
    }


def test_tasks_come_five_at_a_time_and_are_hidden_for_six_timeouts(assembly):
    template = app(assembly)
    assert template.properties("AWS::Lambda::EventSourceMapping")["BatchSize"] == 5
    queue = template.properties("AWS::SQS::Queue", "TasksQueue")
    assert (queue["VisibilityTimeout"], queue["RedrivePolicy"]["maxReceiveCount"]) == (360, 5)


def test_the_sweep_comes_every_quarter_of_an_hour_and_the_audit_weekly(assembly):
    rules = app(assembly).of_type("AWS::Events::Rule").values()
    assert {rule["Properties"]["ScheduleExpression"] for rule in rules} == {"rate(15 minutes)", "rate(7 days)"}
