"""The stacks of Yoto Smart Stream: what it keeps, and what runs."""

from typing import Final

from aws_cdk import Annotations, CfnOutput, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk_app.constructs.api_function import ApiFunction, Limits, Tolerance
from cdk_app.constructs.dashboard import ServiceParts
from cdk_app.constructs.distribution import FileDistribution
from cdk_app.constructs.event_route import EventRoute
from cdk_app.constructs.migration_operator import grant_look_up
from cdk_app.constructs.queue_worker import WorkQueue
from cdk_app.constructs.runbooks import TRANSCRIPTION
from cdk_app.constructs.schedule import schedules
from cdk_app.constructs.secrets import generated_password, grant_read, grant_write, provider_keys, signing_key
from cdk_app.constructs.service_bucket import ServiceBucket
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.constructs.service_stacks import AppStack, DataStack, count_of, each_of
from cdk_app.constructs.service_table import ServiceTables
from cdk_app.constructs.transcription import JobAccess
from cdk_app.environments import Environment, FunctionSize, Throttle
from cdk_app.services.registry import YOTO_SMART_STREAM
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.settings import ApiSettings, Counts, WorkerSettings

SERVICE: Final = YOTO_SMART_STREAM.name
TITLE: Final = YOTO_SMART_STREAM.title
PACKAGE: Final = YOTO_SMART_STREAM.package
BUNDLE: Final = YOTO_SMART_STREAM.bundle
ADMIN_NAME: Final = "admin"
MEDIA_KEY_PARTS: Final = ("private_key",)
API_SIZE: Final = FunctionSize(memory_mb=1024, timeout_seconds=29)
WORKER_SIZE: Final = FunctionSize(memory_mb=512, timeout_seconds=120)
TOLERANCE: Final = Tolerance(server_errors=5, p95_milliseconds=1000)
REQUEST_LIMIT: Final = Throttle(requests_per_second=25, burst=50)
MESSAGES_AT_ONCE: Final = 5
MESSAGES_PER_BATCH: Final = 5
DRAWN: Final = (
    Counts.SIGN_IN_FAILURE,
    Counts.TRANSCRIPTION_DONE,
    Counts.TRANSCRIPTION_REFUSED,
    Counts.JOB_RESENT,
    Counts.SWEEP_FAILED,
)
NO_CLIENT_ID: Final = "enable_mqtt has no effect because yoto_client_id is not set"
NO_PLAYER_EVENTS: Final = "enable_mqtt has no effect yet: nothing here listens to players"


class YotoSmartStreamData(DataStack):
    """Table, bucket and secrets. media_key: None without a distribution.

    Only who moves data in reads or writes the secret of Yoto's own sign-in yet.
    """

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
        yoto_oauth = provider_keys(self, "YotoOAuth", fields=(), environment=environment)
        self.media_key = (
            provider_keys(self, "MediaKey", fields=MEDIA_KEY_PARTS, environment=environment)
            if environment.enable_cloudfront
            else None
        )
        CfnOutput(self, "DynamoDBTableName", value=tables.MAIN.physical_name(environment.name))
        CfnOutput(self, "BootstrapAdminSecretArn", value=self.bootstrap_admin.secret_arn)
        CfnOutput(self, "YotoTokenSecretArn", value=yoto_oauth.secret_arn)
        if self.tables.migration_operator is not None:
            self._let_in(self.tables.migration_operator, yoto_oauth=yoto_oauth)

    def _let_in(self, operator: iam.Role, *, yoto_oauth: secretsmanager.Secret) -> None:
        """Allow who moves data in what is moved beside the table: audio, tokens of Yoto, the first administrator."""
        self.audio.grant_access(operator, asked_by=tables.MIGRATION)
        for secret in (self.bootstrap_admin, yoto_oauth):
            grant_read(operator, secret)
        grant_write(operator, yoto_oauth)
        grant_look_up(operator)


