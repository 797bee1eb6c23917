"""A bad deployment taken back by hand, as docs/rollback.md tells: the alias goes back to a version that is still there.

A small stack with the shape of a service's: function, published version, alias, HTTP API.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cdk_app.local.ministack import QUICK, MiniStack
from tests.support.ports import free_port

STACK = "Service"
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
    outputs = {"ApiId": {"Value": {"Ref": "Api"}}, "FunctionName": {"Value": {"Ref": "Function"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


class DeployedService:
    """The stack in an emulator of its own."""

    def __init__(self, cloud: MiniStack) -> None:
        self._cloud = cloud
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
        listed = self.functions.list_versions_by_function(FunctionName=self.output("FunctionName"))["Versions"]
        return [version["Version"] for version in listed if version["Version"] != "$LATEST"]

    @property
    def live_version(self) -> str:
        alias = self.functions.get_alias(FunctionName=self.output("FunctionName"), Name="live")
        return str(alias["FunctionVersion"])

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

    service.functions.update_alias(FunctionName=service.output("FunctionName"), Name="live", FunctionVersion=good)
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
    name = service.output("FunctionName")
    one, *rest = service.versions
    service.functions.delete_function(FunctionName=name, Qualifier=one)
    assert service.versions == rest
    assert service.answer() == "three"
