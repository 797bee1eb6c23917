"""What becomes of every record: a real queue client, a recorded event, a server that speaks the SQS protocol."""

import base64
import json
import logging
import random
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config

from lambda_src.errors import AppError, NotFound, StoreUnavailable, UpstreamFailed
from lambda_src.runtime.correlation import correlation_id
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.messages import Malformed
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.stream import BatchConsumer, Parsed, RecordConsumer, StreamRecord
from tests.support.invocation import Context, Time

DEAD_LETTERS = "https://sqs.us-east-1.amazonaws.com/123456789012/stats-dlq"
BROKEN = (500, {"__type": "InternalError"})
IDS = ["7de3041dd709b024af6f29e4fa13d34c", "a13d34c7de3041dd709b024af6f29e4f", "f29e4fa13d34c7de3041dd709b024af6"]
FIRST, SECOND, THIRD = (f"40000000000000049966{digit}" for digit in range(3))
ALL_DONE: dict[str, Any] = {"batchItemFailures": []}


def resumed_at(sequence_number: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": sequence_number}]}


def perform(action: Any) -> None:
    if isinstance(action, Exception):
        raise action
    if action is not None:
        action()


@dataclass
class Harness:
    """Consumers that do what `parsing` and `handling` say for a kind of change, and remember what they saw."""

    aws: Any
    usage: Any
    time: Time = field(default_factory=Time)
    parsing: dict[str, Any] = field(default_factory=dict)
    handling: dict[str, Any] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    answer: Any = None
    seen: list[Any] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)

    def parse(self, record: StreamRecord) -> str | None:
        perform(self.parsing.get(record.event_name))
        return None if record.event_name in self.ignored else record.event_name

    def handle(self, name: str, deadline: Deadline) -> None:
        self.seen.append((str(name), correlation_id()))
        self.deadlines.append(deadline.remaining_seconds())
        perform(self.handling.get(name))

    def handle_all(self, batch: Any, deadline: Deadline) -> str | None:
        self.seen.append(list(batch))
        self.deadlines.append(deadline.remaining_seconds())
        if isinstance(self.answer, Exception):
            raise self.answer
        answer: str | None = self.answer
        return answer

    def one_by_one(self, **options: Any) -> RecordConsumer[str]:
        return RecordConsumer(handle=self.handle, **self._parts(options))

    def together(self, **options: Any) -> BatchConsumer[str]:
        return BatchConsumer(handle=self.handle_all, **self._parts(options))

    def _parts(self, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "parse": self.parse,
            "queue": QueueClient(lambda: boto3.client("sqs", config=Config(retries={"total_max_attempts": 1}))),
            "dead_letter_url": DEAD_LETTERS,
            "usage": self.usage,
            "monotonic": self.time,
            **options,
        }

    def names(self) -> list[str]:
        return [name for name, _ in self.seen]

    def dead_letters(self) -> list[tuple[str, dict[str, str]]]:
        bodies = self.aws.bodies("SendMessage")
        assert {body["QueueUrl"] for body in bodies} <= {DEAD_LETTERS}
        return [
            (body["MessageBody"], {k: v["StringValue"] for k, v in body["MessageAttributes"].items()})
            for body in bodies
        ]


@pytest.fixture
def harness(aws, resources):
    aws.answers["SendMessage"] = [(200, {"MessageId": "copy"})]
    return Harness(aws, resources.client)


@pytest.fixture
def three(event):
    """An event of an INSERT, a MODIFY and a REMOVE."""
    return event("dynamodb_stream")


# ---- record by record ------------------------------------------------------------------------------------------------


def test_records_are_handled_in_their_order_each_under_its_event_id(harness, three):
    assert harness.one_by_one()(three, Context()) == ALL_DONE
    assert harness.seen == list(zip(["INSERT", "MODIFY", "REMOVE"], IDS, strict=True))
    assert correlation_id() is None
    assert harness.dead_letters() == []


def test_what_asks_for_nothing_is_done(harness, three):
    harness.ignored = {"MODIFY"}
    assert harness.one_by_one()(three, Context()) == ALL_DONE
    assert harness.names() == ["INSERT", "REMOVE"]


def test_a_malformed_record_is_set_aside_whole_and_the_rest_goes_on(harness, three):
    harness.parsing["MODIFY"] = Malformed("no image")
    assert harness.one_by_one()(three, Context()) == ALL_DONE
    assert harness.names() == ["INSERT", "REMOVE"]
    ((body, attributes),) = harness.dead_letters()
    assert json.loads(body) == three["Records"][1]
    assert attributes == {"reason": "no image", "correlation_id": IDS[1]}


def test_a_record_of_an_unknown_kind_is_set_aside_whole(harness, three):
    three["Records"][0]["eventName"] = "UPSERT"
    assert harness.one_by_one()(three, Context()) == ALL_DONE
    ((body, attributes),) = harness.dead_letters()
    assert json.loads(body)["eventName"] == "UPSERT"
    assert attributes["reason"] == "not a stream record: an unknown event name"


