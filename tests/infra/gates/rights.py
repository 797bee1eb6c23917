"""Rules about what roles may do: all that follows from a declaration, and nothing else."""

from collections.abc import Iterator
from typing import Any

from cdk_app.services.service import Service
from tests.infra.gates.buckets import ARN, LISTS
from tests.infra.gates.data import SECRET
from tests.infra.gates.declared import asker_of, functions_of_services, variables_of
from tests.infra.gates.identity import JOB, POLICIES, ROLE, is_operator
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.queues import MAPPING, fed_functions, stream_mappings
from tests.infra.gates.references import FUNCTION, QUEUE, as_list, function_behind, role_of, target, text
from tests.infra.gates.rollout import GROUP

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
POLLS_QUEUE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
HIDES = "sqs:ChangeMessageVisibility"  # a message that failed is hidden for as long as its next try waits
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
READS_STREAM = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}
FINDS_STREAM = "dynamodb:ListStreams"
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html, without making the group
WRITES_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
# https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
TRACES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
# https://docs.aws.amazon.com/codedeploy/latest/userguide/getting-started-create-service-role.html
SHIFTS = {
    "cloudwatch:DescribeAlarms",
    "lambda:GetAlias",
    "lambda:GetProvisionedConcurrencyConfig",
    "lambda:UpdateAlias",
}
ON_ANYTHING = "*"
TABLE = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"

type Right = tuple[str, str]
"""An action, and the whole text of what it is allowed on; where a bucket is listed, with the keys that are shown."""


def rights_declared(deployment: Deployment, service: Service, function: Resource) -> set[Right]:
    """What a function does by its declarations: patterns that name it, what it is told of and fed from, its log."""
    return {
        *_on_tables(deployment, service, function),
        *_on_buckets(service, function),
        *_on_jobs(deployment, service, function),
        *_on_what_it_is_told(deployment, function),
        *_on_what_feeds_it(deployment, function),
        *_on_what_it_leaves_behind(deployment, function),
    }


def _on_tables(deployment: Deployment, service: Service, function: Resource) -> Iterator[Right]:
    asker, in_use = asker_of(function), deployment.environment.table_in_use
    for table in service.tables:
        arn = TABLE + in_use(table.physical_name(deployment.environment.name))
        for pattern in table.patterns:
            for operation in pattern.operations if asker in pattern.asked_by else ():
                index = pattern.index if operation == "Query" else None
                yield f"dynamodb:{operation}", arn if index is None else f"{arn}/index/{index.name}"


def _on_buckets(service: Service, function: Resource) -> Iterator[Right]:
    for bucket in service.buckets:
        arn = ARN + text(variables_of(function).get(bucket.environment_variable))
        for prefix, action in bucket.rights(asker_of(function)):
            yield f"s3:{action}", f"{arn} {prefix}/*" if f"s3:{action}" == LISTS else f"{arn}/{prefix}/*"


def _on_jobs(deployment: Deployment, service: Service, function: Resource) -> Iterator[Right]:
    rights = service.jobs.rights(asker_of(function), deployment.environment.name) if service.jobs else ()
    for action, names in rights:
        yield f"transcribe:{action}", ON_ANYTHING if names == ON_ANYTHING else f"{JOB}{names}"


def _on_what_it_is_told(deployment: Deployment, function: Resource) -> Iterator[Right]:
    for value in variables_of(function).values():
        about = target(deployment, function.stack, value)
        if about is not None and about.type == QUEUE:
            yield "sqs:SendMessage", _arn(about)
        elif about is not None and about.type == SECRET:
            yield "secretsmanager:GetSecretValue", text(value)


def _on_what_feeds_it(deployment: Deployment, function: Resource) -> Iterator[Right]:
    for _, queue, fed in fed_functions(deployment):
        if fed == function:
            yield from ((action, _arn(queue)) for action in (*POLLS_QUEUE, HIDES))
    for mapping in stream_mappings(deployment):
        if function_behind(deployment, mapping.stack, mapping.properties["FunctionName"]) == function:
            yield from ((action, text(mapping.properties["EventSourceArn"])) for action in READS_STREAM)
            yield FINDS_STREAM, ON_ANYTHING
    for mapping in deployment.of_type(MAPPING):
        failed = mapping.properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if failed and function_behind(deployment, mapping.stack, mapping.properties["FunctionName"]) == function:
            yield "sqs:SendMessage", text(failed)


