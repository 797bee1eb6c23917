"""Items of any kind by their keys, as they are stored: a migration writes all of them, and its own state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lambda_src.dynamo.calls import RetryingClient
from lambda_src.dynamo.conditions import Condition
from lambda_src.dynamo.expressions import Expressions
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import Item, Request, from_item, to_item, to_key

_PATTERN: Final = "migration"


@dataclass(frozen=True, slots=True)
class TableItems:
    """Reads and writes of one item, 1 request each. Conditions and updates go by the stored names.

    The writes raise ConditionFailed, all methods what `RetryingClient.call` raises.
    """

    caller: RetryingClient

    def get(self, table: Table, key: Mapping[str, str]) -> Item | None:
        """Strongly consistent."""
        request = {**self._to(table), "Key": to_key(key), "ConsistentRead": True}
        found = self.caller.call("GetItem", request, _PATTERN).get("Item")
        return from_item(found) if found else None

    def put(self, table: Table, item: Mapping[str, object], *, condition: Condition) -> Item | None:
        """The item it replaced; after a repetition whose first try did arrive, that is the same one."""
        request = {**self._to(table), "Item": to_item(item), **_expressed(table, condition), "ReturnValues": "ALL_OLD"}
        replaced = self.caller.call("PutItem", request, _PATTERN).get("Attributes")
        return from_item(replaced) if replaced else None

    def update(self, table: Table, key: Mapping[str, str], update: Update, *, condition: Condition) -> None:
        request = {**self._to(table), "Key": to_key(key), **_expressed(table, condition, update)}
        self.caller.call("UpdateItem", request, _PATTERN)

    def delete(self, table: Table, key: Mapping[str, str], *, condition: Condition | None = None) -> None:
        request = {**self._to(table), "Key": to_key(key), **_expressed(table, condition)}
        self.caller.call("DeleteItem", request, _PATTERN)

    def _to(self, table: Table) -> Request:
        return {"TableName": self.caller.physical_name(table)}


class _AsStored:
    """Names and values are those of the item."""

    def stored_name(self, name: str) -> str:
        return name

    def stored_value(self, name: str, value: object) -> object:  # noqa: ARG002 -- see StoredAs
        return value


def _expressed(table: Table, condition: Condition | None, update: Update | None = None) -> Request:
    expressions = Expressions(_AsStored(), table.partition)
    request: Request = {}
    if update is not None:
        request["UpdateExpression"] = expressions.update(update)
    if condition is not None:
        request["ConditionExpression"] = expressions.condition(condition)
    return request | expressions.placeholders()