class YotoSmartStreamApp(AppStack):
    """API, worker and its queue, what S3 and Amazon Transcribe tell, sweep, alarms; a distribution where asked."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, data: YotoSmartStreamData
    ) -> None:
        super().__init__(scope, construct_id, title=TITLE, environment=environment, data=data)
        self.jobs = JobAccess(tables.TRANSCRIPTIONS, environment)
        self.work = WorkQueue(
            self,
            "Transcription",
            physical_name=f"{SERVICE}-Transcription-{environment.name}",
            function_timeout_seconds=WORKER_SIZE.timeout_seconds,
            longest_wait=Duration.minutes(30),
        )
        self.api = self._api(environment, data)
        self._show_files(environment, data)
        self.worker = self._worker(environment, data)
        self.routes = [
            EventRoute(self, "Uploaded", pattern=data.audio.created_below(tables.UPLOADS), queue=self.work),
            EventRoute(self, "Transcribed", pattern=self.jobs.ended(), queue=self.work),
        ]
        self.schedules = schedules(self, YOTO_SMART_STREAM.tasks, function=self.worker)
        self._tell_of_player_events(environment)
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
        function = self.add_api_function(BUNDLE.handler("api"), size=API_SIZE, settings=settings)
        data.tables.grant_access(function.role, asked_by=tables.API)
        data.audio.grant_access(function.role, asked_by=tables.API)
        self.work.grant_send(function.role)
        for secret in (data.signing_key, data.bootstrap_admin):
            grant_read(function.role, secret)
        return self.add_api(
            function,
            cors=settings.cors,
            limits=Limits(default=REQUEST_LIMIT, routes={}),
            tolerance=TOLERANCE,
        )

    def _show_files(self, environment: Environment, data: YotoSmartStreamData) -> None:
        """Tell the API where people find it, and where they find files: in S3, or at a distribution."""
        function, url = self.api.function, self.api.api.api_endpoint
        shown_by: dict[str, str] = {}
        if data.media_key is not None:
            files = FileDistribution(
                self,
                "Files",
                api=self.api,
                bucket=data.audio,
                prefix=tables.MEDIA,
                public_keys=environment.media_public_keys.get(SERVICE, ()),
            )
            url, shown_by[tables.MEDIA] = files.url, files.arn
            function.add_environment("MEDIA_BASE_URL", files.url)
            function.add_environment("CLOUDFRONT_KEY_PAIR_ID", files.key_pair_id)
            function.add_environment("CLOUDFRONT_PRIVATE_KEY_SECRET_ARN", data.media_key.secret_arn)
            grant_read(function.role, data.media_key)
        function.add_environment("PUBLIC_URL", environment.public_urls.get(SERVICE, url))
        data.audio.write_policy(self, shown_by=shown_by)

    def _worker(self, environment: Environment, data: YotoSmartStreamData) -> ServiceFunction:
        values = self._shared_values(environment, data) | {"transcription_dlq_url": self.work.dead_letters.queue_url}
        settings = WorkerSettings.model_validate(values)
        worker = self.add_worker(BUNDLE.handler("worker"), size=WORKER_SIZE, settings=settings)
        self.work.feed(worker, max_concurrency=MESSAGES_AT_ONCE, batch_size=MESSAGES_PER_BATCH)
        self.work.grant_send(worker.role)
        data.tables.grant_access(worker.role, asked_by=tables.WORKER)
        data.audio.grant_access(worker.role, asked_by=tables.WORKER)
        self.jobs.grant(worker.role, asked_by=tables.WORKER)
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

    def _tell_of_player_events(self, environment: Environment) -> None:
        """Warn who switches on what is not there."""
        if environment.enable_mqtt:
            told = NO_PLAYER_EVENTS if environment.yoto_client_id else NO_CLIENT_ID
            Annotations.of(self).add_warning_v2("player-events", told)
        CfnOutput(self, "PlayerEventsEnabled", value="false")

    def _operate(self, data: YotoSmartStreamData) -> None:
        failed = _count_of(Counts.TRANSCRIPTION_FAILED)
        parts = ServiceParts(
            api=self.api,
            functions={"API": self.api.function, "Worker": self.worker},
            queues=[self.work],
            tables=data.tables,
            schedules=self.schedules,
            buckets=[data.audio],
            routes=self.routes,
            counts=[
                *(_count_of(name) for name in DRAWN),
                failed,
                each_of(Counts.UPLOAD_REJECTED, by="reason", namespace=SERVICE),
            ],
        )
        alarms = self.watch_parts(parts)
        alarms.watch(
            self,
            Counts.TRANSCRIPTION_FAILED,
            metric=failed,
            at_least=1,
            meaning="a file could not be turned into text",
            runbook=TRANSCRIPTION,
        )
        self.show_parts(parts, alarms, service=SERVICE)
        self.add_outputs(parts)


def _count_of(name: str) -> cloudwatch.Metric:
    return count_of(name, namespace=SERVICE, service=PACKAGE)
