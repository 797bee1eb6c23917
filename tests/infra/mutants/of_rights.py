"""Faults in what functions may do, and in whom documents let in: sound in themselves, and never declared."""

from copy import deepcopy
from typing import Any

from tests.infra.gates.callers import PERMISSION
from tests.infra.gates.functions import LOG_GROUP
from tests.infra.gates.identity import POLICIES, ROLE
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.references import TABLES, as_list, role_of, target, text
from tests.infra.gates.rollout import GROUP
from tests.infra.mutants.making import NothingToBreak, caught_by, function_of, has, pick, remove

FOREIGN = "arn:aws:iam::999988887777:root"


def statements(prod: Deployment, module: str) -> list[Json]:
    """Of the policy that the role of a module's function holds."""
    return statements_of(prod, function_of(prod, module))


def statements_of(prod: Deployment, function: Resource) -> list[Json]:
    """Of the policy that a function's role holds."""
    role = role_of(prod, function)
    policy = pick(
        prod,
        POLICIES,
        lambda each: role in [target(prod, each.stack, holder) for holder in each.properties["Roles"]],
    )
    found: list[Json] = policy.properties["PolicyDocument"]["Statement"]
    return found


def about(prod: Deployment, module: str, service: str) -> Json:
    """The first statement of a function about an AWS service."""
    found = (each for each in statements(prod, module) if str(each["Action"]).strip("['").startswith(f"{service}:"))
    return next(found)


def allow(prod: Deployment, module: str, action: str, resource: Any) -> None:
    statements(prod, module).append({"Action": action, "Effect": "Allow", "Resource": resource})


def on_the_table(prod: Deployment, module: str) -> Any:
    """What the statement about items names."""
    return about(prod, module, "dynamodb")["Resource"]


# ---- rights --------------------------------------------------------------------------------------------------------


@caught_by("roles-do-what-is-declared")
def an_api_may_delete_its_table(prod: Deployment) -> None:
    allow(prod, "api", "dynamodb:DeleteTable", on_the_table(prod, "api"))


@caught_by("roles-do-what-is-declared")
def a_worker_may_switch_off_recovery(prod: Deployment) -> None:
    allow(prod, "worker", "dynamodb:UpdateContinuousBackups", on_the_table(prod, "worker"))


@caught_by("roles-do-what-is-declared", not_in=("AlgoItny",))  # its statistics are written anew in batches
def an_api_may_delete_in_batches(prod: Deployment) -> None:
    allow(prod, "api", "dynamodb:BatchWriteItem", on_the_table(prod, "api"))


@caught_by("roles-do-what-is-declared")
def a_worker_may_write_the_items_of_others(prod: Deployment) -> None:
    allow(prod, "worker", "dynamodb:PartiQLInsert", on_the_table(prod, "worker"))


@caught_by("roles-do-what-is-declared")
def an_api_may_change_its_own_code(prod: Deployment) -> None:
    allow(prod, "api", "lambda:UpdateFunctionCode", {"Fn::GetAtt": [function_of(prod, "worker").logical_id, "Arn"]})


@caught_by("roles-do-what-is-declared")
def a_worker_may_change_its_own_settings(prod: Deployment) -> None:
    allow(prod, "worker", "lambda:UpdateFunctionConfiguration", {"Ref": function_of(prod, "worker").logical_id})


@caught_by("roles-do-what-is-declared")
def an_api_may_pass_a_role(prod: Deployment) -> None:
    role = role_of(prod, function_of(prod, "worker"))
    assert role is not None
    allow(prod, "api", "iam:PassRole", {"Fn::GetAtt": [role.logical_id, "Arn"]})


@caught_by("roles-do-what-is-declared")
def a_worker_may_put_on_its_own_policy(prod: Deployment) -> None:
    role = role_of(prod, function_of(prod, "worker"))
    assert role is not None
    allow(prod, "worker", "iam:PutRolePolicy", {"Fn::GetAtt": [role.logical_id, "Arn"]})


@caught_by("roles-do-what-is-declared")
def an_api_may_take_messages(prod: Deployment) -> None:
    allow(prod, "api", "sqs:ReceiveMessage", about(prod, "api", "sqs")["Resource"])


@caught_by("roles-do-what-is-declared")
def a_worker_may_purge_its_queue(prod: Deployment) -> None:
    allow(prod, "worker", "sqs:PurgeQueue", about(prod, "worker", "sqs")["Resource"])


@caught_by("roles-do-what-is-declared")
def an_api_may_change_its_secret(prod: Deployment) -> None:
    allow(prod, "api", "secretsmanager:PutSecretValue", about(prod, "api", "secretsmanager")["Resource"])


@caught_by("roles-do-what-is-declared")
def an_api_may_read_the_log(prod: Deployment) -> None:
    allow(prod, "api", "logs:GetLogEvents", about(prod, "api", "logs")["Resource"])


@caught_by("roles-do-what-is-declared")
def a_worker_may_delete_the_log(prod: Deployment) -> None:
    allow(prod, "worker", "logs:DeleteLogGroup", about(prod, "worker", "logs")["Resource"])


