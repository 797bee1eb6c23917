"""Rules about the step from the last release to this template, which no template shows by itself.

`make release` keeps what these rules compare in `tests/infra/released`. An environment that was never released, or a
stack that is new, has nothing to be compared with. What is meant to go all the same is released in a commit of its own,
where a reviewer sees the table disappear from `tests/infra/released`.
"""

from collections.abc import Iterator

from tests.infra.gates.data import STATEFUL, by_name, stream_view, time_to_live
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, Stack, rule
from tests.infra.gates.references import QUEUE, TABLES

KEEPS_ITS_ID = (*STATEFUL, QUEUE)
# Changing one of these makes CloudFormation put a new, empty resource in the place of the old one.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
REPLACED_BY = ("TableName", "KeySchema", "LocalSecondaryIndexes", "QueueName", "FifoQueue", "BucketName", "Name")

# What else a release keeps of a table: its indexes, and what decides whether items come, stay and are told of.
COMPARED = (
    *REPLACED_BY,
    "AttributeDefinitions",
    "GlobalSecondaryIndexes",
    "StreamSpecification",
    "TimeToLiveSpecification",
)


def compared(template: Json) -> Json:
    """What a release keeps of a template: everything that must not get lost, with what these rules compare."""
    return {
        "Resources": {
            logical_id: {
                "Type": body["Type"],
                "Properties": {
                    name: body["Properties"][name] for name in COMPARED if name in body.get("Properties", {})
                },
            }
            for logical_id, body in sorted(template["Resources"].items())
            if body["Type"] in KEEPS_ITS_ID
        }
    }


def before_and_after(deployment: Deployment, *types: str) -> Iterator[tuple[Stack, str, Json, Resource | None]]:
    """(stack, logical id, released resource, resource now) of everything released of these types."""
    for name, released in deployment.released.items():
        stack = deployment.stacks.get(name)
        for logical_id, body in released["Resources"].items():
            if stack is not None and body["Type"] in types:
                yield stack, logical_id, body, stack.resource(logical_id)


@rule("released-stacks-stay", "A renamed stack is a second one beside the first: new, empty tables and the old bill")
def released_stacks_stay(deployment: Deployment) -> Complaints:
    for name in sorted(deployment.released.keys() - deployment.stacks.keys()):
        yield next(iter(deployment.stacks.values())), f"stack {name} was released and is gone"


@rule("logical-ids-stay", "CloudFormation deletes what has a new logical id and makes an empty one in its place")
def logical_ids_stay(deployment: Deployment) -> Complaints:
    for stack, logical_id, body, now in before_and_after(deployment, *KEEPS_ITS_ID):
        if now is None or now.type != body["Type"]:
            yield stack, f"{body['Type']} {logical_id} was released and is gone"


@rule("nothing-is-replaced", "A changed name or key makes CloudFormation put an empty resource in the old one's place")
def nothing_is_replaced(deployment: Deployment) -> Complaints:
    for _, _, body, now in before_and_after(deployment, *KEEPS_ITS_ID):
        for name in REPLACED_BY:
            before, after = (each.get("Properties", {}).get(name) for each in (body, now.body if now else body))
            if now is not None and before != after:
                yield now, f"{name} was {before} and is {after}"


@rule(
    "key-types-stay", "An attribute that is defined anew makes CloudFormation put an empty table in the old one's place"
)
def key_types_stay(deployment: Deployment) -> Complaints:
    for _, _, body, now in before_and_after(deployment, *TABLES):
        before, after = _key_types(body["Properties"]), _key_types(now.properties if now else {})
        for name in sorted(before.keys() & after.keys()):
            if now is not None and before[name] != after[name]:
                yield now, f"key attribute {name} was of type {before[name]} and is of type {after[name]}"


def _key_types(table: Json) -> dict[str, str]:
    return {each["AttributeName"]: each["AttributeType"] for each in table.get("AttributeDefinitions", [])}


# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
@rule("ttl-stays", "AWS refuses a second TTL attribute while one is active, and without one nothing expires any more")
def ttl_stays(deployment: Deployment) -> Complaints:
    for _, _, body, now in before_and_after(deployment, *TABLES):
        before, after = (time_to_live(each) for each in (body["Properties"], now.properties if now else {}))
        if now is not None and before not in (None, after):
            how = "turn it off and on in two deployments, each with its release"
            yield now, f"TTL attribute was {before} and is {after}: {how}"


# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
@rule("streams-stay", "A stream with another view is another stream: what nobody read yet of the old one is lost")
def streams_stay(deployment: Deployment) -> Complaints:
    for _, _, body, now in before_and_after(deployment, *TABLES):
        before, after = (stream_view(each) for each in (body["Properties"], now.properties if now else {}))
        if now is not None and before not in (None, after):
            yield now, f"stream was {before} and is {after}"


@rule("one-index-at-a-time", "CloudFormation adds or removes one index per table and deployment; the second fails it")
def one_index_at_a_time(deployment: Deployment) -> Complaints:
    for _, _, body, now in before_and_after(deployment, *TABLES):
        if now is not None:
            changes = list(_index_changes(body["Properties"], now.properties))
            if len(changes) > 1:
                yield now, f"changes {len(changes)} indexes since the last release: {', '.join(changes)}"


def _index_changes(released: Json, now: Json) -> Iterator[str]:
    """Each index added or removed; one with another key or projection is both, as no index can be changed."""
    before, after = (by_name(each.get("GlobalSecondaryIndexes", []), "IndexName") for each in (released, now))
    shape = ("KeySchema", "Projection")
    for name in sorted(before.keys() | after.keys()):
        was, is_now = before.get(name), after.get(name)
        same = was is not None and is_now is not None and all(was[part] == is_now[part] for part in shape)
        if was is not None and not same:
            yield f"-{name}"
        if is_now is not None and not same:
            yield f"+{name}"
