"""Faults that break no rule of AWS and no declaration: a number or a name is another than people were promised."""

from tests.infra.gates.data import SECRET
from tests.infra.gates.http import API, STAGE
from tests.infra.gates.metrics import ALARM
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.promises import ASYNCHRONOUS
from tests.infra.gates.queues import MAPPING
from tests.infra.gates.references import QUEUE, TABLES
from tests.infra.mutants.making import a_schedule, app_stack, caught_by, data_stack, function_of, has, pick, remove
from tests.infra.mutants.of_dashboards import without

# ---- functions, queues, schedules ----------------------------------------------------------------------------------


@caught_by("functions-are-sized-as-promised")
def an_api_has_a_quarter_of_its_memory(prod: Deployment) -> None:
    function_of(prod, "api").properties["MemorySize"] = 128


@caught_by("functions-are-sized-as-promised")
def a_worker_is_stopped_early(prod: Deployment) -> None:
    function_of(prod, "worker").properties["Timeout"] -= 1


@caught_by("functions-are-sized-as-promised")
def a_worker_is_cut_off_when_it_goes_on_by_itself(prod: Deployment) -> None:
    del function_of(prod, "worker").properties["RecursiveLoop"]


@caught_by("functions-are-sized-as-promised")
def a_function_stands_beside_the_data(prod: Deployment) -> None:
    data_stack(prod).body["Resources"]["Hidden"] = function_of(prod, "api").body


def work_queue(prod: Deployment) -> Resource:
    return pick(prod, QUEUE, has("RedrivePolicy"))


@caught_by("queues-wait-as-promised")
def a_message_is_hidden_for_twelve_hours(prod: Deployment) -> None:
    work_queue(prod).properties["VisibilityTimeout"] = 12 * 3600


@caught_by("queues-wait-as-promised")
def a_bad_message_comes_back_a_hundred_times(prod: Deployment) -> None:
    work_queue(prod).properties["RedrivePolicy"]["maxReceiveCount"] = 100


@caught_by("queues-wait-as-promised")
def dead_letters_are_kept_for_a_week(prod: Deployment) -> None:
    pick(prod, QUEUE, has("RedriveAllowPolicy")).properties["MessageRetentionPeriod"] = 7 * 24 * 3600


@caught_by("workers-are-fed-as-promised")
def a_worker_gets_ten_messages_at_a_time(prod: Deployment) -> None:
    pick(prod, MAPPING).properties["BatchSize"] = 10


@caught_by("workers-are-fed-as-promised")
def hundreds_of_workers_run_at_once(prod: Deployment) -> None:
    pick(prod, MAPPING).properties["ScalingConfig"]["MaximumConcurrency"] = 500


@caught_by("workers-are-fed-as-promised")
def a_message_waits_for_others(prod: Deployment) -> None:
    pick(prod, MAPPING).properties["MaximumBatchingWindowInSeconds"] = 300


@caught_by("workers-are-fed-as-promised")
def an_api_is_fed(prod: Deployment) -> None:
    pick(prod, MAPPING).properties["FunctionName"] = {"Ref": function_of(prod, "api").logical_id}


@caught_by("queues-wait-as-promised")
def messages_are_given_up_to_the_queue_itself(prod: Deployment) -> None:
    queue = work_queue(prod)
    queue.properties["RedrivePolicy"]["deadLetterTargetArn"] = {"Fn::GetAtt": [queue.logical_id, "Arn"]}


@caught_by("feeds-lead-where-named", not_in=("NbhdCity", "YotoSmartStream"))  # they have one
def two_feeds_changed_places(prod: Deployment) -> None:
    first = pick(prod, MAPPING)
    second = pick(prod, MAPPING, lambda each: each.logical_id != first.logical_id)
    ours, others = first.properties, second.properties
    ours["EventSourceArn"], others["EventSourceArn"] = others["EventSourceArn"], ours["EventSourceArn"]


