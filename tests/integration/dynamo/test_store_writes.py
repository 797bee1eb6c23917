"""Writes on the real engine: conditions, updates, batches."""

import threading
from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr

from lambda_src.dynamo.errors import ConditionFailed, ItemTooLarge, StoreError
from lambda_src.dynamo.store import Store
from lambda_src.dynamo.updates import Update
from tests.support.sample_tables import NOTES, PLACES, note, note_key

ABSENT = Attr("PK").not_exists()


@pytest.fixture
def store(make_store):
    return make_store([NOTES, PLACES])


def test_a_condition_refuses_a_second_put_and_can_tell_what_stands_there(store):
    store.put(NOTES, note(text="first"), condition=ABSENT)
    with pytest.raises(ConditionFailed) as refused:
        store.put(NOTES, note(text="second"), condition=ABSENT, return_old=True)
    assert refused.value.item == note(text="first")
    assert store.get(NOTES, note_key()) == note(text="first")


def test_a_failed_condition_brings_no_item_unless_asked(store):
    store.put(NOTES, note())
    with pytest.raises(ConditionFailed) as refused:
        store.delete(NOTES, note_key(), condition=ABSENT)
    assert refused.value.item is None


def test_one_of_many_threads_wins_a_conditional_put(store):
    won = []

    def write(number: int) -> None:
        try:
            store.put(NOTES, note(winner=number), condition=ABSENT)
        except ConditionFailed:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.get(NOTES, note_key())["winner"] == won[0]


def test_an_update_does_all_it_says_in_one_request(store):
    store.put(NOTES, note(status="old", tags={"a", "b"}, gone="x", kept=1))
    update = (
        Update()
        .set(status="new", price=Decimal("1.50"))
        .set_if_absent(kept=2, fresh=3)
        .add(number=10, labels={"l"})
        .remove("gone", "never_there")
        .delete(tags={"a"})
    )
    after = store.update(NOTES, note_key(), update, condition=Attr("status").eq("old"), returning="ALL_NEW")
    assert after == {
        **note(number=1),
        "number": 11,
        "status": "new",
        "price": Decimal("1.5"),
        "kept": 1,
        "fresh": 3,
        "labels": frozenset({"l"}),
        "tags": frozenset({"b"}),
    }
    assert store.get(NOTES, note_key()) == after


def test_an_update_returns_what_is_asked_for(store):
    assert store.update(NOTES, note_key(), Update().add(hits=1)) == {}
    assert store.update(NOTES, note_key(), Update().add(hits=1), returning="UPDATED_NEW") == {"hits": 2}
    assert store.update(NOTES, note_key(), Update().add(hits=1), returning="ALL_OLD") == {**note_key(), "hits": 2}


def test_a_condition_that_compares_two_attributes_and_one_of_many_values(store):
    store.put(NOTES, note(done=1, total=2, status="open"))
    below = Attr("done").lt(Attr("total")) & Attr("status").is_in(["open", "new"]) & ~Attr("deleting").exists()
    store.update(NOTES, note_key(), Update().add(done=1), condition=below)
    with pytest.raises(ConditionFailed):
        store.update(NOTES, note_key(), Update().add(done=1), condition=below)


def test_a_deleted_item_is_returned_if_asked_for(store):
    store.put(PLACES, {"name": "attic"})
    assert store.delete(PLACES, {"name": "attic"}, returning="ALL_OLD") == {"name": "attic"}
    assert store.delete(PLACES, {"name": "attic"}, returning="ALL_OLD") == {}


def test_threads_that_add_to_a_number_lose_nothing(store):
    threads = [threading.Thread(target=store.update, args=(NOTES, note_key(), Update().add(hits=1))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(NOTES, note_key(), consistent=True)["hits"] == 20


def test_an_item_above_400_kilobytes_is_refused(store):
    with pytest.raises(ItemTooLarge):
        store.put(NOTES, note(text="x" * 410_000))


def test_an_item_that_would_grow_above_400_kilobytes_is_refused(store):
    store.put(NOTES, note(text="x" * 300_000))
    with pytest.raises(ItemTooLarge):
        store.update(NOTES, note_key(), Update().set(more="x" * 110_000))


def test_a_table_that_is_not_there_is_our_fault(dynamodb_client):
    with pytest.raises(StoreError):
        Store(dynamodb_client, {"notes": "no-such-table"}).get(NOTES, note_key())


def test_a_batch_puts_and_deletes_more_than_25_items(store):
    store.batch_write(NOTES, puts=[note(number) for number in range(60)])
    store.batch_write(
        NOTES,
        puts=[note(number) for number in range(60, 70)],
        deletes=[note_key(number) for number in (*range(55), *range(55))],
    )
    left = store.batch_get([(NOTES, note_key(number)) for number in range(70)], consistent=True)
    assert sorted(item["number"] for item in left) == list(range(55, 70))


def test_a_batch_of_the_largest_items_in_any_script_fits_into_its_calls(store):
    # 25 items of 399 KB; the wire form of these letters is three times as long as what DynamoDB counts
    store.batch_write(NOTES, puts=[note(number, text="é" * 199_500) for number in range(25)])
    assert len(store.batch_get([(NOTES, note_key(number)) for number in range(25)])) == 25


def test_a_batch_that_writes_an_item_twice_is_refused_before_any_call(store):
    with pytest.raises(ValueError, match="once"):
        store.batch_write(NOTES, puts=[note(1), note(2), note(1)])
    with pytest.raises(ValueError, match="once"):
        store.batch_write(NOTES, puts=[note(1)], deletes=[note_key(1)])
    assert store.get(NOTES, note_key(2)) is None
