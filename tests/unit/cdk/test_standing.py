"""What a service costs without traffic is counted from its templates."""

from typing import Any

import pytest

from cdk_app.docs.standing import standing_usage
from cdk_app.docs.templates import Templates
from cdk_app.prices import SECONDS_PER_MONTH
from cdk_app.services.workloads import Usage


def standing(**resources: tuple[str, dict[str, Any]]) -> Usage:
    written = {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in resources.items()}
    return standing_usage(Templates("prod", {"prod-SampleApp": {"Resources": written}}))


def metric(namespace: str, name: str) -> dict[str, Any]:
    return {"Id": name.lower(), "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": name}}}


def test_nothing_costs_nothing():
    assert standing() == Usage()


def test_an_alarm_over_metric_math_is_billed_for_each_metric():
    math = [metric("AWS/DynamoDB", "A"), metric("AWS/DynamoDB", "B"), {"Id": "sum", "Expression": "a + b"}]
    usage = standing(
        Plain=("AWS::CloudWatch::Alarm", {"Namespace": "AWS/Lambda", "MetricName": "Errors"}),
        Math=("AWS::CloudWatch::Alarm", {"Metrics": math}),
    )
    assert usage == Usage(alarm_metrics=3)


def test_a_metric_of_our_own_is_billed_once_however_many_alarms_read_it():
    own = {"Namespace": "Sample", "MetricName": "RunFailed"}
    usage = standing(One=("AWS::CloudWatch::Alarm", own), Two=("AWS::CloudWatch::Alarm", own))
    assert usage == Usage(alarm_metrics=2, custom_metrics=1)


def test_an_idle_queue_is_polled_all_month_and_a_stream_is_read_for_nothing():
    feed = {"EventSourceArn": "q", "FunctionName": "f"}
    usage = standing(
        Feed=("AWS::Lambda::EventSourceMapping", feed),
        Changes=("AWS::Lambda::EventSourceMapping", {**feed, "StartingPosition": "TRIM_HORIZON"}),
    )
    assert usage == Usage(queue_requests=5 * SECONDS_PER_MONTH / 20)


def test_a_snapshot_is_kept_all_month():
    usage = standing(
        Function=("AWS::Lambda::Function", {"MemorySize": 512, "SnapStart": {"ApplyOn": "PublishedVersions"}})
    )
    assert usage == Usage(snapstart_gb_seconds=SECONDS_PER_MONTH / 2)


def test_each_function_that_reads_a_secret_reads_it_every_five_minutes():
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": {"Ref": "Key"}}
    usage = standing(
        Key=("AWS::SecretsManager::Secret", {}),
        Function=("AWS::Lambda::Function", {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}),
        Role=("AWS::IAM::Role", {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]}),
    )
    assert usage == Usage(secrets=1, secret_requests=12 * 730)


@pytest.mark.parametrize(
    ("expression", "times"),
    [("rate(5 minutes)", 12 * 730), ("rate(1 hour)", 730), ("rate(1 day)", 730 / 24), ("cron(0 3 * * ? *)", 0)],
)
def test_a_schedule_calls_its_function_at_its_rate(expression, times):
    usage = standing(
        Rule=("AWS::Events::Rule", {"ScheduleExpression": expression, "Targets": [{"Arn": {"Ref": "Function"}}]}),
        Function=("AWS::Lambda::Function", {"MemorySize": 1024}),
    )
    assert usage.invocations == pytest.approx(times)
    assert usage.gb_seconds == pytest.approx(times * 0.2)
    assert usage.traces == 0


def test_a_service_that_is_traced_pays_for_the_traces_of_its_schedule():
    usage = standing(
        Rule=("AWS::Events::Rule", {"ScheduleExpression": "rate(1 hour)", "Targets": [{"Arn": {"Ref": "Function"}}]}),
        Function=("AWS::Lambda::Function", {"MemorySize": 1024, "TracingConfig": {"Mode": "Active"}}),
    )
    assert usage.traces == pytest.approx(730)
