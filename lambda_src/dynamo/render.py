"""What readers compute from a table's declaration: a `CreateTable` call and IAM grants."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lambda_src.dynamo.schema import AccessPattern, Index, Operation, Table


@dataclass(frozen=True, slots=True)
class Grant:
    """What some access patterns need of a table: actions (without `dynamodb:`) on it, Query on its named indexes."""

    table: Table
    actions: tuple[Operation, ...]
    index_names: tuple[str, ...]


def create_table_input(table: Table, physical_name: str) -> dict[str, Any]:
    """Arguments of boto3's `create_table`: keys, indexes, on-demand billing and the stream.

    TTL is a call of its own (`update_time_to_live`), protection and recovery are no concern of a table for tests.
    Raises ValueError when the declaration is not complete.
    """
    table.check()
    request: dict[str, Any] = {
        "TableName": physical_name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(table.key_names),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in table.key_attributes()],
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [_index_input(index) for index in table.indexes]
    if table.stream:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream}
    return request


def grants_of(patterns: Iterable[AccessPattern[Any]]) -> list[Grant]:
    """The least that these access patterns need: per table its item actions and the indexes that are queried.

    A Query on an index is granted on that index alone, not on the table.
    """
    actions: defaultdict[Table, set[Operation]] = defaultdict(set)
    index_names: defaultdict[Table, set[str]] = defaultdict(set)
    for pattern in patterns:
        actions[pattern.table].update(each for each in pattern.operations if each != "Query" or pattern.index is None)
        if pattern.index is not None:
            index_names[pattern.table].add(pattern.index.name)
    return [Grant(table, tuple(sorted(actions[table])), tuple(sorted(index_names[table]))) for table in actions]


def _key_schema(attributes: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": key_type}
        for name, key_type in zip(attributes, ("HASH", "RANGE"), strict=False)
    ]


def _index_input(index: Index) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(index.attributes),
        "Projection": {
            "ProjectionType": index.projection,
            **({"NonKeyAttributes": list(index.include)} if index.include else {}),
        },
    }
