"""The stacks of Stock Track Record: what it keeps, and what runs."""

from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_app.constructs.api_function import ALL_PATHS, ApiFunction, Limits, Tolerance
from cdk_app.constructs.dashboard import ServiceParts
from cdk_app.constructs.queue_worker import WorkQueue
from cdk_app.constructs.runbooks import RUN_FAILED
from cdk_app.constructs.schedule import schedules
from cdk_app.constructs.secrets import grant_read, provider_keys, signing_key
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.constructs.service_stacks import AppStack, DataStack, count_of
from cdk_app.constructs.service_table import ServiceTables
from cdk_app.environments import Environment
from cdk_app.services.registry import STOCK_TRACK_RECORD
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.settings import ApiSettings, WorkerSettings

SERVICE: Final = STOCK_TRACK_RECORD.name
TITLE: Final = STOCK_TRACK_RECORD.title
PACKAGE: Final = STOCK_TRACK_RECORD.package
BUNDLE: Final = STOCK_TRACK_RECORD.bundle
API_KEY_FIELDS: Final = ("youtube_api_key", "gemini_api_key", "finnhub_api_key", "alpha_vantage_api_key")
TOLERANCE: Final = Tolerance(server_errors=5, p95_milliseconds=3000)
ANALYSES_AT_ONCE: Final = 10
PRICE_JOBS_AT_ONCE: Final = 2


class StockTrackRecordData(DataStack):
    """Tables and secrets."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, title=TITLE, environment=environment)
        self.tables = ServiceTables(self, "Tables", tables=tables.TABLES, environment=environment)
        if self.tables.migration_operator is not None:
            self.tables.grant_access(self.tables.migration_operator, asked_by=tables.UPGRADE)
        self.api_keys = provider_keys(self, "ApiKeys", fields=API_KEY_FIELDS, environment=environment)
        self.cursor_key = signing_key(self, "CursorKey", environment=environment)


class StockTrackRecordApp(AppStack):
    """API, worker and its queues, sweep, alarms."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, data: StockTrackRecordData
    ) -> None:
        super().__init__(scope, construct_id, title=TITLE, environment=environment, data=data)
        self.processing = self._queue("Processing", environment)
        self.prices = self._queue("Prices", environment)
        self.worker = self._worker(environment, data)
        self.api = self._api(environment, data)
        self.schedules = schedules(self, STOCK_TRACK_RECORD.tasks, function=self.worker)
        self._operate(data)

    def _queue(self, name: str, environment: Environment) -> WorkQueue:
        return WorkQueue(
            self,
            name,
            physical_name=f"{SERVICE}-{name}-{environment.name}",
            function_timeout_seconds=environment.worker_size.timeout_seconds,
        )

    def _worker(self, environment: Environment, data: StockTrackRecordData) -> ServiceFunction:
        values = self._shared_values(environment, data) | {
            "sqs_dlq_url": self.processing.dead_letters.queue_url,
            "price_dlq_url": self.prices.dead_letters.queue_url,
        }
        settings = WorkerSettings.model_validate(values)
        worker = self.add_worker(BUNDLE.handler("worker"), size=environment.worker_size, settings=settings)
        self.processing.feed(worker, max_concurrency=ANALYSES_AT_ONCE)
        self.prices.feed(worker, max_concurrency=PRICE_JOBS_AT_ONCE)
        data.tables.grant_access(worker.role, asked_by=tables.WORKER)
        self._grant_shared(worker, data)
        return worker

    def _api(self, environment: Environment, data: StockTrackRecordData) -> ApiFunction:
        frontend, *others = environment.origins_of(SERVICE)
        values = self._shared_values(environment, data) | {
            "frontend_url": frontend,
            "cors_extra_origins": ",".join(others),
            "cursor_secret_id": data.cursor_key.secret_arn,
            "maintenance_mode": environment.maintenance.get(SERVICE, "off"),
        }
        settings = ApiSettings.model_validate(values)
        function = self.add_api_function(BUNDLE.handler("api"), size=environment.api_size, settings=settings)
        data.tables.grant_access(function.role, asked_by=tables.API)
        self._grant_shared(function, data)
        grant_read(function.role, data.cursor_key)
        return self.add_api(
            function,
            cors=settings.cors,
            limits=Limits(
                default=environment.throttle,
                routes={(method, ALL_PATHS): environment.write_throttle for method in ("POST", "DELETE")},
            ),
            tolerance=TOLERANCE,
        )

    def _shared_values(self, environment: Environment, data: StockTrackRecordData) -> dict[str, str]:
        return {
            "environment": environment.name,
            "dynamodb_region": self.region,
            "dynamodb_table_name": data.tables.names[tables.MAIN.name],
            "dynamodb_stocks_table_name": data.tables.names[tables.STOCKS.name],
            "sqs_queue_url": self.processing.queue.queue_url,
            "price_queue_url": self.prices.queue.queue_url,
            "api_keys_secret_id": data.api_keys.secret_arn,
        }

    def _grant_shared(self, function: ServiceFunction, data: StockTrackRecordData) -> None:
        """Both functions send to both queues (the worker fans out) and ask outside services with the same keys."""
        self.processing.grant_send(function.role)
        self.prices.grant_send(function.role)
        grant_read(function.role, data.api_keys)

    def _operate(self, data: StockTrackRecordData) -> None:
        run_failed = _count_of("RunFailed")
        parts = ServiceParts(
            api=self.api,
            functions={"API": self.api.function, "Worker": self.worker},
            queues=[self.processing, self.prices],
            tables=data.tables,
            schedules=self.schedules,
            counts=[run_failed, _count_of("PriceRefreshDropped")],
        )
        alarms = self.watch_parts(parts)
        # The worker counts a run that ended as `failed`: a bad key, a used-up quota, an unknown channel. A refresh that
        # was dropped is only shown: the next visit of a page asks for its prices again.
        alarms.watch(
            self,
            "RunFailed",
            metric=run_failed,
            at_least=1,
            meaning="the analysis of a channel failed",
            runbook=RUN_FAILED,
        )
        self.show_parts(parts, alarms, service=SERVICE)
        self.add_outputs(parts)


def _count_of(name: str) -> cloudwatch.Metric:
    return count_of(name, namespace=SERVICE, service=PACKAGE)
