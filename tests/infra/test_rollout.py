"""Roll-outs: from the alias to the deployment group, to its alarms and the way back, one chain per API function."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cdk_app.environments import ENVIRONMENTS, PROD, STAGING
from cdk_app.operations.smoke import CHECKS
from cdk_app.services.registry import SERVICES
from tests.support.assembly import ROOT, Assembly, Template

ALIAS = "AWS::Lambda::Alias"
ALARM = "AWS::CloudWatch::Alarm"
GROUP = "AWS::CodeDeploy::DeploymentGroup"
VERSION = "AWS::Lambda::Version"
GRADUAL = [name for name, environment in ENVIRONMENTS.items() if environment.rollout != "all_at_once"]
AT_ONCE = [name for name in ENVIRONMENTS if name not in GRADUAL]

type Properties = dict[str, Any]


@dataclass(frozen=True)
class Chain:
    """One API function of a template and what its alias leads to."""

    template: Template
    integration: Properties
    alias_id: str
    alias: dict[str, Any]

    @property
    def function_id(self) -> str:
        return str(self.alias["Properties"]["FunctionName"]["Ref"])

    @property
    def version_id(self) -> str:
        return str(self.alias["Properties"]["FunctionVersion"]["Fn::GetAtt"][0])

    @property
    def update(self) -> Properties:
        return dict(self.alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"])

    @property
    def group_id(self) -> str:
        return str(self.update["DeploymentGroupName"]["Ref"])

    @property
    def group(self) -> Properties:
        return dict(self.template.of_type(GROUP)[self.group_id]["Properties"])

    @property
    def alarms(self) -> dict[str, Properties]:
        """The alarms that decide, by logical id."""
        ids = [alarm["Name"]["Ref"] for alarm in self.group["AlarmConfiguration"]["Alarms"]]
        return {name: self.template.of_type(ALARM)[name]["Properties"] for name in ids}

    @property
    def role_id(self) -> str:
        return str(self.group["ServiceRoleArn"]["Fn::GetAtt"][0])


def chains(assembly: Assembly) -> Iterator[Chain]:
    """One per HTTP integration of any stack: what a gateway calls is an API function."""
    for template in assembly.templates.values():
        for integration in template.of_type("AWS::ApiGatewayV2::Integration").values():
            alias_id = integration["Properties"]["IntegrationUri"]["Ref"]
            yield Chain(template, integration["Properties"], alias_id, template.of_type(ALIAS)[alias_id])


def dimensions(alarm: Properties) -> dict[str, Any]:
    return {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}


@pytest.fixture(params=GRADUAL)
def gradual(request, assemblies) -> Assembly:
    assembly: Assembly = assemblies[request.param]
    return assembly


def test_production_rolls_out_by_canary_and_staging_step_by_step():
    assert {name: environment.rollout for name, environment in ENVIRONMENTS.items()} == {
        "local": "all_at_once",
        "dev": "all_at_once",
        "staging": "linear",
        "prod": "canary",
    }


def test_alias_group_alarms_and_rollback_are_one_chain_for_every_api_function(gradual):
    found = list(chains(gradual))
    assert found
    for chain in found:
        assert chain.alias["Properties"]["Name"] == "live"
        assert (
            chain.template.of_type(VERSION)[chain.version_id]["Properties"]["FunctionName"]["Ref"] == chain.function_id
        )
        assert chain.update["ApplicationName"] == chain.group["ApplicationName"]
        assert (
            chain.template.of_type("AWS::CodeDeploy::Application")[chain.update["ApplicationName"]["Ref"]][
                "Properties"
            ]["ComputePlatform"]
            == "Lambda"
        )
        assert chain.group["DeploymentStyle"] == {
            "DeploymentOption": "WITH_TRAFFIC_CONTROL",
            "DeploymentType": "BLUE_GREEN",
        }
        assert chain.group["AlarmConfiguration"]["Enabled"] is True
        assert "IgnorePollAlarmFailure" not in chain.group["AlarmConfiguration"], "no news is no good news"
        assert chain.group["AutoRollbackConfiguration"] == {
            "Enabled": True,
            "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"],
        }
        watched = {(alarm["Namespace"], alarm["MetricName"]) for alarm in chain.alarms.values()}
        assert watched == {
            ("AWS/ApiGateway", "5xx"),
            ("AWS/ApiGateway", "Latency"),
            ("AWS/Lambda", "Errors"),
            ("AWS/Lambda", "Throttles"),
            ("AWS/Lambda", "Duration"),
        }


def test_every_deciding_alarm_watches_this_api_or_this_function_and_starts_out_calm(gradual):
    for chain in chains(gradual):
        for name, alarm in chain.alarms.items():
            given = dimensions(alarm)
            subject = given["ApiId" if alarm["Namespace"] == "AWS/ApiGateway" else "FunctionName"]["Ref"]
            expected = chain.integration["ApiId"]["Ref"] if "ApiId" in given else chain.function_id
            assert subject == expected, name
            assert alarm["TreatMissingData"] == "notBreaching", f"{name} would stop the first deployment"
            assert alarm["AlarmActions"], name


def test_errors_and_slowness_of_the_new_version_are_seen_apart_from_those_of_the_old_one(gradual):
    for chain in chains(gradual):
        of_version = [alarm for alarm in chain.alarms.values() if "ExecutedVersion" in dimensions(alarm)]
        assert {alarm["MetricName"] for alarm in of_version} == {"Errors", "Duration"}
        for alarm in of_version:
            given = dimensions(alarm)
            assert given["ExecutedVersion"] == {"Fn::GetAtt": [chain.version_id, "Version"]}
            assert given["Resource"] == {"Fn::Join": ["", [{"Ref": chain.function_id}, ":live"]]}
            assert alarm["Period"] == 60


def test_a_roll_out_lasts_longer_than_each_of_its_alarms_takes_to_fire(gradual):
    environment = ENVIRONMENTS[gradual.environment]
    watched_seconds = environment.traffic_step.watched_minutes(environment.rollout) * 60
    for chain in chains(gradual):
        of_version = [alarm for alarm in chain.alarms.values() if "ExecutedVersion" in dimensions(alarm)]
        slowest = max(alarm["Period"] * alarm["EvaluationPeriods"] for alarm in of_version)
        assert slowest < watched_seconds


def test_the_steps_are_those_of_the_environment(assemblies):
    for steps in _steps(assemblies["prod"]):
        assert steps == {
            "Type": "TimeBasedCanary",
            "TimeBasedCanary": {"CanaryPercentage": 10, "CanaryInterval": 15},
        }
    for steps in _steps(assemblies["staging"]):
        assert steps == {
            "Type": "TimeBasedLinear",
            "TimeBasedLinear": {"LinearPercentage": 25, "LinearInterval": 4},
        }


def _steps(assembly: Assembly) -> Iterator[Any]:
    """The steps of every service's API."""
    found = list(chains(assembly))
    assert len(found) == len(SERVICES)
    for chain in found:
        config = chain.template.of_type("AWS::CodeDeploy::DeploymentConfig")[chain.group["DeploymentConfigName"]["Ref"]]
        yield config["Properties"]["TrafficRoutingConfig"]


