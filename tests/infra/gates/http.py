"""Rules about HTTP APIs: from the browser's origin to the function that answers."""

import json
from collections.abc import Iterator
from typing import Any

from tests.infra.gates.callers import PERMISSION
from tests.infra.gates.model import Complaints, Deployment, Resource, rule
from tests.infra.gates.queues import DEFAULT_TIMEOUT_SECONDS
from tests.infra.gates.references import ALIAS, function_behind, references, target, text

API = "AWS::ApiGatewayV2::Api"
STAGE = "AWS::ApiGatewayV2::Stage"
ROUTE = "AWS::ApiGatewayV2::Route"
INTEGRATION = "AWS::ApiGatewayV2::Integration"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html: a hard limit
LONGEST_INTEGRATION_SECONDS = 30
LIVE = "live"
LOGGED = {
    ("request_id", "$context.requestId"),
    ("method", "$context.httpMethod"),
    ("path", "$context.path"),
    ("route", "$context.routeKey"),
    ("status", "$context.status"),
    ("milliseconds", "$context.responseLatency"),
}


def routes(deployment: Deployment) -> Iterator[tuple[Resource, Resource]]:
    """(route, integration) of every route whose integration is in the template."""
    for route in deployment.of_type(ROUTE):
        integration = target(deployment, route.stack, route.properties.get("Target"))
        if integration is not None and integration.type == INTEGRATION:
            yield route, integration


def answering_functions(deployment: Deployment) -> Iterator[tuple[Resource, Resource]]:
    """(integration, function) for each integration that calls a function."""
    for integration in deployment.of_type(INTEGRATION):
        uri = integration.properties.get("IntegrationUri")
        function = function_behind(deployment, integration.stack, uri)
        if function is not None:
            yield integration, function


@rule("browsers-are-answered", "Without CORS every browser refuses the answer, and the server looks healthy")
def browsers_are_answered(deployment: Deployment) -> Complaints:
    for api in deployment.of_type(API):
        cors = api.properties.get("CorsConfiguration", {})
        for part in ("AllowOrigins", "AllowMethods", "AllowHeaders"):
            if not cors.get(part):
                yield api, f"CORS has no {part}"


@rule("origins-are-exact", "`*` lets every page call the API, and with credentials it is refused by every browser")
def origins_are_exact(deployment: Deployment) -> Complaints:
    for api in deployment.of_type(API):
        cors = api.properties.get("CorsConfiguration", {})
        for origin in cors.get("AllowOrigins", []):
            if "*" in origin:
                yield api, f"allows the origin {origin}"
        if "*" in [*cors.get("AllowMethods", []), *cors.get("AllowHeaders", [])]:
            yield api, "allows every method or header"


@rule("production-origins-are-https", "A page that came over plain HTTP can be anybody's page")
def production_origins_are_https(deployment: Deployment) -> Complaints:
    for api in deployment.of_type(API):
        for origin in api.properties.get("CorsConfiguration", {}).get("AllowOrigins", []):
            if deployment.environment.is_production and not origin.startswith("https://"):
                yield api, f"allows the origin {origin}"


@rule("answers-come-within-30-seconds", "API Gateway hangs up after 30 s whatever is set, while the function runs on")
def answers_come_within_30_seconds(deployment: Deployment) -> Complaints:
    for integration in deployment.of_type(INTEGRATION):
        milliseconds = integration.properties.get("TimeoutInMillis", 0)
        if milliseconds > LONGEST_INTEGRATION_SECONDS * 1000:
            yield integration, f"waits for {milliseconds} ms"
    for integration, function in answering_functions(deployment):
        timeout = function.properties.get("Timeout", DEFAULT_TIMEOUT_SECONDS)
        if timeout > LONGEST_INTEGRATION_SECONDS:
            yield function, f"may run for {timeout} s behind {integration.logical_id}"


@rule("routes-lead-to-functions", "A route to nothing answers 500, and only once somebody asks it")
def routes_lead_to_functions(deployment: Deployment) -> Complaints:
    joined = {str(route) for route, _ in routes(deployment)}
    for route in deployment.of_type(ROUTE):
        if str(route) not in joined:
            yield route, f"leads to {text(route.properties.get('Target'))}"
    answered = {str(integration) for integration, _ in answering_functions(deployment)}
    for integration in deployment.of_type(INTEGRATION):
        if str(integration) not in answered:
            yield integration, f"calls {text(integration.properties.get('IntegrationUri'))}, no function of ours"


