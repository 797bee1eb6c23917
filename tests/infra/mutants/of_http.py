"""Faults in HTTP APIs and in how a new version takes over."""

from tests.infra.gates.callers import PERMISSION
from tests.infra.gates.http import API, INTEGRATION, ROUTE, STAGE, answering_functions
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.references import ALIAS
from tests.infra.gates.rollout import CONFIG, GROUP, alarms_of
from tests.infra.mutants.making import caught_by, function_of, pick, remove
from tests.infra.mutants.of_identity import take_away


def cors(prod: Deployment) -> Json:
    found: Json = pick(prod, API).properties["CorsConfiguration"]
    return found


def api_function(prod: Deployment) -> Resource:
    return next(answering_functions(prod))[1]


@caught_by("browsers-are-answered")
def an_api_has_no_cors(prod: Deployment) -> None:
    del pick(prod, API).properties["CorsConfiguration"]


@caught_by("browsers-are-answered")
def no_origin_is_allowed(prod: Deployment) -> None:
    cors(prod)["AllowOrigins"] = []


@caught_by("origins-are-exact")
def every_page_may_call_with_credentials(prod: Deployment) -> None:
    cors(prod).update(AllowOrigins=["*"], AllowCredentials=True)


@caught_by("origins-are-exact")
def every_subdomain_may_call(prod: Deployment) -> None:
    cors(prod)["AllowOrigins"].append("https://*.example")


@caught_by("origins-are-exact")
def every_header_is_allowed(prod: Deployment) -> None:
    cors(prod)["AllowHeaders"] = ["*"]


@caught_by("production-origins-are-https")
def a_laptop_may_call_production(prod: Deployment) -> None:
    cors(prod)["AllowOrigins"].append("http://localhost:5173")


@caught_by("answers-come-within-30-seconds")
def an_integration_waits_for_a_minute(prod: Deployment) -> None:
    pick(prod, INTEGRATION).properties["TimeoutInMillis"] = 60_000


@caught_by("answers-come-within-30-seconds")
def a_function_runs_on_after_the_gateway_hung_up(prod: Deployment) -> None:
    api_function(prod).properties["Timeout"] = 31


@caught_by("routes-lead-to-functions")
def a_route_leads_nowhere(prod: Deployment) -> None:
    pick(prod, ROUTE).properties["Target"] = "integrations/abc123"


@caught_by("routes-lead-to-functions")
def an_api_calls_a_function_of_somebody_else(prod: Deployment) -> None:
    pick(prod, INTEGRATION).properties["IntegrationUri"] = "arn:aws:lambda:us-east-1:111122223333:function:elsewhere"


@caught_by("routes-may-call")
def no_route_may_call(prod: Deployment) -> None:
    for permission in list(prod.of_type(PERMISSION)):
        if permission.properties["Principal"] == "apigateway.amazonaws.com":
            remove(permission)


@caught_by("routes-may-call")
def routes_may_call_the_function_and_not_its_alias(prod: Deployment) -> None:
    for permission in prod.of_type(PERMISSION):
        if permission.properties["Principal"] == "apigateway.amazonaws.com":
            permission.properties["FunctionName"] = {"Ref": api_function(prod).logical_id}


@caught_by("requests-are-limited")
def an_api_has_no_request_limit(prod: Deployment) -> None:
    del pick(prod, STAGE).properties["DefaultRouteSettings"]


@caught_by("requests-are-limited")
def a_limit_is_for_a_route_that_is_not_there(prod: Deployment) -> None:
    limits = pick(prod, STAGE).properties["DefaultRouteSettings"]
    pick(prod, STAGE).properties.setdefault("RouteSettings", {})["PUT /{proxy+}"] = limits


@caught_by("requests-are-logged")
def an_api_has_no_access_log(prod: Deployment) -> None:
    del pick(prod, STAGE).properties["AccessLogSettings"]


@caught_by("requests-are-logged")
def the_access_log_names_no_request(prod: Deployment) -> None:
    pick(prod, STAGE).properties["AccessLogSettings"]["Format"] = '{"status": "$context.status"}'


@caught_by("apis-call-an-alias")
def an_api_calls_the_latest_code(prod: Deployment) -> None:
    function = api_function(prod)
    pick(prod, INTEGRATION).properties["IntegrationUri"] = {"Fn::GetAtt": [function.logical_id, "Arn"]}


@caught_by("apis-start-as-asked")
def an_api_starts_without_a_snapshot(prod: Deployment) -> None:
    del api_function(prod).properties["SnapStart"]


