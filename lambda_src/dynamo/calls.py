"""One call of DynamoDB, tried again while that makes sense. The only owner of retries: the client makes none itself.

botocore would wait up to a second before it repeats a throttled call, stop repeating any call after a burst of
failures (its retry quota), and never repeat a conflict. Here each kind of failure has one rule and one bound.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lambda_src.dynamo.client import CallRefused, Client, NoResponse, NotSent, Response
from lambda_src.dynamo.failures import is_passing, translate
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Request

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before another try, with full jitter: between 0 and min(cap, base * 2^n) after try n.

    attempts: tries of a request that met a conflict or a throttle, the first one included; with the defaults all
    waits together last 1.3 s on average and 2.6 s at most. connection_attempts: tries when no answer came, fewer as
    each may cost the whole read timeout. rounds: further calls for what a batch left unprocessed.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int = 8
    base_seconds: float = 0.025
    cap_seconds: float = 1.0
    connection_attempts: int = 3
    rounds: int = 10

    def delay(self, n: int, random: Callable[[], float]) -> float:
        """Seconds to wait after try n, counted from 0. random: uniform in [0, 1)."""
        return random() * min(self.cap_seconds, self.base_seconds * 2.0**n)


@dataclass(frozen=True, slots=True)
class RetryingClient:
    """A client, the physical names of the tables, and how to wait. names: physical name by `Table.name`."""

    client: Client
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

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        """The answer to a request, tried up to `attempts` times.

        Raises ConditionFailed, TransactionCancelled, ItemTooLarge, StoreError or StoreMisconfigured at once,
        StoreUnavailable in the end.
        """
        return self.repeated(lambda: self.client.call(operation, request, pattern))

    def repeated[T](self, operation: Callable[[], T]) -> T:
        """What an operation returns that fails as a client does; otherwise as `call`."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return operation()
            except (CallRefused, NoResponse, NotSent) as exc:
                error = translate(exc)
                is_silence = isinstance(exc, NoResponse)
                tries = self.backoff.connection_attempts if is_silence else self.backoff.attempts
                if not is_passing(error) or attempt >= tries:
                    raise error from exc
                logger.info("database call repeated", extra={"attempt": attempt, "reason": str(exc)})
            self.pause(attempt - 1)
