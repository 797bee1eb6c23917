"""Faults in who may do what, and who may call whom."""

from tests.infra.gates.callers import PERMISSION
from tests.infra.gates.identity import ROLE, allowed
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.queues import fed_functions
from tests.infra.gates.references import FUNCTION, TABLES, as_list, physical_name, role_of, text
from tests.infra.mutants.making import a_schedule, caught_by, pick, remove

POLICY = "AWS::IAM::Policy"
RULE = "AWS::Events::Rule"


def statement_on(prod: Deployment, service: str) -> Json:
    """A statement that allows something of a service."""
    for policy in prod.of_type(POLICY):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            if str(as_list(statement["Action"])[0]).startswith(f"{service}:"):
                found: Json = statement
                return found
    raise AssertionError(f"nothing is allowed on {service}")


def take_away(prod: Deployment, action: str, policy: Resource | None = None) -> None:
    """Remove an action wherever it is allowed, or from one policy."""
    for holder in prod.of_type(POLICY):
        if policy is None or holder == policy:
            for statement in holder.properties["PolicyDocument"]["Statement"]:
                statement["Action"] = [each for each in as_list(statement["Action"]) if each != action]


def a_permission_for(prod: Deployment, principal: str) -> Resource:
    return pick(prod, PERMISSION, lambda each: each.properties["Principal"] == principal)


@caught_by("no-wildcard-actions")
def a_role_may_do_anything_to_a_table(prod: Deployment) -> None:
    statement_on(prod, "dynamodb")["Action"] = "dynamodb:*"


@caught_by("no-wildcard-actions")
def a_role_may_do_anything_that_begins_with_get(prod: Deployment) -> None:
    statement_on(prod, "dynamodb")["Action"] = ["dynamodb:Get*"]


@caught_by("no-wildcard-actions")
def a_role_may_do_everything_but_one_thing(prod: Deployment) -> None:
    statement = statement_on(prod, "sqs")
    statement["NotAction"] = statement.pop("Action")


@caught_by("no-wildcard-resources")
def a_role_reaches_every_queue(prod: Deployment) -> None:
    statement_on(prod, "sqs")["Resource"] = "*"


@caught_by("no-wildcard-resources")
def a_role_reaches_every_index_of_a_table(prod: Deployment) -> None:
    statement = statement_on(prod, "dynamodb")
    arn = as_list(statement["Resource"])[0]
    statement["Resource"] = [arn, {"Fn::Join": ["", [arn, "/index/*"]]}]


@caught_by("no-wildcard-resources")
def an_inline_policy_reaches_every_secret(prod: Deployment) -> None:
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    pick(prod, ROLE).properties["Policies"] = [{"PolicyName": "More", "PolicyDocument": {"Statement": [statement]}}]


@caught_by("nothing-scans")
def a_role_may_scan(prod: Deployment) -> None:
    statement = statement_on(prod, "dynamodb")
    statement["Action"] = [*as_list(statement["Action"]), "dynamodb:Scan"]


@caught_by("nothing-scans")
def a_role_may_scan_by_another_name(prod: Deployment) -> None:
    statement = statement_on(prod, "dynamodb")
    statement["Action"] = [*as_list(statement["Action"]), "dynamodb:PartiQLSelect"]


@caught_by("allowed-actions-exist")
def an_allowed_action_is_misspelt(prod: Deployment) -> None:
    statement_on(prod, "dynamodb")["Action"] = ["dynamodb:GetItems"]


@caught_by("allowed-actions-exist")
def a_transaction_is_granted_as_if_it_were_an_action(prod: Deployment) -> None:
    statement_on(prod, "dynamodb")["Action"] = ["dynamodb:TransactWriteItems"]


@caught_by("granted-tables-and-indexes-exist")
def a_role_may_query_an_index_that_is_not_there(prod: Deployment) -> None:
    statement = statement_on(prod, "dynamodb")
    statement["Resource"] = {"Fn::Join": ["", [as_list(statement["Resource"])[0], "/index/GSI9-index"]]}


@caught_by("granted-tables-and-indexes-exist")
def a_role_reads_the_table_of_another_environment(prod: Deployment) -> None:
    name = physical_name(pick(prod, TABLES))
    for _, _, resource in allowed(prod):
        if isinstance(resource, dict) and text(resource).endswith(f":table/{name}"):
            resource["Fn::Join"][1][-1] = f":table/{name}-old"