@caught_by("roles-do-what-is-declared")
def an_api_may_not_read_its_table(prod: Deployment) -> None:
    about(prod, "api", "dynamodb")["Action"].remove("dynamodb:GetItem")


@caught_by("roles-do-what-is-declared")
def a_worker_may_not_write_its_table(prod: Deployment) -> None:
    about(prod, "worker", "dynamodb")["Action"].remove("dynamodb:UpdateItem")


@caught_by("roles-do-what-is-declared")
def a_worker_may_not_hide_a_message(prod: Deployment) -> None:
    about(prod, "worker", "sqs")["Action"].remove("sqs:ChangeMessageVisibility")


@caught_by("roles-do-what-is-declared")
def an_api_may_not_send(prod: Deployment) -> None:
    statements(prod, "api").remove(about(prod, "api", "sqs"))


def a_query(prod: Deployment, module: str) -> Json:
    """A statement that lets a function query indexes."""
    return next(each for each in statements(prod, module) if each["Action"] == "dynamodb:Query")


@caught_by("roles-do-what-is-declared")
def an_api_may_not_query_an_index(prod: Deployment) -> None:
    statements(prod, "api").remove(a_query(prod, "api"))


@caught_by("roles-do-what-is-declared", not_in=("AlgoItny",))  # its functions ask them all
def an_api_may_query_an_index_that_only_others_ask(prod: Deployment) -> None:
    """Or a worker, where its API asks them all."""
    for module in ("api", "worker"):
        own = {text(each) for each in as_list(a_query(prod, module)["Resource"])}
        others = [each.name for table in prod.declared for each in table.indexes]
        others = [name for name in others if not any(each.endswith(f"/{name}") for each in own)]
        if others:
            place = deepcopy(as_list(a_query(prod, module)["Resource"])[0])
            head = place["Fn::Join"][1][-1].partition("/index/")[0]
            place["Fn::Join"][1][-1] = f"{head}/index/{others[0]}"
            allow(prod, module, "dynamodb:Query", place)
            return
    raise NothingToBreak("the API and the worker query every index")


@caught_by("roles-do-what-is-declared")
def a_right_is_for_the_table_of_another_account(prod: Deployment) -> None:
    place = about(prod, "api", "dynamodb")["Resource"]["Fn::Join"][1]
    place[place.index({"Ref": "AWS::AccountId"})] = "999988887777"


@caught_by("roles-do-what-is-declared")
def a_right_is_for_the_url_of_a_queue(prod: Deployment) -> None:
    statement = about(prod, "api", "sqs")
    statement["Resource"] = [{"Ref": each["Fn::GetAtt"][0]} for each in as_list(statement["Resource"])]


@caught_by("deployments-only-shift")
def a_deployment_may_change_what_runs(prod: Deployment) -> None:
    role = shifting(prod)
    policy = pick(prod, POLICIES, lambda each: {"Ref": role.logical_id} in each.properties["Roles"])
    statement = {"Action": "lambda:UpdateFunctionCode", "Effect": "Allow", "Resource": "*"}
    policy.properties["PolicyDocument"]["Statement"].append(statement)


@caught_by("deployments-only-shift")
def the_role_of_a_deployment_may_be_taken_by_functions(prod: Deployment) -> None:
    principal = {"Service": "lambda.amazonaws.com"}
    shifting(prod).properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = principal


def shifting(prod: Deployment) -> Resource:
    group = pick(prod, GROUP)
    role = target(prod, group.stack, group.properties["ServiceRoleArn"])
    assert role is not None
    return role


@caught_by("roles-have-a-holder")
def a_role_waits_for_somebody(prod: Deployment) -> None:
    role = pick(prod, ROLE)
    role.stack.body["Resources"]["Spare"] = deepcopy(role.body)


@caught_by("statements-only-allow")
def a_right_holds_from_one_address_alone(prod: Deployment) -> None:
    about(prod, "api", "dynamodb")["Condition"] = {"IpAddress": {"aws:SourceIp": "203.0.113.7/32"}}


@caught_by("statements-only-allow")
def a_right_holds_until_a_day(prod: Deployment) -> None:
    about(prod, "worker", "sqs")["Condition"] = {"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}


@caught_by("statements-only-allow")
def a_right_holds_for_leading_keys_alone(prod: Deployment) -> None:
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["USER#*"]}}
    about(prod, "api", "dynamodb")["Condition"] = keys


@caught_by("statements-only-allow")
def a_right_became_a_refusal(prod: Deployment) -> None:
    about(prod, "api", "secretsmanager")["Effect"] = "Deny"


@caught_by("statements-only-allow")
def a_worker_is_refused_its_dead_letters(prod: Deployment) -> None:
    refused = {"Action": "sqs:SendMessage", "Effect": "Deny", "Resource": about(prod, "worker", "sqs")["Resource"]}
    statements(prod, "worker").append(refused)


# ---- whom documents let in -----------------------------------------------------------------------------------------


