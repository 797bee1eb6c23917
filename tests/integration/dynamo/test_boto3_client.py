"""boto3 as an engine: what really comes over the wire, and the two kinds of failure it is told as."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.client import CallRefused, NoResponse
from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled
from lambda_src.dynamo.store import ABSENT, Check, Put, Store
from lambda_src.errors import StoreUnavailable
from tests.support.botocore_faults import BotocoreFaults
from tests.support.dynamodb_front import Fault, fronting
from tests.support.ports import free_port
from tests.support.sample_tables import ADD_NOTE, KEEP_NOTE, NOTE, NOTE_BY_NUMBER, NOTES, Note, note_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KEY = {name: {"S": text} for name, text in note_key().values.items()}


@pytest.fixture
def engine(dynamodb_endpoint) -> "Iterator[DynamoDBClient]":
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    yield client
    client.close()


@pytest.fixture
def name(make_tables) -> str:
    name: str = make_tables([NOTES])["notes"]
    return name


def test_every_operation_reaches_the_engine(engine, name):
    client = Boto3Client(engine)
    item = {**KEY, "number": {"N": "1"}}

    def call(operation: str, **request: object) -> object:
        return client.call(operation, {"TableName": name, **request}, "p")

    call("PutItem", Item=item)
    values = {":b": {"S": "BOOK#b"}}
    assert call("GetItem", Key=KEY)["Item"] == item  # type: ignore[index]
    found = call("Query", KeyConditionExpression="PK = :b", ExpressionAttributeValues=values)
    assert found["Items"] == [item]  # type: ignore[index]
    call("UpdateItem", Key=KEY, UpdateExpression="ADD hits :n", ExpressionAttributeValues={":n": {"N": "1"}})
    client.call("TransactWriteItems", {"TransactItems": [{"Delete": {"TableName": name, "Key": KEY}}]}, "p")
    client.call("BatchWriteItem", {"RequestItems": {name: [{"PutRequest": {"Item": item}}]}}, "p")
    answer = client.call("BatchGetItem", {"RequestItems": {name: {"Keys": [KEY]}}}, "p")
    assert answer["Responses"][name] == [item]
    call("DeleteItem", Key=KEY)
    assert "Item" not in call("GetItem", Key=KEY)  # type: ignore[operator]


def test_what_dynamodb_refuses_is_told_with_all_it_says(engine, name):
    client = Boto3Client(engine)
    with pytest.raises(CallRefused) as missing:
        client.call("GetItem", {"TableName": "no-such-table", "Key": KEY}, "p")
    assert (missing.value.code, missing.value.status) == ("ResourceNotFoundException", 400)
    assert missing.value.message
    with pytest.raises(CallRefused) as invalid:
        client.call("GetItem", {"TableName": name, "Key": {"PK": {"S": "x"}}}, "p")
    assert invalid.value.code == "ValidationException"


def test_a_failed_condition_brings_the_item_that_stands_there(engine, name):
    store = Store(Boto3Client(engine), {"notes": name})
    store.put(KEEP_NOTE, Put(NOTE, Note(text="here")))
    with pytest.raises(ConditionFailed) as refused:
        store.put(KEEP_NOTE, Put(NOTE, Note(), ABSENT, return_old=True))
    assert refused.value.item == NOTE.item(Note(text="here"))
    cause = refused.value.__cause__
    assert isinstance(cause, CallRefused)
    assert (cause.code, cause.status) == ("ConditionalCheckFailedException", 400)


def test_a_cancelled_transaction_brings_a_reason_for_each_action(engine, name):
    store = Store(Boto3Client(engine), {"notes": name})
    store.put(KEEP_NOTE, Put(NOTE, Note(number=2)))
    with pytest.raises(TransactionCancelled) as cancelled:
        store.transact(ADD_NOTE, [Put(NOTE, Note()), Check(note_key(2), ABSENT, return_old=True)])
    cause = cancelled.value.__cause__
    assert isinstance(cause, CallRefused)
    assert [reason["Code"] for reason in cause.reasons] == ["None", "ConditionalCheckFailed"]
    assert cancelled.value.reasons[1].item == NOTE.item(Note(number=2))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
        (500, "InternalServerError"),
        (503, ""),
    ],
)
def test_a_bad_day_is_told_by_its_code_or_its_status(engine, name, status, code):
    faults = BotocoreFaults(engine)
    if code:
        faults.error(code, status=status, message="wait")
    else:
        faults.error("", status=status)
    with pytest.raises(CallRefused) as refused:
        Boto3Client(engine).call("GetItem", {"TableName": name, "Key": KEY}, "p")
    assert refused.value.status == status
    if code:
        assert (refused.value.code, refused.value.message) == (code, "wait")
    faults.error(code or "", status=status, times=7)
    store = Store(Boto3Client(engine), {"notes": name}, sleep=lambda _: None)
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) is None
    assert len(faults.requests) == 1 + 8, "botocore itself tries once"


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="http://silent.test"),
        ConnectTimeoutError(endpoint_url="http://silent.test"),
        EndpointConnectionError(endpoint_url="http://silent.test"),
        ConnectionClosedError(endpoint_url="http://silent.test"),
    ],
)
def test_silence_is_told_as_silence(engine, name, error):
    BotocoreFaults(engine).fail(error)
    with pytest.raises(NoResponse):
        Boto3Client(engine).call("GetItem", {"TableName": name, "Key": KEY}, "p")


def test_connections_that_break_and_answers_that_are_lost_are_tried_again(dynamodb_endpoint, name):
    spoil: dict[int, Fault] = {0: "drop after", 1: "drop before", 2: "server error", 3: "throttle"}
    with fronting(dynamodb_endpoint, lambda _operation, before: spoil.get(before)) as front:
        client = make_client(region="us-east-1", endpoint_url=front.url, read_timeout_seconds=30)
        store = Store(Boto3Client(client), {"notes": name}, sleep=lambda _: None)
        store.transact(ADD_NOTE, [Put(NOTE, Note(), ABSENT)], token="one-token")
        assert store.get(NOTE_BY_NUMBER, book="b", number=1) == Note()
        client.close()
    assert front.seen == {"TransactWriteItems": 5, "GetItem": 5}
    assert front.spoiled == dict.fromkeys(spoil.values(), 2)


def test_nobody_there_is_a_clear_answer():
    client = make_client(region="us-east-1", endpoint_url=f"http://127.0.0.1:{free_port()}")
    store = Store(Boto3Client(client), {"notes": "Notes"}, sleep=lambda _: None)
    with pytest.raises(StoreUnavailable) as gave_up:
        store.get(NOTE_BY_NUMBER, book="b", number=1)
    assert isinstance(gave_up.value.__cause__, NoResponse)


def test_a_closed_client_connects_again(engine, name):
    client = Boto3Client(engine)
    store = Store(client, {"notes": name})
    store.put(KEEP_NOTE, Put(NOTE, Note()))
    client.close()
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) == Note()
