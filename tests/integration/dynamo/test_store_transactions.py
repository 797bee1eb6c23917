"""Transactions on the real engine: all or nothing, with reasons, once per token, and in spite of conflicts."""

import threading

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.errors import ItemTooLarge, OutcomeUnknown, StoreError, TransactionCancelled
from lambda_src.dynamo.store import ABSENT, EXISTS, Check, Delete, Put, Store, Update, UpdateItem
from tests.support.dynamodb_faults import Faults
from tests.support.engines import on_both_engines
from tests.support.sample_tables import (
    ADD_NOTE,
    KEEP_NOTE,
    NOTE,
    NOTE_BY_NUMBER,
    NOTES,
    PLACE,
    PLACE_OF_BOOK,
    PLACES,
    PLACES_TOGETHER,
    Note,
    Place,
    note_key,
)

pytestmark = on_both_engines


@pytest.fixture
def store(make_store):
    return make_store([NOTES, PLACES])


def find(store: Store, number: int = 1) -> Note | None:
    return store.get(NOTE_BY_NUMBER, book="b", number=number)


def test_all_four_kinds_of_actions_happen_together(store):
    for number in (1, 2, 3):
        store.put(KEEP_NOTE, Put(NOTE, Note(number=number)))
    store.transact(
        ADD_NOTE,
        [
            Put(NOTE, Note(number=4), ABSENT),
            UpdateItem(note_key(1), Update().set(status="changed"), EXISTS),
            Delete(note_key(2), EXISTS),
            Check(note_key(3), EXISTS),
        ],
    )
    assert find(store, 4) == Note(number=4)
    assert find(store, 1) == Note(number=1, status="changed")
    assert find(store, 2) is None
    assert find(store, 3) == Note(number=3)


def test_a_failed_condition_writes_nothing_and_tells_which(store):
    store.put(KEEP_NOTE, Put(NOTE, Note(number=2, text="here")))
    with pytest.raises(TransactionCancelled) as cancelled:
        store.transact(
            ADD_NOTE,
            [
                Put(NOTE, Note(number=1)),
                Put(NOTE, Note(number=2, text="new"), ABSENT, return_old=True),
                Check(note_key(3), ABSENT),
                Delete(note_key(4), EXISTS, return_old=True),
            ],
        )
    reasons = cancelled.value.reasons
    assert [reason.code for reason in reasons] == [
        "None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed",
    ]  # fmt: skip
    assert cancelled.value.failed_positions == (1, 3)
    assert (cancelled.value.failed(0), cancelled.value.failed(1)) == (False, True)
    assert [reason.item for reason in reasons] == [None, NOTE.item(Note(number=2, text="here")), None, None]
    assert find(store) is None


def test_a_token_is_carried_out_once(store):
    add = [UpdateItem(note_key(), Update().add(hits=1).set(number=1))]
    store.transact(ADD_NOTE, add, token="the-token-of-this-operation")
    store.transact(ADD_NOTE, add, token="the-token-of-this-operation")
    assert find(store) == Note(hits=1)
    store.transact(ADD_NOTE, add)
    store.transact(ADD_NOTE, add)
    assert find(store) == Note(hits=3)


def test_a_token_that_is_known_for_other_actions_leaves_the_outcome_unknown(store):
    store.transact(ADD_NOTE, [Put(NOTE, Note(number=1))], token="the-token-of-another-operation")

    with pytest.raises(OutcomeUnknown) as unknown:
        store.transact(ADD_NOTE, [Put(NOTE, Note(number=2))], token="the-token-of-another-operation")

    assert (unknown.value.code, unknown.value.retryable) == ("busy", True)
    assert find(store, 2) is None


def test_a_hundred_actions_fit_and_one_more_is_refused_before_any_call(store):
    store.transact(ADD_NOTE, [Put(NOTE, Note(number=number)) for number in range(100)])
    assert find(store, 99) == Note(number=99)
    with pytest.raises(ValueError, match="100"):
        store.transact(ADD_NOTE, [Put(NOTE, Note(number=number)) for number in range(200, 301)])
    with pytest.raises(ValueError, match="not 0"):
        store.transact(ADD_NOTE, [])


def test_two_actions_on_one_item_are_refused_before_any_call(dynamodb_client, make_tables):
    faults = Faults(Boto3Client(dynamodb_client))
    store = Store(faults, make_tables([NOTES]))
    with pytest.raises(ValueError, match="action 1"):
        store.transact(ADD_NOTE, [Put(NOTE, Note(number=1)), Check(note_key(1), ABSENT)])
    assert faults.requests == []


def test_an_item_too_large_is_told_apart(store):
    with pytest.raises(ItemTooLarge):
        store.transact(ADD_NOTE, [Put(NOTE, Note(number=1)), Put(NOTE, Note(number=2, text="x" * 410_000))])


def test_a_transaction_above_four_megabytes_is_refused_as_a_whole(store):
    large = [Put(NOTE, Note(number=number, text="x" * 390_000)) for number in range(11)]
    store.transact(ADD_NOTE, large[:10])
    with pytest.raises(StoreError):
        store.transact(ADD_NOTE, large)
    assert find(store, 10) is None


def test_transactions_on_one_item_by_many_threads_all_come_through(store):
    failures = []
    add_hit = UpdateItem(note_key(), Update().add(hits=1).set(number=1))

    def add(number: int) -> None:
        try:
            for _ in range(5):
                store.transact(ADD_NOTE, [add_hit, Put(NOTE, Note(number=100 + number))])
        except Exception as exc:  # noqa: BLE001 - told by the assertion below
            failures.append(exc)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert find(store) == Note(hits=40)


def test_of_many_threads_that_claim_one_name_exactly_one_gets_it(store):
    outcomes: list[str] = []

    def claim(number: int) -> None:
        try:
            store.transact(
                PLACES_TOGETHER,
                [
                    Put(PLACE, Place(name="attic", owner=number), ABSENT),
                    Put(PLACE, Place(name=f"note {number}")),
                    UpdateItem(PLACE.key(name="count"), Update().add(value=1)),
                ],
            )
        except TransactionCancelled as exc:
            outcomes.append(str(exc.failed_positions))
        else:
            outcomes.append("claimed")

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted(["claimed", *["(0,)"] * 9])
    assert store.get(PLACE_OF_BOOK, name="count") == Place(name="count", value=1)
