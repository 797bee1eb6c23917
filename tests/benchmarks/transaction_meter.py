"""What transactions really take: computed from the items before and after by AWS's rule.

DynamoDB Local states 8 units for each transaction, whatever is in it.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from lambda_src.dynamo.client import Client, Response
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Request, from_item
from lambda_src.migration.capacity import Write, transact_write_units


class TransactionMeter:
    """A client that adds up what transactions really take, and what the engine stated for them instead.

    One transaction at a time. cpu_ms: this process's share of looking at items before and after.
    """

    def __init__(self, client: Client, tables: Sequence[Table], names: Mapping[str, str]) -> None:
        self.units = 0
        self.stated = 0.0
        self.cpu_ms = 0.0
        self._client = client
        self._tables = {names[table.name]: table for table in tables}

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        if operation != "TransactWriteItems":
            return self._client.call(operation, request, pattern)
        began = time.process_time()
        keys = [self._key(next(iter(action.values()))) for action in request["TransactItems"]]
        before = [self._item(table, key) for table, key in keys]
        self.cpu_ms += (time.process_time() - began) * 1000
        answer = self._client.call(operation, request, pattern)  # one that is cancelled states and changes nothing
        began = time.process_time()
        self.stated += sum(float(entry["CapacityUnits"]) for entry in answer.get("ConsumedCapacity", ()))
        writes = [
            Write(self._tables[table], old, self._item(table, key))
            for (table, key), old in zip(keys, before, strict=True)
        ]
        self.units += transact_write_units(writes)
        self.cpu_ms += (time.process_time() - began) * 1000
        return answer

    def close(self) -> None:
        self._client.close()

    def _key(self, action: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        name = action["TableName"]
        attributes = action.get("Key") or action["Item"]
        return name, {part: attributes[part] for part in self._tables[name].key_names}

    def _item(self, table: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        request = {"TableName": table, "Key": key, "ConsistentRead": True}
        item = self._client.call("GetItem", request, "before and after").get("Item")
        return None if item is None else from_item(item)
