"""Tables of a template in DynamoDB Local: made, changed, and swept of what expired."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cdk_app.local.expiry import delete_expired
from cdk_app.local.layout import LocalCloudError
from cdk_app.local.ministack import QUICK, local_session
from cdk_app.local.streams.journal import Journal
from cdk_app.local.tables import DeployedTable, bring_about

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = 1_800_000_000


def key_schema(*names: str) -> tuple[dict[str, str], ...]:
    return tuple({"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False))


def index(name: str, *keys: str) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": key_schema(*keys), "Projection": {"ProjectionType": "ALL"}}


@pytest.fixture
def dynamodb_client(dynamodb_endpoint: str) -> "Iterator[DynamoDBClient]":
    """One that asks again, as the runner has: the engine now and then cannot describe a table whose index changes."""
    client = local_session().client("dynamodb", endpoint_url=dynamodb_endpoint, config=QUICK)
    yield client
    client.close()


@pytest.fixture
def table(dynamodb_client: "DynamoDBClient") -> Iterator[DeployedTable]:
    name = f"Things-{uuid.uuid4().hex}"
    yield DeployedTable(
        name=name,
        attributes=tuple({"AttributeName": key, "AttributeType": "S"} for key in ("PK", "SK", "GSI1PK")),
        key_schema=key_schema("PK", "SK"),
        indexes={"GSI1": index("GSI1", "GSI1PK", "SK")},
        stream_view="NEW_AND_OLD_IMAGES",
        ttl_attribute="expires_at",
    )
    dynamodb_client.delete_table(TableName=name)


def index_names(client: "DynamoDBClient", table: DeployedTable) -> set[str]:
    described = client.describe_table(TableName=table.name)["Table"]
    return {index["IndexName"] for index in described.get("GlobalSecondaryIndexes", [])}


def put(client: "DynamoDBClient", table: DeployedTable, sort_key: str, **attributes: Any) -> None:
    client.put_item(TableName=table.name, Item={"PK": {"S": "A"}, "SK": {"S": sort_key}, **attributes})


def sort_keys(client: "DynamoDBClient", table: DeployedTable) -> list[str]:
    found = client.query(
        TableName=table.name, KeyConditionExpression="PK = :pk", ExpressionAttributeValues={":pk": {"S": "A"}}
    )
    return [item["SK"]["S"] for item in found["Items"]]


def test_a_table_is_made_with_its_index_and_stream(dynamodb_client, table):
    bring_about(dynamodb_client, table)
    assert index_names(dynamodb_client, table) == {"GSI1"}
    described = dynamodb_client.describe_table(TableName=table.name)["Table"]
    assert described["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_bringing_a_table_about_again_keeps_its_items(dynamodb_client, table):
    bring_about(dynamodb_client, table)
    put(dynamodb_client, table, "1")
    bring_about(dynamodb_client, table)
    assert sort_keys(dynamodb_client, table) == ["1"]


def test_indexes_follow_the_template(dynamodb_client, table):
    bring_about(dynamodb_client, table)
    put(dynamodb_client, table, "1", GSI1PK={"S": "X"})
    bring_about(dynamodb_client, replace(table, indexes={"GSI2": index("GSI2", "GSI1PK"), "GSI3": index("GSI3", "SK")}))
    assert index_names(dynamodb_client, table) == {"GSI2", "GSI3"}
    found = dynamodb_client.query(
        TableName=table.name,
        IndexName="GSI2",
        KeyConditionExpression="GSI1PK = :pk",
        ExpressionAttributeValues={":pk": {"S": "X"}},
    )
    assert found["Count"] == 1


def test_an_index_with_other_keys_is_made_anew(dynamodb_client, table):
    bring_about(dynamodb_client, table)
    bring_about(dynamodb_client, replace(table, indexes={"GSI1": index("GSI1", "GSI1PK", "PK")}))
    described = dynamodb_client.describe_table(TableName=table.name)["Table"]["GlobalSecondaryIndexes"]
    assert [key["AttributeName"] for key in described[0]["KeySchema"]] == ["GSI1PK", "PK"]


@pytest.mark.parametrize("view", ["NEW_IMAGE", None])
def test_the_stream_follows_the_template_and_the_items_stay(dynamodb_client, table, view):
    bring_about(dynamodb_client, table)
    put(dynamodb_client, table, "1")
    bring_about(dynamodb_client, replace(table, stream_view=view))
    described = dynamodb_client.describe_table(TableName=table.name)["Table"]
    assert described.get("StreamSpecification", {}).get("StreamViewType") == view
    bring_about(dynamodb_client, table)
    described = dynamodb_client.describe_table(TableName=table.name)["Table"]
    assert described["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert sort_keys(dynamodb_client, table) == ["1"]


def test_a_table_with_other_keys_asks_for_a_reset(dynamodb_client, table):
    bring_about(dynamodb_client, table)
    with pytest.raises(LocalCloudError, match="make reset"):
        bring_about(dynamodb_client, replace(table, key_schema=key_schema("PK")))


def test_expired_items_are_deleted_and_no_others(dynamodb_client, table, tmp_path):
    bring_about(dynamodb_client, table)
    put(dynamodb_client, table, "expired", expires_at={"N": str(NOW - 1)})
    put(dynamodb_client, table, "later", expires_at={"N": str(NOW + 1)})
    put(dynamodb_client, table, "never")
    put(dynamodb_client, table, "not a time", expires_at={"S": "0"})
    with Journal(tmp_path / "journal") as journal:
        assert delete_expired(dynamodb_client, table, journal, now=NOW) == 1
    assert sort_keys(dynamodb_client, table) == ["later", "never", "not a time"]


def test_a_table_without_expiry_is_left_alone(dynamodb_client, table, tmp_path):
    bring_about(dynamodb_client, table)
    put(dynamodb_client, table, "1", expires_at={"N": "1"})
    with Journal(tmp_path / "journal") as journal:
        assert delete_expired(dynamodb_client, replace(table, ttl_attribute=None), journal, now=NOW) == 0
