"""A service's own messages on a queue."""

import logging
from dataclasses import dataclass

import pytest

from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.work_queue import WorkQueue


@dataclass(frozen=True)
class Purge:
    id: str

    def text(self) -> str:
        return f'{{"v":1,"purge":"{self.id}"}}'


@pytest.fixture
def queue(aws) -> WorkQueue[Purge]:
    aws.answers["SendMessage"] = [(200, {"MessageId": "m1"})]
    aws.answers["SendMessageBatch"] = [lambda body: (200, {"Successful": [{"Id": e["Id"]} for e in body["Entries"]]})]
    return WorkQueue(QueueClient(sleep=lambda _: None), "https://sqs.test/work")


def test_a_message_is_sent_as_it_says_it_travels(queue, aws):
    assert queue.send(Purge("a"), delay_seconds=30) == "m1"
    [sent] = aws.bodies("SendMessage")
    assert (sent["QueueUrl"], sent["MessageBody"], sent["DelaySeconds"]) == (
        "https://sqs.test/work", '{"v":1,"purge":"a"}', 30,
    )  # fmt: skip


def test_many_messages_go_ten_to_a_request_and_none_costs_none(queue, aws):
    queue.send_all([Purge(str(number)) for number in range(23)])
    assert [len(each["Entries"]) for each in aws.bodies("SendMessageBatch")] == [10, 10, 3]
    bodies = [entry["MessageBody"] for each in aws.bodies("SendMessageBatch") for entry in each["Entries"]]
    assert bodies == [Purge(str(number)).text() for number in range(23)]
    queue.send_all([])
    assert len(aws.calls) == 3


def test_a_message_that_cannot_be_sent_is_left_to_the_schedule_and_told(queue, aws, caplog):
    aws.answers["SendMessage"] = [(500, {"__type": "InternalError"})]
    with pytest.raises(StoreUnavailable):
        queue.send(Purge("a"))
    with caplog.at_level(logging.ERROR):
        queue.send_or_leave(Purge("a"))
    [record] = [each for each in caplog.records if each.message == "message left to the schedule"]
    assert record.body == '{"v":1,"purge":"a"}'


def test_a_bug_is_not_left_to_the_schedule():
    class Broken(QueueClient):
        def send(self, *_arguments, **_options):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        WorkQueue[Purge](Broken(), "https://sqs.test/work").send_or_leave(Purge("a"))
