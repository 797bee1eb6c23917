"""What transactions really take: computed from the items before and after by AWS's rule.

DynamoDB Local states 8 units for each transaction, whatever is in it.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from lambda_src.dynamo.capacity import Write, transact_write_units
from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import from_item


class TransactionMeter:
    """Adds up what transactions really take, and what the engine stated for them instead.

    One transaction at a time. cpu_ms: this process's share of looking at items before and after.
    """

    def __init__(self, client: Any, tables: Sequence[Table], names: Mapping[str, str]) -> None:
        self.units = 0
        self.stated = 0.0
        self.cpu_ms = 0.0
        self._reader = make_client(region="us-east-1", endpoint_url=client.meta.endpoint_url, read_timeout_seconds=30)
        self._tables = {names[table.name]: table for table in tables}
        self._before: list[tuple[str, Mapping[str, Any], Mapping[str, Any] | None]] = []
        client.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", self._begin)
        client.meta.events.register("after-call.dynamodb.TransactWriteItems", self._end)

    def _begin(self, params: Mapping[str, Any], **_: object) -> None:
        began = time.process_time()
        keys = [self._key(next(iter(action.values()))) for action in params["TransactItems"]]
        self._before = [(table, key, self._item(table, key)) for table, key in keys]
        self.cpu_ms += (time.process_time() - began) * 1000

    def _end(self, parsed: Mapping[str, Any], **_: object) -> None:
        began = time.process_time()
        stated = parsed.get("ConsumedCapacity", ())
        self.stated += sum(float(entry["CapacityUnits"]) for entry in stated)
        if stated:  # a cancelled transaction states nothing and changed nothing
            writes = [Write(self._tables[t], before, self._item(t, key)) for t, key, before in self._before]
            self.units += transact_write_units(writes)
        self.cpu_ms += (time.process_time() - began) * 1000

    def _key(self, action: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        name = action["TableName"]
        attributes = action.get("Key") or action["Item"]
        return name, {part: attributes[part] for part in self._tables[name].key_names}

    def _item(self, table: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        item = self._reader.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else from_item(item)
