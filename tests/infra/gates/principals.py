"""A rule about every policy document, wherever it sits: whom it lets in."""

from collections.abc import Iterator
from typing import Any, Final

from tests.infra.gates.buckets import POLICY, bucket_of_objects
from tests.infra.gates.identity import ROLE, is_operator
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.references import as_list, target, text

QUEUE_POLICY: Final = "AWS::SQS::QueuePolicy"
DISTRIBUTION: Final = "AWS::CloudFront::Distribution"
# Which services may do something with a resource of ours, by its type; of the others, none.
LET_IN: Final = {
    ROLE: {"lambda.amazonaws.com", "codedeploy.amazonaws.com"},
    "AWS::SNS::TopicPolicy": {"cloudwatch.amazonaws.com", "budgets.amazonaws.com"},
}


def statements(value: Any) -> Iterator[Json]:
    """Every statement with a principal, at any depth."""
    if isinstance(value, list):
        for part in value:
            yield from statements(part)
    elif isinstance(value, dict):
        if value.keys() & {"Principal", "NotPrincipal"} and "Effect" in value:
            yield value
        for part in value.values():
            yield from statements(part)


@rule("policies-let-in-nobody-else", "Any document with a principal is a door, on whatever resource it hangs")
def policies_let_in_nobody_else(deployment: Deployment) -> Complaints:
    for stack in deployment.stacks.values():
        for resource in stack.resources.values():
            for statement in statements(resource.properties):
                is_excepted = is_operator(deployment, resource)  # another rule says who takes that role
                is_excepted = is_excepted or sender_of(deployment, resource, statement) is not None
                is_excepted = is_excepted or reader_of(deployment, resource, statement) is not None
                if statement["Effect"] == "Allow" and not is_excepted and not _is_known(resource, statement):
                    yield resource, f"lets {statement.get('Principal', 'all but some')} in"


def sender_of(deployment: Deployment, policy: Resource, statement: Json) -> Resource | None:
    """The one rule of EventBridge, of its own stack, that a queue's policy lets put messages there; else None."""
    wanted = {"Action": "sqs:SendMessage", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
    named = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn")
    if policy.type != QUEUE_POLICY or {**statement, **wanted} != statement:
        return None
    sender = target(deployment, policy.stack, named)
    exactly = {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [sender.logical_id, "Arn"]}}} if sender else None
    return sender if sender and sender.type == "AWS::Events::Rule" and statement["Condition"] == exactly else None


def reader_of(deployment: Deployment, policy: Resource, statement: Json) -> Resource | None:
    """The one distribution, of its own stack, that a bucket's policy lets read below a prefix; else None."""
    wanted = {"Action": "s3:GetObject", "Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}}
    named = statement.get("Condition", {}).get("StringEquals", {}).get("aws:SourceArn")
    about = bucket_of_objects(deployment, policy, statement.get("Resource"))
    is_its_own = about is not None and about == target(deployment, policy.stack, policy.properties.get("Bucket"))
    if policy.type != POLICY or not is_its_own or {**statement, **wanted} != statement:
        return None
    for reader in deployment.of_type(DISTRIBUTION):
        arn = f"arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/${{{reader.logical_id}}}"
        exactly = statement["Condition"] == {"StringEquals": {"aws:SourceArn": named}} and text(named) == arn
        if exactly and reader.stack.full_name == policy.stack.full_name:
            return reader
    return None


def _is_known(resource: Resource, statement: Json) -> bool:
    principal = statement.get("Principal")
    return (
        isinstance(principal, dict)
        and principal.keys() == {"Service"}
        and set(as_list(principal["Service"])) <= LET_IN.get(resource.type, set())
    )
