"""Faults in alarms and dashboards."""

from collections.abc import Callable

from tests.infra.gates.dashboards import BUDGET, DASHBOARD
from tests.infra.gates.metrics import ALARM, dimensions, metrics_of
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.references import text
from tests.infra.gates.topics import TOPIC
from tests.infra.mutants.making import add, caught_by, has, pick, remove


def alarm_on(prod: Deployment, metric: str) -> Resource:
    return pick(prod, ALARM, lambda alarm: alarm.properties.get("MetricName") == metric)


def metric_on(prod: Deployment, suits: Callable[[Json], object]) -> Json:
    """A metric that some alarm looks at, alone or inside an expression."""
    return next(metric for alarm in prod.of_type(ALARM) for metric in metrics_of(alarm) if suits(metric))


def unwatch(prod: Deployment, *metrics: str) -> None:
    """Remove every alarm that looks at one of these metrics."""
    for alarm in list(prod.of_type(ALARM)):
        if any(metric["MetricName"] in metrics for metric in metrics_of(alarm)):
            remove(alarm)


@caught_by("alarms-watch-metrics-that-exist")
def an_alarm_watches_a_metric_that_is_misspelt(prod: Deployment) -> None:
    alarm_on(prod, "Errors").properties["MetricName"] = "Error"


@caught_by("alarms-watch-metrics-that-exist")
def an_alarm_watches_a_metric_of_the_other_kind_of_api(prod: Deployment) -> None:
    alarm_on(prod, "5xx").properties["MetricName"] = "5XXError"


@caught_by("alarms-watch-metrics-that-exist")
def an_alarm_watches_user_errors_of_a_table(prod: Deployment) -> None:
    metric_on(prod, lambda metric: set(dimensions(metric)) == {"TableName"})["MetricName"] = "UserErrors"


@caught_by("alarms-watch-metrics-that-exist")
def an_alarm_watches_throttled_requests_of_a_whole_table(prod: Deployment) -> None:
    metric_on(prod, lambda metric: set(dimensions(metric)) == {"TableName"})["MetricName"] = "ThrottledRequests"


@caught_by("alarms-watch-metrics-that-exist")
def an_alarm_looks_for_a_queue_by_its_arn(prod: Deployment) -> None:
    alarm_on(prod, "ApproximateAgeOfOldestMessage").properties["Dimensions"][0]["Name"] = "QueueArn"


@caught_by("alarms-watch-metrics-that-exist")
def an_alarm_watches_a_namespace_that_is_not_there(prod: Deployment) -> None:
    alarm_on(prod, "Errors").properties["Namespace"] = "AWS/Lamda"


@caught_by("own-metrics-are-sent")
def an_alarm_watches_a_metric_that_no_code_sends(prod: Deployment) -> None:
    metric_on(prod, lambda metric: not metric["Namespace"].startswith("AWS/"))["MetricName"] = "RunsFailed"


@caught_by("alarms-watch-what-is-there")
def an_alarm_watches_the_table_of_another_environment(prod: Deployment) -> None:
    metric = metric_on(prod, lambda metric: "TableName" in dimensions(metric))
    next(d for d in metric["Dimensions"] if d["Name"] == "TableName")["Value"] = "SomethingElse"


@caught_by("alarms-watch-what-is-there")
def an_alarm_watches_an_index_that_is_gone(prod: Deployment) -> None:
    metric = metric_on(prod, lambda metric: "GlobalSecondaryIndexName" in dimensions(metric))
    next(d for d in metric["Dimensions"] if d["Name"] == "GlobalSecondaryIndexName")["Value"] = "GSI9-index"


@caught_by("alarms-are-heard")
def an_alarm_has_no_action(prod: Deployment) -> None:
    del pick(prod, ALARM, has("AlarmActions")).properties["AlarmActions"]


@caught_by("alarms-are-heard")
def an_alarm_has_its_actions_switched_off(prod: Deployment) -> None:
    pick(prod, ALARM, has("AlarmActions")).properties["ActionsEnabled"] = False


@caught_by("topics-have-a-listener")
def nobody_listens_to_the_topic(prod: Deployment) -> None:
    remove(pick(prod, "AWS::SNS::Subscription"))


@caught_by("topics-have-a-listener")
def an_alarm_calls_a_topic_of_somebody_else(prod: Deployment) -> None:
    alarm = pick(prod, ALARM, has("AlarmActions"))
    alarm.properties["AlarmActions"] = ["arn:aws:sns:us-east-1:111122223333:elsewhere"]


@caught_by("alarms-are-understood")
def an_alarm_does_not_say_what_it_means(prod: Deployment) -> None:
    del pick(prod, ALARM).properties["AlarmDescription"]


@caught_by("alarms-are-understood")
def an_alarm_names_no_runbook(prod: Deployment) -> None:
    pick(prod, ALARM).properties["AlarmDescription"] = "Errors"


