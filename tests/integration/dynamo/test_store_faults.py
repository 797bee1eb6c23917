"""Throttles, conflicts, unprocessed entries and silence: repeated within bounds, and nothing is lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key

from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.errors import ConditionFailed, StoreError, TransactionCancelled
from lambda_src.dynamo.store import Change, Put, Store
from lambda_src.dynamo.updates import Update
from lambda_src.errors import StoreUnavailable
from tests.support.dynamodb_faults import Faults, lose_next_answer
from tests.support.sample_tables import NOTES, PLACES, note, note_key

THROTTLE = "ProvisionedThroughputExceededException"


@dataclass(frozen=True, slots=True)
class BadDay:
    """A store whose requests can be made to fail, and the waits between its tries."""

    store: Store
    faults: Faults
    slept: list[float]
    table: str


@pytest.fixture
def bad_day(dynamodb_endpoint, make_tables) -> Iterator[BadDay]:
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    names = make_tables([NOTES, PLACES])
    slept: list[float] = []
    store = Store(client, names, sleep=slept.append, random=lambda: 1.0)
    yield BadDay(store=store, faults=Faults(client), slept=slept, table=names[NOTES.name])
    client.close()


@pytest.mark.parametrize(
    "code", [THROTTLE, "ThrottlingException", "RequestLimitExceeded", "TransactionConflictException"]
)
def test_a_write_survives_seven_refusals_with_growing_waits(bad_day, code):
    bad_day.faults.error(code, times=7)
    bad_day.store.put(NOTES, note())
    assert bad_day.store.get(NOTES, note_key()) == note()
    assert bad_day.slept == [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0]


def test_the_eighth_refusal_is_a_clear_answer(bad_day):
    bad_day.faults.error(THROTTLE, times=8)
    with pytest.raises(StoreUnavailable) as gave_up:
        bad_day.store.update(NOTES, note_key(), Update().add(hits=1))
    assert gave_up.value.retry_after_seconds == 1
    assert len(bad_day.faults.requests) == 8
    assert bad_day.store.get(NOTES, note_key()) is None


def test_an_error_of_the_server_is_repeated(bad_day):
    bad_day.faults.error("InternalServerError", status=500)
    bad_day.faults.error("SomethingNew", status=503)
    assert bad_day.store.query_items(NOTES, Key("PK").eq("x")) == []
    assert len(bad_day.slept) == 2


def test_silence_is_repeated_twice_only(bad_day):
    bad_day.faults.silence(times=3)
    with pytest.raises(StoreUnavailable):
        bad_day.store.get(NOTES, note_key())
    assert len(bad_day.faults.requests) == 3


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ResourceNotFoundException"])
def test_what_is_our_fault_is_not_repeated(bad_day, code):
    bad_day.faults.error(code, message="no")
    with pytest.raises(StoreError) as refused:
        bad_day.store.get(NOTES, note_key())
    assert "no" not in refused.value.detail.split()
    assert bad_day.slept == []


def test_a_failed_condition_is_not_repeated(bad_day):
    with pytest.raises(ConditionFailed):
        bad_day.store.delete(NOTES, note_key(), condition=Attr("PK").exists())
    assert len(bad_day.faults.requests) == 1


def test_a_transaction_keeps_its_token_through_conflicts_and_throttles(bad_day):
    bad_day.faults.cancelled(["TransactionConflict", "None"], times=3)
    bad_day.faults.cancelled(["None", "ThrottlingError"])
    bad_day.faults.error("TransactionInProgressException")
    bad_day.faults.error("ThrottlingException")
    bad_day.store.transact([Change(NOTES, note_key(), Update().add(hits=1)), Put(NOTES, note(2))])
    assert bad_day.store.get(NOTES, note_key())["hits"] == 1
    tokens = [request["ClientRequestToken"] for request in bad_day.faults.requests if "ClientRequestToken" in request]
    assert len(tokens) == 7
    assert len(set(tokens)) == 1


def test_two_transactions_have_two_tokens(bad_day):
    bad_day.store.transact([Put(NOTES, note(1))])
    bad_day.store.transact([Put(NOTES, note(2))])
    first, second = (request["ClientRequestToken"] for request in bad_day.faults.requests)
    assert first != second


def test_a_transaction_whose_answer_got_lost_happens_once(bad_day):
    lose_next_answer(bad_day.store._caller.client, "TransactWriteItems")
    bad_day.store.transact([Change(NOTES, note_key(), Update().add(hits=1))])
    assert bad_day.store.get(NOTES, note_key())["hits"] == 1
    assert len(bad_day.slept) == 1


def test_conflicts_without_end_are_a_clear_answer(bad_day):
    bad_day.faults.cancelled(["TransactionConflict"], times=8)
    with pytest.raises(StoreUnavailable):
        bad_day.store.transact([Put(NOTES, note())])
    assert len(bad_day.slept) == 7
    assert bad_day.store.get(NOTES, note_key()) is None


def test_a_failed_condition_beside_a_conflict_is_final(bad_day):
    bad_day.faults.cancelled(["TransactionConflict", "ConditionalCheckFailed"])
    with pytest.raises(TransactionCancelled) as cancelled:
        bad_day.store.transact([Put(NOTES, note(1)), Put(NOTES, note(2))])
    assert cancelled.value.failed_positions == (1,)
    assert bad_day.slept == []


def test_a_cancellation_we_do_not_know_is_our_fault(bad_day):
    bad_day.faults.cancelled(["ValidationError", "None"])
    with pytest.raises(StoreError):
        bad_day.store.transact([Put(NOTES, note(1)), Put(NOTES, note(2))])


def unwritten(bad_day: BadDay, *numbers: int) -> dict[str, Any]:
    requests = [{"PutRequest": {"Item": wire_note(number)}} for number in numbers]
    return {"UnprocessedItems": {bad_day.table: requests}}


def wire_note(number: int) -> dict[str, Any]:
    return {"PK": {"S": "BOOK#b"}, "SK": {"S": f"NOTE#{number:04d}"}, "number": {"N": str(number)}}


def test_unprocessed_writes_are_written_in_the_end(bad_day):
    bad_day.faults.answer(unwritten(bad_day, 3, 4))
    bad_day.faults.answer(unwritten(bad_day, 4))
    bad_day.store.batch_write(NOTES, puts=[note(number) for number in (3, 4)])
    assert bad_day.store.get(NOTES, note_key(4)) == note(4)
    assert bad_day.store.get(NOTES, note_key(3)) is None  # the engine never saw it: the answer said it was written
    assert bad_day.slept == [0.025, 0.05]


def test_writes_that_stay_unprocessed_are_counted_and_raised(bad_day):
    bad_day.faults.answer(unwritten(bad_day, 0, 1, 2), times=11)
    with pytest.raises(StoreUnavailable, match="written: 8"):
        bad_day.store.batch_write(NOTES, puts=[note(number) for number in range(30)])
    assert len(bad_day.faults.requests) == 11


def test_unprocessed_reads_are_read_in_the_end(bad_day):
    bad_day.store.batch_write(NOTES, puts=[note(number) for number in (1, 2)])
    keys = {bad_day.table: {"Keys": [{"PK": {"S": "BOOK#b"}, "SK": {"S": "NOTE#0002"}}], "ConsistentRead": True}}
    bad_day.faults.answer({"Responses": {bad_day.table: [wire_note(1)]}, "UnprocessedKeys": keys})
    found = bad_day.store.batch_get([(NOTES, note_key(1)), (NOTES, note_key(2))], consistent=True)
    assert found == [note(1), note(2)]
    assert bad_day.slept == [0.025]


def test_reads_that_stay_unprocessed_are_raised_rather_than_missing(bad_day):
    keys = {bad_day.table: {"Keys": [{"PK": {"S": "BOOK#b"}, "SK": {"S": "NOTE#0002"}}]}}
    bad_day.faults.answer({"Responses": {}, "UnprocessedKeys": keys}, times=11)
    with pytest.raises(StoreUnavailable, match="read: 1"):
        bad_day.store.batch_get([(NOTES, note_key(2))])
    assert len(bad_day.slept) == 10


def test_a_page_of_a_query_that_is_throttled_is_asked_again(bad_day):
    bad_day.store.batch_write(NOTES, puts=[note(number) for number in range(4)])
    pages = bad_day.store.query(NOTES, Key("PK").eq("BOOK#b"), limit=2)
    first = next(pages)
    bad_day.faults.error(THROTTLE, times=2)
    rest = [item["number"] for page in pages for item in page.items]
    assert [item["number"] for item in first.items] + rest == [0, 1, 2, 3]
