"""Alarms: everything that can go wrong has one, each is heard, each watches a metric that exists."""

from typing import Any

from cdk_app.constructs.runbooks import RUNBOOKS
from lambda_src.services.stock_track_record.settings import WorkerSettings
from tests.support.assembly import Assembly

ALARM = "AWS::CloudWatch::Alarm"
FUNCTION_ALARMS = {"Errors", "Throttles", "Duration"}
# Metrics by namespace, from the services' own pages, and ours. An alarm on anything else never fires.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
METRICS = {
    "AWS/Lambda": (FUNCTION_ALARMS | {"AsyncEventsDropped"}, {"FunctionName", "Resource", "ExecutedVersion"}),
    "AWS/Events": ({"Invocations", "FailedInvocations"}, {"RuleName"}),
    "AWS/ApiGateway": ({"5xx", "Latency"}, {"ApiId"}),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}, {"QueueName"}),
    "AWS/DynamoDB": (
        {"ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors"},
        {"TableName", "GlobalSecondaryIndexName", "Operation"},
    ),
    "StockTrackRecord": ({"RunFailed"}, {"service"}),
}
# The emulator's alarms know no metric math, and its engine never throttles.
TABLES_WATCHED = {"local": (), "dev": ("Main", "Stocks"), "staging": ("Main", "Stocks"), "prod": ("Main", "Stocks")}
NEW_VERSION_ALARMS = ("Errors", "Duration")
ROLLOUT_ALARMS = {"local": (), "dev": (), "staging": NEW_VERSION_ALARMS, "prod": NEW_VERSION_ALARMS}
PAGE = {runbook.link: runbook for runbook in RUNBOOKS}


def alarms(assembly: Assembly) -> dict[str, dict[str, Any]]:
    return {name: alarm["Properties"] for name, alarm in assembly.app.of_type(ALARM).items()}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    if "MetricName" in alarm:
        return [alarm]
    return [part["MetricStat"]["Metric"] for part in alarm["Metrics"] if "MetricStat" in part]


def services_of(statement: dict[str, Any]) -> list[str]:
    """The services a statement allows something to."""
    services = statement["Principal"]["Service"]
    return [services] if isinstance(services, str) else services


def test_what_is_watched(assembly):
    names = {name[:-8].removesuffix("Alarm") for name in alarms(assembly)}
    assert names == {
        *(f"ApiFunction{what}" for what in FUNCTION_ALARMS),
        *(f"Worker{what}" for what in FUNCTION_ALARMS),
        "ApiServerErrors",
        "ApiLatency",
        *(f"{queue}{what}" for queue in ("Processing", "Prices") for what in ("DeadLetters", "Age")),
        *(f"Sweep{what}" for what in ("Silent", "Failed", "Dropped")),
        "RunFailed",
        *(f"{table}Table{what}" for table in TABLES_WATCHED[assembly.environment] for what in ("Throttled", "Errors")),
        *(f"ApiRolloutNewVersion{what}" for what in ROLLOUT_ALARMS[assembly.environment]),
    }


def test_every_alarm_reaches_the_topic(assembly):
    [topic_id] = assembly.app.of_type("AWS::SNS::Topic")
    for name, alarm in alarms(assembly).items():
        assert alarm["AlarmActions"] == [{"Ref": topic_id}], name


def test_every_alarm_says_what_it_means_what_to_do_first_and_which_page_to_open(assembly):
    for name, alarm in alarms(assembly).items():
        what, _, rest = alarm["AlarmDescription"].partition(". First: ")
        first, _, page = rest.partition(". Runbook: ")
        assert what.startswith("Stock Track Record: "), name
        assert PAGE[page].first == first, name


def test_a_state_that_lasts_also_tells_when_it_is_over(assembly):
    [topic_id] = assembly.app.of_type("AWS::SNS::Topic")
    for name, alarm in alarms(assembly).items():
        lasts = PAGE[alarm["AlarmDescription"].rpartition(" ")[2]].tells_when_over
        assert alarm.get("OKActions", []) == ([{"Ref": topic_id}] if lasts else []), name


def test_no_data_is_no_alarm_but_for_a_schedule_that_has_fallen_silent(assembly):
    for name, alarm in alarms(assembly).items():
        silent = name.startswith("SweepSilentAlarm")
        assert alarm["TreatMissingData"] == ("breaching" if silent else "notBreaching"), name


