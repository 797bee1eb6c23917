"""A Lambda function of a service: own role, own log group, own alarms, code from the service's bundle."""

import platform
from typing import Final

from aws_cdk import AssetHashType, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.bundling import RUNTIME_FOLDER, BundleContents, Handler, bundle_service
from cdk_app.constructs.runbooks import FUNCTION_DURATION, FUNCTION_ERRORS, FUNCTION_THROTTLES
from cdk_app.constructs.trimming import AMAZON_ROOTS_FILE
from cdk_app.constructs.wheelhouse import HOST, LAMBDA_ARM64
from cdk_app.environments import Environment, FunctionSize
from lambda_src.runtime.settings import ServiceSettings, environment_of

RUNTIME: Final = lambda_.Runtime.PYTHON_3_13
NEAR_TIMEOUT: Final = 0.95  # the worker's longest budget is 840 of 900 s, so only a runaway gets here
THE_NEXT_ONE: Final = "A lost call needs no second queue: the next one does the same work"
LONGEST_WAIT: Final = Duration.minutes(5)  # of an asynchronous call before it is given up
LOG_RETENTION: Final = {
    7: logs.RetentionDays.ONE_WEEK,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


class ServiceFunction(Construct):
    """One function of a service, outside any VPC. Attributes for others: function, role, log_group.

    handler: what Lambda calls, and the bundle it is in. settings: what the function will read from its variables.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: Handler,
        size: FunctionSize,
        settings: ServiceSettings,
        environment: Environment,
        snap_start: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        self.size = size
        self._is_called_once = False
        self.log_group = log_group(self, "Logs", environment)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=RUNTIME,
            architecture=_architecture(environment),
            code=_code(handler.contents, environment),
            handler=handler.path,
            memory_size=size.memory_mb,
            timeout=Duration.seconds(size.timeout_seconds),
            environment={**environment_of(settings), **_own_variables(environment)},
            role=self.role,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE if environment.tracing else lambda_.Tracing.DISABLED,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            # Kept when the next one is published, so that an alias can be put back; docs/rollback.md says when to clear
            # them away. One whose deployment failed goes: Lambda never publishes the same code a second time.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE),
        )
        self._accept_findings(environment)

    def add_environment(self, variable: str, value: str) -> None:
        """Set a variable that is known only after the function: an address of what stands in front of it."""
        self.function.add_environment(variable, value)

    def call_once(self) -> None:
        """Give up an asynchronous call that fails, or cannot begin within minutes: a schedule calls again anyway."""
        if self._is_called_once:
            return
        self._is_called_once = True
        self.function.configure_async_invoke(retry_attempts=0, max_event_age=LONGEST_WAIT)
        acknowledge(self.function, "Serverless-LambdaAsyncFailureDestination", THE_NEXT_ONE)

    def allow_sending_to_itself(self) -> None:
        """Let one message cause another to this function more than 16 times in a row.

        Lambda takes that for a runaway loop and stops it, unless told otherwise.
        https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
        """
        resource = self.function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)
        resource.recursive_loop = "Allow"

    def watch(self, alarms: ServiceAlarms) -> list[cloudwatch.Alarm]:
        """Alarm on errors, throttles and running close to the timeout."""
        near_timeout_milliseconds = self.size.timeout_seconds * 1000 * NEAR_TIMEOUT
        return [
            alarms.watch(
                self,
                "Errors",
                metric=self.function.metric_errors(period=PERIOD),
                at_least=1,
                meaning=f"function {self.node.id} raised an error or was killed",
                runbook=FUNCTION_ERRORS,
            ),
            alarms.watch(
                self,
                "Throttles",
                metric=self.function.metric_throttles(period=PERIOD),
                at_least=1,
                meaning=f"function {self.node.id} was refused for lack of concurrency",
                runbook=FUNCTION_THROTTLES,
            ),
            alarms.watch(
                self,
                "Duration",
                metric=self.function.metric_duration(period=PERIOD, statistic="Maximum"),
                at_least=near_timeout_milliseconds,
                meaning=f"function {self.node.id} ran for almost all of its {self.size.timeout_seconds} s",
                runbook=FUNCTION_DURATION,
            ),
        ]

    def _accept_findings(self, environment: Environment) -> None:
        for rule in ("AwsSolutions-L1", "Serverless-LambdaLatestVersion"):
            acknowledge(self.function, rule, "Python 3.13 is the version that all tests run on; see wheelhouse.py")
        acknowledge(
            self.function,
            "Serverless-LambdaDLQ",
            "Called by the gateway, by queues that have a dead-letter queue, and by a schedule that comes again",
        )
        if environment.tracing:
            acknowledge(self.role, "AwsSolutions-IAM5[Resource::*]", "X-Ray's two put actions know no resource to name")
        else:
            acknowledge(self.function, "Serverless-LambdaTracing", "On this machine there is nobody to send traces to")
        acknowledge(
            self.function, "@aws-cdk/aws-lambda:snapStartRequirePublish", "The alias `live` serves a published version"
        )


def log_group(scope: Construct, construct_id: str, environment: Environment) -> logs.LogGroup:
    """A log group that forgets after the environment's retention and goes away with its stack."""
    retention = LOG_RETENTION[environment.log_retention_days]
    return logs.LogGroup(scope, construct_id, retention=retention, removal_policy=RemovalPolicy.DESTROY)


def _code(contents: BundleContents, environment: Environment) -> lambda_.Code:
    bundle = bundle_service(contents, HOST if environment.on_this_machine else LAMBDA_ARM64)
    return lambda_.Code.from_asset(
        str(bundle.path), asset_hash=bundle.content_hash, asset_hash_type=AssetHashType.CUSTOM
    )


def _architecture(environment: Environment) -> lambda_.Architecture:
    if environment.on_this_machine and platform.machine() in {"x86_64", "AMD64"}:
        return lambda_.Architecture.X86_64
    return lambda_.Architecture.ARM_64


def _own_variables(environment: Environment) -> dict[str, str]:
    """Variables that concern the way the bundle is built rather than the service."""
    if environment.on_this_machine:
        return {}  # the local cloud speaks plain HTTP and unpacks bundles elsewhere
    return {"AWS_CA_BUNDLE": f"{RUNTIME_FOLDER}/{AMAZON_ROOTS_FILE}"}
