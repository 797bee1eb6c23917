"""Tables as production has them, on an engine that knows neither protection nor backups."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def ready(client: "DynamoDBClient") -> "DynamoDBClient":
    """A client to which every table is protected and recoverable; all else goes through."""
    stand_in: Any = _Ready(client)
    found: DynamoDBClient = stand_in
    return found


class _Ready:
    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def describe_table(self, **request: Any) -> Any:
        answer = self._client.describe_table(**request)
        answer["Table"]["DeletionProtectionEnabled"] = True
        return answer

    def describe_continuous_backups(self, **request: Any) -> Any:
        with suppress(ClientError):  # an operation it does not know; asked, so that it is recorded
            self._client.describe_continuous_backups(**request)
        recovery = {"PointInTimeRecoveryStatus": "ENABLED"}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}
