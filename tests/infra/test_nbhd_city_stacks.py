"""The stacks of nbhd.city: what the rules for all services do not say already."""

from typing import Any

import pytest
from pydantic import ValidationError

from lambda_src.services.nbhd_city.settings import ApiSettings
from lambda_src.services.nbhd_city.sign_in.service import FAILURE_METRIC
from lambda_src.services.nbhd_city.wiring import LATENCY_METRIC
from tests.support.assembly import Assembly, Template, run_python

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


CARELESS = """
from dataclasses import replace
from aws_cdk import App
from cdk_app.environments import PROD
from cdk_app.services.nbhd_city import stacks as nbhd_city
from cdk_app.stacks import add_stacks

shortcuts = nbhd_city.LOCAL_SIGN_IN
on_a_laptop = replace(PROD, on_this_machine=True, rollout="all_at_once")
for name, value in shortcuts.items():
    nbhd_city.LOCAL_SIGN_IN = {name: value}
    try:
        add_stacks(App(), on_a_laptop)
    except ValueError as refused:
        print(type(refused).__name__, str(refused).replace(chr(10), " "))
try:
    replace(PROD, web_origins={"NbhdCity": ("*",)})
except Exception as refused:
    print(type(refused).__name__, refused)
"""


def test_production_with_the_shortcuts_of_a_laptop_or_open_to_every_page_is_not_synthesised():
    done = run_python("-c", CARELESS)
    assert done.returncode == 0, done.stderr
    refusals = done.stdout.splitlines()
    said = ("OAUTH_PROFILE", "ALLOW_INSECURE_UPSTREAMS", "TEST_LOGIN_ENABLED", "`*` would let every page call the API")
    assert len(refusals) == len(said)
    for refusal, reason in zip(refusals, said, strict=True):
        assert reason in refusal


def test_the_dashboard_divides_failed_sign_ins_by_reason_and_waits_by_who_was_asked(assembly):
    body = str(app(assembly).properties("AWS::CloudWatch::Dashboard")["DashboardBody"])
    for expression in (
        f"SEARCH('{{NbhdCity,service,reason}} MetricName=\"{FAILURE_METRIC}\"', 'Sum')",
        f"SEARCH('{{NbhdCity,service,upstream}} MetricName=\"{LATENCY_METRIC}\"', 'p95')",
    ):
        assert expression in body.replace("\\", ""), expression


def test_requests_have_a_limit_and_signing_in_a_lower_one(assembly):
    stage = app(assembly).properties("AWS::ApiGatewayV2::Stage")
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200}
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
