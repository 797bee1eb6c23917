"""Faults that leave a template sound in itself, and other than what was declared or chosen."""

from dataclasses import replace

from tests.infra.gates.dashboards import DASHBOARD
from tests.infra.gates.data import SECRET
from tests.infra.gates.declared import SAVED_QUERY
from tests.infra.gates.functions import LOG_GROUP
from tests.infra.gates.http import API, INTEGRATION, ROUTE
from tests.infra.gates.identity import ROLE
from tests.infra.gates.metrics import ALARM
from tests.infra.gates.model import Deployment, Json
from tests.infra.gates.queues import MAPPING
from tests.infra.gates.references import QUEUE, TABLES
from tests.infra.gates.topics import TOPIC
from tests.infra.mutants.making import NothingToBreak, a_schedule, caught_by, data_stack, function_of, has, pick, remove


def variables(prod: Deployment, module: str) -> Json:
    found: Json = function_of(prod, module).properties["Environment"]["Variables"]
    return found


# ---- what functions are told ---------------------------------------------------------------------------------------


@caught_by("functions-know-their-environment")
def an_api_of_production_thinks_it_is_dev(prod: Deployment) -> None:
    variables(prod, "api")["ENVIRONMENT"] = "dev"


@caught_by("functions-know-their-environment")
def a_worker_of_production_thinks_it_is_local(prod: Deployment) -> None:
    variables(prod, "worker")["ENVIRONMENT"] = "local"


@caught_by("functions-know-their-environment")
def an_api_is_not_told_where_it_is(prod: Deployment) -> None:
    del variables(prod, "api")["ENVIRONMENT"]


@caught_by("apis-are-open-as-asked")
def an_api_of_production_is_closed(prod: Deployment) -> None:
    variables(prod, "api")["MAINTENANCE_MODE"] = "full"


def queue_variables(prod: Deployment, module: str) -> list[str]:
    return [name for name in variables(prod, module) if name.endswith(("QUEUE_URL", "DLQ_URL"))]


@caught_by("variables-lead-where-declared")
def two_queues_of_a_worker_changed_places(prod: Deployment) -> None:
    found = variables(prod, "worker")
    first, second, *_ = queue_variables(prod, "worker")
    found[first], found[second] = found[second], found[first]


@caught_by("variables-lead-where-declared")
def an_api_sends_to_the_dead_letters(prod: Deployment) -> None:
    first, *_ = queue_variables(prod, "api")
    dead = next(name for name in queue_variables(prod, "worker") if "DLQ" in name)
    variables(prod, "api")[first] = variables(prod, "worker")[dead]


@caught_by("variables-lead-where-declared")
def a_table_of_another_environment_is_used(prod: Deployment) -> None:
    found = variables(prod, "worker")
    name = next(name for name in found if "TABLE" in name)
    found[name] = found[name].replace("prod", "staging")


@caught_by("variables-lead-where-declared")
def a_queue_is_an_address_of_somebody_else(prod: Deployment) -> None:
    first, *_ = queue_variables(prod, "api")
    variables(prod, "api")[first] = "https://sqs.eu-central-1.amazonaws.com/999988887777/theirs"


@caught_by("variables-are-settings")
def an_api_is_given_a_variable_that_it_does_not_read(prod: Deployment) -> None:
    variables(prod, "api")["DYNAMODB_TABEL_NAME"] = "typo"


@caught_by("variables-are-settings")
def a_log_level_is_none(prod: Deployment) -> None:
    variables(prod, "api")["LOG_LEVEL"] = "FATAL"


@caught_by("variables-are-settings")
def a_worker_misses_its_dead_letters(prod: Deployment) -> None:
    del variables(prod, "worker")[next(name for name in queue_variables(prod, "worker") if "DLQ" in name)]


@caught_by("variables-are-settings")
def the_queue_of_a_worker_has_no_name(prod: Deployment) -> None:
    del variables(prod, "worker")[queue_variables(prod, "worker")[0]]


@caught_by("variables-lead-where-declared")
def an_api_is_told_the_arn_of_its_queue(prod: Deployment) -> None:
    first, *_ = queue_variables(prod, "api")
    variables(prod, "api")[first] = {"Fn::GetAtt": [variables(prod, "api")[first]["Ref"], "Arn"]}


def forget(prod: Deployment, name: str) -> None:
    """Take a variable from an API that has it."""
    if variables(prod, "api").pop(name, None) is None:
        raise NothingToBreak(name)


def origin_variable(prod: Deployment) -> str:
    known = ("CORS_ORIGINS", "FRONTEND_URL", "FRONTEND_ORIGINS", "CORS_ALLOWED_ORIGINS")
    return next(name for name in known if name in variables(prod, "api"))


@caught_by("origins-are-the-environments")
def an_origin_ends_with_a_slash(prod: Deployment) -> None:
    variables(prod, "api")[origin_variable(prod)] += "/"


@caught_by("origins-are-the-environments")
def an_origin_of_a_laptop_is_let_in(prod: Deployment) -> None:
    variables(prod, "api")[origin_variable(prod)] += ",http://localhost:5173"


