"""Alarms: everything that can go wrong has one, each is heard, each watches a metric that exists."""

import json
from typing import Any

from lambda_src.services.stock_track_record.settings import WorkerSettings
from tests.support.assembly import Assembly

ALARM = "AWS::CloudWatch::Alarm"
FUNCTION_ALARMS = {"Errors", "Throttles", "Duration"}
# Metrics by namespace, from the services' own pages, and ours. An alarm on anything else never fires.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
METRICS = {
    "AWS/Lambda": (FUNCTION_ALARMS, {"FunctionName"}),
    "AWS/ApiGateway": ({"5xx", "Latency"}, {"ApiId"}),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}, {"QueueName"}),
    "AWS/DynamoDB": ({"ReadThrottleEvents", "WriteThrottleEvents"}, {"TableName", "GlobalSecondaryIndexName"}),
    "StockTrackRecord": ({"RunFailed"}, {"service"}),
}


def alarms(assembly: Assembly) -> dict[str, dict[str, Any]]:
    return {name: alarm["Properties"] for name, alarm in assembly.app.of_type(ALARM).items()}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    if "MetricName" in alarm:
        return [alarm]
    return [part["MetricStat"]["Metric"] for part in alarm["Metrics"] if "MetricStat" in part]


def test_what_is_watched(assembly):
    names = {name[:-8].removesuffix("Alarm") for name in alarms(assembly)}
    assert names == {
        *(f"ApiFunction{what}" for what in FUNCTION_ALARMS),
        *(f"Worker{what}" for what in FUNCTION_ALARMS),
        "ApiServerErrors",
        "ApiLatency",
        *(f"{queue}{what}" for queue in ("Processing", "Prices") for what in ("DeadLetters", "Age")),
        "RunFailed",
        *(f"{table}TableThrottled" for table in ("Main", "Stocks") if assembly.environment != "local"),
    }


def test_every_alarm_reaches_the_topic_and_says_what_it_means(assembly):
    [topic_id] = assembly.app.of_type("AWS::SNS::Topic")
    for name, alarm in alarms(assembly).items():
        assert alarm["AlarmActions"] == [{"Ref": topic_id}], name
        assert alarm["AlarmDescription"].startswith("Stock Track Record: "), name
        assert alarm["TreatMissingData"] == "notBreaching", name


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


def test_cloudwatch_may_publish_to_the_topic_and_nobody_over_plain_http(assembly):
    statements = assembly.app.properties("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    [deny] = [statement for statement in statements if statement["Effect"] == "Deny"]
    [allow] = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allow["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_who_gets_alarms_is_a_parameter_and_no_address_is_in_the_template(assembly):
    assert assembly.app.body["Parameters"]["AlarmEmail"]["Default"] == ""
    [subscription] = assembly.app.of_type("AWS::SNS::Subscription").values()
    assert subscription["Properties"]["Endpoint"] == {"Ref": "AlarmEmail"}
    condition = assembly.app.body["Conditions"][subscription["Condition"]]
    assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}


def test_the_dashboard_shows_every_alarm(assembly):
    [dashboard] = assembly.app.of_type("AWS::CloudWatch::Dashboard").values()
    shown = json.dumps(dashboard)
    assert all(json.dumps({"Fn::GetAtt": [name, "Arn"]}) in shown for name in alarms(assembly))
