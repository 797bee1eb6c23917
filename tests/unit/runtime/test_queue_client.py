"""The queue client against a server that speaks the SQS protocol."""

import socket
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.correlation import correlated
from lambda_src.runtime.queue import MAX_BATCH_BYTES, QueueClient, queue_name
from tests.support.answering_server import AnsweringServer, Written

type Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/processing"
THROTTLED = (400, {"__type": "com.amazon.coral.service#RequestThrottled", "message": "slow down"})


def taking(*refused: str, code: str = "InternalError") -> Answer:
    """An answer of SendMessageBatch that takes all entries but those with the given bodies."""

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        entries = body["Entries"]
        failed = [entry["Id"] for entry in entries if entry["MessageBody"] in refused]
        return 200, {
            "Successful": [
                {"Id": e["Id"], "MessageId": e["Id"], "MD5OfMessageBody": ""} for e in entries if e["Id"] not in failed
            ],
            "Failed": [{"Id": i, "Code": code, "SenderFault": False} for i in failed],
        }

    return answer


@pytest.fixture
def slept():
    return []


@pytest.fixture
def queue(aws, slept):
    def client():
        return boto3.client("sqs", config=Config(retries={"total_max_attempts": 1}))

    return QueueClient(client, sleep=slept.append, jitter=lambda: 1.0)


def sent_bodies(aws: Any) -> list[list[str]]:
    return [[entry["MessageBody"] for entry in body["Entries"]] for body in aws.bodies("SendMessageBatch")]


def test_nothing_is_created_before_the_first_call():
    QueueClient(lambda: pytest.fail("no client is needed yet"))


def test_one_message_is_sent_with_its_delay_and_attributes(aws, queue):
    aws.answers["SendMessage"] = [(200, {"MessageId": "m-1"})]
    assert queue.send(URL, "{}", delay_seconds=37, attributes={"reason": "not json"}) == "m-1"
    (body,) = aws.bodies("SendMessage")
    assert (body["QueueUrl"], body["MessageBody"], body["DelaySeconds"]) == (URL, "{}", 37)
    assert body["MessageAttributes"] == {"reason": {"DataType": "String", "StringValue": "not json"}}


def test_the_correlation_id_goes_along(aws, queue):
    aws.answers["SendMessage"] = [(200, {"MessageId": "m-1"})]
    aws.answers["SendMessageBatch"] = [taking()]
    with correlated("request-7"):
        queue.send(URL, "{}")
        queue.send_batch(URL, ["{}"])
    expected = {"correlation_id": {"DataType": "String", "StringValue": "request-7"}}
    assert aws.bodies("SendMessage")[0]["MessageAttributes"] == expected
    assert aws.bodies("SendMessageBatch")[0]["Entries"][0]["MessageAttributes"] == expected


def test_an_empty_attribute_is_left_out_because_sqs_refuses_it(aws, queue):
    aws.answers["SendMessage"] = [(200, {"MessageId": "m-1"})]
    queue.send(URL, "{}", attributes={"reason": ""})
    assert aws.bodies("SendMessage")[0]["MessageAttributes"] == {}


def test_a_batch_goes_out_ten_at_a_time_and_in_order(aws, queue, slept):
    aws.answers["SendMessageBatch"] = [taking()]
    bodies = [f"message {n}" for n in range(23)]
    queue.send_batch(URL, bodies, delay_seconds=5)
    assert sent_bodies(aws) == [bodies[:10], bodies[10:20], bodies[20:]]
    assert all(entry["DelaySeconds"] == 5 for body in aws.bodies("SendMessageBatch") for entry in body["Entries"])
    assert slept == []


def test_an_empty_batch_costs_nothing(aws, queue):
    queue.send_batch(URL, [])
    assert aws.calls == []


def test_a_request_stays_below_the_size_limit(aws, queue):
    aws.answers["SendMessageBatch"] = [taking()]
    bodies = ["ü" * 50_000] * 5  # 100,000 bytes each
    queue.send_batch(URL, bodies)
    assert [len(each) for each in sent_bodies(aws)] == [2, 2, 1]


def test_a_message_that_no_request_can_hold_is_refused_before_anything_is_sent(aws, queue):
    with pytest.raises(ValueError, match="larger than a request"):
        queue.send_batch(URL, ["small", "x" * (MAX_BATCH_BYTES + 1)])
    assert aws.calls == []


def test_entries_that_were_not_taken_are_sent_again_and_only_those(aws, queue, slept):
    aws.answers["SendMessageBatch"] = [taking("b", "d"), taking("d"), taking()]
    queue.send_batch(URL, ["a", "b", "c", "d"])
    assert sent_bodies(aws) == [["a", "b", "c", "d"], ["b", "d"], ["d"]]
    assert slept == [0.1, 0.2]


