"""One call of DynamoDB, tried again while that makes sense. The only owner of retries: the client makes none itself.

botocore would wait up to a second before it repeats a throttled call, stop repeating any call after a burst of
failures (its retry quota), and never repeat a conflict. Here each kind of failure has one rule and one bound.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambda_src.dynamo.failures import ANSWERED, UNANSWERED, translate
from lambda_src.dynamo.retry import Backoff
from lambda_src.dynamo.schema import Table
from lambda_src.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """A client, the physical names of the tables, and how to wait. names: physical name by `Table.name`."""

    client: "DynamoDBClient"
    names: Mapping[str, str]
    backoff: Backoff
    sleep: Callable[[float], None]
    random: Callable[[], float]

    def physical_name(self, table: Table) -> str:
        """Raises KeyError when the store was not told of the table."""
        return self.names[table.name]

    def pause(self, n: int) -> None:
        """Wait after try n, counted from 0."""
        self.sleep(self.backoff.delay(n, self.random))

    def call[T](self, operation: Callable[[], T]) -> T:
        """The answer to a request, tried up to `attempts` times.

        Raises ConditionFailed, TransactionCancelled, ItemTooLarge or StoreError at once, StoreUnavailable in the end.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return operation()
            except (*ANSWERED, *UNANSWERED) as exc:
                error = translate(exc)
                tries = self.backoff.connection_attempts if isinstance(exc, UNANSWERED) else self.backoff.attempts
                if not isinstance(error, StoreUnavailable) or attempt >= tries:
                    raise error from exc
                logger.info("database call repeated", extra={"attempt": attempt, "reason": str(exc)})
            self.pause(attempt - 1)
