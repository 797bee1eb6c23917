"""The HTTP API: one alias behind all paths, throttled, logged, for exact origins."""

import json

STAGE = "AWS::ApiGatewayV2::Stage"
API = "AWS::ApiGatewayV2::Api"
ROUTE = "AWS::ApiGatewayV2::Route"


def test_every_route_leads_to_the_live_alias(assembly):
    [alias_id] = assembly.app.of_type("AWS::Lambda::Alias")
    assert assembly.app.properties("AWS::Lambda::Alias")["Name"] == "live"
    [integration_id] = assembly.app.of_type("AWS::ApiGatewayV2::Integration")
    integration = assembly.app.properties("AWS::ApiGatewayV2::Integration")
    assert integration["IntegrationUri"] == {"Ref": alias_id}
    assert integration["PayloadFormatVersion"] == "2.0"
    for route in assembly.app.of_type(ROUTE).values():
        assert route["Properties"]["Target"] == {"Fn::Join": ["", ["integrations/", {"Ref": integration_id}]]}


def test_the_api_is_at_the_root_of_its_address(assembly):
    stage = assembly.app.properties(STAGE)
    assert stage["StageName"] == "$default"
    assert stage["AutoDeploy"] is True


def test_requests_are_throttled_and_those_that_cost_money_more_so(assembly):
    stage = assembly.app.properties(STAGE)
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100}
    tight = {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 10}
    assert stage["RouteSettings"] == {"POST /{proxy+}": tight, "DELETE /{proxy+}": tight}


def test_a_limit_is_only_set_on_a_route_that_exists_by_then(assembly):
    [stage] = assembly.app.of_type(STAGE).values()
    routes = {name: route["Properties"]["RouteKey"] for name, route in assembly.app.of_type(ROUTE).items()}
    made_before = {routes[name] for name in stage["DependsOn"] if name in routes}
    assert set(stage["Properties"]["RouteSettings"]) == made_before
    assert set(routes.values()) == {"$default", "POST /{proxy+}", "DELETE /{proxy+}"}


def test_browsers_may_call_from_exactly_the_origins_the_function_knows(assembly):
    cors = assembly.app.properties(API)["CorsConfiguration"]
    variables = assembly.app.properties("AWS::Lambda::Function", "ApiFunction")["Environment"]["Variables"]
    extra = variables.get("CORS_EXTRA_ORIGINS", "")
    told = {variables.get("FRONTEND_URL", "http://localhost:5173"), *(extra.split(",") if extra else ())}
    assert set(cors["AllowOrigins"]) == told
    assert not any("*" in origin for origin in told)
    assert cors["AllowCredentials"] is False
    assert cors["AllowMethods"] == ["GET", "POST", "DELETE", "OPTIONS"]
    assert cors["AllowHeaders"] == ["Content-Type"]
    assert cors["MaxAge"] == 600


def test_production_has_https_origins_only(prod):
    origins = prod.app.properties(API)["CorsConfiguration"]["AllowOrigins"]
    assert origins
    assert all(origin.startswith("https://") and "localhost" not in origin for origin in origins)


def test_the_access_log_is_json_and_names_the_request(assembly):
    settings = assembly.app.properties(STAGE)["AccessLogSettings"]
    line = json.loads(settings["Format"])
    assert line["request_id"] == "$context.requestId"
    assert {"method", "path", "route", "status", "milliseconds"} <= line.keys()
    assert "*" not in json.dumps(settings["DestinationArn"])


def test_the_outputs_say_where_everything_is(assembly):
    assert set(assembly.app.body["Outputs"]) == {
        "ApiId",
        "ApiUrl",
        "ApiAccessLogGroup",
        "ApiFunctionName",
        "ApiLogGroup",
        "SweepRuleName",
        "WorkerFunctionName",
        "WorkerLogGroup",
        "ProcessingQueueUrl",
        "ProcessingDeadLetterQueueUrl",
        "PricesQueueUrl",
        "PricesDeadLetterQueueUrl",
    }
