"""Charging an action: exactly up to the limit, once for a key, and with what comes of it or not at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.store import ABSENT, Put
from lambda_src.errors import StoreUnavailable
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import ExtraWriteConflict, KeyReused, LimitExceeded
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.support.dynamodb_faults import Faults

ANN = 12345
DAY = "20251008"
NOON_MS = 1_759_924_800_000
MIDNIGHT = datetime(2025, 10, 9, tzinfo=UTC)


@pytest.fixture
def judge(new_judge):
    return new_judge()


@pytest.fixture
def usage(judge):
    return UsageLogRepository(judge.store, judge.clock)


def stored(judge, kind):
    return [item for item in judge.items() if item["tp"] == kind]


def task(task_id="T1"):
    now: dict[str, Any] = {"created_at": NOON_MS, "updated_at": NOON_MS, "expires_at": NOON_MS // 1000 + 100}
    return Put(items.TASK, Task(task_id=task_id, kind="execution", **now), ABSENT)


def test_an_accepted_action_is_counted_and_logged_for_ninety_days_in_two_requests(judge, usage):
    with judge.counted() as calls:
        consumed = usage.consume(ANN, "hint", 5, "baekjoon#1000", {"history_id": "H1"})

    assert calls == {"TransactWriteItems": 1, "GetItem": 1}
    assert (consumed.allowed, consumed.charged, consumed.action) == (True, True, "hint")
    assert (consumed.current_count, consumed.limit, consumed.remaining) == (1, 5, 4)
    assert consumed.reset_at == MIDNIGHT
    [log], [counter] = stored(judge, "ulog"), stored(judge, "ucnt")
    suffix = log["SK"].rsplit("#", 1)[1]
    assert len(bytes.fromhex(suffix)) == 6
    assert log == {
        "PK": f"USR#{ANN}#ULOG#{DAY}",
        "SK": f"ULOG#{NOON_MS}#hint#{suffix}",
        "tp": "ulog",
        "crt": NOON_MS,
        "act": "hint",
        "pid": "baekjoon#1000",
        "met": {"history_id": "H1"},
        "ttl": 1_767_700_800,
    }
    assert (consumed.log_pk, consumed.log_sk) == (log["PK"], log["SK"])
    assert counter == {
        "PK": f"USR#{ANN}#ULOG#{DAY}",
        "SK": "CNT#hint",
        "tp": "ucnt",
        "crt": NOON_MS,
        "val": 1,
        "ttl": 1_767_700_800,
    }


def test_the_sixth_of_five_is_refused_in_one_request_and_nothing_is_written(judge, usage):
    for _ in range(5):
        usage.consume(ANN, "hint", 5)
    before = judge.items()

    with judge.counted() as calls, pytest.raises(LimitExceeded) as refused:
        usage.consume(ANN, "hint", 5, extra_writes=[task()])

    assert calls == {"TransactWriteItems": 1}
    assert judge.items() == before
    assert (refused.value.current_count, refused.value.limit) == (5, 5)
    assert usage.audit_day(ANN, "hint", DAY) == (5, 5)


def test_a_counter_says_when_it_was_made(judge, usage):
    usage.consume(ANN, "hint", 5)
    judge.clock.forward(hours=1)
    usage.consume(ANN, "hint", 5)

    [counter] = stored(judge, "ucnt")
    assert (counter["val"], counter["crt"], counter["ttl"]) == (2, NOON_MS, 1_767_704_400)


def test_a_log_whose_key_somebody_drew_before_is_not_written_over(judge, usage):
    usage.consume(ANN, "hint", 5, None, {"task_id": "T1"}, "k1")
    [mark] = stored(judge, "uidem")
    judge.remove(items.USAGE_IDEMPOTENCY.key(user_id=ANN, date=DAY, action="hint", key_hash=mark["SK"][-32:]))
    before = judge.items()

    with pytest.raises(StoreUnavailable):
        usage.consume(ANN, "hint", 5, None, {"task_id": "T2"}, "k1")

    assert judge.items() == before


def test_actions_users_and_days_have_limits_of_their_own(judge, usage):
    usage.consume(ANN, "hint", 1)

    assert usage.consume(ANN, "execution", 1).current_count == 1
    assert usage.consume(ANN + 1, "hint", 1).current_count == 1
    judge.clock.forward(hours=12)
    tomorrow = usage.consume(ANN, "hint", 1)
    assert (tomorrow.current_count, tomorrow.log_pk) == (1, f"USR#{ANN}#ULOG#20251009")


@pytest.mark.parametrize(
    ("before_midnight", "seconds"),
    [(timedelta(seconds=30), 30), (timedelta(seconds=29, milliseconds=1), 30), (timedelta(microseconds=1), 1)],
    ids=["half a minute", "a part of a second", "the last moment"],
)
def test_who_is_refused_hears_when_the_day_is_over(judge, usage, before_midnight, seconds):
    judge.clock.now = MIDNIGHT - before_midnight
    usage.consume(ANN, "hint", 1)

    with pytest.raises(LimitExceeded) as refused:
        usage.consume(ANN, "hint", 1)

    assert refused.value.members == {
        "action": "hint",
        "current_count": 1,
        "limit": 1,
        "remaining": 0,
        "reset_at": "2025-10-09T00:00:00Z",
        "retry_after_seconds": seconds,
    }
    assert refused.value.headers["X-RateLimit-Reset"] == "1759968000"
    judge.clock.now = MIDNIGHT
    assert usage.consume(ANN, "hint", 1).current_count == 1


def test_a_limit_of_zero_refuses_the_first_without_a_write(judge, usage):
    with judge.counted() as calls, pytest.raises(LimitExceeded) as refused:
        usage.consume(ANN, "hint", 0, idempotency_key="k1", extra_writes=[task()])

    assert calls == {"GetItem": 1}
    assert refused.value.current_count == 0


def test_without_a_limit_all_are_counted_and_nothing_remains_to_be_said(judge, usage):
    for _ in range(3):
        consumed = usage.consume(ANN, "hint", -1)

    assert (consumed.current_count, consumed.limit, consumed.remaining) == (3, -1, None)
    assert usage.audit_day(ANN, "hint", DAY) == (3, 3)


def test_a_limit_that_was_lowered_leaves_nothing_and_not_less(usage):
    for _ in range(3):
        usage.consume(ANN, "hint", 5)

    with pytest.raises(LimitExceeded) as refused:
        usage.consume(ANN, "hint", 2)
    assert refused.value.current_count == 3


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_charged_once_a_day_and_its_repetition_is_told_the_first_task(judge, usage):
    first = usage.consume(ANN, "execution", 50, None, {"task_id": "T1"}, "k1", [task()])

    with judge.counted() as calls:
        again = usage.consume(ANN, "execution", 50, None, {"task_id": "T2"}, "k1", [task("T2")])

    assert calls == {"TransactWriteItems": 1, "GetItem": 1}
    assert (first.charged, again.charged) == (True, False)
    assert again.task_id == first.task_id == "T1"
    assert (again.log_pk, again.log_sk, again.current_count) == (first.log_pk, first.log_sk, 1)
    assert [item["PK"] for item in stored(judge, "task")] == ["TASK#T1"]
    [log], [mark] = stored(judge, "ulog"), stored(judge, "uidem")
    assert log["idk"] == mark["SK"].removeprefix("IDEM#execution#")
    assert log["SK"].endswith(f"#{log['idk'][:12]}")
    assert (mark["lsk"], mark["tid"], mark["ttl"]) == (log["SK"], "T1", log["ttl"])
    judge.clock.forward(hours=12)
    assert usage.consume(ANN, "execution", 50, None, {"task_id": "T3"}, "k1").charged


def test_a_key_that_was_used_wins_over_a_limit_that_is_used_up(judge, usage):
    usage.consume(ANN, "execution", 1, None, {"task_id": "T1"}, "k1")

    assert usage.consume(ANN, "execution", 1, None, None, "k1").task_id == "T1"
    with judge.counted() as calls, pytest.raises(LimitExceeded):
        usage.consume(ANN, "execution", 1, None, None, "k2")
    assert calls == {"TransactWriteItems": 1, "GetItem": 1}


def test_a_key_wins_also_where_only_the_counter_is_said_to_have_failed(new_judge, dynamodb_client):
    faults = Faults(Boto3Client(dynamodb_client))
    judge = new_judge(engine=faults)
    usage = UsageLogRepository(judge.store, judge.clock)
    usage.consume(ANN, "execution", 1, None, {"task_id": "T1"}, "k1")
    value = {"val": {"N": "1"}}
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": value}, {"Code": "None"}]
    faults.error("TransactionCanceledException", reasons=reasons)

    again = usage.consume(ANN, "execution", 1, None, None, "k1")

    assert (again.charged, again.task_id) == (False, "T1")


def test_a_key_is_of_one_action_and_one_user(usage):
    usage.consume(ANN, "execution", 50, idempotency_key="k1")

    assert usage.consume(ANN, "hint", 5, idempotency_key="k1").charged
    assert usage.consume(ANN + 1, "execution", 50, idempotency_key="k1").charged


def test_a_key_stands_for_one_request(judge, usage):
    usage.consume(ANN, "execution", 50, idempotency_key="k1", body_digest="d1")
    before = judge.items()

    for other in ("d2", None):
        with pytest.raises(KeyReused):
            usage.consume(ANN, "execution", 50, idempotency_key="k1", body_digest=other)

    assert usage.consume(ANN, "execution", 50, idempotency_key="k1", body_digest="d1").charged is False
    assert judge.items() == before


# ---- what is written with it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "k1"], ids=["without a key", "with one"])
def test_what_stands_against_an_extra_write_is_named_and_nothing_is_charged(judge, usage, key):
    judge.put_items(items.TASK.item(task("T2").model))
    before = judge.items()

    with pytest.raises(ExtraWriteConflict) as refused:
        usage.consume(ANN, "execution", 50, idempotency_key=key, extra_writes=[task("T1"), task("T2")])

    assert refused.value.index == 1
    assert judge.items() == before


def test_a_limit_is_told_before_a_conflict_of_an_extra_write(judge, usage):
    judge.put_items(items.TASK.item(task().model))
    usage.consume(ANN, "execution", 1)

    with pytest.raises(LimitExceeded):
        usage.consume(ANN, "execution", 1, extra_writes=[task()])


# ---- giving back -----------------------------------------------------------------------------------------------------


def test_a_charge_is_given_back_once(judge, usage):
    consumed = usage.consume(ANN, "hint", 1)
    judge.clock.forward(seconds=5)

    with judge.counted() as calls:
        assert usage.reverse_usage(consumed.log_pk, consumed.log_sk) is True
        assert usage.reverse_usage(consumed.log_pk, consumed.log_sk) is False

    assert calls == {"TransactWriteItems": 2}
    assert usage.audit_day(ANN, "hint", DAY) == (0, 0)
    [log] = stored(judge, "ulog")
    assert log["rev"] == NOON_MS + 5_000
    assert usage.consume(ANN, "hint", 1).current_count == 1


@pytest.mark.parametrize(
    ("log_pk", "log_sk"),
    [
        (f"USR#{ANN}", f"ULOG#{NOON_MS}#hint#0123456789ab"),
        (f"USR#{ANN}#ULOG#{DAY}", "CNT#hint"),
        (f"USR#{ANN}#ULOG#{DAY}", f"ULOG#{NOON_MS}#hint#0123456789ab\n"),
    ],
    ids=["of a user", "of a counter", "with a line end"],
)
def test_what_is_no_log_is_not_given_back(usage, log_pk, log_sk):
    with pytest.raises(ValueError, match="no key of the shape"):
        usage.reverse_usage(log_pk, log_sk)


def test_what_was_never_counted_is_not_given_back(judge, usage):
    consumed = usage.consume(ANN, "hint", 5)
    key = items.USAGE_COUNTER.key(user_id=ANN, date=DAY, action="hint")
    judge.put_items({**judge.item(key), "val": 0})
    before = judge.items()

    assert usage.reverse_usage(consumed.log_pk, consumed.log_sk) is False
    assert judge.items() == before


def test_a_log_that_is_gone_is_not_given_back(judge, usage):
    assert usage.reverse_usage(f"USR#{ANN}#ULOG#{DAY}", f"ULOG#{NOON_MS}#hint#0123456789ab") is False
    assert stored(judge, "ulog") == stored(judge, "ucnt") == []


def test_what_no_plan_limits_is_a_mistake_of_the_caller(judge, usage):
    with judge.counted() as calls:
        with pytest.raises(ValueError, match="Limits are those of"):
            usage.consume(ANN, "sign_in", 5)
        with pytest.raises(ValueError, match="-1 for none"):
            usage.consume(ANN, "hint", -2)
        with pytest.raises(ValueError, match="Limits are those of"):
            usage.check_rate_limit(ANN, "sign_in", 5)
    assert calls == {}
