"""What becomes of a batch, on a stream that is played: no engine, no waiting."""

from itertools import pairwise
from typing import cast

import pytest

from cdk_app.local.streams import batches
from cdk_app.local.streams.batches import ShardConsumer
from cdk_app.local.streams.reader import Page, Record, Shard, StreamReader
from tests.support.streams import Consumer, PlayedClock, fails_with, stream_mapping

SHARD = Shard("arn:aws:dynamodb:ddblocal:000000000000:table/Things/stream/1", "shardId-1", None)
WANTED = {"dynamodb": {"Keys": {"name": {"S": [{"anything-but": ["unwanted"]}]}}}}


class PlayedShard:
    """A shard by the names of its records; sequence numbers are their places, from 1."""

    def __init__(self, clock, names, *, is_closed, size_bytes):
        self.names = list(names)
        self._clock = clock
        self._is_closed = is_closed
        self._size_bytes = size_bytes

    def read(self, place):
        read = int(place.after or 0)
        records = [self._record(number, name) for number, name in enumerate(self.names, start=1) if number > read]
        return Page(records, is_last=self._is_closed)

    def _record(self, number, name):
        body = {"eventName": "INSERT", "dynamodb": {"Keys": {"name": {"S": name}}, "SequenceNumber": str(number)}}
        return Record(str(number), self._clock.time(), body, self._size_bytes)


class Scene:
    """A function, a shard, and the way of one through the other."""

    def __init__(self, names="", *, handler=None, size_bytes=100, is_closed=False, after=None, **mapping):
        self.clock = PlayedClock()
        self.function = Consumer(handler=handler or (lambda _names: None))
        self.shard = PlayedShard(self.clock, names, size_bytes=size_bytes, is_closed=is_closed)
        self.saved: list[str] = []
        self.consumer = ShardConsumer(
            stream_mapping("Things", WANTED, **mapping),
            SHARD,
            cast("StreamReader", self.shard),
            after=after,
            save=self.saved.append,
            calls=self.function.calls(self.clock),
        )

    def turns(self, count=50, *, seconds=40.0):
        """So many turns, with so much time between them."""
        for _ in range(count):
            self.consumer.turn()
            self.clock.seconds += seconds

    @property
    def batches(self):
        return ["".join(batch) for batch in self.function.batches]


def reporting(failing):
    """A function that names the records it could not handle."""
    return lambda names: {
        "batchItemFailures": [{"itemIdentifier": str(ord(each) - 96)} for each in failing if each in names]
    }


def test_records_come_in_order_in_batches_of_the_size():
    scene = Scene("abcdefg", batch_size=3)
    scene.turns(seconds=0)
    assert scene.batches == ["abc", "def", "g"]
    assert scene.saved == ["3", "6", "7"]


def test_a_batch_waits_for_more_until_its_window_is_over():
    scene = Scene("ab", batch_size=10, window_seconds=5)
    scene.turns(4, seconds=1)
    assert scene.batches == []
    scene.shard.names.append("c")
    scene.turns(4, seconds=1)
    assert scene.batches == ["abc"]


def test_a_full_batch_does_not_wait():
    scene = Scene("abcde", batch_size=2, window_seconds=5)
    scene.turns(4, seconds=0)
    assert scene.batches == ["ab", "cd"]
    scene.turns(7, seconds=1)
    assert scene.batches == ["ab", "cd", "e"]


def test_a_batch_that_lambda_could_not_take_whole_goes_in_parts(monkeypatch):
    monkeypatch.setattr(batches, "MAX_EVENT_BYTES", 250)
    scene = Scene("abcd", size_bytes=100, window_seconds=300)
    scene.turns(5, seconds=0)
    assert scene.batches == ["ab"]  # what is left waits for its window
    huge = Scene("ab", size_bytes=1000)
    huge.turns(5)
    assert huge.batches == ["a", "b"]


def test_the_end_of_a_shard_ends_the_waiting():
    scene = Scene("ab", window_seconds=300, is_closed=True)
    assert not scene.consumer.is_finished
    scene.turns(2, seconds=0)
    assert scene.batches == ["ab"]
    assert scene.consumer.is_finished


