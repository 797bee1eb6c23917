"""The stacks of Yoto Smart Stream: what it keeps, and what runs."""

from typing import Final

from aws_cdk import Duration
from constructs import Construct

from cdk_app.constructs.api_function import ApiFunction, Limits, Tolerance
from cdk_app.constructs.dashboard import ServiceParts
from cdk_app.constructs.event_route import EventRoute
from cdk_app.constructs.queue_worker import WorkQueue
from cdk_app.constructs.schedule import schedules
from cdk_app.constructs.secrets import generated_password, grant_read, signing_key
from cdk_app.constructs.service_bucket import ServiceBucket
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.constructs.service_stacks import AppStack, DataStack
from cdk_app.constructs.service_table import ServiceTables
from cdk_app.environments import Environment, FunctionSize, Throttle
from cdk_app.services.registry import YOTO_SMART_STREAM
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.settings import ApiSettings, WorkerSettings

SERVICE: Final = YOTO_SMART_STREAM.name
TITLE: Final = YOTO_SMART_STREAM.title
BUNDLE: Final = YOTO_SMART_STREAM.bundle
ADMIN_NAME: Final = "admin"
API_SIZE: Final = FunctionSize(memory_mb=1024, timeout_seconds=29)
WORKER_SIZE: Final = FunctionSize(memory_mb=512, timeout_seconds=120)
TOLERANCE: Final = Tolerance(server_errors=5, p95_milliseconds=1000)
REQUEST_LIMIT: Final = Throttle(requests_per_second=25, burst=50)
MESSAGES_AT_ONCE: Final = 5
MESSAGES_PER_BATCH: Final = 5


class YotoSmartStreamData(DataStack):
    """Table, bucket and secrets."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, title=TITLE, environment=environment)
        self.tables = ServiceTables(self, "Tables", tables=tables.TABLES, environment=environment)
        self.audio = ServiceBucket(
            self,
            tables.AUDIO_BUCKET.name,
            bucket=tables.AUDIO_BUCKET,
            origins=environment.origins_of(SERVICE),
            environment=environment,
        )
        self.signing_key = signing_key(self, "SigningKey", environment=environment)
        self.bootstrap_admin = generated_password(self, "BootstrapAdmin", username=ADMIN_NAME, environment=environment)


class YotoSmartStreamApp(AppStack):
    """API, worker and its queue, what S3 and Amazon Transcribe tell, sweep, alarms."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, data: YotoSmartStreamData
    ) -> None:
        super().__init__(scope, construct_id, title=TITLE, environment=environment, data=data)
        self.work = WorkQueue(
            self,
            "Transcription",
            physical_name=f"{SERVICE}-Transcription-{environment.name}",
            function_timeout_seconds=WORKER_SIZE.timeout_seconds,
            longest_wait=Duration.minutes(30),
        )
        self.api = self._api(environment, data)
        self.worker = self._worker(environment, data)
        self.routes = [
            EventRoute(self, "Uploaded", pattern=data.audio.created_below(tables.UPLOADS), queue=self.work),
        ]
        self.schedules = schedules(self, YOTO_SMART_STREAM.tasks, function=self.worker)
        self._operate(data)

    def _api(self, environment: Environment, data: YotoSmartStreamData) -> ApiFunction:
        settings = ApiSettings.model_validate(
            self._shared_values(environment, data)
            | {
                "jwt_secret_arn": data.signing_key.secret_arn,
                "cors_origins": ",".join(environment.origins_of(SERVICE)),
                "maintenance_mode": environment.maintenance.get(SERVICE, "off"),
            }
        )
        function = ServiceFunction(
            self,
            "ApiFunction",
            handler=BUNDLE.handler("api"),
            size=API_SIZE,
            settings=settings,
            environment=environment,
            snap_start=environment.snap_start,
        )
        data.tables.grant_access(function.role, asked_by=tables.API)
        data.audio.grant_access(function.role, asked_by=tables.API)
        self.work.grant_send(function.role)
        for secret in (data.signing_key, data.bootstrap_admin):
            grant_read(function.role, secret)
        api = ApiFunction(
            self,
            "Api",
            function=function,
            environment=environment,
            cors=settings.cors,
            limits=Limits(default=REQUEST_LIMIT, routes={}),
            tolerance=TOLERANCE,
        )
        function.add_environment("PUBLIC_URL", environment.public_urls.get(SERVICE, api.api.api_endpoint))
        return api

    def _worker(self, environment: Environment, data: YotoSmartStreamData) -> ServiceFunction:
        values = self._shared_values(environment, data) | {"transcription_dlq_url": self.work.dead_letters.queue_url}
        worker = ServiceFunction(
            self,
            "Worker",
            handler=BUNDLE.handler("worker"),
            size=WORKER_SIZE,
            settings=WorkerSettings.model_validate(values),
            environment=environment,
        )
        worker.allow_sending_to_itself()
        self.work.feed(worker, max_concurrency=MESSAGES_AT_ONCE, batch_size=MESSAGES_PER_BATCH)
        self.work.grant_send(worker.role)
        data.tables.grant_access(worker.role, asked_by=tables.WORKER)
        data.audio.grant_access(worker.role, asked_by=tables.WORKER)
        grant_read(worker.role, data.bootstrap_admin)
        return worker

    def _shared_values(self, environment: Environment, data: YotoSmartStreamData) -> dict[str, object]:
        return {
            "environment": environment.name,
            "dynamodb_region": self.region,
            "dynamodb_table": data.tables.names[tables.MAIN.name],
            "s3_audio_bucket": data.audio.bucket_name,
            "transcription_queue_url": self.work.queue.queue_url,
            "bootstrap_admin_secret_arn": data.bootstrap_admin.secret_arn,
        }

    def _operate(self, data: YotoSmartStreamData) -> None:
        parts = ServiceParts(
            api=self.api,
            functions={"API": self.api.function, "Worker": self.worker},
            queues=[self.work],
            tables=data.tables,
            schedules=self.schedules,
            buckets=[data.audio],
            routes=self.routes,
        )
        alarms = self.watch_parts(parts)
        self.show_parts(parts, alarms, service=SERVICE)
        self.add_outputs(parts)
