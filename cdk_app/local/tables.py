"""Creates in DynamoDB Local the tables that a stack declared: the emulator has an engine of its own, and a coarser one.

The deployed template is the source, so that what runs here is what was deployed, indexes and streams included.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cdk_app.local.inventory import TABLE_TYPES
from cdk_app.local.layout import LocalCloudError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

INDEX_TIMEOUT_SECONDS: Final = 60
INDEX_PARTS: Final = ("IndexName", "KeySchema", "Projection")  # of an index in a template, what CreateTable takes


@dataclass(frozen=True, slots=True)
class DeployedTable:
    """A table of a template. ttl_attribute: epoch seconds after which an item is gone; None: items stay."""

    name: str
    attributes: tuple[Mapping[str, str], ...]
    key_schema: tuple[Mapping[str, str], ...]
    indexes: Mapping[str, Mapping[str, Any]]
    stream_view: str | None
    ttl_attribute: str | None


def tables_of(template: Mapping[str, Any]) -> Iterator[DeployedTable]:
    """The tables of a synthesised template. Raises LocalCloudError for a name that only CloudFormation knows."""
    for logical_id, resource in template.get("Resources", {}).items():
        if resource["Type"] in TABLE_TYPES:
            yield _table(logical_id, resource["Properties"])


def bring_about(client: "DynamoDBClient", table: DeployedTable) -> None:
    """Create a table, or give an existing one the indexes and the stream it should have. Can be repeated; data stays.

    Raises LocalCloudError when the keys differ: that is another table, and only `make reset` makes room for it.
    """
    try:
        existing = client.describe_table(TableName=table.name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        _create(client, table)
        return
    if _as_pairs(existing["KeySchema"]) != _as_pairs(table.key_schema):
        raise LocalCloudError(f"The keys of table {table.name} changed; `make reset` forgets the local data")
    _change_indexes(client, table, existing)
    _change_stream(client, table, existing)


def _table(logical_id: str, properties: Mapping[str, Any]) -> DeployedTable:
    name = properties.get("TableName")
    if not isinstance(name, str):
        raise LocalCloudError(f"Table {logical_id} has no literal name, so no function could find it here")
    expiry = properties.get("TimeToLiveSpecification", {})
    return DeployedTable(
        name=name,
        attributes=tuple(properties["AttributeDefinitions"]),
        key_schema=tuple(properties["KeySchema"]),
        indexes={
            index["IndexName"]: {part: index[part] for part in INDEX_PARTS}
            for index in properties.get("GlobalSecondaryIndexes", ())
        },
        stream_view=properties.get("StreamSpecification", {}).get("StreamViewType"),
        ttl_attribute=expiry.get("AttributeName") if expiry.get("Enabled") else None,
    )


def _create(client: "DynamoDBClient", table: DeployedTable) -> None:
    request: dict[str, Any] = {
        "TableName": table.name,
        "AttributeDefinitions": table.attributes,
        "KeySchema": table.key_schema,
        "BillingMode": "PAY_PER_REQUEST",
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = list(table.indexes.values())
    if table.stream_view is not None:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream_view}
    client.create_table(**request)


def _change_indexes(client: "DynamoDBClient", table: DeployedTable, existing: "TableDescriptionTypeDef") -> None:
    """Delete indexes that are gone or differ, then create those that are missing, one by one as DynamoDB asks."""
    present = {index["IndexName"]: index for index in existing.get("GlobalSecondaryIndexes", ())}
    kept = {
        name
        for name, index in present.items()
        if name in table.indexes and _index_shape(index) == _index_shape(table.indexes[name])
    }
    for name in present.keys() - kept:
        client.update_table(TableName=table.name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": name}}])
        _wait_for_indexes(client, table.name)
    for name in table.indexes.keys() - kept:
        attributes: Any = table.attributes
        create: Any = table.indexes[name]
        client.update_table(
            TableName=table.name,
            AttributeDefinitions=attributes,
            GlobalSecondaryIndexUpdates=[{"Create": create}],
        )
        _wait_for_indexes(client, table.name)


def _change_stream(client: "DynamoDBClient", table: DeployedTable, existing: "TableDescriptionTypeDef") -> None:
    """Open or close the stream; one that shows other images is another stream, which begins with the next change."""
    view: Any = existing.get("StreamSpecification", {}).get("StreamViewType")
    wanted: Any = table.stream_view
    if view == wanted:
        return
    if view is not None:
        client.update_table(TableName=table.name, StreamSpecification={"StreamEnabled": False})
    if wanted is not None:
        client.update_table(TableName=table.name, StreamSpecification={"StreamEnabled": True, "StreamViewType": wanted})


def _wait_for_indexes(client: "DynamoDBClient", table_name: str) -> None:
    """Until no index is being made or deleted, as DynamoDB changes one at a time. Raises LocalCloudError."""
    deadline = time.monotonic() + INDEX_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        indexes = client.describe_table(TableName=table_name)["Table"].get("GlobalSecondaryIndexes", ())
        if all(index["IndexStatus"] == "ACTIVE" for index in indexes):
            return
        time.sleep(0.1)
    raise LocalCloudError(f"An index of table {table_name} did not become active in {INDEX_TIMEOUT_SECONDS} s")


def _index_shape(index: Mapping[str, Any]) -> tuple[object, ...]:
    projection = index["Projection"]
    included = frozenset(projection.get("NonKeyAttributes", ()))
    return _as_pairs(index["KeySchema"]), projection["ProjectionType"], included


def _as_pairs(key_schema: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((key["AttributeName"], key["KeyType"]) for key in key_schema)
