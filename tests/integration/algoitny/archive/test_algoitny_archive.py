"""What becomes of a log that expires: one line in S3, on an emulated one, whatever fails on the way."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.dynamo.values import to_item
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.objects import ObjectClient
from lambda_src.services.algoitny import items, wiring
from lambda_src.services.algoitny.archive.rules import FILTERS
from lambda_src.services.algoitny.models.usage import UsageCounter, UsageIdempotency, UsageLog
from lambda_src.services.algoitny.settings import ArchiverSettings
from tests.support.algoitny import ARCHIVE_DLQ
from tests.support.buckets import emulated_bucket
from tests.support.invocation import Context

NOON = 1_759_924_800_000
TTL = 1_767_700_800
DAY = 86_400_000
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/algoitny_main-dev/stream/2025-10-08T00:00:00.000"
EXPIRY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
ALL_DONE: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture(scope="module")
def bucket(cloud: MiniStack) -> Iterator[ObjectClient]:
    """A bucket on an emulated S3, of all tests of the module; each has users of its own."""
    with emulated_bucket(cloud, "archive") as made:
        yield made


class Archive:
    """The archiver of a service over the bucket. failing: days whose objects S3 does not take."""

    def __init__(self, judge: Any, bucket: ObjectClient) -> None:
        self.judge, self.bucket = judge, bucket
        self.failing: set[str] = set()
        self.puts: list[str] = []
        archive = self

        class Bucket(ObjectClient):
            def put(self, key: str, content: bytes, **options: Any) -> str:
                archive.puts.append(key)
                if any(f"dt={day}/" in key for day in archive.failing):
                    raise StoreUnavailable
                return bucket.put(key, content, **options)

        made = Bucket(bucket.bucket)
        settings = judge._settings(ArchiverSettings)
        resources = replace(judge.resources, objects=lambda _: made)
        self._handler = wiring.archiver(settings, resources)

    def __call__(self, *records: dict[str, Any], seconds: float = 300) -> dict[str, Any]:
        return self._handler({"Records": list(records)}, Context(seconds))

    def read(self, key: str) -> list[dict[str, Any]]:
        text = gzip.decompress(self.bucket.read(key, max_bytes=10**7)).decode()
        assert text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def archive(new_judge, bucket):
    return Archive(new_judge(), bucket)


def log(created_at: int = NOON, **fields: Any) -> UsageLog:
    given: dict[str, Any] = {
        "user_id": 12345,
        "date": "20251008",
        "created_at": created_at,
        "action": "hint",
        "suffix": "0123456789ab",
        "expires_at": created_at // 1000 + 7_776_000,
    }
    return UsageLog(**given | fields)


def removed(item: dict[str, Any], sequence_number: int, **changes: Any) -> dict[str, Any]:
    """The record of an item that its TTL removed."""
    return {
        "eventID": uuid4().hex,
        "eventName": "REMOVE",
        "eventSourceARN": ARN,
        "userIdentity": EXPIRY,
        "dynamodb": {
            "ApproximateCreationDateTime": TTL + 60.0,
            "OldImage": to_item(item),
            "SequenceNumber": str(sequence_number),
        },
        **changes,
    }


def name(day: str, first: int, last: int, count: int) -> str:
    return f"usage-logs/dt={day}/{first:040}-{last:040}-{count}.jsonl.gz"


def test_a_log_that_expired_is_one_line_with_all_that_was_known_of_it(archive):
    archive.judge.clock.forward(days=91)
    expired = log(problem_id="baekjoon#1000", metadata={"history_id": "H1", "tries": 2}, reversed_at=NOON + 1)

    assert archive(removed(items.USAGE_LOG.item(expired), 11)) == ALL_DONE

    assert archive.read(name("2025-10-08", 11, 11, 1)) == [
        {
            "log_id": f"USR#12345#ULOG#20251008|ULOG#{NOON}#hint#0123456789ab",
            "user_id": 12345,
            "action": "hint",
            "platform": "baekjoon",
            "problem_id": "1000",
            "metadata": {"history_id": "H1", "tries": 2},
            "created_at": "2025-10-08T12:00:00.000Z",
            "expired_at": "2026-01-06T12:00:00.000Z",
            "reversed_at": "2025-10-08T12:00:00.001Z",
            "archived_at": "2026-01-07T12:00:00.000Z",
        }
    ]
    assert archive.bucket.head(archive.puts[0]).content_type == "application/gzip"
    assert archive.judge.metrics.totals["LogArchived"] == 1


@pytest.mark.parametrize(
    "record",
    [
        removed(items.USAGE_LOG.item(log()), 1, userIdentity=None),
        removed(items.USAGE_LOG.item(log()), 1, userIdentity={"type": "Service", "principalId": "somebody"}),
        removed(items.USAGE_LOG.item(log()), 1, eventName="MODIFY"),
        removed(
            items.USAGE_COUNTER.item(
                UsageCounter(user_id=1, date="20251008", action="hint", created_at=NOON, expires_at=TTL, value=1)
            ),
            1,
        ),
        removed(
            items.USAGE_IDEMPOTENCY.item(
                UsageIdempotency(
                    user_id=1, date="20251008", action="hint", key_hash="a", created_at=NOON, expires_at=TTL, log_sk="b"
                )
            ),
            1,
        ),
    ],
    ids=["deleted by the application", "by another service", "not removed", "a counter", "a key"],
)
def test_what_is_no_expired_log_leaves_nothing(archive, record):
    assert archive(record) == ALL_DONE
    assert archive.puts == []
    assert archive.judge.queue.dead() == []


def test_the_logs_of_a_day_are_one_object_in_the_order_of_their_ids(archive):
    logs = [log(NOON + 2), log(NOON, user_id=9), log(NOON), log(NOON + DAY, date="20251009")]
    records = [removed(items.USAGE_LOG.item(each), 21 + place) for place, each in enumerate(logs)]

    assert archive(*records) == ALL_DONE

    first, second = name("2025-10-08", 21, 23, 3), name("2025-10-09", 24, 24, 1)
    assert archive.puts == [first, second]
    ids = [line["log_id"] for line in archive.read(first)]
    assert ids == sorted(ids)
    assert len(ids) == 3


def test_the_same_batch_is_the_same_object_and_the_same_bytes(archive):
    records = [removed(items.USAGE_LOG.item(log(NOON + place)), 31 + place) for place in range(3)]
    assert archive(*records) == ALL_DONE
    key = archive.puts[0]
    before = archive.bucket.read(key, max_bytes=10**6)
    assert before[4:8] == bytes(4), "a compressed file begins with the time it was made at"

    assert archive(*records) == ALL_DONE

    assert archive.puts == [key, key]
    assert archive.bucket.read(key, max_bytes=10**6) == before


def test_a_day_that_cannot_be_written_comes_again_and_those_before_it_do_not(archive):
    days = [("20251007", NOON - DAY), ("20251008", NOON)]
    records = [
        removed(items.USAGE_LOG.item(log(at + place, date=date)), sequence_number)
        for sequence_number, (date, at, place) in enumerate(
            ((date, at, place) for date, at in days for place in range(3)), start=1
        )
    ]
    archive.failing = {"2025-10-08"}

    assert archive(*records) == {"batchItemFailures": [{"itemIdentifier": "4"}]}

    assert len(archive.read(name("2025-10-07", 1, 3, 3))) == 3
    archive.failing = set()
    archive.puts.clear()
    assert archive(*records[3:]) == ALL_DONE
    assert archive.puts == [name("2025-10-08", 4, 6, 3)]
    assert len(archive.read(archive.puts[0])) == 3


def test_days_that_alternate_resume_at_the_first_record_that_is_not_written(archive):
    dates = ["20251008", "20251007", "20251008", "20251007", "20251006"]
    records = [
        removed(items.USAGE_LOG.item(log(NOON + number, date=date)), 40 + number) for number, date in enumerate(dates)
    ]
    archive.failing = {"2025-10-07"}

    assert archive(*records) == {"batchItemFailures": [{"itemIdentifier": "41"}]}
    assert archive.puts == [name("2025-10-08", 40, 42, 2), name("2025-10-07", 41, 43, 2)]


def test_without_time_for_another_day_it_stops_before_that_one(archive):
    records = [
        removed(items.USAGE_LOG.item(log(NOON + number, date=date)), 50 + number)
        for number, date in enumerate(["20251008", "20251007"])
    ]
    assert archive(*records, seconds=20) == {"batchItemFailures": [{"itemIdentifier": "51"}]}
    assert archive.puts == [name("2025-10-08", 50, 50, 1)]


BROKEN = {
    "a key of another shape": {"PK": "USR#12345"},
    "a day that there is not": {"PK": "USR#12345#ULOG#20251308"},
    "no time of expiry": {"ttl": None},
    "a time beyond all time": {"ttl": 10**30},
    "binary metadata": {"met": {"a": b"b"}},
    "no action": {"act": None},
}


@pytest.mark.parametrize("changes", BROKEN.values(), ids=list(BROKEN))
def test_a_malformed_log_goes_whole_to_the_dead_letters_and_the_rest_is_archived(archive, changes):
    item = {name: value for name, value in (items.USAGE_LOG.item(log()) | changes).items() if value is not None}
    broken = removed(item, 61)
    if "met" in changes:
        broken["dynamodb"]["OldImage"]["met"] = {"M": {"a": {"B": "Yg=="}}}
    good = [removed(items.USAGE_LOG.item(log(NOON + place)), 60 + place) for place in (0, 2)]

    assert archive(good[0], broken, good[1]) == ALL_DONE

    [dead] = archive.judge.queue.dead()
    assert (dead.queue_url, dead.content) == (ARCHIVE_DLQ, broken)
    assert [len(archive.read(key)) for key in archive.puts] == [2]


def test_numbers_are_written_down_exactly(archive):
    odd = removed(items.USAGE_LOG.item(log()), 71)
    odd["dynamodb"]["OldImage"]["met"] = {
        "M": {
            "long": {"N": "12345678901234567890123456789012345678"},
            "fine": {"N": "0.12345678901234567890123456789"},
            "near": {"N": "0.1"},
            "many": {"SS": ["b", "a"]},
        }
    }

    assert archive(odd) == ALL_DONE

    assert archive.read(archive.puts[0])[0]["metadata"] == {
        "long": 12345678901234567890123456789012345678,
        "fine": "0.12345678901234567890123456789",
        "near": 0.1,
        "many": ["a", "b"],
    }


def test_what_lambda_filters_by_names_what_is_looked_at_again():
    [event_filter] = FILTERS
    assert event_filter == {
        "eventName": ["REMOVE"],
        "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]},
        "dynamodb": {"OldImage": {"tp": {"S": ["ulog"]}}},
    }
