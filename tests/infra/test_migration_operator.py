"""The role that moves data in: there while an environment says who may take it, and with what a migration does."""

import dataclasses

import pytest

from cdk_app.constructs.migration_operator import MIGRATION_ACTIONS
from cdk_app.environments import PROD
from cdk_app.services.registry import SERVICES
from cdk_app.services.service import Service
from lambda_src.dynamo.schema import patterns_of
from lambda_src.services.stock_track_record.tables import MAIN, TABLES, UPGRADE
from tests.infra.gates.catalogue import findings
from tests.infra.gates.loading import deployment_of
from tests.infra.gates.model import Deployment
from tests.support.assembly import ROOT, Assembly, run_python
from tests.support.recorded_operations import granted
from tests.support.roles import statements, text

ROLE = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Migration_0123456789abcdef"
USER = "arn:aws:iam::123456789012:user/ada"
OPERATOR = "TablesMigrationOperator"
PROGRAM = """
import dataclasses, json, sys
from pathlib import Path
from aws_cdk import App
from cdk_app.constructs.migration_operator import MIGRATION_ACTIONS
from cdk_app.environments import PROD
from cdk_app.stacks import EnvironmentStage, check_policies
context = json.loads(Path("cdk.json").read_text())["context"]
for who, out in zip(sys.argv[1::2], sys.argv[2::2]):
    app = App(outdir=out, context=context)
    EnvironmentStage(app, dataclasses.replace(PROD, migration_operator=who))
    check_policies(app)
    app.synth()
"""


@pytest.fixture(scope="module")
def during(assemblies, tmp_path_factory) -> dict[str, Assembly]:
    """Production during a migration by a role, and by a user. Asks for `assemblies`, so that bundles are made once."""
    out = {who: tmp_path_factory.mktemp("during") for who in (ROLE, USER)}
    arguments = [str(part) for pair in out.items() for part in pair]
    done = run_python("-c", PROGRAM, *arguments, root=ROOT)
    assert done.returncode == 0, done.stderr
    return {who: Assembly("prod", folder) for who, folder in out.items()}


@pytest.fixture(params=SERVICES, ids=lambda service: service.name)
def service(request) -> Service:
    found: Service = request.param
    return found


@pytest.fixture
def stack(service) -> str:
    """The stack with its tables."""
    return f"{service.name}Data"


def gates(assembly: Assembly, who: str | None) -> Deployment:
    deployment = deployment_of(assembly)
    deployment.environment = dataclasses.replace(PROD, migration_operator=who)
    return deployment


def test_it_is_all_that_is_added(prod, during):
    for name, template in during[ROLE].templates.items():
        added = template.body["Resources"].keys() - prod.templates[name].body["Resources"].keys()
        assert all(logical_id.startswith(OPERATOR) for logical_id in added)
        assert bool(added) == name.endswith("Data")
        kept = {key: value for key, value in template.body["Resources"].items() if key not in added}
        assert kept == prod.templates[name].body["Resources"]


def test_one_identity_may_take_it_and_a_user_only_with_a_second_factor(during, stack):
    [of_role] = (
        during[ROLE].templates[stack].properties("AWS::IAM::Role", OPERATOR)["AssumeRolePolicyDocument"]["Statement"]
    )
    assert of_role == {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"AWS": ROLE}}
    [of_user] = (
        during[USER].templates[stack].properties("AWS::IAM::Role", OPERATOR)["AssumeRolePolicyDocument"]["Statement"]
    )
    assert of_user["Principal"] == {"AWS": USER}
    assert of_user["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_its_name_is_an_output(during, stack):
    assert "MigrationOperatorRole" in during[ROLE].templates[stack].body["Outputs"]


def test_it_may_do_to_the_tables_of_its_service_what_a_migration_does_and_nothing_else(during, service):
    granted_now = {
        (text(resource).partition(":table/")[2].replace("/index/", "/"), action)
        for action, resource in statements(during[ROLE].templates[f"{service.name}Data"], OPERATOR)
    }
    names = {table.name: table.physical_name("prod") for table in service.tables}
    to_upgrade = granted(patterns_of(TABLES, UPGRADE)) if MAIN in service.tables else set()
    assert granted_now == {
        *((physical, f"dynamodb:{action}") for physical in names.values() for action in MIGRATION_ACTIONS),
        *((place.replace(MAIN.name, names[MAIN.name], 1), action) for place, action in to_upgrade),
    }


def test_rules_hold_while_it_is_there(during):
    for who, assembly in during.items():
        assert [str(finding) for finding in findings(gates(assembly, who))] == []


def test_without_an_operator_in_the_environment_the_rules_know_no_exception(during, stack):
    found = {(finding.rule, finding.where) for finding in findings(gates(during[ROLE], None))}
    assert {rule for rule, where in found if stack.removesuffix("Data") in where} == {
        "nothing-scans",
        "roles-trust-one-service",
    }


def test_the_exception_is_for_its_scan_and_for_whom_the_environment_names(during):
    deployment = gates(during[ROLE], ROLE).copy()
    for policy in deployment.of_type("AWS::IAM::Policy"):
        if OPERATOR in policy.logical_id:
            policy.properties["PolicyDocument"]["Statement"][0]["Action"].append("dynamodb:PartiQLSelect")
    for role in deployment.of_type("AWS::IAM::Role"):
        if OPERATOR in role.logical_id:
            role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": USER}
    assert {finding.rule for finding in findings(deployment)} == {"nothing-scans", "roles-trust-one-service"}


def test_a_function_that_held_its_policy_would_still_be_found(during):
    deployment = gates(during[ROLE], ROLE).copy()
    [policy, *_] = [each for each in deployment.of_type("AWS::IAM::Policy") if OPERATOR in each.logical_id]
    app = deployment.stacks[policy.stack.name.removesuffix("Data") + "App"]
    worker = next(each for each in app.resources.values() if each.type == "AWS::IAM::Policy")
    worker.properties["PolicyDocument"]["Statement"].append(policy.properties["PolicyDocument"]["Statement"][0])
    assert "nothing-scans" in {finding.rule for finding in findings(deployment)}
