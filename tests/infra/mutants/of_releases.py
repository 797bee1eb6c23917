"""Faults in the step from one release to the next."""

from tests.infra.gates.data import SECRET
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.references import QUEUE, TABLES
from tests.infra.mutants.making import caught_by, data_stack, has, pick


@caught_by("released-stacks-stay")
def a_stack_has_a_new_name(prod: Deployment) -> None:
    stack = prod.stacks.pop(data_stack(prod).name)
    prod.stacks["Renamed"] = stack
    stack.name = stack.full_name = "prod-Renamed"


@caught_by("logical-ids-stay")
def a_queue_has_a_new_logical_id(prod: Deployment) -> None:
    queue = pick(prod, QUEUE, has("RedrivePolicy"))
    queue.stack.body["Resources"]["Renamed"] = queue.stack.body["Resources"].pop(queue.logical_id)


@caught_by("logical-ids-stay")
def a_table_has_a_new_logical_id(prod: Deployment) -> None:
    resources = data_stack(prod).body["Resources"]
    resources["TablesRenamed"] = resources.pop(pick(prod, TABLES).logical_id)


@caught_by("logical-ids-stay")
def a_secret_has_a_new_logical_id(prod: Deployment) -> None:
    resources = data_stack(prod).body["Resources"]
    resources["Renamed"] = resources.pop(pick(prod, SECRET).logical_id)


@caught_by("logical-ids-stay")
def a_global_table_becomes_a_classic_one(prod: Deployment) -> None:
    pick(prod, TABLES).body["Type"] = "AWS::DynamoDB::Table"


@caught_by("nothing-is-replaced")
def a_table_has_a_new_key(prod: Deployment) -> None:
    pick(prod, TABLES).properties["KeySchema"][0]["AttributeName"] = "ID"


@caught_by("nothing-is-replaced")
def a_table_has_a_new_name(prod: Deployment) -> None:
    pick(prod, TABLES).properties["TableName"] += "-2"


def add_index(table: Resource, name: str) -> None:
    attribute = table.properties["AttributeDefinitions"][0]["AttributeName"]
    index: Json = {"IndexName": name, "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}]}
    index |= {"Projection": {"ProjectionType": "ALL"}}
    table.properties.setdefault("GlobalSecondaryIndexes", []).append(index)


@caught_by("one-index-at-a-time")
def two_indexes_come_at_once(prod: Deployment) -> None:
    table = pick(prod, TABLES)
    add_index(table, "GSI8-index")
    add_index(table, "GSI9-index")


@caught_by("one-index-at-a-time")
def one_index_goes_and_one_comes(prod: Deployment) -> None:
    table = pick(prod, TABLES, has("GlobalSecondaryIndexes"))
    table.properties["GlobalSecondaryIndexes"].pop()
    add_index(table, "GSI9-index")


@caught_by("one-index-at-a-time")
def an_index_is_changed_in_place(prod: Deployment) -> None:
    index = pick(prod, TABLES, has("GlobalSecondaryIndexes")).properties["GlobalSecondaryIndexes"][0]
    index["Projection"] = {"ProjectionType": "KEYS_ONLY"}