@rule("apis-take-every-request", "What no route takes is answered by the gateway, in its own words and without CORS")
def apis_take_every_request(deployment: Deployment) -> Complaints:
    for api in deployment.of_type(API):
        keys = {route.properties["RouteKey"] for route, _ in routes(deployment) if _belongs(deployment, route, api)}
        if "$default" not in keys:
            yield api, "has no route for what the others do not take"


def _belongs(deployment: Deployment, part: Resource, api: Resource) -> bool:
    return target(deployment, part.stack, part.properties.get("ApiId")) == api


@rule("routes-may-call", "A route without permission to call its function answers 500 to everybody")
def routes_may_call(deployment: Deployment) -> Complaints:
    for route, integration in routes(deployment):
        called = integration.properties.get("IntegrationUri")
        if not any(_covers(deployment, permission, route, called) for permission in deployment.of_type(PERMISSION)):
            yield route, f"may not call {text(called)}"


def _covers(deployment: Deployment, permission: Resource, route: Resource, called: Any) -> bool:
    """An ARN of callers ends in /stage/method/path, where `*` stands for anything.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    api_id, _ = next(references(route.properties["ApiId"]))
    source = permission.properties.get("SourceArn")
    _, _, path = str(route.properties["RouteKey"]).partition(" ")
    tail = text(source).rpartition("${" + api_id + "}")[2]
    return (
        permission.properties.get("Principal") == "apigateway.amazonaws.com"
        and any(logical_id == api_id for logical_id, _ in references(source))
        and target(deployment, permission.stack, permission.properties["FunctionName"])
        == target(deployment, route.stack, called)
        and (tail == "/*/*" or (bool(path) and tail.endswith(f"/*{path}")))
    )


@rule("requests-are-limited", "Without a limit of its own one API uses up the account's, for all of them")
def requests_are_limited(deployment: Deployment) -> Complaints:
    for stage in deployment.of_type(STAGE):
        limits = stage.properties.get("DefaultRouteSettings", {})
        if not (limits.get("ThrottlingRateLimit") and limits.get("ThrottlingBurstLimit")):
            yield stage, "has no request limit"
        keys = {str(route.properties["RouteKey"]) for route in deployment.of_type(ROUTE)}
        for key in sorted(stage.properties.get("RouteSettings", {}).keys() - keys):
            yield stage, f"limits {key}, which is no route"


@rule("requests-are-logged", "What the gateway refuses never reaches the function's log")
def requests_are_logged(deployment: Deployment) -> Complaints:
    for stage in deployment.of_type(STAGE):
        settings = stage.properties.get("AccessLogSettings", {})
        if not settings.get("DestinationArn"):
            yield stage, "has no access log"
        elif "*" in text(settings["DestinationArn"]):
            yield stage, "does not say which log group"
        else:
            missing = LOGGED - _fields(settings.get("Format", "")).items()
            if missing:
                yield stage, f"its access log says no {', '.join(sorted(name for name, _ in missing))}"


def _fields(line: str) -> dict[str, Any]:
    """What a line of the log says, by name; nothing when it is not JSON."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@rule("apis-start-as-asked", "Without a snapshot the first request after a quiet time waits for all imports")
def apis_start_as_asked(deployment: Deployment) -> Complaints:
    for _, function in answering_functions(deployment):
        starts = function.properties.get("SnapStart", {}).get("ApplyOn")
        if (starts == "PublishedVersions") is not deployment.environment.snap_start:
            yield function, f"starts from {starts}, the environment says {deployment.environment.snap_start}"


@rule("apis-call-an-alias", "Only an alias can go back to the version before; $LATEST changes at once and for all")
def apis_call_an_alias(deployment: Deployment) -> Complaints:
    for integration, function in answering_functions(deployment):
        called = target(deployment, integration.stack, integration.properties["IntegrationUri"])
        if called is None or called.type != ALIAS:
            yield integration, f"calls {function.logical_id} without an alias"
        elif called.properties.get("Name") != LIVE:
            yield called, f"is called {called.properties.get('Name')}; runbooks move {LIVE}"


@rule("requests-come-as-expected", "Mangum reads both formats, and of the older one cookies and paths otherwise")
def requests_come_as_expected(deployment: Deployment) -> Complaints:
    for integration in deployment.of_type(INTEGRATION):
        if integration.properties.get("PayloadFormatVersion") != "2.0":
            yield integration, f"sends requests in format {integration.properties.get('PayloadFormatVersion')}"
