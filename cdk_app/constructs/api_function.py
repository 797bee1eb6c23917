"""An HTTP API in front of one function, as browsers meet it: throttled, logged, with exact CORS origins."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.rollout import Rollout
from cdk_app.constructs.runbooks import API_ERRORS, API_LATENCY
from cdk_app.constructs.service_function import ServiceFunction, log_group
from cdk_app.environments import Environment, Throttle
from lambda_src.runtime.cors import CorsRules

ALL_PATHS: Final = "/{proxy+}"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
ACCESS_LOG: Final = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "route": "$context.routeKey",
    "status": "$context.status",
    "response_bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "function_milliseconds": "$context.integrationLatency",
    "error": "$context.error.message",
    "function_error": "$context.integrationErrorMessage",
}


type Route = tuple[str, str]
"""Method and path, as API Gateway has them: `("POST", "/{proxy+}")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What an API may do before somebody is told. server_errors: in 5 minutes; p95_milliseconds: for 15 minutes."""

    server_errors: int
    p95_milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many requests an API takes. default: of every route that `routes` does not name."""

    default: Throttle
    routes: Mapping[Route, Throttle]


class ApiFunction(Construct):
    """The HTTP API of a service. Attributes for others: api, stage, access_log, alias (of the version that serves).

    cors: the rules of the application. The gateway answers preflight requests itself and puts the headers on its own
    refusals (a throttled 429 never reaches the function); the application sets the same headers where no gateway stands
    before it. tolerance: for its alarms.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: ServiceFunction,
        environment: Environment,
        cors: CorsRules,
        limits: Limits,
        tolerance: Tolerance,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = function
        self._environment = environment
        self._tolerance = tolerance
        self.alias = lambda_.Alias(
            self, "Live", alias_name="live", version=function.function.current_version, description="Serves the API"
        )
        integration = HttpLambdaIntegration("Integration", self.alias)
        self.api = gateway.HttpApi(
            self,
            "Http",
            api_name=Stack.of(self).stack_name,
            create_default_stage=False,
            default_integration=integration,
            cors_preflight=_cors(cors),
        )
        limited = [
            route
            for method, path in limits.routes
            for route in self.api.add_routes(path=path, methods=[gateway.HttpMethod[method]], integration=integration)
        ]
        self.stage = self._stage(limited, limits, environment)
        acknowledge(self.api, "AwsSolutions-APIG4", "The API is public by its contract: it has no accounts")

    def watch(self, alarms: ServiceAlarms) -> None:
        """Alarm on server errors and slow answers of the API, and on its function; let them decide its roll-outs."""
        watched = [*self._alarms(alarms), *self.function.watch(alarms)]
        if self._environment.rollout != "all_at_once":
            Rollout(self, "Rollout", alias=self.alias, watched=watched, alarms=alarms, environment=self._environment)

    def _alarms(self, alarms: ServiceAlarms) -> list[cloudwatch.Alarm]:
        return [
            alarms.watch(
                self,
                "ServerErrors",
                metric=self.api.metric_server_error(period=PERIOD, statistic="Sum"),
                at_least=self._tolerance.server_errors,
                meaning="the API answers 5xx",
                runbook=API_ERRORS,
            ),
            alarms.watch(
                self,
                "Latency",
                metric=self.api.metric_latency(period=PERIOD, statistic="p95"),
                at_least=self._tolerance.p95_milliseconds,
                periods=3,
                meaning=f"one request in twenty takes longer than {self._tolerance.p95_milliseconds} ms",
                runbook=API_LATENCY,
            ),
        ]

    def _stage(self, limited: list[gateway.HttpRoute], limits: Limits, environment: Environment) -> gateway.CfnStage:
        """The one stage, at the root of the address."""
        self.access_log = access_log = log_group(self, "AccessLog", environment)
        stage = gateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=gateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=_arn_without_streams(access_log), format=json.dumps(ACCESS_LOG)
            ),
            default_route_settings=gateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=limits.default.requests_per_second,
                throttling_burst_limit=limits.default.burst,
            ),
            route_settings={f"{method} {path}": _limit(limit) for (method, path), limit in limits.routes.items()},
        )
        for route in limited:
            stage.node.add_dependency(route)  # a limit can only be set on a route that is there
        return stage


def _limit(throttle: Throttle) -> dict[str, int]:
    """A limit under CloudFormation's own names: CDK does not translate what stands in a map of routes."""
    return {"ThrottlingRateLimit": throttle.requests_per_second, "ThrottlingBurstLimit": throttle.burst}


def _arn_without_streams(group: logs.LogGroup) -> str:
    """The ARN that API Gateway asks for; CloudFormation's own ends in `:*`, for the streams inside."""
    stack = Stack.of(group)
    return stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=group.log_group_name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def _cors(rules: CorsRules) -> gateway.CorsPreflightOptions:
    return gateway.CorsPreflightOptions(
        allow_origins=list(rules.origins),
        allow_methods=[gateway.CorsHttpMethod[method] for method in rules.methods],
        allow_headers=list(rules.request_headers),
        expose_headers=list(rules.exposed_headers) or None,
        allow_credentials=False,
        max_age=Duration.seconds(rules.max_age_seconds),
    )