def test_records_that_nobody_wants_are_passed_over_for_good():
    scene = Scene(["unwanted", "unwanted"])
    scene.turns(3)
    assert scene.batches == []
    assert scene.saved == ["2"]


def test_what_nobody_wants_is_done_with_the_batch_before_it():
    scene = Scene(["a", "unwanted", "c", "unwanted"], batch_size=1)
    scene.turns(3)
    assert scene.batches == ["a", "c"]
    assert scene.saved == ["1", "4"]


def test_a_function_goes_on_at_the_first_record_that_it_names():
    failing = ["d", "f"]
    scene = Scene("abcdefg", handler=reporting(failing))
    scene.turns(1)
    assert (scene.batches, scene.saved) == (["abcdefg"], ["3"])
    failing.clear()
    scene.turns(3)
    assert (scene.batches, scene.saved) == (["abcdefg", "defg"], ["3", "7"])
    assert scene.function.sent == []


def test_a_record_that_is_named_again_and_again_is_given_up_with_the_rest_of_its_batch():
    scene = Scene("abcd", handler=reporting("c"), max_retries=2)
    scene.turns()
    assert scene.batches == ["abcd", "cd", "cd", "cd"]
    [notice] = scene.function.sent
    assert notice["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert notice["requestContext"]["approximateInvokeCount"] == 3
    assert notice["DDBStreamBatchInfo"]["startSequenceNumber"] == "3"
    assert notice["DDBStreamBatchInfo"]["endSequenceNumber"] == "4"
    assert scene.saved == ["2", "4"]


@pytest.mark.parametrize("failures", [None, [], ()])
def test_a_function_that_names_nothing_has_done_everything(failures):
    scene = Scene("ab", handler=lambda _names: {"batchItemFailures": failures})
    scene.turns()
    assert scene.batches == ["ab"]


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": "77"}]},
        {"batchItemFailures": [{"identifier": "1"}]},
        {"batchItemFailures": ["1"]},
        "done",
    ],
)
def test_a_function_that_names_what_was_not_there_has_failed(answer):
    scene = Scene("ab", handler=lambda _names: answer, max_retries=1)
    scene.turns()
    assert scene.batches == ["ab", "ab"]
    assert len(scene.function.sent) == 1


def test_what_a_function_names_counts_only_if_its_mapping_says_so():
    scene = Scene("abc", handler=reporting("b"), reports_failures=False)
    scene.turns()
    assert scene.batches == ["abc"]


def test_halving_finds_the_one_record_that_fails_and_gives_up_that_one_alone():
    scene = Scene("abcdefgh", handler=fails_with("f"), bisects=True, max_retries=1)
    scene.turns()
    assert scene.batches == ["abcdefgh", "abcd", "efgh", "ef", "e", "f", "f", "gh"]
    [notice] = scene.function.sent
    assert notice["DDBStreamBatchInfo"]["batchSize"] == 1
    assert notice["DDBStreamBatchInfo"]["startSequenceNumber"] == "6"
    assert scene.saved == ["4", "5", "6", "8"]


def test_halving_goes_on_while_several_records_fail():
    scene = Scene("abcde", handler=fails_with("a", "e"), bisects=True, max_retries=0)
    scene.turns()
    assert [notice["DDBStreamBatchInfo"]["startSequenceNumber"] for notice in scene.function.sent] == ["1", "5"]
    handled = {name for batch in scene.batches if not set(batch) & {"a", "e"} for name in batch}
    assert handled == {"b", "c", "d"}


def test_without_halving_the_whole_batch_is_given_up_and_the_next_one_comes():
    scene = Scene("abcdef", handler=fails_with("b"), batch_size=3, max_retries=1)
    scene.turns()
    assert scene.batches == ["abc", "abc", "def"]
    assert scene.function.sent[0]["DDBStreamBatchInfo"]["batchSize"] == 3


