"""Charging through busy items and lost answers: never twice, and busy is not denied."""

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.errors import StoreUnavailable
from lambda_src.services.algoitny.errors import LimitExceeded
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.support.dynamodb_faults import Faults

ANN = 12345
DAY = "20251008"


@pytest.fixture
def bad_day(new_judge, dynamodb_client):
    faults = Faults(Boto3Client(dynamodb_client))
    judge = new_judge(engine=faults)
    return judge, faults, UsageLogRepository(judge.store, judge.clock)


CONFLICT = ["TransactionConflict", "None"]


def test_contention_is_not_denial(bad_day):
    judge, faults, usage = bad_day
    faults.cancelled(CONFLICT, times=3)
    assert usage.consume(ANN, "hint", 5).current_count == 1
    tokens = {request["ClientRequestToken"] for request in faults.requests if "ClientRequestToken" in request}
    assert len(tokens) == 1

    faults.cancelled(CONFLICT, times=8)
    with judge.counted() as calls, pytest.raises(StoreUnavailable) as busy:
        usage.consume(ANN, "hint", 5)

    assert (busy.value.code, busy.value.retry_after_seconds) == ("busy", 1)
    assert calls == {"TransactWriteItems": 8, "GetItem": 2}
    assert usage.audit_day(ANN, "hint", DAY) == (1, 1)


def test_contention_over_the_last_one_ends_as_a_denial(bad_day):
    _, faults, usage = bad_day
    usage.consume(ANN, "hint", 1)

    faults.cancelled(CONFLICT, times=2)
    with pytest.raises(LimitExceeded):  # the third try meets the condition
        usage.consume(ANN, "hint", 1)
    faults.cancelled(CONFLICT, times=8)
    with pytest.raises(LimitExceeded):  # no try does, the counter is looked at
        usage.consume(ANN, "hint", 1)
    faults.cancelled(CONFLICT, times=8)
    with pytest.raises(StoreUnavailable):  # where nothing is denied, nobody is
        usage.consume(ANN, "hint", -1)


@pytest.mark.parametrize("key", [None, "k1"], ids=["without a key", "with one"])
def test_a_charge_whose_answer_got_lost_is_made_once(bad_day, key):
    _, faults, usage = bad_day
    lost = faults.lose_next_answer("TransactWriteItems")

    consumed = usage.consume(ANN, "hint", 5, None, {"task_id": "T1"}, key)

    assert len(lost) == 1
    assert (consumed.charged, consumed.current_count, consumed.task_id) == (True, 1, "T1")
    assert usage.audit_day(ANN, "hint", DAY) == (1, 1)


class Forgetful(Faults):
    """Carries transactions out, loses the answer, and does not know the token again."""

    def call(self, operation, request, pattern):
        if operation == "TransactWriteItems":
            self._client.call(operation, request, pattern)
            self.error("IdempotentParameterMismatchException")
        return super().call(operation, request, pattern)


@pytest.mark.parametrize("key", [None, "k1"], ids=["without a key", "with one"])
def test_a_token_that_is_known_for_something_else_makes_no_second_charge(new_judge, dynamodb_client, key):
    judge = new_judge(engine=Forgetful(Boto3Client(dynamodb_client)))
    usage = UsageLogRepository(judge.store, judge.clock)

    consumed = usage.consume(ANN, "hint", 1, None, {"task_id": "T1"}, key)

    assert (consumed.charged, consumed.current_count, consumed.task_id) == (True, 1, "T1")
    assert usage.audit_day(ANN, "hint", DAY) == (1, 1)


def test_a_token_that_is_known_for_something_else_is_busy_where_nothing_was_charged(bad_day):
    judge, faults, usage = bad_day
    faults.error("IdempotentParameterMismatchException")

    with judge.counted() as calls, pytest.raises(StoreUnavailable):
        usage.consume(ANN, "hint", 5)

    assert calls == {"TransactWriteItems": 1, "GetItem": 2}
    assert usage.audit_day(ANN, "hint", DAY) == (0, 0)


def test_another_use_of_the_key_is_found_where_the_answer_says_nothing(bad_day):
    _, faults, usage = bad_day
    usage.consume(ANN, "hint", 1, None, {"task_id": "T1"}, "k1")
    faults.cancelled(CONFLICT, times=8)

    again = usage.consume(ANN, "hint", 1, None, {"task_id": "T2"}, "k1")

    assert (again.charged, again.task_id) == (False, "T1")
