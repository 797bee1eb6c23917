"""The stacks of AlgoItny: what it keeps, and what runs."""

from typing import Final

from aws_cdk import Annotations, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_app.constructs.api_function import ApiFunction, Limits, Tolerance
from cdk_app.constructs.dashboard import ServiceParts
from cdk_app.constructs.queue_worker import WorkQueue
from cdk_app.constructs.runbooks import SIGN_IN
from cdk_app.constructs.schedule import schedules
from cdk_app.constructs.secrets import grant_read, signing_key
from cdk_app.constructs.service_bucket import ServiceBucket
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.constructs.service_stacks import AppStack, DataStack, count_of
from cdk_app.constructs.service_table import ServiceTables
from cdk_app.constructs.stream_consumer import StreamConsumer
from cdk_app.environments import Environment, FunctionSize, Throttle
from cdk_app.services.registry import ALGOITNY
from lambda_src.runtime.settings import ServiceSettings
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.archive.rules import FILTERS as ARCHIVED
from lambda_src.services.algoitny.settings import ApiSettings, ArchiverSettings, Counts, StatsSettings, WorkerSettings
from lambda_src.services.algoitny.statistics.rules import FILTERS as COUNTED

SERVICE: Final = ALGOITNY.name
TITLE: Final = ALGOITNY.title
PACKAGE: Final = ALGOITNY.package
BUNDLE: Final = ALGOITNY.bundle
SECRET_FIELDS: Final = ("google_client_secret", "gemini_api_key", "judge0_api_key", "admin_emails")
API_SIZE: Final = FunctionSize(memory_mb=1024, timeout_seconds=29)
WORKER_SIZE: Final = FunctionSize(memory_mb=512, timeout_seconds=900)
READER_SIZE: Final = FunctionSize(memory_mb=512, timeout_seconds=120)
TOLERANCE: Final = Tolerance(server_errors=11, p95_milliseconds=1000)
REQUEST_LIMIT: Final = Throttle(requests_per_second=100, burst=200)
SIGN_IN_LIMIT: Final = Throttle(requests_per_second=10, burst=20)
RUN_LIMIT: Final = Throttle(requests_per_second=25, burst=50)
LIMITS: Final = Limits(
    default=REQUEST_LIMIT,
    routes={
        ("POST", "/api/auth/google"): SIGN_IN_LIMIT,
        ("POST", "/api/auth/refresh"): SIGN_IN_LIMIT,
        ("POST", "/api/history"): RUN_LIMIT,
    },
)
JOBS_AT_ONCE: Final = 5
FAILED_SIGN_INS_TOLERATED: Final = 21  # per 5 minutes
POPUP: Final = "postmessage"  # what Google's own script names as the address of a code that it hands to the page
NOBODY_SIGNS_IN: Final = f"nobody can sign in: google_client_ids of environments.py has none for {SERVICE}"


