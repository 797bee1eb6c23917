"""Throttles, conflicts, unprocessed entries and silence: repeated within bounds, and nothing is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from socket import gaierror
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import EndpointConnectionError
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NameResolutionError

from lambda_src.dynamo import reads
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.conditions import EXISTS
from lambda_src.dynamo.errors import ConditionFailed, Contended, StoreError, StoreMisconfigured, TransactionCancelled
from lambda_src.dynamo.reads import Query
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.store import Delete, Put, Store, UpdateItem
from lambda_src.dynamo.updates import Update
from lambda_src.errors import StoreUnavailable
from tests.support.botocore_faults import BotocoreFaults
from tests.support.dynamodb_faults import Faults, RandomConflicts
from tests.support.sample_tables import (
    ADD_NOTE,
    KEEP_NOTE,
    NOTE,
    NOTE_BY_NUMBER,
    NOTES,
    NOTES_AT_ONCE,
    NOTES_OF_BOOK,
    NOTES_OF_TOPIC,
    PLACES,
    Note,
    note_item,
    note_key,
)

PLAIN_NOTES = Table("notes", "Sample", "NOTES_TABLE_NAME", partition="PK", sort="SK")  # without indexes
THROTTLE = "ProvisionedThroughputExceededException"


@dataclass(frozen=True, slots=True)
class BadDay:
    """A store whose requests can be made to fail, and the waits between its tries."""

    store: Store
    faults: Faults
    slept: list[float]
    table: str

    def note(self, number: int = 1) -> Note | None:
        return self.store.get(NOTE_BY_NUMBER, book="b", number=number)


@pytest.fixture
def bad_day(dynamodb_client, make_tables) -> BadDay:
    names: Mapping[str, str] = make_tables([NOTES, PLACES])
    slept: list[float] = []
    faults = Faults(Boto3Client(dynamodb_client))
    store = Store(faults, names, sleep=slept.append, random=lambda: 1.0)
    return BadDay(store=store, faults=faults, slept=slept, table=names[NOTES.name])


def put(number: int = 1) -> Put[Note]:
    return Put(NOTE, Note(number=number))


@pytest.mark.parametrize(
    "code", [THROTTLE, "ThrottlingException", "RequestLimitExceeded", "TransactionConflictException"]
)
def test_a_write_survives_seven_refusals_with_growing_waits(bad_day, code):
    bad_day.faults.error(code, times=7)
    bad_day.store.put(KEEP_NOTE, put())
    assert bad_day.note() == Note()
    assert bad_day.slept == [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0]


def test_the_eighth_refusal_is_a_clear_answer(bad_day):
    bad_day.faults.error(THROTTLE, times=8)
    with pytest.raises(StoreUnavailable) as gave_up:
        bad_day.store.update(KEEP_NOTE, UpdateItem(note_key(), Update().add(hits=1)))
    assert gave_up.value.retry_after_seconds == 1
    assert len(bad_day.faults.requests) == 8
    assert bad_day.note() is None


def test_an_error_of_the_server_is_repeated(bad_day):
    bad_day.faults.error("InternalServerError", status=500)
    bad_day.faults.error("SomethingNew", status=503)
    assert bad_day.store.items(NOTES_OF_BOOK, book="x") == []
    assert len(bad_day.slept) == 2


def test_silence_is_repeated_twice_only(bad_day):
    bad_day.faults.silence(times=3)
    with pytest.raises(StoreUnavailable):
        bad_day.note()
    assert len(bad_day.faults.requests) == 3


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("AccessDeniedException", "not allowed"),
        ("ExpiredTokenException", "no credentials"),
        ("ResourceNotFoundException", "no table"),
        ("UnrecognizedClientException", "no credentials"),
    ],
)
def test_what_is_set_up_wrong_is_said_at_once(bad_day, code, fault):
    bad_day.faults.error(code, message="secret")
    with pytest.raises(StoreMisconfigured) as refused:
        bad_day.note()
    assert (refused.value.fault, refused.value.retryable, bad_day.slept) == (fault, True, [])
    assert "secret" not in refused.value.detail
    assert "secret" in str(refused.value.__cause__), "what the log shows"


def test_a_table_or_an_index_that_is_missing_is_found_out_by_every_operation(dynamodb_client, make_tables):
    """As the engine itself says it."""
    nowhere = Store(Boto3Client(dynamodb_client), {NOTES.name: f"nowhere-{uuid4()}"})
    without_index = Store(Boto3Client(dynamodb_client), make_tables([PLAIN_NOTES]))
    for ask in (
        lambda: nowhere.get(NOTE_BY_NUMBER, book="b", number=1),
        lambda: nowhere.batch_get(NOTE_BY_NUMBER, [note_key(1)]),
        lambda: nowhere.items(NOTES_OF_BOOK, book="b"),
        lambda: nowhere.put(KEEP_NOTE, put()),
        lambda: nowhere.transact(ADD_NOTE, [put(1), put(2)]),
        lambda: nowhere.batch_write(NOTES_AT_ONCE, puts=[note_item(1)]),
        lambda: without_index.items(NOTES_OF_TOPIC, topic="t"),
    ):
        with pytest.raises(StoreMisconfigured) as refused:
            ask()
        assert refused.value.fault == "no table"


def test_without_credentials_nothing_is_sent_and_the_answer_says_so(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    client = make_client(region="eu-west-3")
    store = Store(Boto3Client(client), {NOTES.name: "notes"}, sleep=lambda _: pytest.fail("it was tried again"))
    with pytest.raises(StoreMisconfigured) as refused:
        store.get(NOTE_BY_NUMBER, book="b", number=1)
    client.close()
    assert refused.value.fault == "no credentials"


@pytest.mark.parametrize(("region", "error"), [("atlantis-1", StoreMisconfigured), ("us-gov-west-1", StoreUnavailable)])
def test_a_host_without_an_address_is_an_outage_unless_there_is_no_such_region(region, error):
    client = make_client(region=region, endpoint_url="http://127.0.0.1:1")
    unresolved = NameResolutionError(f"dynamodb.{region}.amazonaws.com", HTTPConnection("x"), gaierror(-2, "unknown"))
    BotocoreFaults(client).fail(EndpointConnectionError(endpoint_url="https://x.test", error=unresolved), times=3)
    store = Store(Boto3Client(client), {NOTES.name: "notes"}, sleep=lambda _: None)
    with pytest.raises(error) as refused:
        store.get(NOTE_BY_NUMBER, book="b", number=1)
    assert type(refused.value) is error
    client.close()


def test_what_is_our_fault_is_not_repeated(bad_day):
    bad_day.faults.error("ValidationException", message="no")
    with pytest.raises(StoreError) as refused:
        bad_day.note()
    assert "no" not in refused.value.detail.split()
    assert bad_day.slept == []


def test_a_failed_condition_is_not_repeated(bad_day):
    with pytest.raises(ConditionFailed):
        bad_day.store.delete(KEEP_NOTE, Delete(note_key(), EXISTS))
    assert len(bad_day.faults.requests) == 1


def test_a_transaction_keeps_its_token_through_conflicts_and_throttles(bad_day):
    bad_day.faults.cancelled(["TransactionConflict", "None"], times=3)
    bad_day.faults.cancelled(["None", "ThrottlingError"])
    bad_day.faults.error("TransactionInProgressException")
    bad_day.faults.error("ThrottlingException")
    bad_day.store.transact(ADD_NOTE, [UpdateItem(note_key(), Update().add(hits=1).set(number=1)), put(2)])
    assert bad_day.note() == Note(hits=1)
    tokens = [request["ClientRequestToken"] for request in bad_day.faults.requests if "ClientRequestToken" in request]
    assert len(tokens) == 7
    assert len(set(tokens)) == 1


def test_two_transactions_have_two_tokens(bad_day):
    bad_day.store.transact(ADD_NOTE, [put(1)])
    bad_day.store.transact(ADD_NOTE, [put(2)])
    first, second = (request["ClientRequestToken"] for request in bad_day.faults.requests)
    assert first != second


def test_a_transaction_whose_answer_got_lost_happens_once(bad_day):
    lost = bad_day.faults.lose_next_answer("TransactWriteItems")
    bad_day.store.transact(ADD_NOTE, [UpdateItem(note_key(), Update().add(hits=1).set(number=1))])
    assert bad_day.note() == Note(hits=1)
    assert (len(lost), len(bad_day.slept)) == (1, 1)


def test_a_single_write_whose_answer_got_lost_is_made_twice(bad_day):
    bad_day.faults.lose_next_answer("UpdateItem")
    bad_day.store.update(KEEP_NOTE, UpdateItem(note_key(), Update().add(hits=1).set(number=1)))
    assert bad_day.note() == Note(hits=2), "the store says so: only a transaction is safe from a lost answer"


def test_conflicts_without_end_are_a_clear_answer(bad_day):
    bad_day.faults.cancelled(["TransactionConflict"], times=8)
    with pytest.raises(Contended) as busy:
        bad_day.store.transact(ADD_NOTE, [put()])
    assert (busy.value.code, busy.value.retry_after_seconds) == ("busy", 1)
    assert len(bad_day.slept) == 7
    assert bad_day.note() is None


def test_only_conflicts_say_that_nothing_was_written(bad_day):
    for last in ("TransactionInProgressException", "InternalServerError", "ThrottlingException"):
        bad_day.faults.cancelled(["TransactionConflict"], times=7)
        bad_day.faults.error(last, status=500)
        with pytest.raises(StoreUnavailable) as busy:
            bad_day.store.transact(ADD_NOTE, [put()])
        assert not isinstance(busy.value, Contended)


def test_transactions_come_through_in_spite_of_many_conflicts(dynamodb_client, make_tables):
    conflicts = RandomConflicts(Boto3Client(dynamodb_client), share=0.3, seed=1)
    store = Store(conflicts, make_tables([NOTES]), sleep=lambda _: None)
    for _ in range(20):
        store.transact(ADD_NOTE, [UpdateItem(note_key(), Update().add(hits=1).set(number=1))])
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) == Note(hits=20)
    assert conflicts.count > 5


def test_a_failed_condition_beside_a_conflict_is_final(bad_day):
    bad_day.faults.cancelled(["TransactionConflict", "ConditionalCheckFailed"])
    with pytest.raises(TransactionCancelled) as cancelled:
        bad_day.store.transact(ADD_NOTE, [put(1), put(2)])
    assert cancelled.value.failed_positions == (1,)
    assert bad_day.slept == []


def test_a_cancellation_we_do_not_know_is_our_fault(bad_day):
    bad_day.faults.cancelled(["ValidationError", "None"])
    with pytest.raises(StoreError):
        bad_day.store.transact(ADD_NOTE, [put(1), put(2)])


def unwritten(bad_day: BadDay, *numbers: int) -> dict[str, Any]:
    requests = [{"PutRequest": {"Item": wire_note(number)}} for number in numbers]
    return {"UnprocessedItems": {bad_day.table: requests}}


def wire_note(number: int) -> dict[str, Any]:
    return {"PK": {"S": "BOOK#b"}, "SK": {"S": f"NOTE#{number:04d}"}, "number": {"N": str(number)}}


def test_unprocessed_writes_are_written_in_the_end(bad_day):
    bad_day.faults.answer(unwritten(bad_day, 3, 4))
    bad_day.faults.answer(unwritten(bad_day, 4))
    bad_day.store.batch_write(NOTES_AT_ONCE, puts=[note_item(number) for number in (3, 4)])
    assert bad_day.note(4) == Note(number=4)
    assert bad_day.note(3) is None  # the engine never saw it: the answer said it was written
    assert bad_day.slept == [0.025, 0.05]


def test_writes_that_stay_unprocessed_are_counted_and_raised(bad_day):
    bad_day.faults.answer(unwritten(bad_day, 0, 1, 2), times=11)
    with pytest.raises(StoreUnavailable, match="written: 8"):
        bad_day.store.batch_write(NOTES_AT_ONCE, puts=[note_item(number) for number in range(30)])
    assert len(bad_day.faults.requests) == 11


def test_unprocessed_reads_are_read_in_the_end(bad_day):
    bad_day.store.batch_write(NOTES_AT_ONCE, puts=[note_item(number) for number in (1, 2)])
    keys = {bad_day.table: {"Keys": [{"PK": {"S": "BOOK#b"}, "SK": {"S": "NOTE#0002"}}], "ConsistentRead": True}}
    bad_day.faults.answer({"Responses": {bad_day.table: [wire_note(1)]}, "UnprocessedKeys": keys})
    found = bad_day.store.batch_get(NOTE_BY_NUMBER, [note_key(1), note_key(2)])
    assert found == [Note(number=1), Note(number=2)]
    assert bad_day.faults.requests[-1]["RequestItems"] == keys
    assert bad_day.slept == [0.025]


def test_reads_that_stay_unprocessed_are_raised_rather_than_missing(bad_day):
    keys = {bad_day.table: {"Keys": [{"PK": {"S": "BOOK#b"}, "SK": {"S": "NOTE#0002"}}]}}
    bad_day.faults.answer({"Responses": {}, "UnprocessedKeys": keys}, times=11)
    with pytest.raises(StoreUnavailable, match="read: 1"):
        bad_day.store.batch_get(NOTE_BY_NUMBER, [note_key(2)])
    assert len(bad_day.slept) == 10


def test_a_page_of_a_query_that_is_throttled_is_asked_again(bad_day):
    bad_day.store.batch_write(NOTES_AT_ONCE, puts=[note_item(number) for number in range(4)])
    found = reads.items(bad_day.store._caller, Query(pattern=NOTES_OF_BOOK, values={"book": "b"}, limit=2))
    first = [next(found), next(found)]
    bad_day.faults.error(THROTTLE, times=2)
    assert [item["number"]["N"] for item in (*first, *found)] == ["0", "1", "2", "3"]
    assert len(bad_day.slept) == 2