def test_codedeploy_may_move_this_alias_and_read_these_alarms_and_nothing_else(gradual):
    for chain in chains(gradual):
        role = chain.template.of_type("AWS::IAM::Role")[chain.role_id]["Properties"]
        assert "ManagedPolicyArns" not in role
        assert "Policies" not in role
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "codedeploy.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
        function_arn = {"Fn::GetAtt": [chain.function_id, "Arn"]}
        alias_arn = {"Fn::Join": ["", [function_arn, ":live"]]}
        alarm_arns = [{"Fn::GetAtt": [alarm, "Arn"]} for alarm in chain.alarms]
        assert _rights(chain) == Counter(
            [
                *((f"lambda:{action}", json.dumps(function_arn)) for action in ("GetAlias", "UpdateAlias")),
                ("lambda:GetProvisionedConcurrencyConfig", json.dumps(alias_arn)),
                *(("cloudwatch:DescribeAlarms", json.dumps(arn)) for arn in alarm_arns),
            ]
        )


def _rights(chain: Chain) -> Counter[tuple[str, str]]:
    """(action, resource) pairs of the role's own policy, which must be there before the group is used."""
    policies = {
        name: policy["Properties"]
        for name, policy in chain.template.of_type("AWS::IAM::Policy").items()
        if {"Ref": chain.role_id} in policy["Properties"]["Roles"]
    }
    assert set(policies) <= set(chain.template.of_type(GROUP)[chain.group_id]["DependsOn"])
    return Counter(
        (action, json.dumps(resource))
        for policy in policies.values()
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", AT_ONCE)
def test_all_at_once_needs_no_codedeploy(assemblies, name):
    for template in assemblies[name].templates.values():
        assert "CodeDeploy" not in template.path.read_text()


def test_versions_outlive_their_successor_and_not_a_deployment_that_failed(assembly):
    for chain in chains(assembly):
        version = chain.template.of_type(VERSION)[chain.version_id]
        assert version["UpdateReplacePolicy"] == "Retain"
        assert version["DeletionPolicy"] == "RetainExceptOnCreate"


def test_nobody_calls_an_api_function_but_through_its_alias(assembly):
    for chain in chains(assembly):
        resources = chain.template.body["Resources"]
        callers = [
            name
            for name, resource in resources.items()
            if resource["Type"] in {"AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping", "AWS::Events::Rule"}
            and f'"{chain.function_id}"' in json.dumps(resource["Properties"])
        ]
        assert callers == []
        permitted = [
            permission["Properties"]["Principal"]
            for permission in chain.template.of_type("AWS::Lambda::Permission").values()
            if permission["Properties"]["FunctionName"] == {"Ref": chain.alias_id}
        ]
        assert permitted
        assert set(permitted) == {"apigateway.amazonaws.com"}


def test_a_worker_changes_with_its_deployment(assembly):
    """A message that fails comes back; half a worker would send messages that its other half cannot read."""
    for template in assembly.templates.values():
        for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values():
            assert mapping["Properties"]["FunctionName"]["Ref"] in template.of_type("AWS::Lambda::Function")


def test_no_resource_waits_for_itself(assembly):
    """Deployment group, alarms, role and alias refer to each other; CloudFormation refuses a circle at deployment."""
    for template in assembly.templates.values():
        waits = {name: _needs(resource, template) for name, resource in template.body["Resources"].items()}
        done: set[str] = set()
        while ready := {name for name, needs in waits.items() if name not in done and needs <= done}:
            done |= ready
        assert waits.keys() - done == set()


def _needs(value: Any, template: Template) -> set[str]:
    """Logical ids that a resource refers to, anywhere in it, its update policy included."""
    match value:
        case {"Ref": str(name)} if name in template.body["Resources"]:
            return {name}
        case {"Fn::GetAtt": [str(name), _]}:
            return {name}
        case dict():
            named = value.get("DependsOn", [])
            return set(named) | {name for part in value.values() for name in _needs(part, template)}
        case list():
            return {name for part in value for name in _needs(part, template)}
        case _:
            return set()


def test_every_service_with_an_api_has_a_smoke_check(prod):
    with_api = {name for name, template in prod.templates.items() if template.of_type("AWS::ApiGatewayV2::Api")}
    assert {name.removesuffix("App") for name in with_api} == set(CHECKS)


def test_the_page_about_rollback_names_what_there_is(prod):
    page = (ROOT / "docs" / "rollback.md").read_text(encoding="utf-8")
    stacks = prod.stack_names
    named = set(re.findall(r"prod-\w+(?:App|Data)", page))
    outputs = set(re.findall(r"\$\(output (\w+)\)", page))
    assert set() < named <= stacks
    assert set() < outputs <= {name for each in prod.templates.values() for name in each.body["Outputs"]}
    tables = [
        table for each in prod.templates.values() for table in each.of_type("AWS::DynamoDB::GlobalTable").values()
    ]
    [source] = re.findall(r"SOURCE=(\S+)", page)
    assert source in {table["Properties"]["TableName"] for table in tables}
    assert {table["Properties"]["TimeToLiveSpecification"]["AttributeName"] for table in tables} == set(
        re.findall(r"AttributeName=(\w+)", page)
    )
    tests = re.findall(r"`(tests/\S+\.py)`", page)
    assert tests
    assert [path for path in tests if not (ROOT / path).is_file()] == []


def test_the_page_about_rollback_gives_the_steps_of_the_environments():
    page = " ".join((ROOT / "docs" / "rollback.md").read_text(encoding="utf-8").split())
    step = STAGING.traffic_step
    assert f"steps of {step.percentage} % every {step.minutes} minutes" in page
    assert f"with {PROD.traffic_step.percentage} % of the calls for {PROD.traffic_step.minutes} minutes" in page
