"""Faults in what the one who moves data in may do beside the tables."""

from typing import Any

from cdk_app.services.registry import SERVICES
from tests.infra.gates.identity import LOOKS_UP, OPERATOR, POLICIES
from tests.infra.gates.model import Deployment, Json
from tests.infra.gates.promises import promises_of
from tests.infra.gates.references import as_list
from tests.infra.mutants.making import NothingToBreak, caught_by, data_stack, pick

MOVING = "operated-by-role"
WITH_TABLES_ALONE = tuple(each.name for each in SERVICES if "operator" not in promises_of(each.package))


def statements(prod: Deployment) -> list[Json]:
    """Of the policy of the one who moves data in."""
    policy = pick(prod, POLICIES, lambda each: OPERATOR in each.logical_id)
    found: list[Json] = policy.properties["PolicyDocument"]["Statement"]
    return found


def about(prod: Deployment, action: str) -> Json:
    """The statement that allows something. Raises NothingToBreak."""
    for statement in statements(prod):
        if action in as_list(statement["Action"]):
            return statement
    raise NothingToBreak(action)


def allow(prod: Deployment, action: str, resource: Any) -> None:
    statements(prod).append({"Action": action, "Effect": "Allow", "Resource": resource})


@caught_by("operators-do-what-is-promised", environment=MOVING)
def who_moves_data_in_deletes_the_stack(prod: Deployment) -> None:
    allow(prod, "cloudformation:DeleteStack", {"Ref": "AWS::StackId"})


@caught_by("operators-do-what-is-promised", environment=MOVING)
def who_moves_data_in_takes_a_role(prod: Deployment) -> None:
    allow(prod, "sts:AssumeRole", f"arn:aws:iam::123456789012:role/{data_stack(prod).full_name}")


@caught_by("operators-do-what-is-promised", environment=MOVING, not_in=WITH_TABLES_ALONE)
def who_moves_data_in_cannot_read_a_secret(prod: Deployment) -> None:
    statement = about(prod, "secretsmanager:GetSecretValue")
    statement["Action"] = "secretsmanager:DescribeSecret"


@caught_by("operators-do-what-is-promised", environment=MOVING, not_in=WITH_TABLES_ALONE)
def who_moves_data_in_writes_every_secret_that_is_read(prod: Deployment) -> None:
    allow(prod, "secretsmanager:PutSecretValue", about(prod, "secretsmanager:GetSecretValue")["Resource"])


@caught_by("operators-do-what-is-promised", environment=MOVING, not_in=WITH_TABLES_ALONE)
def who_moves_data_in_deletes_audio(prod: Deployment) -> None:
    statement = about(prod, "s3:PutObject")
    statement["Action"] = [*as_list(statement["Action"]), "s3:DeleteObject"]


@caught_by("no-wildcard-resources", environment=MOVING, not_in=WITH_TABLES_ALONE)
def who_moves_data_in_looks_into_every_stack(prod: Deployment) -> None:
    about(prod, LOOKS_UP)["Resource"] = "arn:aws:cloudformation:us-east-1:123456789012:stack/*"


@caught_by("no-wildcard-resources", environment=MOVING, not_in=WITH_TABLES_ALONE)
def who_moves_data_in_changes_its_stack(prod: Deployment) -> None:
    about(prod, LOOKS_UP)["Action"] = "cloudformation:UpdateStack"


@caught_by("no-wildcard-resources")
def a_function_looks_into_its_stack(prod: Deployment) -> None:
    policy = pick(prod, POLICIES)
    name = policy.stack.full_name
    arn = f"arn:${{AWS::Partition}}:cloudformation:${{AWS::Region}}:${{AWS::AccountId}}:stack/{name}/*"
    policy.properties["PolicyDocument"]["Statement"].append(
        {"Action": LOOKS_UP, "Effect": "Allow", "Resource": {"Fn::Sub": arn}}
    )