def test_a_throttled_request_is_sent_again_whole(aws, queue, slept):
    aws.answers["SendMessageBatch"] = [THROTTLED, taking()]
    queue.send_batch(URL, ["a", "b"])
    assert sent_bodies(aws) == [["a", "b"], ["a", "b"]]
    assert len(slept) == 1


def test_after_ten_rounds_the_error_says_how_many_are_left(aws, queue, slept):
    aws.answers["SendMessageBatch"] = [taking("b", "k")]
    with pytest.raises(StoreUnavailable, match="2 of 12 messages") as caught:
        queue.send_batch(URL, list("abcdefghijkl"))
    assert caught.value.retryable
    assert len(slept) == 18, "nine pauses for each of the two requests"
    assert max(slept) <= 1.0
    assert {body for each in sent_bodies(aws) for body in each} == set("abcdefghijkl"), "the second chunk was sent too"


@pytest.mark.parametrize("seconds", [0, 360, 43_200])
def test_visibility_is_moved(aws, queue, seconds):
    queue.set_visibility(URL, "handle", seconds)
    (body,) = aws.bodies("ChangeMessageVisibility")
    assert body == {"QueueUrl": URL, "ReceiptHandle": "handle", "VisibilityTimeout": seconds}


@pytest.mark.parametrize("seconds", [-1, 43_201])
def test_a_visibility_that_sqs_does_not_know_is_refused(aws, queue, seconds):
    with pytest.raises(ValueError, match="visibility"):
        queue.set_visibility(URL, "handle", seconds)
    assert aws.calls == []


@pytest.mark.parametrize("delay", [-1, 901])
def test_a_delay_that_sqs_does_not_know_is_refused(aws, queue, delay):
    with pytest.raises(ValueError, match="delay"):
        queue.send(URL, "{}", delay_seconds=delay)
    with pytest.raises(ValueError, match="delay"):
        queue.send_batch(URL, ["{}"], delay_seconds=delay)
    assert aws.calls == []


@pytest.mark.parametrize("status", [400, 500, 503])
def test_a_refusal_of_sqs_is_a_retryable_error(aws, queue, status):
    failure = (status, {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no"})
    aws.answers = {"SendMessage": [failure], "ChangeMessageVisibility": [failure]}
    with pytest.raises(StoreUnavailable):
        queue.send(URL, "{}")
    with pytest.raises(StoreUnavailable):
        queue.set_visibility(URL, "handle", 1)


def test_a_queue_that_never_answers_is_a_retryable_error(aws, slept):
    with AnsweringServer(Written(promised_bytes=5, is_held=True)) as server:
        config = Config(read_timeout=0.2, retries={"total_max_attempts": 1})
        queue = QueueClient(lambda: boto3.client("sqs", endpoint_url=server.url, config=config), sleep=slept.append)
        with pytest.raises(StoreUnavailable):
            queue.send(URL, "{}")
        with pytest.raises(StoreUnavailable):
            queue.set_visibility(URL, "handle", 1)


def test_a_queue_that_nobody_serves_is_a_retryable_error(aws, slept):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        config = Config(connect_timeout=0.2, read_timeout=0.2, retries={"total_max_attempts": 1})
        queue = QueueClient(
            lambda: boto3.client("sqs", endpoint_url=f"http://127.0.0.1:{port}", config=config), sleep=slept.append
        )
        with pytest.raises(StoreUnavailable):
            queue.send(URL, "{}")
        with pytest.raises(StoreUnavailable, match="1 of 1"):
            queue.send_batch(URL, ["{}"])


@pytest.mark.parametrize(
    "text",
    [
        URL,
        "arn:aws:sqs:us-east-1:123456789012:processing",
        "http://127.0.0.1:4570/123456789012/processing",
    ],
)
def test_a_queue_has_one_name_however_it_is_addressed(text):
    assert queue_name(text) == "processing"


def test_an_answer_that_is_not_of_sqs_is_no_promise(aws, queue, slept):
    nothing: Any = (200, {})  # what botocore makes of HTML, too
    aws.answers = {"SendMessage": [nothing], "SendMessageBatch": [nothing, (200, {"error": "blocked"}), taking()]}
    queue.send_batch(URL, ["a", "b"])
    assert sent_bodies(aws) == [["a", "b"]] * 3
    with pytest.raises(StoreUnavailable):
        queue.send(URL, "{}")
