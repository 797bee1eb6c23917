"""Faults in the step from one release to the next."""

import json
import re

from tests.infra.gates.data import SECRET
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.references import QUEUE, TABLES
from tests.infra.mutants.making import WITHOUT_STREAM, caught_by, data_stack, expire_by, has, pick, table_with_stream


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


@caught_by("key-types-stay")
def a_key_of_a_table_is_a_number(prod: Deployment) -> None:
    define(pick(prod, TABLES), "KeySchema", "N")


@caught_by("key-types-stay")
def a_key_of_an_index_is_binary(prod: Deployment) -> None:
    table = pick(prod, TABLES, has("GlobalSecondaryIndexes"))
    define(table, "GlobalSecondaryIndexes", "B")


def define(table: Resource, keys_of: str, attribute_type: str) -> None:
    """Define the last key attribute that stands in this property as another type."""
    name = re.findall(r'"AttributeName": "([^"]*)"', json.dumps(table.properties[keys_of]))[-1]
    [attribute] = [each for each in table.properties["AttributeDefinitions"] if each["AttributeName"] == name]
    attribute["AttributeType"] = attribute_type


@caught_by("ttl-stays")
def items_expire_by_another_attribute(prod: Deployment) -> None:
    pick(prod, TABLES, has("TimeToLiveSpecification")).properties["TimeToLiveSpecification"]["AttributeName"] += "_2"


@caught_by("ttl-stays")
def items_expire_by_another_attribute_as_declared(prod: Deployment) -> None:
    expire_by(prod, "deleted_at")


@caught_by("ttl-stays")
def expiry_is_off(prod: Deployment) -> None:
    pick(prod, TABLES, has("TimeToLiveSpecification")).properties["TimeToLiveSpecification"]["Enabled"] = False


@caught_by("ttl-stays")
def no_item_expires_any_more(prod: Deployment) -> None:
    del pick(prod, TABLES, has("TimeToLiveSpecification")).properties["TimeToLiveSpecification"]


@caught_by("streams-stay", not_in=WITHOUT_STREAM)
def a_stream_shows_keys_alone(prod: Deployment) -> None:
    table_with_stream(prod).properties["StreamSpecification"]["StreamViewType"] = "KEYS_ONLY"


@caught_by("streams-stay", not_in=WITHOUT_STREAM)
def a_stream_shows_no_old_images(prod: Deployment) -> None:
    table_with_stream(prod).properties["StreamSpecification"]["StreamViewType"] = "NEW_IMAGE"


@caught_by("streams-stay", not_in=WITHOUT_STREAM)
def a_stream_is_gone(prod: Deployment) -> None:
    del table_with_stream(prod).properties["StreamSpecification"]


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
