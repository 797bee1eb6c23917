"""Tables and their items, as DynamoDB Local holds them.

Here a Scan is allowed: the operator looks at a table on their own machine, one page of at most PAGE_ITEMS items at a
time. No deployed function has that right.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from botocore.exceptions import ClientError

from cdk_app.local.console.sources import asking

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeySchemaElementTypeDef

PAGE_ITEMS = 25
MAX_CURSOR_CHARACTERS = 8192  # a key of 3 KB and an index key of as much, in base64 JSON

type Item = Mapping[str, "AttributeValueTypeDef"]


class InvalidQuestion(Exception):
    """The form holds something that this table cannot be asked; the text is fit for the page."""


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """A key attribute and its type: S, N or B."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class KeySchema:
    """The key of a table (index None) or of one of its indexes."""

    index: str | None
    partition: KeyAttribute
    sort: KeyAttribute | None


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table: its key first, then those of its indexes. item_count and size_bytes are what DescribeTable says."""

    name: str
    item_count: int
    size_bytes: int
    schemas: Sequence[KeySchema]

    def schema(self, index: str | None) -> KeySchema:
        """The key of that index, of the table itself for None. Raises InvalidQuestion."""
        found = next((schema for schema in self.schemas if schema.index == index), None)
        if found is None:
            raise InvalidQuestion(f"There is no index {index} on this table.")
        return found


@dataclass(frozen=True, slots=True)
class Question:
    """What to show. partition None: any items. sort_prefix: how sort keys begin. start: cursor of the page before."""

    index: str | None = None
    partition: str | None = None
    sort_prefix: str | None = None
    start: str | None = None


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of items, the cursor of the next page if there is one, and the read units that it took."""

    items: Sequence[Item]
    next_start: str | None
    read_units: float


def describe(client: "DynamoDBClient", name: str) -> TableFacts:
    """Keys, indexes and approximate size of a table. One request. Raises SourceUnavailable."""
    with asking("DynamoDB"):
        table = client.describe_table(TableName=name)["Table"]
    types = {one["AttributeName"]: one["AttributeType"] for one in table.get("AttributeDefinitions", [])}
    indexes = sorted(table.get("GlobalSecondaryIndexes", []), key=lambda index: index.get("IndexName", ""))
    return TableFacts(
        name=name,
        item_count=table.get("ItemCount", 0),
        size_bytes=table.get("TableSizeBytes", 0),
        schemas=(
            _schema(None, table.get("KeySchema", []), types),
            *(_schema(index.get("IndexName"), index.get("KeySchema", []), types) for index in indexes),
        ),
    )


def read_page(client: "DynamoDBClient", table: TableFacts, question: Question) -> ItemPage:
    """One page of items. One request: a Query where a partition is named, else a Scan of one page.

    Raises InvalidQuestion for an unknown index, a value of the wrong type or a cursor of another list, and
    SourceUnavailable.
    """
    schema = table.schema(question.index)
    request: dict[str, Any] = {"TableName": table.name, "Limit": PAGE_ITEMS, "ReturnConsumedCapacity": "TOTAL"}
    if question.index is not None:
        request["IndexName"] = question.index
    if question.start is not None:
        request["ExclusiveStartKey"] = _decode_cursor(question.start)
    if question.partition is not None:
        request |= _key_condition(schema, question.partition, question.sort_prefix)
    elif question.sort_prefix is not None:
        raise InvalidQuestion("A sort key can only be looked for inside a partition.")
    with asking("DynamoDB"):
        try:
            answer = client.query(**request) if question.partition is not None else client.scan(**request)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ValidationException":
                raise InvalidQuestion(str(error.response["Error"].get("Message", ""))) from error
            raise
    last = answer.get("LastEvaluatedKey")
    return ItemPage(
        items=answer.get("Items", []),
        next_start=_encode_cursor(last) if last else None,
        read_units=answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0),
    )


def value_text(value: "AttributeValueTypeDef", *, nested: bool = False) -> str:  # noqa: PLR0911 - one per type
    """An attribute value as a person reads it; numbers digit for digit, inner strings in quotes."""
    ((kind, content),) = cast("Mapping[str, Any]", value).items()
    match kind:
        case "S":
            return json.dumps(content, ensure_ascii=False) if nested else str(content)
        case "BOOL":
            return str(content).lower()
        case "NULL":
            return "null"
        case "B":
            return base64.b64encode(content).decode()
        case "SS" | "NS" | "BS":
            inner = kind[0]
            return "{" + ", ".join(value_text(cast("AttributeValueTypeDef", {inner: one})) for one in content) + "}"
        case "L":
            return "[" + ", ".join(value_text(one, nested=True) for one in content) + "]"
        case "M":
            return "{" + ", ".join(f"{name}: {value_text(one, nested=True)}" for name, one in content.items()) + "}"
        case _:
            return str(content)


def _schema(
    index: str | None, elements: "Sequence[KeySchemaElementTypeDef]", types: Mapping[str, Literal["S", "N", "B"]]
) -> KeySchema:
    keys = {one["KeyType"]: KeyAttribute(one["AttributeName"], types[one["AttributeName"]]) for one in elements}
    return KeySchema(index, keys["HASH"], keys.get("RANGE"))


def _key_condition(schema: KeySchema, partition: str, sort_prefix: str | None) -> dict[str, Any]:
    """Query parameters for one partition. A sort key that is no text is compared whole instead of by its beginning."""
    expression = "#partition = :partition"
    names = {"#partition": schema.partition.name}
    values = {":partition": _key_value(schema.partition, partition)}
    if sort_prefix is not None:
        if schema.sort is None:
            raise InvalidQuestion(f"{schema.index or 'This table'} has no sort key.")
        expression += " AND begins_with(#sort, :sort)" if schema.sort.type == "S" else " AND #sort = :sort"
        names["#sort"] = schema.sort.name
        values[":sort"] = _key_value(schema.sort, sort_prefix)
    return {
        "KeyConditionExpression": expression,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _key_value(attribute: KeyAttribute, text: str) -> dict[str, str]:
    """The typed value; DynamoDB itself refuses a number that is none."""
    if attribute.type == "B":
        raise InvalidQuestion(f"{attribute.name} is binary and cannot be typed here.")
    return {attribute.type: text}


def _encode_cursor(key: Item) -> str:
    """The last key as text for a link. Unsigned: whoever can open this page can read the whole table anyway."""
    values = {name: _key_text(value) for name, value in key.items()}
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def _key_text(value: "AttributeValueTypeDef") -> list[str]:
    ((kind, content),) = cast("Mapping[str, Any]", value).items()
    return [kind, base64.b64encode(content).decode() if kind == "B" else content]


def _decode_cursor(text: str) -> dict[str, dict[str, str | bytes]]:
    if len(text) > MAX_CURSOR_CHARACTERS:
        raise InvalidQuestion("The link to this page of items is too long.")
    try:
        values: dict[str, list[str]] = json.loads(base64.urlsafe_b64decode(text))
        return {
            name: {kind: base64.b64decode(content) if kind == "B" else content}
            for name, (kind, content) in values.items()
            if kind in ("S", "N", "B")
        }
    except (ValueError, AttributeError, TypeError) as error:  # binascii.Error and bad UTF-8 are ValueErrors
        raise InvalidQuestion("The link to this page of items is broken.") from error