@caught_by("alarms-are-understood")
def an_alarm_names_a_runbook_that_is_not_there(prod: Deployment) -> None:
    pick(prod, ALARM).properties["AlarmDescription"] = "Errors; see docs/runbooks/no-such-page.md"


@caught_by("no-data-is-decided")
def an_alarm_leaves_missing_data_open(prod: Deployment) -> None:
    del pick(prod, ALARM).properties["TreatMissingData"]


@caught_by("silence-is-heard")
def an_alarm_on_silence_takes_silence_for_well(prod: Deployment) -> None:
    on_silence = {"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "notBreaching"}
    pick(prod, ALARM).properties.update(on_silence)


@caught_by("duration-alarms-can-fire")
def a_duration_alarm_waits_for_more_than_the_timeout(prod: Deployment) -> None:
    alarm_on(prod, "Duration").properties["Threshold"] = 900_001


@caught_by("functions-are-watched")
def nobody_notices_that_functions_fail(prod: Deployment) -> None:
    unwatch(prod, "Errors")


@caught_by("functions-are-watched")
def nobody_notices_that_a_function_is_refused(prod: Deployment) -> None:
    remove(alarm_on(prod, "Throttles"))


@caught_by("queues-are-watched")
def nobody_notices_a_dead_letter(prod: Deployment) -> None:
    unwatch(prod, "ApproximateNumberOfMessagesVisible")


@caught_by("queues-are-watched")
def a_dead_letter_alarm_looks_at_the_queue_before_it(prod: Deployment) -> None:
    age = alarm_on(prod, "ApproximateAgeOfOldestMessage")
    alarm_on(prod, "ApproximateNumberOfMessagesVisible").properties["Dimensions"] = age.properties["Dimensions"]


@caught_by("queues-are-watched")
def nobody_notices_that_messages_wait(prod: Deployment) -> None:
    unwatch(prod, "ApproximateAgeOfOldestMessage")


@caught_by("apis-are-watched")
def nobody_notices_server_errors(prod: Deployment) -> None:
    unwatch(prod, "5xx")


@caught_by("tables-are-watched")
def nobody_notices_a_throttled_table(prod: Deployment) -> None:
    unwatch(prod, "WriteThrottleEvents")


@caught_by("tables-are-watched")
def nobody_notices_a_throttled_index(prod: Deployment) -> None:
    metric = metric_on(prod, lambda metric: "GlobalSecondaryIndexName" in dimensions(metric))
    metric["Dimensions"] = [each for each in metric["Dimensions"] if each["Name"] == "TableName"]


@caught_by("no-cycles")
def an_alarm_and_its_topic_wait_for_each_other(prod: Deployment) -> None:
    alarm = pick(prod, ALARM, has("AlarmActions"))
    pick(prod, TOPIC).body["DependsOn"] = [alarm.logical_id]


def redraw(prod: Deployment, old: str, new: str) -> None:
    """Replace text in the first dashboard that has it."""
    dashboard = pick(prod, DASHBOARD, lambda each: old in text(each.properties["DashboardBody"]))
    dashboard.properties["DashboardBody"] = text(dashboard.properties["DashboardBody"]).replace(old, new)


@caught_by("dashboards-can-be-drawn")
def a_dashboard_is_not_json(prod: Deployment) -> None:
    redraw(prod, '"widgets":[', '"widgets":[,')


@caught_by("dashboards-show-metrics-that-exist")
def a_dashboard_shows_a_metric_that_is_misspelt(prod: Deployment) -> None:
    widget = '{"type":"metric","properties":{"metrics":[["AWS/SQS","NumberOfMessagesSend","QueueName","q"]]}},'
    redraw(prod, '"widgets":[', f'"widgets":[{widget}')


@caught_by("dashboards-show-metrics-that-exist")
def a_dashboard_looks_for_a_table_without_its_operation(prod: Deployment) -> None:
    rows = '[["AWS/DynamoDB","ReadThrottleEvents","TableName","t"],[".","SuccessfulRequestLatency",".","."]]'
    redraw(prod, '"widgets":[', f'"widgets":[{{"type":"metric","properties":{{"metrics":{rows}}}}},')


@caught_by("services-have-a-dashboard")
def a_service_has_no_dashboard(prod: Deployment) -> None:
    remove(pick(prod, DASHBOARD))


@caught_by("spending-is-watched")
def a_service_has_no_budget(prod: Deployment) -> None:
    remove(pick(prod, BUDGET))


@caught_by("spending-is-watched")
def a_budget_tells_nobody(prod: Deployment) -> None:
    del pick(prod, BUDGET).properties["NotificationsWithSubscribers"]


@caught_by("dashboards-show-every-alarm")
def an_alarm_is_on_no_dashboard(prod: Deployment) -> None:
    first = pick(prod, ALARM)
    add(first.stack, "Hidden", ALARM, **first.properties)