def test_every_alarm_watches_a_metric_that_exists(assembly):
    for name, alarm in alarms(assembly).items():
        for metric in metrics_of(alarm):
            known, dimensions = METRICS[metric["Namespace"]]
            assert metric["MetricName"] in known, name
            assert {dimension["Name"] for dimension in metric["Dimensions"]} <= dimensions, name


def test_one_dead_letter_is_enough_and_an_hour_of_waiting_too_long(assembly):
    for queue in ("Processing", "Prices"):
        dead_letters = assembly.app.properties(ALARM, f"{queue}DeadLettersAlarm")
        assert (dead_letters["MetricName"], dead_letters["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 1)
        assert dead_letters["Dimensions"][0]["Value"]["Fn::GetAtt"][0].startswith(f"{queue}DeadLetters")
        age = assembly.app.properties(ALARM, f"{queue}AgeAlarm")
        assert (age["MetricName"], age["Threshold"]) == ("ApproximateAgeOfOldestMessage", 3600)
        assert age["Dimensions"][0]["Value"]["Fn::GetAtt"][0].startswith(f"{queue}Queue")


def test_a_function_is_near_its_timeout_at_95_percent_and_above_the_longest_budget(assembly):
    assert assembly.app.properties(ALARM, "ApiFunctionDuration")["Threshold"] == 28_500
    worker = assembly.app.properties(ALARM, "WorkerDuration")
    budget = WorkerSettings.model_fields["channel_budget_seconds"].default
    assert budget * 1000 < worker["Threshold"] == 855_000
    assert worker["Statistic"] == "Maximum"


def test_a_table_alarm_counts_reads_and_writes_of_the_table_and_each_index(deployed):
    watched = {
        (metric["MetricName"], *sorted(dimension["Value"] for dimension in metric["Dimensions"]))
        for metric in metrics_of(deployed.app.properties(ALARM, "MainTableThrottled"))
    }
    table = f"StockTrackRecord-{deployed.environment}"
    places = [(table,), *((f"GSI{number}-index", table) for number in (1, 2, 3))]
    assert watched == {(f"{kind}ThrottleEvents", *place) for kind in ("Read", "Write") for place in places}


def test_only_alarms_and_budgets_of_this_account_may_publish_and_nobody_over_plain_http(assembly):
    statements = assembly.app.properties("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    [deny] = [statement for statement in statements if statement["Effect"] == "Deny"]
    allowed = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert {service for allow in allowed for service in services_of(allow)} == {
        "cloudwatch.amazonaws.com",
        "budgets.amazonaws.com",
    }
    for allow in allowed:
        assert allow["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_who_gets_alarms_is_a_parameter_and_no_address_is_in_the_template(assembly):
    assert assembly.app.body["Parameters"]["AlarmEmail"]["Default"] == ""
    [subscription] = assembly.app.of_type("AWS::SNS::Subscription").values()
    assert subscription["Properties"]["Endpoint"] == {"Ref": "AlarmEmail"}
    condition = assembly.app.body["Conditions"][subscription["Condition"]]
    assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}


def test_a_schedule_is_silent_after_three_missed_calls(assembly):
    silent = assembly.app.properties(ALARM, "SweepSilentAlarm")
    [rule_id] = assembly.app.of_type("AWS::Events::Rule")
    assert silent["Dimensions"] == [{"Name": "RuleName", "Value": {"Ref": rule_id}}]
    assert (silent["Period"], silent["EvaluationPeriods"], silent["Threshold"]) == (300, 3, 1)
    assert silent["ComparisonOperator"] == "LessThanThreshold"


def test_errors_of_dynamodb_are_counted_for_every_operation_that_is_granted(deployed):
    """`SystemErrors` exists per operation only; one that is left out would never be seen."""
    granted = {
        action.partition(":")[2]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for policy in deployed.app.of_type(kind).values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.startswith("dynamodb:")
    }
    watched = {
        dimension["Value"]
        for name in ("MainTableErrors", "StocksTableErrors")
        for metric in metrics_of(deployed.app.properties(ALARM, name))
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "Operation"
    }
    assert watched >= granted - {"ConditionCheckItem"}  # IAM's name for a part of a transaction
    assert "TransactWriteItems" in watched


def test_no_alarm_reads_more_metrics_than_cloudwatch_takes(assembly):
    assert all(len(metrics_of(alarm)) <= 10 for alarm in alarms(assembly).values())