@caught_by("origins-are-the-environments", not_in=("AlgoItny", "NbhdCity"))  # it has none, it does not start without
def the_origin_is_that_of_a_laptop_by_default(prod: Deployment) -> None:
    if variables(prod, "api").pop("FRONTEND_URL", None) is None:
        forget(prod, "CORS_ORIGINS")


@caught_by("variables-are-settings", not_in=("AlgoItny", "StockTrackRecord", "YotoSmartStream"))  # see above
def an_api_is_told_of_no_origin(prod: Deployment) -> None:
    forget(prod, "CORS_ALLOWED_ORIGINS")


@caught_by("origins-are-the-environments")
def the_gateway_lets_in_another_domain(prod: Deployment) -> None:
    pick(prod, API).properties["CorsConfiguration"]["AllowOrigins"] = ["https://evil.example"]


@caught_by("origins-are-the-environments")
def the_gateway_knows_one_origin_more(prod: Deployment) -> None:
    pick(prod, API).properties["CorsConfiguration"]["AllowOrigins"].append("https://old.example")


@caught_by("origins-are-the-environments")
def an_origin_is_of_another_domain(prod: Deployment) -> None:
    variables(prod, "api")[origin_variable(prod)] = "https://evil.example"


# ---- schedules, queries, queues, routes ----------------------------------------------------------------------------


@caught_by("schedules-ask-for-tasks")
def a_sweep_has_no_input(prod: Deployment) -> None:
    del a_schedule(prod).properties["Targets"][0]["Input"]


@caught_by("schedules-ask-for-tasks")
def a_sweep_asks_for_what_nobody_does(prod: Deployment) -> None:
    a_schedule(prod).properties["Targets"][0]["Input"] = '{"task":"swep"}'


@caught_by("schedules-ask-for-tasks")
def a_sweep_comes_once_a_year(prod: Deployment) -> None:
    a_schedule(prod).properties["ScheduleExpression"] = "rate(365 days)"


@caught_by("schedules-ask-for-tasks")
def a_sweep_has_neither_input_nor_rate(prod: Deployment) -> None:
    schedule = a_schedule(prod).properties
    del schedule["Targets"][0]["Input"], schedule["ScheduleExpression"]


@caught_by("schedules-ask-for-tasks")
def a_sweep_calls_the_api(prod: Deployment) -> None:
    arn = {"Fn::GetAtt": [function_of(prod, "api").logical_id, "Arn"]}
    a_schedule(prod).properties["Targets"][0]["Arn"] = arn


@caught_by("tasks-are-asked-for")
def nobody_sweeps(prod: Deployment) -> None:
    remove(a_schedule(prod))


@caught_by("queries-read-their-service")
def a_saved_query_asks_one_log_group_alone(prod: Deployment) -> None:
    del pick(prod, SAVED_QUERY).properties["LogGroupNames"][1:]


@caught_by("queries-read-their-service")
def a_saved_query_asks_a_group_of_somebody_else(prod: Deployment) -> None:
    pick(prod, SAVED_QUERY).properties["LogGroupNames"][0] = "/aws/lambda/another"


@caught_by("mappings-feed-everything")
def a_mapping_drops_every_message(prod: Deployment) -> None:
    pattern = {"Filters": [{"Pattern": '{"body":{"never":["there"]}}'}]}
    pick(prod, MAPPING).properties["FilterCriteria"] = pattern


@caught_by("mappings-feed-everything")
def a_queue_feeds_nobody(prod: Deployment) -> None:
    remove(pick(prod, MAPPING))


@caught_by("messages-wait-for-a-weekend")
def a_queue_forgets_after_a_minute(prod: Deployment) -> None:
    pick(prod, QUEUE, has("RedrivePolicy")).properties["MessageRetentionPeriod"] = 60


@caught_by("messages-wait-for-a-weekend")
def dead_letters_are_gone_after_an_hour(prod: Deployment) -> None:
    pick(prod, QUEUE, has("RedriveAllowPolicy")).properties["MessageRetentionPeriod"] = 3600


@caught_by("apis-take-every-request")
def the_default_route_is_gone(prod: Deployment) -> None:
    remove(pick(prod, ROUTE, lambda each: each.properties["RouteKey"] == "$default"))


@caught_by("apis-take-every-request")
def the_default_route_takes_reads_alone(prod: Deployment) -> None:
    route = pick(prod, ROUTE, lambda each: each.properties["RouteKey"] == "$default")
    route.properties["RouteKey"] = "GET /{proxy+}"


@caught_by("secrets-have-no-value")
def a_secret_has_a_real_value_in_its_template(prod: Deployment) -> None:
    made = pick(prod, SECRET, has("GenerateSecretString", "SecretStringTemplate")).properties["GenerateSecretString"]
    made["SecretStringTemplate"] = '{"jwt": "swordfish"}'


@caught_by("tables-can-be-found")
def a_table_is_no_output(prod: Deployment) -> None:
    outputs = data_stack(prod).body["Outputs"]
    del outputs["TableName"]


