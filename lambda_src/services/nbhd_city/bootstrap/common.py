"""What both functions are joined from: the table, the queue, clock and metrics."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lambda_src.dynamo.meter import UsageMeter
from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock, utc_now
from lambda_src.runtime.outside import Http
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.usage import UsageSource
from lambda_src.services.nbhd_city.clients.tasks import TaskQueue
from lambda_src.services.nbhd_city.clients.upstream import make_http
from lambda_src.services.nbhd_city.repository import Repository
from lambda_src.services.nbhd_city.repository.base import Context
from lambda_src.services.nbhd_city.service.parts import Count, Measure, count_nothing, measure_nothing
from lambda_src.services.nbhd_city.settings import Settings
from lambda_src.services.nbhd_city.tables import MAIN

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

LATENCY_METRIC: Final = "UpstreamLatency"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the service stands in; tests hand in their own. count, measure: add to a metric."""

    client: "DynamoDBClient"
    queue: QueueClient
    count: Count = count_nothing
    measure: Measure = measure_nothing
    clock: Clock = utc_now
    sleep: Callable[[float], None] = time.sleep

    def repository(self, settings: Settings) -> Repository:
        store = Store(self.client, {MAIN.name: settings.dynamodb_table_name}, sleep=self.sleep)
        return Repository(Context(store=store, clock=self.clock))

    def tasks(self, settings: Settings) -> TaskQueue:
        return TaskQueue(self.queue, url=settings.nbhd_task_queue_url)

    def http(self) -> Http:
        """The client for BlueSky's servers; how long each call takes is measured."""
        return make_http(lambda name, milliseconds: self.measure(LATENCY_METRIC, milliseconds, upstream=name))

    def usage(self) -> UsageSource:
        """A meter over the client; every one that is asked for counts for itself."""
        meter = UsageMeter(on_conflict=lambda: self.count("JoinConflictRetries"))
        meter.attach(self.client)
        return meter
