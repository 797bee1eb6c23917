"""What becomes of every message: a real queue client, recorded events, a server that speaks the SQS protocol."""

import json
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config

from lambda_src.dynamo.meter import UsageMeter
from lambda_src.errors import AppError, NotFound, StoreUnavailable, UpstreamFailed
from lambda_src.runtime.correlation import correlation_id
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.runtime.messages import Malformed
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.worker import QueueWorker, WorkerQueue
from tests.support.invocation import Context, Time

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/processing"
DEAD_LETTERS = "https://sqs.us-east-1.amazonaws.com/123456789012/processing-dlq"
BROKEN = (500, {"__type": "InternalError"})
SENT = (200, {"MessageId": "copy"})


def parse(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Malformed("the body is no JSON") from None


@dataclass
class Harness:
    """A worker whose handler does what `behaviour` says for the message's type, and remembers what it saw."""

    aws: Any
    usage: UsageMeter
    time: Time = field(default_factory=Time)
    behaviour: dict[str, Any] = field(default_factory=dict)
    seen: list[Any] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)

    def handle(self, message: Any, delivery: Delivery, deadline: Deadline) -> None:
        self.seen.append((message["type"], delivery, correlation_id()))
        self.deadlines.append(deadline.remaining_seconds())
        action = self.behaviour.get(message["type"])
        if isinstance(action, Exception):
            raise action
        if action is not None:
            action()

    def worker(self, **options: Any) -> QueueWorker[Any]:
        defaults: dict[str, Any] = {
            "parse": parse,
            "handle": self.handle,
            "kind": lambda message: message["type"],
            "budget_seconds": lambda message: 840 if message["type"] == "channel" else 330,
            "queue": QueueClient(
                lambda: boto3.client("sqs", config=Config(retries={"total_max_attempts": 1})), sleep=lambda _: None
            ),
            "queues": [WorkerQueue(url=URL, dead_letter_url=DEAD_LETTERS)],
            "usage": self.usage,
            "max_receives": 5,
            "jitter": lambda: 0.5,
            "monotonic": self.time,
        }
        return QueueWorker(**{**defaults, **options})

    def visibilities(self) -> list[tuple[str, int]]:
        return [(b["ReceiptHandle"][-3], b["VisibilityTimeout"]) for b in self.aws.bodies("ChangeMessageVisibility")]

    def dead_letters(self) -> list[tuple[str, str, dict[str, str]]]:
        return [
            (b["QueueUrl"], b["MessageBody"], {k: v["StringValue"] for k, v in b["MessageAttributes"].items()})
            for b in self.aws.bodies("SendMessage")
        ]


@pytest.fixture
def harness(aws, resources):
    aws.answers["SendMessage"] = [SENT]
    return Harness(aws, resources.client)


