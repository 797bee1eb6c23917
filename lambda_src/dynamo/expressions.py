"""boto3's conditions and our updates as arguments of a call, names and values behind placeholders."""

from collections.abc import Mapping, Sequence
from typing import Final

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder

from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import AttributeValue, Request, to_value

_NAMES: Final = "ExpressionAttributeNames"
_VALUES: Final = "ExpressionAttributeValues"


def write_arguments(update: Update | None, condition: ConditionBase | None) -> Request:
    """UpdateExpression and ConditionExpression of a write, as far as it has them."""
    request: Request = {}
    names: dict[str, str] = {}
    values: dict[str, AttributeValue] = {}
    if update is not None:
        request["UpdateExpression"], update_names, update_values = update.render()
        names |= update_names
        values |= update_values
    if condition is not None:
        request["ConditionExpression"] = _build(ConditionExpressionBuilder(), condition, names, values)
    return request | _placeholders(names, values)


def read_arguments(
    key: ConditionBase, where: ConditionBase | None = None, projection: Sequence[str] | None = None
) -> Request:
    """KeyConditionExpression, FilterExpression and ProjectionExpression of a Query."""
    builder = ConditionExpressionBuilder()  # one builder for both: it numbers its placeholders
    names: dict[str, str] = {}
    values: dict[str, AttributeValue] = {}
    request: Request = {"KeyConditionExpression": _build(builder, key, names, values, is_key=True)}
    if where is not None:
        request["FilterExpression"] = _build(builder, where, names, values)
    if projection:
        wanted = {f"#p{number}": name for number, name in enumerate(projection)}
        request["ProjectionExpression"] = ", ".join(wanted)
        names |= wanted
    return request | _placeholders(names, values)


def _build(
    builder: ConditionExpressionBuilder,
    condition: ConditionBase,
    names: dict[str, str],
    values: dict[str, AttributeValue],
    *,
    is_key: bool = False,
) -> str:
    built = builder.build_expression(condition, is_key_condition=is_key)
    names |= built.attribute_name_placeholders
    values |= {placeholder: to_value(value) for placeholder, value in built.attribute_value_placeholders.items()}
    return built.condition_expression


def _placeholders(names: Mapping[str, str], values: Mapping[str, AttributeValue]) -> Request:
    request: Request = {}
    if names:
        request[_NAMES] = names
    if values:  # DynamoDB refuses an empty map
        request[_VALUES] = values
    return request