@caught_by("tables-can-be-found")
def the_address_of_a_table_is_no_output(prod: Deployment) -> None:
    outputs = data_stack(prod).body["Outputs"]
    outputs["TableArn"]["Value"] = outputs["TableName"]["Value"]


@caught_by("stacks-are-of-services")
def a_stack_belongs_to_nobody(prod: Deployment) -> None:
    stack = data_stack(prod)
    prod.stacks["Beside"] = replace(stack, full_name=f"{stack.full_name}Beside")


# ---- properties that nobody chose ----------------------------------------------------------------------------------


@caught_by("properties-are-chosen")
def a_function_may_not_run_at_all(prod: Deployment) -> None:
    function_of(prod, "api").properties["ReservedConcurrentExecutions"] = 0


@caught_by("properties-are-chosen")
def a_function_logs_only_what_is_fatal(prod: Deployment) -> None:
    function_of(prod, "worker").properties["LoggingConfig"]["ApplicationLogLevel"] = "FATAL"


@caught_by("properties-are-chosen")
def a_function_has_a_layer_of_somebody_else(prod: Deployment) -> None:
    function_of(prod, "api").properties["Layers"] = ["arn:aws:lambda:eu-central-1:999988887777:layer:theirs:1"]


@caught_by("properties-are-chosen")
def a_function_has_a_file_system(prod: Deployment) -> None:
    function_of(prod, "worker").properties["FileSystemConfigs"] = [{"Arn": "arn:x", "LocalMountPath": "/mnt/x"}]


@caught_by("properties-are-chosen")
def the_address_of_an_api_is_switched_off(prod: Deployment) -> None:
    pick(prod, API).properties["DisableExecuteApiEndpoint"] = True


@caught_by("properties-are-chosen")
def an_api_wants_a_certificate_of_its_callers(prod: Deployment) -> None:
    pick(prod, API).properties["MutualTlsAuthentication"] = {"TruststoreUri": "s3://theirs/ca.pem"}


@caught_by("properties-are-chosen")
def an_integration_rewrites_the_path(prod: Deployment) -> None:
    pick(prod, INTEGRATION).properties["RequestParameters"] = {"overwrite:path": "/"}


@caught_by("properties-are-chosen")
def a_route_wants_a_scope(prod: Deployment) -> None:
    pick(prod, ROUTE).properties["AuthorizationScopes"] = ["admin"]


@caught_by("properties-are-chosen")
def an_alarm_has_a_unit_that_its_metric_never_has(prod: Deployment) -> None:
    pick(prod, ALARM, has("MetricName")).properties["Unit"] = "Gigabytes"


@caught_by("properties-are-chosen")
def a_resource_has_a_type_that_nobody_chose(prod: Deployment) -> None:
    pick(prod, SECRET).stack.body["Resources"]["Anything"] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


@caught_by("properties-are-chosen")
def a_queue_is_there_under_a_condition(prod: Deployment) -> None:
    pick(prod, QUEUE).body["Condition"] = "Never"


@caught_by("properties-are-chosen")
def a_macro_rewrites_a_template(prod: Deployment) -> None:
    pick(prod, QUEUE).stack.body["Transform"] = "Theirs"


@caught_by("properties-are-chosen")
def a_subscription_has_a_filter_that_matches_nothing(prod: Deployment) -> None:
    pick(prod, "AWS::SNS::Subscription").properties["FilterPolicy"] = {"never": ["there"]}


@caught_by("properties-are-chosen")
def a_topic_is_encrypted_with_a_key_that_cloudwatch_may_not_use(prod: Deployment) -> None:
    pick(prod, TOPIC).properties["KmsMasterKeyId"] = "alias/aws/sns"


@caught_by("properties-are-chosen")
def a_queue_holds_every_message_back(prod: Deployment) -> None:
    pick(prod, QUEUE).properties["DelaySeconds"] = 900


@caught_by("properties-are-chosen")
def a_table_takes_ten_writes_a_second(prod: Deployment) -> None:
    settings = {"MaxWriteRequestUnits": 10}
    pick(prod, TABLES).properties["WriteOnDemandThroughputSettings"] = settings


@caught_by("properties-are-chosen")
def a_log_group_is_of_the_class_that_no_query_reads(prod: Deployment) -> None:
    pick(prod, LOG_GROUP).properties["LogGroupClass"] = "INFREQUENT_ACCESS"


@caught_by("properties-are-chosen")
def a_role_has_a_boundary(prod: Deployment) -> None:
    pick(prod, ROLE).properties["PermissionsBoundary"] = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@caught_by("properties-are-chosen")
def a_schedule_goes_through_a_role(prod: Deployment) -> None:
    a_schedule(prod).properties["Targets"][0]["RoleArn"] = "arn:aws:iam::111122223333:role/admin"


@caught_by("properties-are-chosen")
def a_secret_is_copied_to_another_region(prod: Deployment) -> None:
    pick(prod, SECRET).properties["ReplicaRegions"] = [{"Region": "us-east-1"}]


@caught_by("properties-are-chosen")
def a_dashboard_has_a_fixed_name(prod: Deployment) -> None:
    pick(prod, DASHBOARD).properties["DashboardName"] = "theirs"