def failed_ids(result: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"][-1] for failure in result["batchItemFailures"]]


def received(batch: dict[str, Any], count: int) -> dict[str, Any]:
    for record in batch["Records"]:
        record["attributes"]["ApproximateReceiveCount"] = str(count)
    return batch


def test_a_handled_message_is_acknowledged_and_was_hidden_for_its_budget(harness, event):
    assert harness.worker()(event("sqs_one"), Context()) == {"batchItemFailures": []}
    assert harness.visibilities() == [("1", 870)]
    ((kind, delivery, _),) = harness.seen
    assert (kind, delivery.receive_count, delivery.queue) == ("channel", 1, "processing")
    assert delivery.sent_at.isoformat(timespec="milliseconds") == "2025-01-15T08:30:00.123+00:00"


def test_the_senders_correlation_id_holds_while_its_message_is_handled(harness, event):
    harness.worker()(event("sqs_three"), Context(2000))
    assert [correlation for _, _, correlation in harness.seen] == [
        "EZ1bChGcIAMEKxA=",
        "059f36b4-87a3-44ab-83d2-661975870002",
    ]
    assert correlation_id() is None


def test_of_good_failing_and_malformed_only_the_failing_one_is_reported(harness, event):
    harness.behaviour["video"] = UpstreamFailed("try later")
    assert failed_ids(harness.worker()(event("sqs_three"), Context(2000))) == ["2"]
    assert harness.dead_letters() == [
        (
            DEAD_LETTERS,
            "not json",
            {"reason": "the body is no JSON", "correlation_id": "059f36b4-87a3-44ab-83d2-661975870003"},
        )
    ]


def test_a_malformed_message_that_cannot_be_copied_is_not_lost(harness, event, aws):
    aws.answers["SendMessage"] = [BROKEN]
    assert failed_ids(harness.worker()(event("sqs_three"), Context(2000))) == ["3"]


@pytest.mark.parametrize(
    ("receives", "jitter", "seconds"),
    [(1, 0.5, 30), (2, 0.5, 60), (4, 0.5, 240), (1, 0.0, 24), (1, 1.0, 36), (30, 0.5, 900), (30, 1.0, 1080)],
)
def test_a_failed_message_waits_longer_each_time(harness, event, receives, jitter, seconds):
    harness.behaviour["channel"] = StoreUnavailable()
    worker = harness.worker(max_receives=100, jitter=lambda: jitter)
    assert failed_ids(worker(received(event("sqs_one"), receives), Context())) == ["1"]
    assert harness.visibilities() == [("1", 870), ("1", seconds)]


def test_waits_may_be_shortened(harness, event):
    harness.behaviour["channel"] = StoreUnavailable()
    harness.worker(grace_seconds=1, retry_base_seconds=2, budget_seconds=lambda _: 3)(event("sqs_one"), Context())
    assert harness.visibilities() == [("1", 4), ("1", 2)]


def test_a_failure_that_names_a_longer_wait_is_believed(harness, event):
    harness.behaviour["channel"] = UpstreamFailed(retry_after_seconds=120.4)
    harness.worker()(event("sqs_one"), Context())
    assert harness.visibilities()[-1] == ("1", 120)


def test_what_cannot_succeed_goes_to_the_dead_letter_queue_with_its_reason(harness, event):
    harness.behaviour["channel"] = NotFound("There is no such channel")
    one = event("sqs_one")
    assert harness.worker()(one, Context()) == {"batchItemFailures": []}
    ((url, body, attributes),) = harness.dead_letters()
    assert (url, body) == (DEAD_LETTERS, one["Records"][0]["body"])
    assert attributes == {"reason": "not_found: There is no such channel", "correlation_id": "EZ1bChGcIAMEKxA="}


def test_a_reason_is_something_sqs_can_carry(harness, event):
    harness.behaviour["channel"] = AppError("a\x00b\n\ufffe" + "x" * 1000)
    assert harness.worker()(event("sqs_one"), Context()) == {"batchItemFailures": []}
    reason = harness.dead_letters()[0][2]["reason"]
    assert reason.startswith("internal_error: a b")
    assert len(reason) == 300


def test_a_bug_costs_one_message_one_attempt(harness, event, caplog):
    harness.behaviour["channel"] = ZeroDivisionError()
    assert failed_ids(harness.worker()(event("sqs_three"), Context(2000))) == ["1"]
    assert [kind for kind, _, _ in harness.seen] == ["channel", "video"]
    assert "message failed unexpectedly" in caplog.messages


class Met(AppError):
    retryable = True
    is_expected = True


@pytest.mark.parametrize(("error", "warnings"), [(Met(), 0), (UpstreamFailed(), 1)])
def test_what_belongs_to_healthy_work_is_tried_again_without_a_warning(harness, event, caplog, error, warnings):
    caplog.set_level(logging.INFO)
    harness.behaviour["channel"] = error
    assert failed_ids(harness.worker()(event("sqs_one"), Context())) == ["1"]
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) == warnings
    assert sum(record.exc_info is not None for record in caplog.records) == warnings


def test_a_bug_in_the_parser_costs_its_message_only(harness, event):
    def fragile(body):
        if body == "not json":
            raise ZeroDivisionError
        return json.loads(body)

    assert failed_ids(harness.worker(parse=fragile)(event("sqs_three"), Context(2000))) == ["3"]


def test_the_last_failure_is_settled_by_the_service(harness, event):
    harness.behaviour["channel"] = UpstreamFailed("down")
    settled = []

    def on_exhausted(message, delivery, error):
        settled.append((message["type"], delivery.receive_count, error.detail))
        return True

    worker = harness.worker(on_exhausted=on_exhausted)
    assert failed_ids(worker(received(event("sqs_one"), 4), Context())) == ["1"]
    assert settled == []
    assert worker(received(event("sqs_one"), 5), Context()) == {"batchItemFailures": []}
    assert settled == [("channel", 5, "down")]
    assert harness.dead_letters() == []


@pytest.mark.parametrize("on_exhausted", [None, lambda *_: False, lambda *_: 1 / 0])
def test_an_exhausted_message_that_nobody_settles_is_set_aside(harness, event, on_exhausted):
    harness.behaviour["channel"] = UpstreamFailed("down")
    worker = harness.worker(on_exhausted=on_exhausted)
    assert worker(received(event("sqs_one"), 5), Context()) == {"batchItemFailures": []}
    assert harness.dead_letters()[0][2]["reason"] == "UpstreamFailed on receive 5 of 5"


