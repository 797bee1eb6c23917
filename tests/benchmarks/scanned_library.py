"""How the store that Yoto Smart Stream replaces lists, searches and looks up: the control of its capacity figures.

It scans the table, each text beside its file, and filters what it has read. The store itself stopped at the first
megabyte; here every page is read, since both sides have to find the same. Written against DynamoDB itself, on purpose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambda_src.dynamo.client import Client


@dataclass(frozen=True, slots=True)
class ScannedLibrary:
    """Eventually consistent reads of the whole table."""

    client: Client
    table: str

    def list_audio_files(self) -> int:
        return self._scan("begins_with(PK, :kind) AND SK = :kept", {":kind": "AUDIO#", ":kept": "METADATA"})

    def search_audio_files(self, text: str) -> int:
        condition = "begins_with(PK, :kind) AND contains(filename, :text)"
        return self._scan(condition, {":kind": "AUDIO#", ":text": text})

    def list_users(self) -> int:
        return self._scan("begins_with(PK, :kind) AND SK = :kept", {":kind": "USER#", ":kept": "PROFILE"})

    def get_user_by_id(self, user_id: int) -> int:
        return self._scan("SK = :kept AND user_id = :id", {":kept": "PROFILE", ":id": user_id})

    def _scan(self, condition: str, values: Mapping[str, str | int]) -> int:
        """How many items there are."""
        request: dict[str, Any] = {
            "TableName": self.table,
            "FilterExpression": condition,
            "ExpressionAttributeValues": {
                name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()
            },
            "ReturnConsumedCapacity": "TOTAL",
        }
        count = 0
        while True:  # ends with the table
            answer = self.client.call("Scan", request, "reference")
            count += int(answer["Count"])
            if "LastEvaluatedKey" not in answer:
                return count
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