@caught_by("dead-letters-are-for-workers")
def an_api_knows_where_dead_letters_go(prod: Deployment) -> None:
    given = function_of(prod, "worker").properties["Environment"]["Variables"]
    name = next(name for name in given if name.endswith("DLQ_URL"))
    function_of(prod, "api").properties["Environment"]["Variables"][name] = given[name]


@caught_by("schedules-come-as-promised")
def a_sweep_comes_once_a_day(prod: Deployment) -> None:
    a_schedule(prod).properties["ScheduleExpression"] = "rate(1 day)"


@caught_by("schedules-come-as-promised")
def a_sweep_calls_twice(prod: Deployment) -> None:
    targets = a_schedule(prod).properties["Targets"]
    targets.append(targets[0] | {"Id": "Again"})


@caught_by("scheduled-calls-are-tried-as-promised")
def a_failed_sweep_is_repeated(prod: Deployment) -> None:
    pick(prod, ASYNCHRONOUS).properties["MaximumRetryAttempts"] = 2


@caught_by("scheduled-calls-are-tried-as-promised")
def a_late_sweep_comes_hours_later(prod: Deployment) -> None:
    pick(prod, ASYNCHRONOUS).properties["MaximumEventAgeInSeconds"] = 6 * 3600


# ---- the API -------------------------------------------------------------------------------------------------------


WITHOUT_LIMITS = ("YotoSmartStream",)  # one limit is for all of its routes


def limits_of_routes(prod: Deployment) -> Resource:
    return pick(prod, STAGE, lambda each: each.properties.get("RouteSettings"))


@caught_by("requests-are-limited-as-promised")
def a_stranger_may_ask_ten_times_as_often(prod: Deployment) -> None:
    pick(prod, STAGE).properties["DefaultRouteSettings"]["ThrottlingRateLimit"] *= 10


@caught_by("requests-are-limited-as-promised", not_in=WITHOUT_LIMITS)
def what_costs_money_is_limited_like_the_rest(prod: Deployment) -> None:
    del limits_of_routes(prod).properties["RouteSettings"]


@caught_by("requests-are-limited-as-promised")
def the_api_is_below_a_path(prod: Deployment) -> None:
    pick(prod, STAGE).properties["StageName"] = "prod"


@caught_by("requests-are-limited-as-promised")
def routes_wait_for_somebody_to_deploy_them(prod: Deployment) -> None:
    pick(prod, STAGE).properties["AutoDeploy"] = False


@caught_by("limits-wait-for-their-route", not_in=WITHOUT_LIMITS)
def a_limit_comes_before_its_route(prod: Deployment) -> None:
    limits_of_routes(prod).body["DependsOn"] = []


def cors(prod: Deployment) -> Json:
    found: Json = pick(prod, API).properties["CorsConfiguration"]
    return found


@caught_by("browsers-may-as-promised")
def browsers_may_no_longer_delete(prod: Deployment) -> None:
    cors(prod)["AllowMethods"].remove("DELETE")


@caught_by("browsers-may-as-promised")
def browsers_may_send_no_json(prod: Deployment) -> None:
    cors(prod)["AllowHeaders"].remove("Content-Type")


@caught_by("browsers-may-as-promised")
def cookies_are_taken(prod: Deployment) -> None:
    cors(prod)["AllowCredentials"] = True


@caught_by("browsers-may-as-promised")
def the_address_of_an_api_is_closed(prod: Deployment) -> None:
    pick(prod, API).properties["DisableExecuteApiEndpoint"] = True


@caught_by("outputs-are-as-promised")
def nobody_is_told_the_address(prod: Deployment) -> None:
    del app_stack(prod).body["Outputs"]["ApiUrl"]


@caught_by("outputs-are-as-promised")
def an_output_has_another_name(prod: Deployment) -> None:
    outputs = data_stack(prod).body["Outputs"]
    outputs["MainTableName"] = outputs.pop("TableName")


