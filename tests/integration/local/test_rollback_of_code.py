"""Versions moved by hand, as docs/rollback.md tells: back to one that is still there, or step by step to the new one.

A small stack with the shape of a service's: function, published version, alias, HTTP API.
"""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
import typer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typer.testing import CliRunner

from cdk_app.local.ministack import QUICK, MiniStack
from cdk_app.operations import shift
from cdk_app.services.registry import SERVICES
from tests.support.http_server import ThreadedServer
from tests.support.ports import free_port

_, STACK = SERVICES[0].stack_names("dev")
ROLE = "arn:aws:iam::123456789012:role/function"


def template(release: str, *, is_impossible: bool = False) -> str:
    """One release. A version has a name of its own per release, as CDK makes it, so that each is published.

    is_impossible: its last resource cannot be made, so that the deployment fails after the alias has moved.
    """
    source = f"def handler(event, context):\n    return {{'statusCode': 200, 'body': '{release}'}}\n"
    resources: dict[str, Any] = {
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": ROLE,
                "Code": {"ZipFile": source},
            },
        },
        f"Version{release.title()}": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "Function"}},
            "UpdateReplacePolicy": "Retain",
            "DeletionPolicy": "RetainExceptOnCreate",
        },
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": [f"Version{release.title()}", "Version"]},
            },
        },
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "api", "ProtocolType": "HTTP"}},
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": {"Ref": "Live"},
                "PayloadFormatVersion": "2.0",
            },
        },
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": "$default",
                "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]},
            },
        },
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
    }
    if is_impossible:
        resources["Impossible"] = {
            "Type": "AWS::CloudWatch::Alarm",  # of no metric
            "DependsOn": ["Live"],
            "Properties": {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1},
        }
    outputs = {"ApiId": {"Value": {"Ref": "Api"}}, "ApiFunctionName": {"Value": {"Ref": "Function"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


class DeployedService:
    """The stack in an emulator of its own."""

    def __init__(self, cloud: MiniStack) -> None:
        self._cloud, self.url = cloud, cloud.url
        self.stacks = self.client("cloudformation")
        self.functions = self.client("lambda")

    def client(self, service: Any) -> Any:
        return self._cloud.session.client(service, endpoint_url=self._cloud.url, config=QUICK)

    def deploy(self, release: str) -> None:
        """Create or update the stack and wait for the end of it."""
        known = [stack["StackName"] for stack in self.stacks.describe_stacks()["Stacks"]]
        action = "update" if STACK in known else "create"
        getattr(self.stacks, f"{action}_stack")(StackName=STACK, TemplateBody=template(release))
        self._wait(f"stack_{action}_complete")

    def fail_to_deploy(self, release: str) -> None:
        """Update the stack to something impossible and wait until it is rolled back."""
        self.stacks.update_stack(StackName=STACK, TemplateBody=template(release, is_impossible=True))
        self._wait("stack_rollback_complete")

    def _wait(self, state: str) -> None:
        self.stacks.get_waiter(state).wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 30})

    def output(self, name: str) -> str:
        [stack] = self.stacks.describe_stacks(StackName=STACK)["Stacks"]
        return next(str(output["OutputValue"]) for output in stack["Outputs"] if output["OutputKey"] == name)

    @property
    def versions(self) -> list[str]:
        """Published versions, oldest first."""
        listed = self.functions.list_versions_by_function(FunctionName=self.output("ApiFunctionName"))["Versions"]
        return [version["Version"] for version in listed if version["Version"] != "$LATEST"]

    @property
    def live_version(self) -> str:
        alias = self.functions.get_alias(FunctionName=self.output("ApiFunctionName"), Name="live")
        return str(alias["FunctionVersion"])

    @property
    def weights(self) -> dict[str, float]:
        """Shares of the calls by version, of those that the alias does not name first."""
        alias = self.functions.get_alias(FunctionName=self.output("ApiFunctionName"), Name="live")
        return dict(alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))

    def answer(self) -> str:
        """What callers of the API get."""
        path = f"/_aws/execute-api/{self.output('ApiId')}/$default/"
        answer = httpx.get(self._cloud.url + path, timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def service(tmp_path) -> Iterator[DeployedService]:
    cloud = MiniStack.start(
        port=free_port(), state_directory=tmp_path, log_path=tmp_path / "ministack.log", function_environment={}
    )
    try:
        cloud.wait_until_ready()
        yield DeployedService(cloud)
    finally:
        cloud.stop()


def test_the_alias_is_put_back_and_the_old_version_answers_until_the_next_deployment(service):
    service.deploy("good")
    assert service.answer() == "good"
    [good] = service.versions
    service.deploy("bad")
    assert service.answer() == "bad"
    assert service.versions[0] == good, "the deployment left the version before"

    service.functions.update_alias(FunctionName=service.output("ApiFunctionName"), Name="live", FunctionVersion=good)
    assert service.answer() == "good"

    service.deploy("mended")
    assert service.answer() == "mended"
    assert service.live_version == service.versions[-1]


def test_a_deployment_that_fails_leaves_no_version_so_the_same_code_can_be_published_again(service):
    service.deploy("good")
    published = service.versions
    service.fail_to_deploy("next")
    assert service.answer() == "good"
    assert service.versions == published

    service.deploy("next")
    assert service.answer() == "next"


def test_old_versions_are_cleared_away_and_the_one_that_serves_is_not(service):
    for release in ("one", "two", "three"):
        service.deploy(release)
    name = service.output("ApiFunctionName")
    one, *rest = service.versions
    service.functions.delete_function(FunctionName=name, Qualifier=one)
    assert service.versions == rest
    assert service.answer() == "three"


@pytest.fixture
def shifted(service, monkeypatch):
    """`shifted("5")`: what `make shift` says, and its exit code."""
    for name, value in {"ENDPOINT_URL": service.url, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    app = typer.Typer()
    app.command()(shift.main)

    def run(*arguments: str) -> tuple[str, int]:
        done = CliRunner().invoke(app, [SERVICES[0].name, "dev", *arguments])
        return done.output, done.exit_code

    return run


def test_the_newest_version_gets_more_calls_step_by_step_and_none_again(service, shifted):
    for release in ("old", "new"):
        service.deploy(release)
    old, new = service.versions

    said, code = shifted()
    assert (code, said.splitlines()[0]) == (0, f"{STACK}: version {new} answers every call")
    for percent, further in (("5", "10"), ("10", "25"), ("40", "50")):
        said, code = shifted(percent)
        assert code == 0, said
        assert f"version {new} answers {percent} % of the calls, version {old} the others" in said
        assert f"PERCENT={further}\n" in said
        assert f"PERCENT=0, to version {old}" in said
        assert (service.live_version, service.weights) == (old, {new: int(percent) / 100})
    assert shifted("0")[1] == 0
    assert (service.live_version, service.weights) == (old, {})
    assert service.answer() == "old"
    assert shifted("100")[1] == 0
    assert (service.live_version, service.weights) == (new, {})
    assert service.answer() == "new"


def test_an_alarm_refuses_more_calls_and_never_fewer(service, shifted):
    for release in ("old", "new"):
        service.deploy(release)
    shifted("25")
    watch = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Period": 60, "Statistic": "Sum"}
    comparison = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
    alarms = service.client("cloudwatch")
    for name in (f"{STACK}-Errors", "Of-another"):
        alarms.put_metric_alarm(AlarmName=name, **watch, **comparison)
        alarms.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test says so")

    said, code = shifted("50")
    assert (code, service.weights) == (1, {service.versions[1]: 0.25})
    assert f"alarm {STACK}-Errors is on. Nothing was changed" in said
    assert shifted("10")[1] == 0
    assert shifted("0")[1] == 0
    alarms.set_alarm_state(AlarmName=f"{STACK}-Errors", StateValue="OK", StateReason="mended")
    assert shifted("50")[1] == 0, "the alarm of another stack is none of its business"


def test_the_version_to_go_back_to_can_be_named_and_there_must_be_one(service, shifted):
    service.deploy("good")
    said, code = shifted("50")
    assert (code, "version 1 is the only one that is published" in said) == (1, True)
    for release in ("bad", "mended"):
        service.deploy(release)
    good, bad, mended = service.versions
    assert shifted("50", "--before", good)[1] == 0
    assert (service.live_version, service.weights) == (good, {mended: 0.5})
    assert shifted("50", "--before", bad)[1] == 0
    assert (service.live_version, service.weights) == (bad, {mended: 0.5}), "the same share, another version"
    assert shifted("0")[1] == 0
    said, code = shifted("0", "--before", good)
    assert (code, service.live_version, service.weights) == (0, good, {}), said
    for wrong in (mended, "99"):
        said, code = shifted("60", "--before", wrong)
        assert (code, f"version {wrong} is none of" in said) == (1, True)


def test_two_people_do_not_move_it_against_each_other(service):
    for release in ("old", "new"):
        service.deploy(release)
    name = service.output("ApiFunctionName")
    seen = shift.weights_of(service.functions, name)
    shift.move(service.functions, name, shift.weights_of(service.functions, name), 5)
    with pytest.raises(shift.ShiftRefused, match="somebody else"):
        shift.move(service.functions, name, seen, 10)
    assert service.weights == {service.versions[1]: 0.05}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("Nobody", "dev"), "'Nobody' is none of"),
        ((SERVICES[0].name, "production"), "'production' is none of"),
        ((SERVICES[0].name, "dev", "101"), "equal to 100"),
    ],
)
def test_what_is_asked_for_must_be_there(wrong, said):
    app = typer.Typer()
    app.command()(shift.main)
    done = CliRunner().invoke(app, list(wrong))
    assert done.exit_code == 2
    assert said in done.output