def _on_what_it_leaves_behind(deployment: Deployment, function: Resource) -> Iterator[Right]:
    group = target(deployment, function.stack, function.properties.get("LoggingConfig", {}).get("LogGroup"))
    if group is not None:
        yield from ((action, _arn(group)) for action in WRITES_LOGS)
    if function.properties.get("TracingConfig", {}).get("Mode") == "Active":
        yield from ((action, ON_ANYTHING) for action in TRACES)


def _arn(resource: Resource) -> str:
    """As a policy of its own stack names it."""
    return f"${{{resource.logical_id}.Arn}}"


def statements_of(deployment: Deployment, role: Resource) -> Iterator[tuple[Resource, Json]]:
    """(policy, statement) of all that a role holds."""
    for policy in deployment.of_type(*POLICIES):
        if role in [target(deployment, policy.stack, holder) for holder in policy.properties.get("Roles", [])]:
            yield from ((policy, each) for each in as_list(policy.properties["PolicyDocument"]["Statement"]))
    for inline in role.properties.get("Policies", []):
        yield from ((role, each) for each in as_list(inline["PolicyDocument"]["Statement"]))


def rights_granted(deployment: Deployment, role: Resource) -> set[Right]:
    return {
        (action, f"{text(place)} {shown}" if shown else text(place))
        for _, statement in statements_of(deployment, role)
        for action in as_list(statement.get("Action"))
        for place in as_list(statement.get("Resource"))
        for shown in listed_keys(statement) or [None]
    }


def listed_keys(statement: Json) -> list[Any]:
    """What a statement that only lists a bucket shows of it, where that is all that it asks for."""
    condition = statement.get("Condition", {})
    shown = condition.get("StringLike", {}).get("s3:prefix")
    is_all = condition == {"StringLike": {"s3:prefix": shown}} and as_list(statement.get("Action")) == [LISTS]
    return as_list(shown) if is_all else []


@rule(
    "roles-do-what-is-declared",
    "Every right of a function follows from a pattern, a queue, a secret or its log; what does not is somebody's wish",
)
def roles_do_what_is_declared(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        role = role_of(deployment, function)
        if role is None:
            continue
        granted, declared = rights_granted(deployment, role), rights_declared(deployment, service, function)
        for action, place in sorted(granted - declared):
            yield role, f"allows {action} on {place}, which {function.logical_id} does not do"
        for action, place in sorted(declared - granted):
            yield role, f"does not allow {action} on {place}, which {function.logical_id} does"


@rule("roles-have-a-holder", "A role that nothing of ours holds is there for somebody else")
def roles_have_a_holder(deployment: Deployment) -> Complaints:
    functions = [role_of(deployment, function) for function in deployment.of_type(FUNCTION)]
    groups = [target(deployment, group.stack, _role_of(group)) for group in deployment.of_type(GROUP)]
    for role in deployment.of_type(ROLE):
        if role not in [*functions, *groups] and not is_operator(deployment, role):
            yield role, "is held by no function and no deployment"


@rule("deployments-only-shift", "What moves traffic needs an alias and alarms; more of it could change what runs")
def deployments_only_shift(deployment: Deployment) -> Complaints:
    for group in deployment.of_type(GROUP):
        role = target(deployment, group.stack, _role_of(group))
        if role is None:
            continue
        for action, place in sorted(rights_granted(deployment, role)):
            if action not in SHIFTS or place == ON_ANYTHING:
                yield role, f"allows {action} on {place}"
        for statement in as_list(role.properties["AssumeRolePolicyDocument"]["Statement"]):
            if statement["Principal"] != {"Service": "codedeploy.amazonaws.com"}:
                yield role, f"may be taken by {statement['Principal']}"


def _role_of(group: Resource) -> Any:
    return group.properties.get("ServiceRoleArn")


@rule(
    "statements-only-allow",
    "A Deny, a condition or an exception in a function's own policy is a right that differs from what it reads like",
)
def statements_only_allow(deployment: Deployment) -> Complaints:
    for role in deployment.of_type(ROLE):
        for policy, statement in statements_of(deployment, role):
            if statement.get("Effect") != "Allow":
                yield policy, f"holds a statement that says {statement.get('Effect')}"
            elif statement.keys() - {"Action", "Effect", "Resource", "Sid"} and not listed_keys(statement):
                yield policy, f"holds a statement with {', '.join(sorted(statement.keys()))}"