def test_an_exhausted_message_that_cannot_be_copied_is_left_to_the_redrive_policy(harness, event, aws):
    aws.answers["SendMessage"] = [BROKEN]
    harness.behaviour["channel"] = UpstreamFailed("down")
    assert failed_ids(harness.worker()(received(event("sqs_one"), 5), Context())) == ["1"]


def test_no_message_is_begun_that_the_time_left_cannot_hold(harness, event):
    def take_long():
        harness.time.now += 600

    harness.behaviour["channel"] = take_long
    assert failed_ids(harness.worker()(event("sqs_three"), Context(900))) == ["2"]
    assert [kind for kind, _, _ in harness.seen] == ["channel"]
    assert harness.visibilities() == [("1", 870), ("2", 0)], "the declined message is shown again at once"


def test_the_first_message_is_always_taken(harness, event):
    harness.worker()(event("sqs_one"), Context(60))
    assert harness.deadlines == [50.0], "with the time there is, less the safety margin"


def test_a_message_gets_its_budget_and_not_more(harness, event):
    harness.worker()(event("sqs_three"), Context(5000))
    assert harness.deadlines == [840.0, 330.0]


def test_visibility_that_cannot_be_moved_stops_nothing(harness, event, aws, caplog):
    aws.answers["ChangeMessageVisibility"] = [BROKEN]
    assert harness.worker()(event("sqs_one"), Context()) == {"batchItemFailures": []}
    assert len(harness.seen) == 1
    assert "visibility could not be moved" in caplog.messages


def test_a_message_of_an_unknown_queue_is_handled_but_never_lost(harness, event):
    foreign = event("sqs_three")
    for record in foreign["Records"]:
        record["eventSourceARN"] = "arn:aws:sqs:us-east-1:123456789012:other"
    assert failed_ids(harness.worker()(foreign, Context(2000))) == ["3"]
    assert len(harness.seen) == 2


def test_an_empty_batch_is_fine(harness):
    assert harness.worker()({"Records": []}, Context()) == {"batchItemFailures": []}


def test_a_message_delivered_twice_is_handled_twice(harness, event):
    twice = event("sqs_one")
    twice["Records"] *= 2
    harness.worker()(twice, Context(2000))
    assert Counter(kind for kind, _, _ in harness.seen) == {"channel": 2}


def test_a_schedule_runs_its_task_with_the_time_there_is(harness, event):
    left = []
    tasks = {"sweep": lambda deadline: left.append((deadline.remaining_seconds(), correlation_id()))}
    assert harness.worker(tasks=tasks)(event("schedule_sweep"), Context(300)) == {}
    assert left == [(290.0, "invocation-1")]


def test_a_task_that_fails_fails_the_invocation(harness, event, caplog):
    def sweep(deadline):
        raise StoreUnavailable

    with caplog.at_level(logging.INFO), pytest.raises(StoreUnavailable):
        harness.worker(tasks={"sweep": sweep})(event("schedule_sweep"), Context())
    (line,) = [record for record in caplog.records if record.message == "task finished"]
    assert (line.kind, line.outcome) == ("sweep", "failed")


@pytest.mark.parametrize("strange", [{"task": "unknown"}, {}, {"detail-type": "x"}])
def test_any_other_event_is_refused(harness, strange):
    with pytest.raises(ValueError, match="task"):
        harness.worker()(strange, Context())


def test_something_runs_after_every_invocation(harness, event):
    calls = []
    worker = harness.worker(after=lambda: calls.append(1))
    worker(event("sqs_one"), Context())
    with pytest.raises(ValueError, match="neither"):
        worker({}, Context())
    assert calls == [1, 1]


def test_each_message_leaves_one_line_with_what_it_used(harness, event, caplog):
    def work():
        harness.time.now += 1.5
        for operation in ("GetItem", "Query", "PutItem", "BatchGetItem"):
            harness.usage.call(operation, {}, "p")

    harness.behaviour["channel"] = work
    harness.usage.call("PutItem", {}, "p")
    with caplog.at_level(logging.INFO):
        harness.worker()(event("sqs_one"), Context())
    (line,) = [record for record in caplog.records if record.message == "message handled"]
    assert (line.kind, line.outcome, line.milliseconds, line.receive_count) == ("channel", "done", 1500.0, 1)
    assert (line.dynamodb_requests, line.read_units, line.write_units) == (4, 1.5, 0.5)


def test_outcomes_are_told_apart_in_the_log(harness, event, caplog):
    harness.behaviour["video"] = UpstreamFailed("later")
    with caplog.at_level(logging.INFO):
        harness.worker()(event("sqs_three"), Context(2000))
    lines = [record for record in caplog.records if record.message == "message handled"]
    assert [(line.kind, line.outcome) for line in lines] == [
        ("channel", "done"),
        ("video", "retry"),
        ("malformed", "refused"),
    ]
