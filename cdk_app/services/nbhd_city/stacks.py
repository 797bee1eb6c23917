"""The stacks of nbhd.city: what it keeps, and what runs."""

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.api_function import ApiFunction, Limits, Tolerance
from cdk_app.constructs.dashboard import ServiceParts
from cdk_app.constructs.queue_worker import WorkQueue
from cdk_app.constructs.runbooks import API_ERRORS, CONTENTION, INVARIANTS, SIGN_IN
from cdk_app.constructs.schedule import schedules
from cdk_app.constructs.secrets import grant_read, provider_keys
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.constructs.service_stacks import AppStack, DataStack, count_of, each_of
from cdk_app.constructs.service_table import ServiceTables
from cdk_app.environments import Environment, FunctionSize, Throttle
from cdk_app.services.registry import NBHD_CITY
from lambda_src.services.nbhd_city import tables
from lambda_src.services.nbhd_city.settings import ApiSettings, WorkerSettings

SERVICE: Final = NBHD_CITY.name
TITLE: Final = NBHD_CITY.title
PACKAGE: Final = NBHD_CITY.package
BUNDLE: Final = NBHD_CITY.bundle
SECRET_PARTS: Final = ("jwt", "oauth", "test_login")
API_SIZE: Final = FunctionSize(memory_mb=512, timeout_seconds=20)
WORKER_SIZE: Final = FunctionSize(memory_mb=256, timeout_seconds=60)
TOLERANCE: Final = Tolerance(server_errors=11, p95_milliseconds=500)
REQUEST_LIMIT: Final = Throttle(requests_per_second=100, burst=200)
SIGN_IN_LIMIT: Final = Throttle(requests_per_second=10, burst=20)
SIGN_IN_ROUTES: Final = (("GET", "/auth/login"), ("POST", "/auth/token"), ("POST", "/auth/test-login"))
TASKS_AT_ONCE: Final = 5
TASKS_PER_BATCH: Final = 5
INVARIANT_COUNTS: Final = ("MemberCountInvariant", "MemberCountDrift", "NameSentinelInvariant")
CONFLICTS_TOLERATED: Final = 101  # per 5 minutes; each is retried
REQUESTS_OF_A_RATE: Final = 1000  # in 5 minutes; among fewer, one error is a large share
ERROR_PERCENT_TOLERATED: Final = 0.1
SIGN_IN_FAILURE: Final = "OAuthFailure"  # counted by reason, and whole: an alarm cannot search
FAILED_SIGN_INS_TOLERATED: Final = 21  # per 5 minutes
# On this machine the authorization server is a stand-in, reached over plain HTTP.
LOCAL_SIGN_IN: Final = {"oauth_profile": "basic", "allow_insecure_upstreams": True, "test_login_enabled": True}