@caught_by("indexes-can-be-queried")
def the_arn_of_an_index_is_missing(prod: Deployment) -> None:
    wanted = next(text(resource) for _, _, resource in allowed(prod) if "/index/" in text(resource))
    for policy in prod.of_type(POLICY):
        statements = policy.properties["PolicyDocument"]["Statement"]
        for statement in statements:
            statement["Resource"] = [arn for arn in as_list(statement["Resource"]) if text(arn) != wanted]


@caught_by("roles-do-what-is-declared")
def a_worker_may_not_receive(prod: Deployment) -> None:
    take_away(prod, "sqs:ReceiveMessage")


@caught_by("roles-do-what-is-declared")
def a_worker_may_not_delete_what_is_done(prod: Deployment) -> None:
    take_away(prod, "sqs:DeleteMessage")


@caught_by("roles-do-what-is-declared")
def a_function_may_not_send_to_a_queue_it_knows(prod: Deployment) -> None:
    take_away(prod, "sqs:SendMessage")


@caught_by("roles-do-what-is-declared")
def a_function_may_not_read_a_secret_it_knows(prod: Deployment) -> None:
    take_away(prod, "secretsmanager:GetSecretValue")


@caught_by("roles-do-what-is-declared")
def a_function_may_not_touch_a_table_it_knows(prod: Deployment) -> None:
    table = pick(prod, TABLES)
    for policy in prod.of_type(POLICY):
        statements = policy.properties["PolicyDocument"]["Statement"]
        statements[:] = [each for each in statements if f":table/{physical_name(table)}" not in text(each["Resource"])]


@caught_by("roles-do-what-is-declared")
def a_function_may_read_a_secret_it_does_not_know(prod: Deployment) -> None:
    for function in prod.of_type(FUNCTION):
        variables = function.properties["Environment"]["Variables"]
        for name in [name for name in variables if name.endswith(("_SECRET_ID", "_SECRET_ARN"))]:
            del variables[name]


@caught_by("roles-do-what-is-declared")
def a_function_may_not_write_its_log(prod: Deployment) -> None:
    take_away(prod, "logs:PutLogEvents")


@caught_by("roles-do-what-is-declared")
def a_function_may_not_send_its_traces(prod: Deployment) -> None:
    take_away(prod, "xray:PutTraceSegments")


@caught_by("roles-trust-one-service")
def anybody_may_take_a_role(prod: Deployment) -> None:
    pick(prod, ROLE).properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": "*"}


@caught_by("roles-trust-one-service")
def another_account_may_take_a_role(prod: Deployment) -> None:
    statement = pick(prod, ROLE).properties["AssumeRolePolicyDocument"]["Statement"][0]
    statement["Principal"]["AWS"] = "arn:aws:iam::111122223333:root"


@caught_by("roles-hold-no-managed-policies")
def a_function_is_an_administrator(prod: Deployment) -> None:
    pick(prod, ROLE).properties["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]


@caught_by("function-roles-are-for-lambda")
def another_service_may_take_a_functions_role(prod: Deployment) -> None:
    _, _, function = next(fed_functions(prod))
    role = role_of(prod, function)
    assert role is not None
    role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"Service": "ec2.amazonaws.com"}


@caught_by("resource-policies-name-a-caller")
def anybody_may_send_to_a_queue(prod: Deployment) -> None:
    policy = pick(prod, "AWS::SQS::QueuePolicy").properties["PolicyDocument"]
    statement = {**policy["Statement"][0], "Effect": "Allow", "Action": "sqs:SendMessage"}
    policy["Statement"].append({name: value for name, value in statement.items() if name != "Condition"})


@caught_by("resource-policies-name-a-caller")
def alarms_of_any_account_may_publish_to_the_topic(prod: Deployment) -> None:
    for statement in pick(prod, "AWS::SNS::TopicPolicy").properties["PolicyDocument"]["Statement"]:
        if statement["Effect"] == "Allow":
            del statement["Condition"]


@caught_by("callers-are-named")
def any_api_of_any_account_may_call(prod: Deployment) -> None:
    del a_permission_for(prod, "apigateway.amazonaws.com").properties["SourceArn"]


@caught_by("callers-are-named")
def anybody_may_call(prod: Deployment) -> None:
    pick(prod, PERMISSION).properties["Principal"] = "*"


@caught_by("schedules-may-call")
def a_schedule_may_not_call(prod: Deployment) -> None:
    remove(a_permission_for(prod, "events.amazonaws.com"))


@caught_by("schedules-are-on")
def a_schedule_is_switched_off(prod: Deployment) -> None:
    a_schedule(prod).properties["State"] = "DISABLED"
