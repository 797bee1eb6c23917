"""Writes of one item, each for itself or as the actions of a transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lambda_src.dynamo.conditions import Condition
from lambda_src.dynamo.expressions import Expressions
from lambda_src.dynamo.schema import Entity, ItemKey, Table
from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import Request, to_item, to_key


@dataclass(frozen=True, slots=True)
class Put[M]:
    """Write a whole item. return_old: a failed condition brings along the item that stands there."""

    entity: Entity[M]
    model: M
    condition: Condition | None = None
    return_old: bool = False

    @property
    def key(self) -> ItemKey:
        return self.entity.key_of(self.model)


@dataclass(frozen=True, slots=True)
class UpdateItem:
    """Change an item, or create it from nothing but its key and the update."""

    key: ItemKey
    update: Update
    condition: Condition | None = None
    return_old: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an item; there need not be one."""

    key: ItemKey
    condition: Condition | None = None
    return_old: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """Write nothing, and let the transaction fail when the condition does not hold."""

    key: ItemKey
    condition: Condition
    return_old: bool = False


type Action = Put[Any] | UpdateItem | Delete | Check


def write_request(action: Action, table: Table, physical_name: str) -> Request:
    """The arguments of a single PutItem, UpdateItem or DeleteItem, which are also those of an action.

    Raises ValueError for an item of another table.
    """
    request: Request = {"TableName": physical_name}
    entity = action.entity if isinstance(action, Put) else action.key.entity
    if entity.table is not table:
        raise ValueError(f"{entity.name} is no item of table {table.name}")
    expressions = Expressions(entity.codec, table.partition)
    if isinstance(action, Put):
        request["Item"] = to_item(action.entity.item(action.model))
    else:
        request["Key"] = to_key(action.key.values)
    if isinstance(action, UpdateItem):
        request["UpdateExpression"] = expressions.update(action.update)
    if action.condition is not None:
        request["ConditionExpression"] = expressions.condition(action.condition)
    request |= expressions.placeholders()
    if action.return_old:
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return request


def transact_item(action: Action, table: Table, physical_name: str) -> Request:
    """An entry of TransactItems."""
    return {_NAMES[type(action)]: write_request(action, table, physical_name)}


_NAMES: Final[Mapping[type, str]] = {Put: "Put", UpdateItem: "Update", Delete: "Delete", Check: "ConditionCheck"}
