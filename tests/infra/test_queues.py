"""Queues, their dead letters, and the worker that they feed."""

import json

import pytest

from tests.support.assembly import Assembly

QUEUE = "AWS::SQS::Queue"
MAPPING = "AWS::Lambda::EventSourceMapping"
QUEUE_IDS = {
    "ProcessingQueueA1640E9B",
    "ProcessingDeadLetters1EA4052A",
    "PricesQueueF707E73E",
    "PricesDeadLettersD2EA8709",
}
QUEUES = ["Processing", "Prices"]


def queue_id(assembly: Assembly, starting: str) -> str:
    [found] = [name for name in assembly.app.of_type(QUEUE) if name.startswith(starting)]
    return found


def test_queues_keep_their_logical_ids(assembly):
    assert set(assembly.app.of_type(QUEUE)) == QUEUE_IDS


@pytest.mark.parametrize("name", QUEUES)
def test_a_message_stays_hidden_for_six_times_as_long_as_the_worker_may_run(assembly, name):
    queue = assembly.app.properties(QUEUE, f"{name}Queue")
    worker = assembly.app.properties("AWS::Lambda::Function", "Worker")
    assert queue["VisibilityTimeout"] == 5400 >= 6 * worker["Timeout"]


@pytest.mark.parametrize("name", QUEUES)
def test_a_message_is_given_up_after_five_receives_and_then_kept_longer_than_it_could_wait(assembly, name):
    queue = assembly.app.properties(QUEUE, f"{name}Queue")
    dead_letters_id = queue_id(assembly, f"{name}DeadLetters")
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters_id, "Arn"]},
        "maxReceiveCount": 5,
    }
    dead_letters = assembly.app.properties(QUEUE, f"{name}DeadLetters")
    assert dead_letters["MessageRetentionPeriod"] == 14 * 24 * 3600 > queue["MessageRetentionPeriod"]


@pytest.mark.parametrize("name", QUEUES)
def test_only_its_own_queue_may_send_to_a_dead_letter_queue(assembly, name):
    policy = assembly.app.properties(QUEUE, f"{name}DeadLetters")["RedriveAllowPolicy"]
    queue_name = assembly.app.properties(QUEUE, f"{name}Queue")["QueueName"]
    assert policy["redrivePermission"] == "byQueue"
    [source] = policy["sourceQueueArns"]
    assert source["Fn::Join"][1][-1] == f":{queue_name}"
    assert queue_name == f"StockTrackRecord-{name}-{assembly.environment}"


def test_queues_are_encrypted_and_refuse_plain_http(assembly):
    protected = {
        statement["Resource"]["Fn::GetAtt"][0]
        for policy in assembly.app.of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Action"] == "sqs:*"
    }
    assert protected == QUEUE_IDS
    assert all(queue["Properties"]["SqsManagedSseEnabled"] for queue in assembly.app.of_type(QUEUE).values())


@pytest.mark.parametrize(("name", "at_once"), [("Processing", 10), ("Prices", 2)])
def test_the_worker_takes_one_message_at_a_time_and_reports_each_alone(assembly, name, at_once):
    mapping = assembly.app.properties(MAPPING, f"{name}Feed")
    [worker_id] = [id_ for id_ in assembly.app.of_type("AWS::Lambda::Function") if id_.startswith("Worker")]
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [queue_id(assembly, f"{name}Queue"), "Arn"]}
    assert mapping["FunctionName"] == {"Ref": worker_id}
    assert mapping["BatchSize"] == 1
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": at_once}
    assert "MaximumBatchingWindowInSeconds" not in mapping


def test_the_worker_sweeps_every_five_minutes(assembly):
    rule = assembly.app.properties("AWS::Events::Rule")
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    assert rule["State"] == "ENABLED"
    [target] = rule["Targets"]
    assert json.loads(target["Input"]) == {"task": "sweep"}
    assert target["Arn"]["Fn::GetAtt"][0].startswith("WorkerFunction")


def test_a_failed_sweep_is_not_repeated_because_the_next_one_comes(assembly):
    config = assembly.app.properties("AWS::Lambda::EventInvokeConfig")
    assert config["MaximumRetryAttempts"] == 0
    assert config["MaximumEventAgeInSeconds"] == 300
