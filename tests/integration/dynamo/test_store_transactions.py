"""Transactions on the real engine: all or nothing, with reasons, once per token, and in spite of conflicts."""

import threading

import pytest
from boto3.dynamodb.conditions import Attr

from lambda_src.dynamo.errors import ItemTooLarge, TransactionCancelled
from lambda_src.dynamo.retry import Backoff
from lambda_src.dynamo.store import Change, Check, Delete, Put, Store
from lambda_src.dynamo.updates import Update
from tests.support.sample_tables import NOTES, PLACES, note, note_key

ABSENT = Attr("PK").not_exists()
EXISTS = Attr("PK").exists()


@pytest.fixture
def store(make_store):
    return make_store([NOTES, PLACES])


def test_all_four_kinds_of_actions_happen_together(store):
    for number in (1, 2, 3):
        store.put(NOTES, note(number))
    store.transact(
        [
            Put(NOTES, note(4), condition=ABSENT),
            Change(NOTES, note_key(1), Update().set(status="changed"), condition=EXISTS),
            Delete(NOTES, note_key(2), condition=EXISTS),
            Check(NOTES, note_key(3), EXISTS),
            Put(PLACES, {"name": "attic"}),
        ]
    )
    assert store.get(NOTES, note_key(4)) == note(4)
    assert store.get(NOTES, note_key(1))["status"] == "changed"
    assert store.get(NOTES, note_key(2)) is None
    assert store.get(PLACES, {"name": "attic"}) == {"name": "attic"}


def test_a_failed_condition_writes_nothing_and_tells_which(store):
    store.put(NOTES, note(2, text="here"))
    with pytest.raises(TransactionCancelled) as cancelled:
        store.transact(
            [
                Put(NOTES, note(1)),
                Put(NOTES, note(2, text="new"), condition=ABSENT, return_old=True),
                Check(NOTES, note_key(3), ABSENT),
                Delete(NOTES, note_key(4), condition=EXISTS, return_old=True),
            ]
        )
    reasons = cancelled.value.reasons
    assert [reason.code for reason in reasons] == [
        "None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed",
    ]  # fmt: skip
    assert cancelled.value.failed_positions == (1, 3)
    assert (cancelled.value.failed(0), cancelled.value.failed(1)) == (False, True)
    assert [reason.item for reason in reasons] == [None, note(2, text="here"), None, None]
    assert store.get(NOTES, note_key(1)) is None


def test_a_token_is_carried_out_once(store):
    add = [Change(NOTES, note_key(), Update().add(hits=1))]
    store.transact(add, token="the-token-of-this-operation")
    store.transact(add, token="the-token-of-this-operation")
    assert store.get(NOTES, note_key())["hits"] == 1
    store.transact(add)
    store.transact(add)
    assert store.get(NOTES, note_key())["hits"] == 3


def test_a_hundred_actions_fit_and_one_more_is_refused_before_any_call(store):
    store.transact([Put(NOTES, note(number)) for number in range(100)])
    assert store.get(NOTES, note_key(99)) == note(99)
    with pytest.raises(ValueError, match="100"):
        store.transact([Put(NOTES, note(number)) for number in range(200, 301)])
    with pytest.raises(ValueError, match="not 0"):
        store.transact([])


def test_two_actions_on_one_item_are_refused_before_any_call(store):
    with pytest.raises(ValueError, match="action 1"):
        store.transact([Put(NOTES, note(1)), Check(NOTES, note_key(1), ABSENT)])


def test_an_item_too_large_is_told_apart(store):
    with pytest.raises(ItemTooLarge):
        store.transact([Put(NOTES, note(1)), Put(NOTES, note(2, text="x" * 410_000))])


def test_transactions_on_one_item_by_many_threads_all_come_through(store):
    failures = []

    def add(number: int) -> None:
        try:
            for _ in range(5):
                store.transact([Change(NOTES, note_key(), Update().add(hits=1)), Put(NOTES, note(100 + number))])
        except Exception as exc:  # noqa: BLE001 - told by the assertion below
            failures.append(exc)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.get(NOTES, note_key(), consistent=True)["hits"] == 40


def test_of_many_threads_that_claim_one_name_exactly_one_gets_it(make_store):
    store: Store = make_store([NOTES, PLACES])
    outcomes: list[str] = []

    def claim(number: int) -> None:
        try:
            store.transact(
                [
                    Put(PLACES, {"name": "attic", "owner": number}, condition=Attr("name").not_exists()),
                    Put(NOTES, note(number)),
                    Change(PLACES, {"name": "count"}, Update().add(value=1)),
                ]
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
    assert store.get(PLACES, {"name": "count"}, consistent=True) == {"name": "count", "value": 1}


def test_the_defaults_are_those_of_the_contract():
    assert Backoff() == Backoff(attempts=8, base_seconds=0.025, cap_seconds=1.0, connection_attempts=3, rounds=10)