class AlgoItnyData(DataStack):
    """Table, buckets and secret."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, title=TITLE, environment=environment)
        self.tables = ServiceTables(self, "Tables", tables=items.TABLES, environment=environment)
        self.content, self.archive = (
            ServiceBucket(self, bucket.name, bucket=bucket, origins=(), environment=environment)
            for bucket in items.BUCKETS
        )
        self.app_secret = signing_key(self, "AppSecret", environment=environment, fields=SECRET_FIELDS)


class AlgoItnyApp(AppStack):
    """API, worker and its queue, the two who hear of the table's changes, schedules, alarms."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, data: AlgoItnyData) -> None:
        super().__init__(scope, construct_id, title=TITLE, environment=environment, data=data)
        self.jobs = WorkQueue(
            self,
            "Jobs",
            physical_name=f"{SERVICE}-Jobs-{environment.name}",
            function_timeout_seconds=WORKER_SIZE.timeout_seconds,
        )
        self.api = self._api(environment, data)
        self.worker = self._worker(environment, data)
        self.stats = self._stats(environment, data)
        self.archive = self._archive(environment, data)
        self.schedules = schedules(self, ALGOITNY.tasks, function=self.worker)
        for bucket in (data.content, data.archive):
            bucket.write_policy(self)
        self._operate(data)

    def _api(self, environment: Environment, data: AlgoItnyData) -> ApiFunction:
        origins, client_ids = environment.origins_of(SERVICE), environment.google_client_ids.get(SERVICE, ())
        if not client_ids:
            Annotations.of(self).add_warning_v2("google-client-ids", NOBODY_SIGNS_IN)
        settings = ApiSettings.model_validate(
            self._shared_values(environment, data)
            | {
                "app_secret_arn": data.app_secret.secret_arn,
                "google_client_ids": ",".join(client_ids),
                "google_redirect_uris": ",".join((*origins, POPUP)),
                "cors_allowed_origins": ",".join(origins),
                "maintenance_mode": environment.maintenance.get(SERVICE, "off"),
            }
        )
        function = self.add_api_function(BUNDLE.handler("api"), size=API_SIZE, settings=settings)
        data.tables.grant_access(function.role, asked_by=items.API)
        data.content.grant_access(function.role, asked_by=items.API)
        self.jobs.grant_send(function.role)
        grant_read(function.role, data.app_secret)
        return self.add_api(function, cors=settings.cors, limits=LIMITS, tolerance=TOLERANCE)

    def _worker(self, environment: Environment, data: AlgoItnyData) -> ServiceFunction:
        values = self._shared_values(environment, data) | {"algoitny_job_dlq_url": self.jobs.dead_letters.queue_url}
        settings = WorkerSettings.model_validate(values)
        worker = self.add_worker(BUNDLE.handler("worker"), size=WORKER_SIZE, settings=settings)
        self.jobs.feed(worker, max_concurrency=JOBS_AT_ONCE)
        self.jobs.grant_send(worker.role)
        data.tables.grant_access(worker.role, asked_by=items.WORKER)
        data.content.grant_access(worker.role, asked_by=items.WORKER)
        return worker

    def _stats(self, environment: Environment, data: AlgoItnyData) -> StreamConsumer:
        """Runs and hints, to what is counted of them."""
        consumer = StreamConsumer(self, "Stats", stream_arn=data.tables.stream_arn(items.MAIN))
        values = self._table_values(environment, data) | {"algoitny_stats_dlq_url": consumer.dead_letters.queue_url}
        function = self._reader("StatsFunction", "stats", StatsSettings.model_validate(values), environment)
        data.tables.grant_access(function.role, asked_by=items.STATS)
        consumer.feed(function, filters=COUNTED, batch_size=100, window=Duration.seconds(5), at_once=10)
        return consumer

    def _archive(self, environment: Environment, data: AlgoItnyData) -> StreamConsumer:
        """Usage logs that expire, to their bucket."""
        consumer = StreamConsumer(self, "Archiver", stream_arn=data.tables.stream_arn(items.MAIN))
        settings = ArchiverSettings.model_validate(
            self._table_values(environment, data)
            | {
                "algoitny_archive_bucket": data.archive.bucket_name,
                "algoitny_archive_dlq_url": consumer.dead_letters.queue_url,
            }
        )
        function = self._reader("ArchiverFunction", "archiver", settings, environment)
        data.archive.grant_access(function.role, asked_by=items.ARCHIVER)
        consumer.feed(function, filters=ARCHIVED, batch_size=1000, window=Duration.minutes(1))
        return consumer

    def _reader(
        self, construct_id: str, module: str, settings: ServiceSettings, environment: Environment
    ) -> ServiceFunction:
        return ServiceFunction(
            self,
            construct_id,
            handler=BUNDLE.handler(module),
            size=READER_SIZE,
            settings=settings,
            environment=environment,
        )

    def _table_values(self, environment: Environment, data: AlgoItnyData) -> dict[str, object]:
        return {
            "environment": environment.name,
            "dynamodb_region": self.region,
            "algoitny_table_name": data.tables.names[items.MAIN.name],
        }

    def _shared_values(self, environment: Environment, data: AlgoItnyData) -> dict[str, object]:
        return self._table_values(environment, data) | {
            "algoitny_content_bucket": data.content.bucket_name,
            "algoitny_job_queue_url": self.jobs.queue.queue_url,
        }

    def _operate(self, data: AlgoItnyData) -> None:
        parts = ServiceParts(
            api=self.api,
            functions={
                "API": self.api.function,
                "Worker": self.worker,
                "Stats": self.stats.function,
                "Archiver": self.archive.function,
            },
            queues=[self.jobs],
            tables=data.tables,
            schedules=self.schedules,
            consumers=[self.stats, self.archive],
            buckets=[data.content, data.archive],
            counts=[_count_of(name) for name in Counts],
        )
        alarms = self.watch_parts(parts)
        alarms.watch(
            self,
            "SignInFailures",
            metric=_count_of(Counts.SIGN_IN_FAILURE),
            at_least=FAILED_SIGN_INS_TOLERATED,
            meaning="sign-ins with Google fail",
            runbook=SIGN_IN,
        )
        self.show_parts(parts, alarms, service=SERVICE)
        self.add_outputs(parts)


def _count_of(name: str) -> cloudwatch.Metric:
    return count_of(name, namespace=SERVICE, service=PACKAGE)