def test_what_cannot_succeed_is_set_aside_with_its_reason(harness, three):
    harness.handling["INSERT"] = NotFound("There is no such problem")
    assert harness.one_by_one()(three, Context()) == ALL_DONE
    assert harness.names() == ["INSERT", "MODIFY", "REMOVE"]
    ((_, attributes),) = harness.dead_letters()
    assert attributes == {"reason": "not_found: There is no such problem", "correlation_id": IDS[0]}


def test_a_record_that_cannot_be_set_aside_is_where_lambda_resumes(harness, three, aws):
    aws.answers["SendMessage"] = [BROKEN]
    harness.parsing["MODIFY"] = Malformed("no image")
    assert harness.one_by_one()(three, Context()) == resumed_at(SECOND)
    assert harness.names() == ["INSERT"]


@pytest.mark.parametrize("stage", ["parsing", "handling"])
@pytest.mark.parametrize("error", [StoreUnavailable(), UpstreamFailed(), ZeroDivisionError()])
def test_lambda_resumes_at_what_failed_for_now_and_nothing_behind_it_is_begun(harness, three, stage, error):
    getattr(harness, stage)["MODIFY"] = error
    assert harness.one_by_one()(three, Context()) == resumed_at(SECOND)
    assert "REMOVE" not in harness.names()
    assert harness.dead_letters() == []


class Met(AppError):
    retryable = True
    is_expected = True


@pytest.mark.parametrize(("error", "warnings"), [(Met(), 0), (UpstreamFailed(), 1)])
def test_what_belongs_to_healthy_work_comes_again_without_a_warning(harness, three, caplog, error, warnings):
    caplog.set_level(logging.INFO)
    harness.handling["INSERT"] = error
    assert harness.one_by_one()(three, Context()) == resumed_at(FIRST)
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) == warnings


def test_no_record_is_begun_that_the_time_left_cannot_hold(harness, three):
    def take_long():
        harness.time.now += 40

    harness.handling["INSERT"] = take_long
    consumer = harness.one_by_one(budget_seconds=20)
    assert consumer(three, Context(64)) == resumed_at(SECOND), "19 s are left, and 5 s that are kept free"
    assert harness.names() == ["INSERT"]
    assert consumer(three, Context(65)) == ALL_DONE


def test_the_first_record_is_tried_however_little_time_there_is(harness, three):
    assert harness.one_by_one()(three, Context(6)) == resumed_at(SECOND)
    assert harness.names() == ["INSERT"]
    assert harness.deadlines == [1.0], "with the time there is, less the safety margin"


def test_a_record_gets_its_budget_and_not_more(harness, three):
    harness.one_by_one(budget_seconds=7)(three, Context(900))
    assert harness.deadlines == [7.0, 7.0, 7.0]


def test_a_record_without_a_sequence_number_that_cannot_be_set_aside_repeats_the_batch(harness, three, aws):
    aws.answers["SendMessage"] = [BROKEN]
    del three["Records"][1]["dynamodb"]["SequenceNumber"]
    assert harness.one_by_one()(three, Context()) == resumed_at("")


def test_each_record_leaves_one_line_with_what_it_used(harness, three, caplog):
    def work():
        harness.time.now += 1.5
        for operation in ("GetItem", "PutItem"):
            harness.usage.call(operation, {}, "p")

    harness.handling["INSERT"] = work
    harness.parsing["MODIFY"] = Malformed("no image")
    harness.ignored = {"REMOVE"}
    with caplog.at_level(logging.INFO):
        harness.one_by_one()(three, Context())
    lines = [record for record in caplog.records if record.message == "record handled"]
    assert [(line.kind, line.outcome, line.event_id) for line in lines] == [
        ("INSERT", "done", IDS[0]), ("MODIFY", "refused", IDS[1]), ("REMOVE", "ignored", IDS[2]),
    ]  # fmt: skip
    assert (lines[0].milliseconds, lines[0].sequence_number) == (1500.0, FIRST)
    assert (lines[0].dynamodb_requests, lines[0].read_units, lines[0].write_units) == (2, 0.5, 0.5)


# ---- as a batch ------------------------------------------------------------------------------------------------------


def parsed(**values: str) -> list[Parsed[str]]:
    return [Parsed({"first": FIRST, "second": SECOND, "third": THIRD}[which], value) for which, value in values.items()]


def test_a_batch_is_handled_at_once_in_its_order(harness, three):
    assert harness.together()(three, Context(100)) == ALL_DONE
    assert harness.seen == [parsed(first="INSERT", second="MODIFY", third="REMOVE")]
    assert harness.deadlines == [95.0]


def test_a_batch_that_asks_for_nothing_is_done(harness, three):
    harness.ignored = {"INSERT", "MODIFY", "REMOVE"}
    assert harness.together()(three, Context()) == ALL_DONE
    assert harness.seen == []


def test_lambda_resumes_where_the_batch_says(harness, three):
    harness.answer = SECOND
    assert harness.together()(three, Context()) == resumed_at(SECOND)