@caught_by("aliases-point-to-versions")
def an_alias_points_to_the_latest_code(prod: Deployment) -> None:
    pick(prod, ALIAS).properties["FunctionVersion"] = "$LATEST"


@caught_by("traffic-is-shifted")
def a_new_version_gets_all_requests_at_once(prod: Deployment) -> None:
    del pick(prod, ALIAS).body["UpdatePolicy"]


@caught_by("traffic-is-shifted")
def an_alias_names_a_deployment_group_that_is_not_there(prod: Deployment) -> None:
    update = pick(prod, ALIAS).body["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    update["DeploymentGroupName"] = "elsewhere"


@caught_by("traffic-is-shifted-as-asked")
def a_canary_switches_at_once(prod: Deployment) -> None:
    pick(prod, GROUP).properties["DeploymentConfigName"] = "CodeDeployDefault.LambdaAllAtOnce"


@caught_by("traffic-is-shifted-as-asked")
def a_canary_gets_most_of_the_requests(prod: Deployment) -> None:
    routing = pick(prod, CONFIG).properties["TrafficRoutingConfig"]
    next(steps for steps in routing.values() if isinstance(steps, dict))["CanaryPercentage"] = 90


@caught_by("deployments-listen-to-alarms")
def a_deployment_listens_to_no_alarm(prod: Deployment) -> None:
    del pick(prod, GROUP).properties["AlarmConfiguration"]


@caught_by("deployments-listen-to-alarms")
def a_deployment_has_alarms_and_ignores_them(prod: Deployment) -> None:
    pick(prod, GROUP).properties["AlarmConfiguration"]["Enabled"] = False


@caught_by("deployments-hear-errors")
def a_deployment_does_not_hear_errors(prod: Deployment) -> None:
    group = pick(prod, GROUP)
    deaf = [{"Name": {"Ref": a.logical_id}} for a in alarms_of(prod, group) if "Errors" not in str(a.properties)]
    group.properties["AlarmConfiguration"]["Alarms"] = deaf


@caught_by("deployments-see-the-new-version")
def a_deployment_looks_at_old_and_new_calls_together(prod: Deployment) -> None:
    group = pick(prod, GROUP)
    blurred = [
        {"Name": {"Ref": a.logical_id}} for a in alarms_of(prod, group) if "ExecutedVersion" not in str(a.properties)
    ]
    group.properties["AlarmConfiguration"]["Alarms"] = blurred


@caught_by("deployments-may-shift")
def a_deployment_may_not_move_the_alias(prod: Deployment) -> None:
    take_away(prod, "lambda:UpdateAlias")


@caught_by("no-cycles")
def a_deployment_group_waits_for_the_alias_that_waits_for_it(prod: Deployment) -> None:
    pick(prod, GROUP).body["DependsOn"] = [pick(prod, ALIAS, lambda each: each.body.get("UpdatePolicy")).logical_id]


@caught_by("bad-deployments-go-back")
def a_bad_deployment_stays(prod: Deployment) -> None:
    pick(prod, GROUP).properties["AutoRollbackConfiguration"]["Enabled"] = False


@caught_by("bad-deployments-go-back")
def an_alarm_stops_a_deployment_half_way(prod: Deployment) -> None:
    pick(prod, GROUP).properties["AutoRollbackConfiguration"]["Events"].remove("DEPLOYMENT_STOP_ON_ALARM")


@caught_by("apis-call-an-alias")
def an_alias_has_a_name_that_no_runbook_knows(prod: Deployment) -> None:
    pick(prod, ALIAS).properties["Name"] = "current"


@caught_by("requests-come-as-expected")
def requests_come_in_the_older_format(prod: Deployment) -> None:
    pick(prod, INTEGRATION).properties["PayloadFormatVersion"] = "1.0"


@caught_by("requests-are-logged")
def the_access_log_says_no_status(prod: Deployment) -> None:
    settings = pick(prod, STAGE).properties["AccessLogSettings"]
    settings["Format"] = settings["Format"].replace("$context.status", "$context.stage")


@caught_by("requests-are-logged")
def the_access_log_goes_to_any_group(prod: Deployment) -> None:
    settings = pick(prod, STAGE).properties["AccessLogSettings"]
    settings["DestinationArn"] = "arn:aws:logs:eu-central-1:123456789012:log-group:*"


@caught_by("apis-start-as-asked", environment="dev")
def an_api_of_a_trial_is_billed_for_snapshots(dev: Deployment) -> None:
    function_of(dev, "api").properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}