def test_the_pauses_between_tries_grow_to_half_a_minute():
    scene = Scene("a", handler=fails_with("a"), max_retries=-1, max_age_seconds=-1)
    tries = []
    for _ in range(1200):
        before = len(scene.batches)
        scene.turns(1, seconds=0.1)
        if len(scene.batches) > before:
            tries.append(scene.clock.seconds)
    pauses = [round(later - earlier) for earlier, later in pairwise(tries)]
    assert pauses[1:7] == [1, 2, 4, 8, 16, 30]
    assert set(pauses[7:]) == {30}
    assert scene.function.sent == []


def test_records_that_have_become_too_old_are_given_up():
    scene = Scene("abc", handler=fails_with("b"), max_retries=-1, max_age_seconds=3600)
    scene.turns(10, seconds=60)
    assert scene.function.sent == []
    scene.turns(100, seconds=60)
    [notice] = scene.function.sent
    assert notice["requestContext"]["condition"] == "RecordAgeExceeded"
    assert notice["DDBStreamBatchInfo"]["batchSize"] == 3


def test_records_that_are_too_old_already_are_tried_once():
    scene = Scene("abc", max_age_seconds=60)
    scene.shard._clock = PlayedClock(seconds=1)
    scene.turns()
    assert (scene.batches, scene.function.sent) == (["abc"], [])


def test_a_function_that_cannot_be_asked_is_asked_again_and_that_is_no_try():
    scene = Scene("ab", max_retries=0)
    scene.function.is_away = True
    scene.turns(20)
    assert scene.saved == []
    scene.function.is_away = False
    scene.turns(3)
    assert (scene.batches, scene.saved, scene.function.sent) == (["ab"], ["2"], [])


def test_what_could_never_be_asked_is_given_up_when_it_is_too_old():
    scene = Scene("ab", max_age_seconds=3600)
    scene.function.is_away = True
    scene.turns(200)
    [notice] = scene.function.sent
    assert notice["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in notice
    assert scene.saved == ["2"]


def test_what_is_given_up_waits_for_its_queue():
    scene = Scene("ab", handler=fails_with("a"), max_retries=0, batch_size=1)
    scene.function.is_queue_away = True
    scene.turns(5)
    assert (scene.saved, set(scene.batches)) == ([], {"a"})
    assert any("does not take what failed" in each for each in scene.function.announced)
    scene.function.is_queue_away = False
    scene.turns(5)
    assert len(scene.function.sent) == 1
    assert scene.saved == ["1", "2"]


def test_without_a_queue_what_is_given_up_is_announced_only():
    scene = Scene("ab", handler=fails_with("a"), max_retries=0, on_failure_arn=None)
    scene.turns(5)
    assert scene.saved == ["2"]
    assert "gave up 2 of its records, from 1 on (RetryAttemptsExhausted)" in scene.function.announced[-1]


def test_a_batch_that_fails_is_announced_once():
    scene = Scene("abcd", handler=fails_with("c"), bisects=True, max_retries=5)
    scene.turns()
    failed, given_up = scene.function.announced
    assert "cannot handle ['c']" in failed
    assert "gave up 1 of its records" in given_up


def test_the_notice_has_the_form_that_lambda_sends():
    scene = Scene("ab", handler=fails_with("a"), max_retries=0)
    scene.turns(1)
    [notice] = scene.function.sent
    assert notice.pop("timestamp") == "2027-01-15T08:00:00.000Z"
    assert len(notice["requestContext"].pop("requestId")) == 36
    assert notice == {
        "requestContext": {
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:consumer:live",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": "1",
            "endSequenceNumber": "2",
            "approximateArrivalOfFirstRecord": "2027-01-15T08:00:00Z",
            "approximateArrivalOfLastRecord": "2027-01-15T08:00:00Z",
            "batchSize": 2,
            "streamArn": "arn:aws:dynamodb:us-east-1:123456789012:table/Things/stream/2026-01-01T00:00:00.000",
        },
    }


def test_a_consumer_goes_on_where_it_was_left():
    scene = Scene("abcd", after="2")
    scene.turns(2)
    assert scene.batches == ["cd"]
