"""How the plan that nbhd.city replaces reads and writes: the control of its capacity figures.

It checks, puts and counts in separate requests, reads a user's neighborhoods one by one, and reads a neighborhood with
all its members in one Query, of whose answer it sees the first megabyte. What two users do at once goes wrong. Written
against DynamoDB itself, on purpose.
"""

from dataclasses import dataclass
from typing import Any

from lambda_src.dynamo.client import Client, Response

NOW = "2025-01-15T09:30:00.000000Z"


@dataclass(frozen=True, slots=True)
class ReferenceNeighborhoods:
    """Requests of the plan. Reads are eventually consistent."""

    client: Client
    table: str

    def neighborhoods_of(self, user_id: str) -> list[dict[str, Any]]:
        """One Query, and one GetItem for each neighborhood."""
        found = self._query("GSI3", "user_id", user_id)
        return [self._get(membership["PK"]["S"], "METADATA") for membership in found]

    def detail(self, nbhd_id: str) -> list[dict[str, Any]]:
        """The members, read together with their neighborhood, which comes last."""
        *members, neighborhood = self._query(None, "PK", f"NBHD#{nbhd_id}")
        if neighborhood["SK"]["S"] != "METADATA":
            raise LookupError("the first page does not hold the neighborhood: the plan answers 404")
        return members

    def count_members(self, nbhd_id: str) -> int:
        """What a neighborhood without a stored count has to do."""
        request: dict[str, Any] = {
            "KeyConditionExpression": "PK = :pk AND begins_with(SK, :prefix)",
            "ExpressionAttributeValues": {":pk": {"S": f"NBHD#{nbhd_id}"}, ":prefix": {"S": "MEMBER#"}},
            "Select": "COUNT",
        }
        count = 0
        while True:  # ends with the partition
            answer = self._call("Query", **request)
            count += int(answer["Count"])
            if "LastEvaluatedKey" not in answer:
                return count
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def create(self, nbhd_id: str, name: str, description: str, user_id: str) -> int:
        """Look whether the name is free, put the neighborhood, put its creator. Returns the members."""
        if self._query("GSI2", "name_lower", name.lower()):
            raise LookupError("the name is taken")
        texts = {"id": nbhd_id, "name": name, "name_lower": name.lower(), "description": description}
        times = {"created_by": user_id, "created_at": NOW, "updated_at": NOW, "entity_type": "neighborhood"}
        numbers = {"member_count": {"N": "1"}}
        self._put({"PK": f"NBHD#{nbhd_id}", "SK": "METADATA", **texts, **times}, numbers)
        self._put_membership(nbhd_id, user_id)
        return 1

    def join(self, nbhd_id: str, user_id: str) -> int:
        """Is the neighborhood there, is the user in it, put, count. Returns how many members came."""
        self._get(f"NBHD#{nbhd_id}", "METADATA")
        if "Item" in self._call("GetItem", Key=_membership(nbhd_id, user_id)):
            return 0
        self._put_membership(nbhd_id, user_id)
        self._add(nbhd_id, 1)
        return 1

    def leave(self, nbhd_id: str, user_id: str) -> int:
        """Is the user in it, delete, count. Returns how many members went."""
        if "Item" not in self._call("GetItem", Key=_membership(nbhd_id, user_id)):
            return 0
        self._call("DeleteItem", Key=_membership(nbhd_id, user_id))
        self._add(nbhd_id, -1)
        return 1

    def create_profile(self, user_id: str, handle: str, bio: str) -> int:
        """Is there none, put. Returns how many were made."""
        key = {"PK": f"USER#{user_id}", "SK": "PROFILE"}
        if "Item" in self._call("GetItem", Key={k: {"S": v} for k, v in key.items()}):
            return 0
        self._put(
            key | {"user_id": user_id, "handle": handle, "bio": bio, "display_name": "", "location": "", "email": ""}
            | {"entity_type": "user", "created_at": NOW, "updated_at": NOW}
        )  # fmt: skip
        return 1

    # ---- parts -----------------------------------------------------------------------------------------------------

    def _call(self, operation: str, **request: Any) -> Response:
        return self.client.call(operation, {"TableName": self.table, **request}, "reference")

    def _get(self, partition: str, sort: str) -> dict[str, Any]:
        answer = self._call("GetItem", Key={"PK": {"S": partition}, "SK": {"S": sort}})
        item: dict[str, Any] = answer["Item"]
        return item

    def _put(self, texts: dict[str, str], others: dict[str, Any] | None = None) -> None:
        self._call("PutItem", Item={k: {"S": v} for k, v in texts.items()} | (others or {}))

    def _put_membership(self, nbhd_id: str, user_id: str) -> None:
        facts = {"entity_type": "membership", "neighborhood_id": nbhd_id, "user_id": user_id, "joined_at": NOW}
        self._put({"PK": f"NBHD#{nbhd_id}", "SK": f"MEMBER#{user_id}", **facts})

    def _add(self, nbhd_id: str, change: int) -> None:
        self._call(
            "UpdateItem",
            Key={"PK": {"S": f"NBHD#{nbhd_id}"}, "SK": {"S": "METADATA"}},
            UpdateExpression="ADD member_count :change",
            ExpressionAttributeValues={":change": {"N": str(change)}},
        )

    def _query(self, index: str | None, attribute: str, value: str) -> list[dict[str, Any]]:
        """The first page, which is all that the plan asks for."""
        request: dict[str, Any] = {"IndexName": index} if index else {}
        answer = self._call(
            "Query",
            KeyConditionExpression=f"{attribute} = :value",
            ExpressionAttributeValues={":value": {"S": value}},
            **request,
        )
        return list(answer["Items"])


def _membership(nbhd_id: str, user_id: str) -> dict[str, Any]:
    return {"PK": {"S": f"NBHD#{nbhd_id}"}, "SK": {"S": f"MEMBER#{user_id}"}}