class NbhdCityData(DataStack):
    """Table and secret."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, title=TITLE, environment=environment)
        self.tables = ServiceTables(self, "Tables", tables=tables.TABLES, environment=environment)
        self.app_secret = provider_keys(self, "AppSecret", fields=SECRET_PARTS, environment=environment)


class NbhdCityApp(AppStack):
    """API, worker and its queue, schedules, alarms."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, data: NbhdCityData) -> None:
        super().__init__(scope, construct_id, title=TITLE, environment=environment, data=data)
        self.tasks = WorkQueue(
            self,
            "Tasks",
            physical_name=f"{SERVICE}-Tasks-{environment.name}",
            function_timeout_seconds=WORKER_SIZE.timeout_seconds,
            longest_wait=Duration.minutes(15),
        )
        self.api = self._api(environment, data)
        self.worker = self._worker(environment, data)
        self.schedules = schedules(self, NBHD_CITY.tasks, function=self.worker)
        self._operate(environment, data)

    def _api(self, environment: Environment, data: NbhdCityData) -> ApiFunction:
        origins = ",".join(environment.origins_of(SERVICE))
        settings = ApiSettings.model_validate(
            self._shared_values(environment, data)
            | {
                "app_secret_arn": data.app_secret.secret_arn,
                "frontend_origins": origins,
                "cors_allowed_origins": origins,
                "maintenance_mode": environment.maintenance.get(SERVICE, "off"),
                "callback_mode": environment.callback_mode,
                **(LOCAL_SIGN_IN if environment.on_this_machine else {}),
            }
        )
        function = self.add_api_function(BUNDLE.handler("api"), size=API_SIZE, settings=settings)
        data.tables.grant_access(function.role, asked_by=tables.API)
        self.tasks.grant_send(function.role)
        grant_read(function.role, data.app_secret)
        api = self.add_api(
            function,
            cors=settings.cors,
            limits=Limits(default=REQUEST_LIMIT, routes=dict.fromkeys(SIGN_IN_ROUTES, SIGN_IN_LIMIT)),
            tolerance=TOLERANCE,
        )
        function.add_environment("API_BASE_URL", environment.public_urls.get(SERVICE, api.api.api_endpoint))
        return api

    def _worker(self, environment: Environment, data: NbhdCityData) -> ServiceFunction:
        values = self._shared_values(environment, data) | {"nbhd_task_dlq_url": self.tasks.dead_letters.queue_url}
        settings = WorkerSettings.model_validate(values)
        worker = self.add_worker(BUNDLE.handler("worker"), size=WORKER_SIZE, settings=settings)
        self.tasks.feed(worker, max_concurrency=TASKS_AT_ONCE, batch_size=TASKS_PER_BATCH)
        self.tasks.grant_send(worker.role)
        data.tables.grant_access(worker.role, asked_by=tables.WORKER)
        return worker

    def _shared_values(self, environment: Environment, data: NbhdCityData) -> dict[str, object]:
        return {
            "environment": environment.name,
            "dynamodb_region": self.region,
            "dynamodb_table_name": data.tables.names[tables.MAIN.name],
            "nbhd_task_queue_url": self.tasks.queue.queue_url,
        }

    def _operate(self, environment: Environment, data: NbhdCityData) -> None:
        parts = ServiceParts(
            api=self.api,
            functions={"API": self.api.function, "Worker": self.worker},
            queues=[self.tasks],
            tables=data.tables,
            schedules=self.schedules,
            counts=[
                *(_count_of(name) for name in ("NameTaken", "JoinConflictRetries")),
                each_of(SIGN_IN_FAILURE, by="reason", namespace=SERVICE),
            ],
            waits=[each_of("UpstreamLatency", by="upstream", namespace=SERVICE, statistic="p95")],
        )
        alarms = self.watch_parts(parts)
        if not environment.on_this_machine:
            self._watch_rates(alarms, data)
        alarms.watch(
            self,
            "SignInFailures",
            metric=_count_of(SIGN_IN_FAILURE),
            at_least=FAILED_SIGN_INS_TOLERATED,
            meaning="sign-ins through BlueSky fail",
            runbook=SIGN_IN,
        )
        self.show_parts(parts, alarms, service=SERVICE)
        self.add_outputs(parts)

    def _watch_rates(self, alarms: ServiceAlarms, data: NbhdCityData) -> None:
        """What only a calculation over several metrics shows."""
        api = self.api.api
        alarms.watch(
            self,
            "ErrorRate",
            metric=cloudwatch.MathExpression(
                expression=f"IF(requests >= {REQUESTS_OF_A_RATE}, 100 * errors / requests, 0)",
                using_metrics={
                    "errors": api.metric_server_error(period=PERIOD, statistic="Sum"),
                    "requests": api.metric_count(period=PERIOD, statistic="Sum"),
                },
                period=PERIOD,
                label="answers with 5xx, percent",
            ),
            at_least=ERROR_PERCENT_TOLERATED,
            periods=3,
            meaning=f"more than {ERROR_PERCENT_TOLERATED} % of all requests are answered with 5xx",
            runbook=API_ERRORS,
        )
        alarms.watch(
            self,
            "Contention",
            metric=data.tables.metric("TransactionConflict", tables.MAIN),
            at_least=CONFLICTS_TOLERATED,
            meaning="many joins and leaves meet on one neighborhood",
            runbook=CONTENTION,
        )
        alarms.watch(
            self,
            "Invariants",
            metric=cloudwatch.MathExpression(
                expression="SUM(METRICS())",
                using_metrics={f"m{number}": _count_of(name) for number, name in enumerate(INVARIANT_COUNTS)},
                period=PERIOD,
                label="broken invariants",
            ),
            at_least=1,
            meaning="a member count or a name does not agree with what it stands for",
            runbook=INVARIANTS,
        )


def _count_of(name: str) -> cloudwatch.Metric:
    return count_of(name, namespace=SERVICE, service=PACKAGE)
