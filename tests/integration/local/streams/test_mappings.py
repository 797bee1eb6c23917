"""Event source mappings as the emulator has them after a deployment, and its functions and queues behind them."""

import json
from typing import Any

import pytest

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.ministack import QUICK, MiniStack
from cdk_app.local.streams.batches import Answer, Calls, NotInvoked, NotSent
from cdk_app.local.streams.calls import EmulatorCalls
from cdk_app.local.streams.mappings import read_mappings
from cdk_app.local.tables import bring_about, tables_of
from tests.support.streams import running, until

DATA, APP = "local-ThingsData", "local-ThingsApp"
SOURCE = {"Fn::GetStackOutput": {"StackName": DATA, "OutputName": "Stream"}}
CODE = """
def handler(event, context):
    names = [record["dynamodb"]["Keys"]["name"]["S"] for record in event["Records"]]
    if "poison" in names:
        raise ValueError("poison")
    print("handled", *names)
    return {"batchItemFailures": []}
"""
TABLE = {
    "Type": "AWS::DynamoDB::GlobalTable",
    "Properties": {
        "TableName": "Things-local",
        "AttributeDefinitions": [{"AttributeName": "name", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "Replicas": [{"Region": "us-east-1"}],
    },
}
FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::123456789012:role/none",
        "Code": {"ZipFile": CODE},
    },
}
FEED: dict[str, Any] = {
    "FunctionName": {"Ref": "Function"},
    "EventSourceArn": SOURCE,
    "StartingPosition": "TRIM_HORIZON",
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 5,
    "ParallelizationFactor": 10,
    "BisectBatchOnFunctionError": True,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "MaximumRetryAttempts": 10_000,
    "MaximumRecordAgeInSeconds": 86_400,
    "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Dead", "Arn"]}}},
    "FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
}


@pytest.fixture
def deploy(cloud: MiniStack):
    """Deploys the data stack, and an app stack whose mapping has these properties."""
    stacks = cloud.session.client("cloudformation", endpoint_url=cloud.url, config=QUICK)

    def create(name, **template):
        stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
        stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})

    def deploy(**feed):
        queue = {"Type": "AWS::SQS::Queue"}
        polled = {"FunctionName": {"Ref": "Function"}, "EventSourceArn": {"Fn::GetAtt": ["Work", "Arn"]}}
        mapping = {"Type": "AWS::Lambda::EventSourceMapping"}
        create(
            DATA, Resources={"Things": TABLE}, Outputs={"Stream": {"Value": {"Fn::GetAtt": ["Things", "StreamArn"]}}}
        )
        create(
            APP,
            Resources={
                "Function": FUNCTION,
                "Dead": queue,
                "Work": queue,
                "Feed": {**mapping, "Properties": {**FEED, **feed}},
                "Polled": {**mapping, "Properties": polled},
            },
        )

    yield deploy
    for name in (APP, DATA):
        stacks.delete_stack(StackName=name)
        stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def test_a_mapping_is_read_as_it_was_deployed(cloud, deploy):
    deploy()
    [mapping] = read_mappings(cloud, [DATA, APP])
    assert mapping.name == f"{APP}/Feed"
    assert mapping.table_name == "Things-local"
    assert mapping.source_arn.startswith("arn:aws:dynamodb:us-east-1:123456789012:table/Things-local/stream/")
    assert (mapping.batch_size, mapping.window_seconds) == (100, 5)
    assert (mapping.bisects, mapping.reports_failures) == (True, True)
    assert (mapping.max_retries, mapping.max_age_seconds) == (10_000, 86_400)
    assert str(mapping.on_failure_arn).startswith("arn:aws:sqs:us-east-1:123456789012:local-ThingsApp")
    assert [mapping.matches({"eventName": name}) for name in ("INSERT", "REMOVE")] == [True, False]


def test_a_mapping_that_is_switched_off_is_left_alone(cloud, deploy):
    deploy()
    functions = cloud.session.client("lambda", endpoint_url=cloud.url, config=QUICK)
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    assert list(read_mappings(cloud, [APP])) == []


@pytest.mark.parametrize(
    ("feed", "told"),
    [
        ({"StartingPosition": "LATEST"}, "starts at LATEST"),
        ({"EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/other"}, "is no stream of a table"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sns:us-east-1:123456789012:topic"}}},
            "which is no queue",
        ),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": [{"suffix": "T"}]}'}]}}, "does not carry out"),
    ],
)
def test_a_mapping_that_cannot_be_carried_out_here_is_refused(cloud, deploy, feed, told):
    deploy(**feed)
    with pytest.raises(LocalCloudError, match=told):
        list(read_mappings(cloud, [APP]))


def test_a_deployed_function_is_fed_and_what_it_cannot_handle_is_in_its_queue(cloud, deploy, engine, journal):
    deploy(MaximumRetryAttempts=0, MaximumBatchingWindowInSeconds=0)
    [table] = tables_of({"Resources": {"Things": TABLE}})
    bring_about(engine.dynamodb, table)
    try:
        calls = EmulatorCalls(cloud)
        queues = cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK)
        [mapping] = read_mappings(cloud, [APP])
        engine.put(table, "a", "poison", "c")
        with running(engine.bridge(journal, table, Calls(calls.invoke, calls.send), mapping)):
            url = queues.get_queue_url(QueueName=str(mapping.on_failure_arn).rpartition(":")[2])["QueueUrl"]
            found: list[Any] = []
            until(
                lambda: bool(found),
                meanwhile=lambda: found.extend(queues.receive_message(QueueUrl=url).get("Messages", ())),
            )
            until(lambda: journal_says_done(journal, engine, table, mapping))
    finally:
        engine.dynamodb.delete_table(TableName=table.name)
    notice = json.loads(found[0]["Body"])
    assert notice["requestContext"]["functionArn"] == mapping.function_arn
    assert notice["responseContext"]["functionError"] == "Unhandled"
    assert notice["DDBStreamBatchInfo"]["batchSize"] == 1


def journal_says_done(journal, engine, table, mapping):
    """Whether the last record of the table is done."""
    stream = engine.dynamodb.describe_table(TableName=table.name)["Table"]["LatestStreamArn"]
    [shard] = engine.streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    iterator = engine.streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    last = engine.streams.get_records(ShardIterator=iterator)["Records"][-1]["dynamodb"]["SequenceNumber"]
    return journal.position(mapping.name, stream, shard["ShardId"]) == last


def test_what_a_function_returns_and_raises_is_told_apart(cloud, deploy):
    deploy()
    calls = EmulatorCalls(cloud)
    [mapping] = read_mappings(cloud, [APP])
    record = {"dynamodb": {"Keys": {"name": {"S": "a"}}}}
    assert calls.invoke(mapping.function_arn, {"Records": [record]}) == Answer({"batchItemFailures": []})
    failed = calls.invoke(mapping.function_arn, {"Records": [{}]})
    assert failed.error == "Unhandled"
    assert "errorMessage" in failed.payload


def test_a_function_or_queue_that_is_not_there_is_told_apart_from_one_that_fails(cloud):
    calls = EmulatorCalls(cloud)
    with pytest.raises(NotInvoked):
        calls.invoke("arn:aws:lambda:us-east-1:123456789012:function:nobody", {})
    with pytest.raises(NotSent):
        calls.send("arn:aws:sqs:us-east-1:123456789012:nowhere", "text")
