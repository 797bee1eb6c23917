"""The actions of a transaction."""

from collections.abc import Mapping
from dataclasses import dataclass

from boto3.dynamodb.conditions import ConditionBase

from lambda_src.dynamo.expressions import write_arguments
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import Request, to_item, to_key


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole item. return_old: a failed condition brings along the item that stands there."""

    table: Table
    item: Mapping[str, object]
    condition: ConditionBase | None = None
    return_old: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Update an item, or create it from nothing but its key and the update."""

    table: Table
    key: Mapping[str, str]
    update: Update
    condition: ConditionBase | None = None
    return_old: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an item; there need not be one."""

    table: Table
    key: Mapping[str, str]
    condition: ConditionBase | None = None
    return_old: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """Write nothing, and let the transaction fail when the condition does not hold."""

    table: Table
    key: Mapping[str, str]
    condition: ConditionBase
    return_old: bool = False


type Action = Put | Change | Delete | Check


def write_request(action: Action, physical_name: str) -> Request:
    """The arguments of a single PutItem, UpdateItem or DeleteItem, which are also those of an action."""
    request: Request = {"TableName": physical_name}
    if isinstance(action, Put):
        request["Item"] = to_item(action.item)
    else:
        request["Key"] = to_key(action.key)
    request |= write_arguments(action.update if isinstance(action, Change) else None, action.condition)
    if action.return_old:
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return request


def transact_item(action: Action, physical_name: str) -> Request:
    """An entry of TransactItems."""
    return {_NAMES[type(action)]: write_request(action, physical_name)}


def key_values(action: Action) -> tuple[object, ...]:
    """The values of the key an action is about."""
    values: Mapping[str, object] = action.item if isinstance(action, Put) else action.key
    return tuple(values[name] for name in action.table.key_names)


_NAMES: Mapping[type, str] = {Put: "Put", Change: "Update", Delete: "Delete", Check: "ConditionCheck"}