def let_in(principal: object, action: str) -> Json:
    return {"Statement": [{"Action": action, "Effect": "Allow", "Principal": principal, "Resource": "*"}]}


@caught_by("policies-let-in-nobody-else")
def everybody_may_read_a_table(prod: Deployment) -> None:
    table = pick(prod, TABLES)
    table.properties["ResourcePolicy"] = {"PolicyDocument": let_in("*", "dynamodb:GetItem")}


@caught_by("policies-let-in-nobody-else")
def a_replica_of_a_table_is_open_to_an_account(prod: Deployment) -> None:
    replica = pick(prod, TABLES, has("Replicas")).properties["Replicas"][0]
    replica["ResourcePolicy"] = {"PolicyDocument": let_in({"AWS": FOREIGN}, "dynamodb:Query")}


@caught_by("policies-let-in-nobody-else")
def a_queue_takes_from_an_account(prod: Deployment) -> None:
    policy = pick(prod, "AWS::SQS::QueuePolicy")
    policy.properties["PolicyDocument"]["Statement"] += let_in({"AWS": FOREIGN}, "sqs:SendMessage")["Statement"]


@caught_by("policies-let-in-nobody-else")
def a_queue_takes_from_every_topic(prod: Deployment) -> None:
    statement = let_in({"Service": "sns.amazonaws.com"}, "sqs:SendMessage")["Statement"]
    pick(prod, "AWS::SQS::QueuePolicy").properties["PolicyDocument"]["Statement"] += statement


@caught_by("policies-let-in-nobody-else")
def an_account_may_publish_alarms(prod: Deployment) -> None:
    statement = let_in({"AWS": "999988887777"}, "sns:Publish")["Statement"]
    pick(prod, "AWS::SNS::TopicPolicy").properties["PolicyDocument"]["Statement"] += statement


@caught_by("policies-let-in-nobody-else")
def all_but_one_may_publish_alarms(prod: Deployment) -> None:
    statement = {"Action": "sns:Publish", "Effect": "Allow", "NotPrincipal": {"AWS": FOREIGN}, "Resource": "*"}
    pick(prod, "AWS::SNS::TopicPolicy").properties["PolicyDocument"]["Statement"].append(statement)


@caught_by("policies-let-in-nobody-else")
def a_role_may_be_taken_by_an_account(prod: Deployment) -> None:
    role = role_of(prod, function_of(prod, "api"))
    assert role is not None
    role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": FOREIGN}


@caught_by("policies-let-in-nobody-else")
def a_role_may_be_taken_by_another_service(prod: Deployment) -> None:
    role = pick(prod, ROLE)
    role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"Service": "ec2.amazonaws.com"}


@caught_by("policies-let-in-nobody-else")
def a_log_group_is_open(prod: Deployment) -> None:
    pick(prod, LOG_GROUP).properties["ResourcePolicyDocument"] = let_in("*", "logs:GetLogEvents")


@caught_by("topics-hear-alarms")
def a_topic_does_not_hear_cloudwatch(prod: Deployment) -> None:
    for statement in pick(prod, "AWS::SNS::TopicPolicy").properties["PolicyDocument"]["Statement"]:
        if statement["Effect"] == "Allow":
            statement["Principal"] = {"Service": "budgets.amazonaws.com"}


@caught_by("topics-hear-alarms")
def a_topic_does_not_hear_the_budget(prod: Deployment) -> None:
    for statement in pick(prod, "AWS::SNS::TopicPolicy").properties["PolicyDocument"]["Statement"]:
        if statement["Effect"] == "Allow":
            statement["Principal"] = {"Service": "cloudwatch.amazonaws.com"}


@caught_by("callers-are-named")
def a_bucket_of_somebody_may_call(prod: Deployment) -> None:
    permission = pick(prod, PERMISSION).properties
    permission |= {"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::theirs"}


@caught_by("callers-are-named")
def an_api_of_somebody_may_call(prod: Deployment) -> None:
    pick(prod, PERMISSION).properties["SourceArn"] = "arn:aws:execute-api:eu-central-1:999988887777:theirs/*/*"


@caught_by("policies-let-in-nobody-else")
def a_queue_takes_from_the_service_of_schedules(prod: Deployment) -> None:
    statement = let_in({"Service": "events.amazonaws.com"}, "sqs:SendMessage")["Statement"]
    statement[0]["Condition"] = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    pick(prod, "AWS::SQS::QueuePolicy").properties["PolicyDocument"]["Statement"] += statement


@caught_by("topics-hear-alarms")
def the_policy_of_a_topic_is_gone(prod: Deployment) -> None:
    remove(pick(prod, "AWS::SNS::TopicPolicy"))


@caught_by("topics-hear-alarms")
def the_policy_of_a_topic_is_for_subscribers(prod: Deployment) -> None:
    for statement in pick(prod, "AWS::SNS::TopicPolicy").properties["PolicyDocument"]["Statement"]:
        if statement["Effect"] == "Allow":
            statement["Action"] = "sns:Subscribe"
