"""What every function of every service stands on: tables, queue, secrets, outside calls, clock and metrics.

An entry point makes the real ones; a test hands in its own.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.client import Client
from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.dynamo.meter import UsageMeter
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock, utc_now
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.outside import Http
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.settings import ServiceSettings
from lambda_src.signing import KeyRing

if TYPE_CHECKING:
    from lambda_src.runtime.objects import ObjectClient
    from lambda_src.runtime.transcribe import TranscribeClient


def _objects(bucket: str) -> "ObjectClient":
    from lambda_src.runtime.objects import ObjectClient  # noqa: PLC0415 -- most services keep none

    return ObjectClient(bucket)


def _transcribe() -> "TranscribeClient":
    from lambda_src.runtime.transcribe import TranscribeClient  # noqa: PLC0415 -- one service speaks to it

    return TranscribeClient()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a function reaches for. client: counts what goes through it.

    http: makes the client for outside services, of which a service decides the limits. secret: opens a secret by its
    name. objects: opens a bucket by its name. transcribe: makes the client of Amazon Transcribe. pick: a random number
    below another. serves_many: several requests at once in one process, which never happens on Lambda.
    """

    client: UsageMeter
    queue: QueueClient = field(default_factory=QueueClient)
    http: Callable[..., Http] = Http
    secret: Callable[[str], Secret] = Secret
    objects: Callable[[str], "ObjectClient"] = _objects
    transcribe: Callable[[], "TranscribeClient"] = _transcribe
    metrics: Metrics = field(default_factory=Metrics)
    clock: Clock = utc_now
    sleep: Callable[[float], None] = time.sleep
    pick: Callable[[int], int] = random.randrange
    serves_many: bool = False

    @classmethod
    def of(cls, settings: ServiceSettings, metrics: Metrics) -> Self:
        """The real ones. Only the DynamoDB client is made now, every other at its first use."""
        client = make_client(
            region=settings.dynamodb_region,
            endpoint_url=settings.dynamodb_endpoint,
            read_timeout_seconds=settings.database_timeout_seconds,
        )
        return cls(client=metered(Boto3Client(client), settings, metrics), metrics=metrics)

    def store(self, tables: Iterable[Table], settings: ServiceSettings, *, keys: KeyRing | None = None) -> Store:
        """The tables by the names that the settings give them. keys: sign the cursors of its lists."""
        cursors = None if keys is None else CursorCodec(keys, seconds=self.seconds)
        return Store(self.client, table_names(tables, settings), cursors=cursors, sleep=self.sleep)

    def seconds(self) -> float:
        """The time, since 1970."""
        return self.clock().timestamp()


def metered(client: Client, settings: ServiceSettings, metrics: Metrics) -> UsageMeter:
    """A client whose use is counted; conflicts of transactions also by a metric, where the service has one for them."""
    name = settings.conflict_metric
    return UsageMeter(client, on_conflict=None if name is None else lambda: metrics.count(name))


def table_names(tables: Iterable[Table], settings: ServiceSettings) -> Mapping[str, str]:
    """Physical names by `Table.name`, out of the variables that the tables declare."""
    return {table.name: getattr(settings, table.environment_variable.lower()) for table in tables}
