"""What a table's stream says of its changes, on a real engine: the cases that are easily taken for something else."""

from decimal import Decimal

import pytest

from lambda_src.dynamo.values import from_item, to_item
from lambda_src.runtime.stream import EventName, StreamRecord
from tests.support.sample_tables import NOTES
from tests.support.stream_events import records_of_tables

INSERT, MODIFY, REMOVE = EventName


@pytest.fixture
def table(make_tables):
    return make_tables([NOTES], with_streams=True)["notes"]


@pytest.fixture
def records_of(dynamodb_client, dynamodb_endpoint):
    with records_of_tables(dynamodb_client, dynamodb_endpoint) as read:
        yield lambda table: [StreamRecord.of(record) for record in read(table)]


def test_an_update_that_makes_its_item_is_an_insert_and_one_that_changes_nothing_leaves_no_record(
    dynamodb_client, table, records_of
):
    key = {"PK": {"S": "BOOK#b"}, "SK": {"S": "NOTE#0001"}}

    def set_hits(hits):
        dynamodb_client.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET hits = :hits",
            ExpressionAttributeValues={":hits": {"N": str(hits)}},
        )

    for hits in (1, 1, 2):
        set_hits(hits)
    dynamodb_client.delete_item(TableName=table, Key=key)
    dynamodb_client.delete_item(TableName=table, Key=key)
    one, two = {**key, "hits": {"N": "1"}}, {**key, "hits": {"N": "2"}}
    records = records_of(table)
    assert [(record.event_name, record.old, record.new) for record in records] == [
        (INSERT, None, one), (MODIFY, one, two), (REMOVE, two, None),
    ]  # fmt: skip
    assert {(record.table, record.expired) for record in records} == {(table, False)}
    numbers = [int(record.sequence_number) for record in records]
    assert numbers == sorted(set(numbers))
    assert len({record.event_id for record in records}) == 3


def test_an_image_is_exactly_the_item(dynamodb_client, table, records_of):
    item = {
        "PK": "BOOK#b",
        "SK": "NOTE#0001",
        "price": Decimal("9007199254740993.0000000000000000000001"),
        "tiny": Decimal("1E-125"),
        "content": bytes(range(256)),
        "nested": {"list": [b"\xff", 0, "", {"flag": False}], "tags": frozenset({"a", "ä"})},
    }
    dynamodb_client.put_item(TableName=table, Item=to_item(item))
    stored = dynamodb_client.get_item(TableName=table, Key=to_item({"PK": item["PK"], "SK": item["SK"]}))["Item"]
    (record,) = records_of(table)
    assert record.new is not None
    assert from_item(record.new) == from_item(stored) == item
