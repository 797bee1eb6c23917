"""Faults against CloudFormation's own schemas, which two public linters know better than rules of ours could.

`caught_by` names the linter and its rule. Each linter gets the small template where it can, because it takes a second
for the large one.
"""

from typing import Any

from tests.infra.gates.data import SECRET
from tests.infra.gates.functions import LOG_GROUP
from tests.infra.gates.identity import POLICIES
from tests.infra.gates.model import Deployment
from tests.infra.gates.references import FUNCTION, QUEUE, TABLES
from tests.infra.mutants.making import add, caught_by, data_stack, pick


def outputs(prod: Deployment) -> dict[str, Any]:
    found: dict[str, Any] = data_stack(prod).body.setdefault("Outputs", {})
    return found


@caught_by("cfn-lint E3002")
def a_property_does_not_exist(prod: Deployment) -> None:
    pick(prod, SECRET).properties["Colour"] = "red"


@caught_by("cfn-lint E3012")
def a_number_is_text(prod: Deployment) -> None:
    pick(prod, SECRET).properties["GenerateSecretString"]["PasswordLength"] = "long"


@caught_by("cfn-lint E3030")
def a_value_is_not_one_of_those_allowed(prod: Deployment) -> None:
    pick(prod, TABLES).properties["BillingMode"] = "FREE"


@caught_by("cfn-lint E3006")
def a_type_does_not_exist(prod: Deployment) -> None:
    add(data_stack(prod), "Queues", "AWS::SQS::Queues")


@caught_by("cfn-lint E3024")
def a_tag_is_there_twice(prod: Deployment) -> None:
    tags = pick(prod, SECRET).properties["Tags"]
    tags.append({**tags[0], "Value": "another"})


@caught_by("cfn-lint E3035")
def a_deletion_policy_does_not_exist(prod: Deployment) -> None:
    pick(prod, TABLES).body["DeletionPolicy"] = "Keep"


@caught_by("cfn-lint E6101")
def an_output_is_of_an_attribute_that_does_not_exist(prod: Deployment) -> None:
    outputs(prod)["Colour"] = {"Value": {"Fn::GetAtt": [pick(prod, SECRET).logical_id, "Colour"]}}


@caught_by("cfn-lint W2001")
def nothing_uses_a_parameter(prod: Deployment) -> None:
    data_stack(prod).body["Parameters"]["Spare"] = {"Type": "String"}


@caught_by("cloudformation-validate E3717")
def a_function_may_run_for_longer_than_there_is(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["Timeout"] = 901


@caught_by("cloudformation-validate F3034")
def a_function_has_less_memory_than_there_is(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["MemorySize"] = 64


@caught_by("cloudformation-validate E2531")
def a_function_runs_a_python_that_is_gone(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["Runtime"] = "python3.7"


@caught_by("cloudformation-validate W3030")
def a_retention_is_not_one_of_those_sold(prod: Deployment) -> None:
    pick(prod, LOG_GROUP).properties["RetentionInDays"] = 8


@caught_by("cloudformation-validate F3034")
def a_message_is_hidden_for_longer_than_there_is(prod: Deployment) -> None:
    pick(prod, QUEUE).properties["VisibilityTimeout"] = 43_201


@caught_by("cloudformation-validate E3027")
def a_rate_of_one_has_a_plural(prod: Deployment) -> None:
    pick(prod, "AWS::Events::Rule").properties["ScheduleExpression"] = "rate(1 minutes)"


@caught_by("cloudformation-validate E3510")
def a_policy_has_a_version_that_does_not_exist(prod: Deployment) -> None:
    pick(prod, POLICIES).properties["PolicyDocument"]["Version"] = "2012-10-18"


@caught_by("cloudformation-validate F3002")
def a_property_is_misspelt(prod: Deployment) -> None:
    queue = pick(prod, QUEUE).properties
    queue["VisibilityTimeOut"] = queue.pop("VisibilityTimeout", 30)