# ---- data ----------------------------------------------------------------------------------------------------------


@caught_by("tables-are-named-as-promised")
def a_table_has_a_name_that_nobody_knows(prod: Deployment) -> None:
    pick(prod, TABLES).properties["TableName"] += "-v2"


@caught_by("tables-are-named-as-promised")
def an_index_holds_keys_alone(prod: Deployment) -> None:
    table = pick(prod, TABLES, has("GlobalSecondaryIndexes"))
    table.properties["GlobalSecondaryIndexes"][0]["Projection"] = {"ProjectionType": "KEYS_ONLY"}


@caught_by("tables-are-named-as-promised")
def items_expire_by_something_else(prod: Deployment) -> None:
    pick(prod, TABLES).properties["TimeToLiveSpecification"]["AttributeName"] = "gone_at"


@caught_by("secrets-hold-what-was-promised")
def a_secret_has_a_field_less(prod: Deployment) -> None:
    made = (each.properties["GenerateSecretString"] for each in prod.of_type(SECRET))
    next(each for each in made if each["SecretStringTemplate"] != "{}")["SecretStringTemplate"] = "[]"


@caught_by("secrets-hold-what-was-promised")
def a_generated_key_is_under_another_name(prod: Deployment) -> None:
    pick(prod, SECRET).properties["GenerateSecretString"]["GenerateStringKey"] = "password"


# ---- alarms --------------------------------------------------------------------------------------------------------


def alarm_of(prod: Deployment, what: str) -> Resource:
    return pick(prod, ALARM, lambda alarm: what in alarm.logical_id)


@caught_by("alarms-ring-as-promised")
def an_alarm_waits_for_ten_times_as_many(prod: Deployment) -> None:
    alarm_of(prod, "ServerErrors").properties["Threshold"] *= 10


@caught_by("alarms-ring-as-promised")
def an_alarm_waits_for_an_hour(prod: Deployment) -> None:
    alarm_of(prod, "Latency").properties["EvaluationPeriods"] = 12


@caught_by("alarms-ring-as-promised")
def an_alarm_looks_at_the_average_call(prod: Deployment) -> None:
    alarm_of(prod, "WorkerDuration").properties["Statistic"] = "Average"


@caught_by("alarms-ring-as-promised")
def an_alarm_looks_at_whole_days(prod: Deployment) -> None:
    alarm_of(prod, "DeadLetters").properties["Period"] = 24 * 3600


@caught_by("alarms-ring-as-promised")
def an_alarm_rings_below_its_threshold(prod: Deployment) -> None:
    alarm_of(prod, "FunctionErrors").properties["ComparisonOperator"] = "LessThanThreshold"


@caught_by("alarms-ring-as-promised")
def an_alarm_adds_nothing_up(prod: Deployment) -> None:
    parts = alarm_of(prod, "TableThrottled").properties["Metrics"]
    next(part for part in parts if "Expression" in part)["Expression"] = "AVG(METRICS())"


@caught_by("alarms-ring-as-promised")
def an_alarm_of_the_service_itself_is_gone(prod: Deployment) -> None:
    remove(pick(prod, ALARM, lambda alarm: not str(alarm.properties.get("Namespace", "AWS/")).startswith("AWS/")))


@caught_by("alarms-ring-as-promised")
def an_alarm_for_the_new_version_is_gone(prod: Deployment) -> None:
    remove(alarm_of(prod, "NewVersionErrors"))


@caught_by("dashboards-tell-what-was-promised")
def what_a_service_counts_is_not_drawn(prod: Deployment) -> None:
    without(prod, "Service, in 5 minutes")


@caught_by("alarms-ring-as-promised", environment="local")
def an_alarm_of_the_local_cloud_is_gone(local: Deployment) -> None:
    remove(alarm_of(local, "DeadLetters"))
