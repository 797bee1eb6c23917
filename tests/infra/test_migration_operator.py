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
from tests.infra.gates.promises import promises_of
from tests.infra.variants import OPERATOR_ROLE, OPERATOR_USER
from tests.support.assembly import Assembly
from tests.support.recorded_operations import granted
from tests.support.roles import statements, text

OPERATOR = "TablesMigrationOperator"


@pytest.fixture
def during(variants) -> dict[str, Assembly]:
    """Production during a migration by a role, and by a user."""
    return {OPERATOR_ROLE: variants["operated-by-role"], OPERATOR_USER: variants["operated-by-user"]}


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
    for name, template in during[OPERATOR_ROLE].templates.items():
        added = template.body["Resources"].keys() - prod.templates[name].body["Resources"].keys()
        assert all(logical_id.startswith(OPERATOR) for logical_id in added)
        assert bool(added) == name.endswith("Data")
        kept = {key: value for key, value in template.body["Resources"].items() if key not in added}
        assert kept == prod.templates[name].body["Resources"]


def test_one_identity_may_take_it_and_a_user_only_with_a_second_factor(during, stack):
    [of_role] = (
        during[OPERATOR_ROLE]
        .templates[stack]
        .properties("AWS::IAM::Role", OPERATOR)["AssumeRolePolicyDocument"]["Statement"]
    )
    assert of_role == {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"AWS": OPERATOR_ROLE}}
    [of_user] = (
        during[OPERATOR_USER]
        .templates[stack]
        .properties("AWS::IAM::Role", OPERATOR)["AssumeRolePolicyDocument"]["Statement"]
    )
    assert of_user["Principal"] == {"AWS": OPERATOR_USER}
    assert of_user["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_its_name_is_an_output(during, stack):
    assert "MigrationOperatorRole" in during[OPERATOR_ROLE].templates[stack].body["Outputs"]


def test_it_may_do_to_the_tables_of_its_service_what_a_migration_does_and_nothing_else(during, service):
    granted_now = {
        (text(resource).partition(":table/")[2].replace("/index/", "/"), action)
        for action, resource in statements(during[OPERATOR_ROLE].templates[f"{service.name}Data"], OPERATOR)
        if action.startswith("dynamodb:")  # all else is promised
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


def test_without_an_operator_in_the_environment_the_rules_know_no_exception(during, service, stack):
    found = {(finding.rule, finding.where) for finding in findings(gates(during[OPERATOR_ROLE], None))}
    is_looked_into = "operator" in promises_of(service.package)
    assert {rule for rule, where in found if stack.removesuffix("Data") in where} == {
        "nothing-scans",
        "outputs-are-as-promised",
        "policies-let-in-nobody-else",
        "roles-have-a-holder",
        "roles-trust-one-service",
        *({"no-wildcard-resources"} if is_looked_into else ()),
    }


def test_the_exception_is_for_its_scan_and_for_whom_the_environment_names(during):
    deployment = gates(during[OPERATOR_ROLE], OPERATOR_ROLE).copy()
    for policy in deployment.of_type("AWS::IAM::Policy"):
        if OPERATOR in policy.logical_id:
            policy.properties["PolicyDocument"]["Statement"][0]["Action"].append("dynamodb:PartiQLSelect")
    for role in deployment.of_type("AWS::IAM::Role"):
        if OPERATOR in role.logical_id:
            role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": OPERATOR_USER}
    assert {finding.rule for finding in findings(deployment)} == {"nothing-scans", "roles-trust-one-service"}


def test_a_function_that_held_its_policy_would_still_be_found(during):
    deployment = gates(during[OPERATOR_ROLE], OPERATOR_ROLE).copy()
    [policy, *_] = [each for each in deployment.of_type("AWS::IAM::Policy") if OPERATOR in each.logical_id]
    app = deployment.stacks[policy.stack.name.removesuffix("Data") + "App"]
    worker = next(each for each in app.resources.values() if each.type == "AWS::IAM::Policy")
    worker.properties["PolicyDocument"]["Statement"].append(policy.properties["PolicyDocument"]["Statement"][0])
    assert "nothing-scans" in {finding.rule for finding in findings(deployment)}
