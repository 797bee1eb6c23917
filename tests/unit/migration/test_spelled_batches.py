"""What is spelled out here is what botocore would have sent, and goes the way of its requests."""

import json
from typing import Any

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.migration.target.spelled import SpelledBatches, put_text
from tests.support.botocore_faults import BotocoreFaults, answer_of

ITEM: dict[str, Any] = {
    "PK": {"S": 'quotes " and \\ and \n and \x00'},
    "text": {"S": "\N{WAXING CRESCENT MOON SYMBOL}é"},
    "number": {"N": "1.5"},
    "set": {"SS": ["a", "é"]},
    "list": {"L": [{"M": {"deep": {"BOOL": True}}}, {"NULL": True}]},
    "bytes": {"B": b"\x00\xff"},
    "empty": {"M": {}},
}


@pytest.fixture
def sent():
    """Every request of `client`, in order."""
    return []


@pytest.fixture
def client(sent):
    """It answers its own requests before they leave."""
    client = make_client(region="us-east-1", endpoint_url="http://127.0.0.1:9")

    def answer(request, **_):
        sent.append(request)
        return answer_of(200, {"UnprocessedItems": {}})

    client.meta.events.register("before-send.dynamodb", answer)
    yield client
    client.close()


def test_the_body_is_the_one_that_botocore_makes(client, sent):
    spelled = SpelledBatches(client, Boto3Client(client))
    requests = {"Notes": [{"PutRequest": {"Item": ITEM}}], "Other": [{"DeleteRequest": {"Key": {"PK": {"S": "x"}}}}]}
    client.batch_write_item(RequestItems=requests, ReturnConsumedCapacity="TOTAL")
    spelled.send({"Notes": [put_text(ITEM)], "Other": requests["Other"]})
    plain, ours = sent
    assert json.loads(ours.body) == json.loads(plain.body)
    assert int(ours.headers["Content-Length"]) == len(ours.body)
    assert ours.headers["X-Amz-Target"] == plain.headers["X-Amz-Target"]
    assert "Authorization" in ours.headers


def test_what_was_not_written_is_sent_again_as_dynamodb_gave_it_back(client, sent):
    SpelledBatches(client, Boto3Client(client)).send(
        {"Notes": [{"PutRequest": {"Item": ITEM}}, put_text({"PK": {"S": "b"}})]}
    )
    [sent] = sent
    assert json.loads(sent.body)["RequestItems"]["Notes"][1] == {"PutRequest": {"Item": {"PK": {"S": "b"}}}}
    assert json.loads(sent.body)["RequestItems"]["Notes"][0]["PutRequest"]["Item"]["bytes"] == {"B": "AP8="}


def test_other_calls_of_the_client_are_left_alone(client, sent):
    spelled = SpelledBatches(client, Boto3Client(client))
    spelled.send({"Notes": [put_text(ITEM)]})
    client.batch_write_item(RequestItems={"Notes": [{"DeleteRequest": {"Key": {"PK": {"S": "x"}}}}]})
    assert "DeleteRequest" in json.loads(sent[1].body)["RequestItems"]["Notes"][0]


def test_batches_that_do_not_ask_are_taken_to_be_like_those_that_did():
    client = make_client(region="us-east-1", endpoint_url="http://127.0.0.1:9")
    faults = BotocoreFaults(client)
    puts = [put_text({"PK": {"S": str(n)}}) for n in range(10)]
    left = {"Notes": [{"PutRequest": {"Item": {"PK": {"S": "9"}}}}]}
    faults.answer({"UnprocessedItems": left, "ConsumedCapacity": [{"TableName": "Notes", "CapacityUnits": 27.0}]})
    faults.answer({"UnprocessedItems": {}}, times=2)
    faults.answer({"UnprocessedItems": {}, "ConsumedCapacity": [{"TableName": "Notes", "CapacityUnits": 30.0}]})
    spelled = SpelledBatches(client, Boto3Client(client), asks_every=3)
    for _ in range(4):
        spelled.send({"Notes": puts})
    assert [body["ReturnConsumedCapacity"] for body in faults.requests] == ["TOTAL", "NONE", "NONE", "TOTAL"]
    assert spelled.unstated_units == 2 * 10 * 3
    client.close()


def test_the_length_of_a_put_is_its_size():
    text = put_text(ITEM)
    assert len(text) == len(text.encode())
