"""The stacks of Stock Track Record: what it keeps, and what runs.

`Data` outlives deployments and is protected in production; `App` can be destroyed and deployed again at any time.
"""

from typing import Final

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_app.constructs.alarms import PERIOD
from cdk_app.constructs.api_function import ALL_PATHS, ApiFunction, Tolerance
from cdk_app.constructs.dashboard import ServiceParts
from cdk_app.constructs.operations import show_parts, watch_parts
from cdk_app.constructs.queue_worker import WorkQueue
from cdk_app.constructs.runbooks import RUN_FAILED
from cdk_app.constructs.schedule import Schedule
from cdk_app.constructs.secrets import grant_read, provider_keys, signing_key
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.constructs.service_table import ServiceTables
from cdk_app.environments import Environment
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.settings import ApiSettings, WorkerSettings

SERVICE: Final = "StockTrackRecord"
TITLE: Final = "Stock Track Record"
PACKAGE: Final = "stock_track_record"
METRICS_NAMESPACE: Final = "StockTrackRecord"
API_KEY_FIELDS: Final = ("youtube_api_key", "gemini_api_key", "finnhub_api_key", "alpha_vantage_api_key")
TOLERANCE: Final = Tolerance(server_errors=5, p95_milliseconds=3000)
ANALYSES_AT_ONCE: Final = 10
PRICE_JOBS_AT_ONCE: Final = 2
SWEEP_EVERY: Final = Duration.minutes(5)


class StockTrackRecordData(Stack):
    """Tables and secrets."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"{TITLE}: tables and secrets ({environment.name})",
            termination_protection=environment.retain_data,
        )
        self.tables = ServiceTables(self, "Tables", tables=tables.TABLES, environment=environment)
        self.api_keys = provider_keys(self, "ApiKeys", fields=API_KEY_FIELDS, environment=environment)
        self.cursor_key = signing_key(self, "CursorKey", environment=environment)


class StockTrackRecordApp(Stack):
    """API, worker and its queues, sweep, alarms."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, data: StockTrackRecordData
    ) -> None:
        super().__init__(
            scope, construct_id, description=f"{TITLE}: API, worker, queues and alarms ({environment.name})"
        )
        self.add_stack_dependency(data, "functions expect their tables")
        self.processing = self._queue("Processing", environment)
        self.prices = self._queue("Prices", environment)
        self.worker = self._worker(environment, data)
        self.api = self._api(environment, data)
        self.sweep = Schedule(self, "Sweep", function=self.worker, every=SWEEP_EVERY, event={"task": "sweep"})
        self._watch(environment, data)
        self._outputs()

    def _queue(self, name: str, environment: Environment) -> WorkQueue:
        return WorkQueue(
            self,
            name,
            physical_name=f"StockTrackRecord-{name}-{environment.name}",
            function_timeout_seconds=environment.worker_size.timeout_seconds,
        )

    def _worker(self, environment: Environment, data: StockTrackRecordData) -> ServiceFunction:
        values = self._shared_values(environment, data) | {
            "sqs_dlq_url": self.processing.dead_letters.queue_url,
            "price_dlq_url": self.prices.dead_letters.queue_url,
        }
        worker = ServiceFunction(
            self,
            "Worker",
            handler=f"{PACKAGE}.handlers.worker",
            size=environment.worker_size,
            settings=WorkerSettings.model_validate(values),
            environment=environment,
        )
        worker.allow_sending_to_itself()  # a throttled video is sent again up to 40 times
        self.processing.feed(worker, max_concurrency=ANALYSES_AT_ONCE)
        self.prices.feed(worker, max_concurrency=PRICE_JOBS_AT_ONCE)
        data.tables.grant_access(worker.role, tables.WORKER_PATTERNS)
        self._grant_shared(worker, data)
        return worker

    def _api(self, environment: Environment, data: StockTrackRecordData) -> ApiFunction:
        frontend, *others = environment.origins_of(SERVICE)
        values = self._shared_values(environment, data) | {
            "frontend_url": frontend,
            "cors_extra_origins": ",".join(others),
            "cursor_secret_id": data.cursor_key.secret_arn,
        }
        settings = ApiSettings.model_validate(values)
        function = ServiceFunction(
            self,
            "ApiFunction",
            handler=f"{PACKAGE}.handlers.api",
            size=environment.api_size,
            settings=settings,
            environment=environment,
            snap_start=environment.snap_start,
        )
        data.tables.grant_access(function.role, tables.API_PATTERNS)
        self._grant_shared(function, data)
        grant_read(function.role, data.cursor_key)
        return ApiFunction(
            self,
            "Api",
            function=function,
            environment=environment,
            cors=settings.cors,
            limits={(method, ALL_PATHS): environment.write_throttle for method in ("POST", "DELETE")},
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

    def _watch(self, environment: Environment, data: StockTrackRecordData) -> None:
        parts = ServiceParts(
            api=self.api,
            functions={"API": self.api.function, "Worker": self.worker},
            queues=[self.processing, self.prices],
            tables=data.tables,
            schedules=[self.sweep],
            counts=[_count_of("RunFailed"), _count_of("PriceRefreshDropped")],
        )
        alarms = watch_parts(self, parts, title=TITLE, environment=environment)
        # The worker counts a run that ended as `failed`: a bad key, a used-up quota, an unknown channel. A refresh that
        # was dropped is only shown: the next visit of a page asks for its prices again.
        alarms.watch(
            self,
            "RunFailed",
            metric=_count_of("RunFailed"),
            at_least=1,
            meaning="the analysis of a channel failed",
            runbook=RUN_FAILED,
        )
        show_parts(self, parts, alarms, service=SERVICE, title=TITLE, environment=environment)

    def _outputs(self) -> None:
        """What scripts and the local run need to find again."""
        outputs = {
            "ApiId": self.api.api.api_id,
            "ApiUrl": self.api.api.api_endpoint,
            "ProcessingQueueUrl": self.processing.queue.queue_url,
            "ProcessingDeadLetterQueueUrl": self.processing.dead_letters.queue_url,
            "PricesQueueUrl": self.prices.queue.queue_url,
            "PricesDeadLetterQueueUrl": self.prices.dead_letters.queue_url,
            "ApiLogGroup": self.api.function.log_group.log_group_name,
            "ApiAccessLogGroup": self.api.access_log.log_group_name,
            "ApiFunctionName": self.api.function.function.function_name,
            "WorkerLogGroup": self.worker.log_group.log_group_name,
            "WorkerFunctionName": self.worker.function.function_name,
            "SweepRuleName": self.sweep.rule.rule_name,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)


def _count_of(name: str) -> cloudwatch.Metric:
    """Something the worker counts, in five minutes."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=name,
        dimensions_map={"service": PACKAGE},
        statistic="Sum",
        period=PERIOD,
    )