@pytest.mark.parametrize("answer", [StoreUnavailable(), "400000000000000499669"])
def test_a_batch_that_fails_comes_again_from_the_first_that_asks_for_something(harness, three, answer):
    harness.ignored = {"INSERT"}
    harness.answer = answer
    assert harness.together()(three, Context()) == resumed_at(SECOND)
    assert harness.dead_letters() == []


@pytest.mark.parametrize("error", [NotFound(), ZeroDivisionError()])
def test_a_batch_with_what_cannot_be_handled_fails_whole_so_that_lambda_halves_it(harness, three, error):
    harness.answer = error
    with pytest.raises(type(error)):
        harness.together()(three, Context())
    assert harness.dead_letters() == []


def test_of_a_batch_only_the_malformed_record_is_set_aside(harness, three):
    harness.parsing["MODIFY"] = Malformed("no image")
    assert harness.together()(three, Context()) == ALL_DONE
    assert harness.seen == [parsed(first="INSERT", third="REMOVE")]
    ((body, attributes),) = harness.dead_letters()
    assert json.loads(body) == three["Records"][1]
    assert attributes == {"reason": "no image", "correlation_id": IDS[1]}


def test_what_stands_before_a_record_that_cannot_be_set_aside_is_handled(harness, three, aws):
    aws.answers["SendMessage"] = [BROKEN]
    harness.parsing["MODIFY"] = Malformed("no image")
    assert harness.together()(three, Context()) == resumed_at(SECOND)
    assert harness.seen == [parsed(first="INSERT")]
    harness.answer = FIRST
    assert harness.together()(three, Context()) == resumed_at(FIRST), "the lower of the two"


def test_a_bug_in_the_parser_stops_a_batch_there(harness, three):
    harness.parsing["INSERT"] = ZeroDivisionError()
    assert harness.together()(three, Context()) == resumed_at(FIRST)
    assert harness.seen == []


def test_a_batch_leaves_one_line(harness, three, caplog):
    harness.ignored = {"MODIFY"}
    harness.answer = THIRD
    with caplog.at_level(logging.INFO):
        harness.together()(three, Context())
    (line,) = [record for record in caplog.records if record.message == "batch handled"]
    assert (line.kind, line.records, line.asked, line.outcome) == ("batch", 3, 2, "retry")


# ---- both ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["one_by_one", "together"])
def make_consumer(request, harness):
    return getattr(harness, request.param)


def test_an_empty_event_is_fine(make_consumer, harness):
    assert make_consumer()({"Records": []}, Context()) == ALL_DONE
    assert harness.seen == []


def test_any_other_event_is_refused_and_something_runs_after_every_invocation(make_consumer, three):
    calls: list[int] = []
    consumer = make_consumer(after=lambda: calls.append(1))
    consumer(three, Context())
    with pytest.raises(ValueError, match="no batch of stream records"):
        consumer({"task": "sweep"}, Context())
    assert calls == [1, 1]


def dead_letter_of(make_consumer: Any, harness: Harness, record: dict[str, Any]) -> str:
    """What a record becomes that nobody can parse."""
    harness.parsing["INSERT"] = Malformed("no")
    assert make_consumer()({"Records": [record]}, Context()) == ALL_DONE
    ((body, _),) = harness.dead_letters()
    return body


@pytest.mark.parametrize("text", ["\uffff\ufffe", "\x00\n\x7f", "\ud800", "한국어", '"\\'])
def test_a_dead_letter_is_text_that_sqs_takes_and_brings_the_record_back(make_consumer, harness, three, text):
    three["Records"][0]["dynamodb"]["NewImage"]["kind"]["S"] = text
    body = dead_letter_of(make_consumer, harness, three["Records"][0])
    assert not {*"\uffff\ufffe\x00\n\ud800"} & set(body)
    assert json.loads(body) == three["Records"][0]


def test_a_record_larger_than_a_message_is_set_aside_compressed_and_can_be_handed_over_again(
    make_consumer, harness, three
):
    """The largest there can be: 400 KB of random bytes before and after, which nothing can compress."""
    record, noise = three["Records"][0], random.Random(7)
    change = record["dynamodb"]
    for image in ("OldImage", "NewImage"):
        change[image] = {**change["Keys"], "body": {"B": base64.b64encode(noise.randbytes(409_500)).decode()}}
    body = dead_letter_of(make_consumer, harness, record)
    assert len(body.encode()) <= 1_048_576 - 4_096
    assert set(json.loads(body)) == {"compressed"}
    harness.parsing.clear()
    taken: list[StreamRecord] = []
    make_consumer(parse=taken.append)({"Records": [json.loads(body)]}, Context())
    assert [each.raw for each in taken] == [record]


@pytest.mark.parametrize(("text", "reason"), [("00", "compressed"), ("~", "base85")])
def test_a_damaged_dead_letter_fails_the_invocation(make_consumer, text, reason):
    with pytest.raises(ValueError, match=reason):
        make_consumer()({"Records": [{"compressed": text}]}, Context())