def test_codedeploy_at_work_refuses_more_calls():
    """The emulator knows no CodeDeploy; this answers as AWS documents.

    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ListDeployments.html
    """
    statuses: list[str] = []

    async def answer(request: Request) -> Response:
        body = await request.body()
        action = request.headers.get("x-amz-target", "").rpartition(".")[2]
        if action == "ListDeploymentGroups":
            return Response(json.dumps({"deploymentGroups": ["group"]}))
        if action == "ListDeployments":
            statuses.extend(json.loads(body)["includeOnlyStatuses"])
            return Response(json.dumps({"deployments": ["d-ABC"]}))
        if action == "DescribeAlarms":
            return Response(json.dumps({"MetricAlarms": [], "CompositeAlarms": []}))
        resource = (
            "<LogicalResourceId>A</LogicalResourceId><PhysicalResourceId>application</PhysicalResourceId>"
            "<ResourceType>AWS::CodeDeploy::Application</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>"
            "<LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp>"
        )
        listed = f"<StackResourceSummaries><member>{resource}</member></StackResourceSummaries>"
        return Response(
            f"<ListStackResourcesResponse><ListStackResourcesResult>{listed}</ListStackResourcesResult>"
            "</ListStackResourcesResponse>",
            media_type="text/xml",
        )

    with ThreadedServer(Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])) as server:
        session = boto3.Session("test", "test", region_name="us-east-1")
        with pytest.raises(shift.ShiftRefused, match=r"^CodeDeploy moves the same alias: d-ABC$"):
            shift.refuse_more(lambda name: session.client(name, endpoint_url=server.url), STACK)
    assert set(statuses) >= {"Created", "Queued", "InProgress"}
