"""Writes on the real engine: conditions, updates, batches. What counts is what is stored afterwards."""

import threading
from decimal import Decimal

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.errors import ConditionFailed, ItemTooLarge, StoreMisconfigured
from lambda_src.dynamo.store import ABSENT, Attr, Delete, Put, Store, Update, UpdateItem
from tests.support.engines import on_both_engines
from tests.support.sample_tables import (
    ADD_NOTE,
    KEEP_NOTE,
    KEEP_PLACE,
    NOTE,
    NOTE_BY_NUMBER,
    NOTES,
    NOTES_AT_ONCE,
    PLACE,
    PLACES,
    Note,
    Place,
    note_item,
    note_key,
)

pytestmark = on_both_engines


@pytest.fixture
def store(make_store):
    return make_store([NOTES, PLACES])


@pytest.fixture
def stored(store):
    """The item of a note as it is stored."""

    def find(number: int = 1) -> object:
        return store.update(KEEP_NOTE, UpdateItem(note_key(number), Update().remove("nothing")), returning="ALL_NEW")

    return find


def test_an_item_is_stored_with_its_keys_and_without_absent_values(store, stored):
    store.put(
        KEEP_NOTE,
        Put(NOTE, Note(number=1, topic="t", shard=0, written_at="2025", title="T", price=Decimal("1.50"), hits=0)),
    )
    assert stored() == {
        "PK": "BOOK#b", "SK": "NOTE#0001", "GSI1PK": "TOPIC#t", "GSI1SK": "0001", "GSI3PK": "SHARD#0", "GSI3SK": "2025",
        "number": 1, "topic": "t", "written_at": "2025", "t": "T", "price": Decimal("1.5"), "hits": 0,
    }  # fmt: skip


def test_a_condition_refuses_a_second_put_and_can_tell_what_stands_there(store):
    store.put(KEEP_NOTE, Put(NOTE, Note(text="first"), ABSENT))
    with pytest.raises(ConditionFailed) as refused:
        store.put(KEEP_NOTE, Put(NOTE, Note(text="second"), ABSENT, return_old=True))
    assert refused.value.item == NOTE.item(Note(text="first"))
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) == Note(text="first")


def test_a_failed_condition_brings_no_item_unless_asked(store):
    store.put(KEEP_NOTE, Put(NOTE, Note()))
    with pytest.raises(ConditionFailed) as refused:
        store.delete(KEEP_NOTE, Delete(note_key(), ABSENT))
    assert refused.value.item is None


def test_one_of_many_threads_wins_a_conditional_put(store):
    won = []

    def write(number: int) -> None:
        try:
            store.put(KEEP_NOTE, Put(NOTE, Note(hits=number), ABSENT))
        except ConditionFailed:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.get(NOTE_BY_NUMBER, book="b", number=1).hits == won[0]


def test_an_update_does_all_it_says_in_one_request(store):
    tagged = Note(status="old", tags=frozenset({"a", "b"}), text="x", kept=1, title="Old")
    store.put(KEEP_NOTE, Put(NOTE, tagged))
    update = (
        Update()
        .set(status="new", price=Decimal("1.50"), title="New")
        .set_if_absent(kept=2, fresh=3)
        .add(number=10, labels={"l"})
        .remove("text", "never_there")
        .delete(tags={"a"})
    )
    condition = Attr("status").eq("old") & Attr("title").begins_with("O")
    after = store.update(KEEP_NOTE, UpdateItem(note_key(), update, condition), returning="ALL_NEW")
    assert after == {
        **NOTE.item(Note()),
        "number": 11,
        "status": "new",
        "price": Decimal("1.5"),
        "t": "New",
        "kept": 1,
        "fresh": 3,
        "labels": frozenset({"l"}),
        "tags": frozenset({"b"}),
    }
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) == NOTE.model(after)


def test_an_update_returns_what_is_asked_for(store):
    add = UpdateItem(note_key(), Update().add(hits=1))
    assert store.update(KEEP_NOTE, add) == {}
    assert store.update(KEEP_NOTE, add, returning="UPDATED_NEW") == {"hits": 2}
    assert store.update(KEEP_NOTE, add, returning="ALL_OLD") == {**note_key().values, "hits": 2}


def test_a_condition_that_compares_two_attributes_and_one_of_many_values(store):
    store.put(KEEP_NOTE, Put(NOTE, Note(hits=1, kept=2, status="open")))
    below = Attr("hits").lt(Attr("kept")) & Attr("status").is_in(["open", "new"]) & ~Attr("deleting").exists()
    store.update(KEEP_NOTE, UpdateItem(note_key(), Update().add(hits=1), below))
    with pytest.raises(ConditionFailed):
        store.update(KEEP_NOTE, UpdateItem(note_key(), Update().add(hits=1), below))


HOLDS = [
    Attr("hits").eq(5), Attr("hits").ne(4), Attr("missing").ne(4), Attr("hits").lt(6), Attr("hits").lte(5),
    Attr("hits").gt(4), Attr("hits").gte(5), Attr("hits").between(5, 5), Attr("hits").is_in([1, 5]),
    Attr("title").exists(), Attr("missing").not_exists(), Attr("tags").contains("a"), Attr("title").contains("it"),
    Attr("title").begins_with("Ti"), Attr("hits").eq(4) | Attr("hits").eq(5), Attr("hits").gt(Attr("kept")),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOLDS)))
def test_a_condition_holds_on_the_engine_and_its_opposite_does_not(store, number):
    store.put(KEEP_NOTE, Put(NOTE, Note(hits=5, kept=4, title="Title", tags=frozenset({"a"}))))
    store.update(KEEP_NOTE, UpdateItem(note_key(), Update().set(status="reached"), HOLDS[number]))
    with pytest.raises(ConditionFailed):
        store.update(KEEP_NOTE, UpdateItem(note_key(), Update().set(status="wrong"), ~HOLDS[number]))
    assert store.get(NOTE_BY_NUMBER, book="b", number=1).status == "reached"


def test_a_deleted_item_is_returned_if_asked_for(store):
    store.put(KEEP_PLACE, Put(PLACE, Place(name="attic")))
    away = Delete(PLACE.key(name="attic"))
    assert store.delete(KEEP_PLACE, away, returning="ALL_OLD") == {"name": "attic"}
    assert store.delete(KEEP_PLACE, away, returning="ALL_OLD") == {}


def test_threads_that_add_to_a_number_lose_nothing(store):
    add = UpdateItem(note_key(), Update().add(hits=1).set(number=1))
    threads = [threading.Thread(target=store.update, args=(KEEP_NOTE, add)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(NOTE_BY_NUMBER, book="b", number=1).hits == 20


def test_an_item_above_400_kilobytes_is_refused(store):
    with pytest.raises(ItemTooLarge):
        store.put(KEEP_NOTE, Put(NOTE, Note(text="x" * 410_000)))


def test_an_item_that_would_grow_above_400_kilobytes_is_refused(store):
    store.put(KEEP_NOTE, Put(NOTE, Note(text="x" * 300_000)))
    with pytest.raises(ItemTooLarge):
        store.update(KEEP_NOTE, UpdateItem(note_key(), Update().set(more="x" * 110_000)))


def test_a_table_that_is_not_there_is_told_from_a_mistake_of_ours(dynamodb_client):
    with pytest.raises(StoreMisconfigured):
        Store(Boto3Client(dynamodb_client), {"notes": "no-such-table"}).get(NOTE_BY_NUMBER, book="b", number=1)


def test_an_item_of_another_table_is_refused_before_any_call(store):
    place = PLACE.key(name="attic")
    for write in (
        lambda: store.put(KEEP_NOTE, Put(PLACE, Place(name="attic"))),
        lambda: store.update(KEEP_NOTE, UpdateItem(place, Update().set(value=1))),
        lambda: store.delete(KEEP_NOTE, Delete(place)),
        lambda: store.transact(ADD_NOTE, [Put(NOTE, Note()), Put(PLACE, Place(name="attic"))]),
    ):
        with pytest.raises(ValueError, match="Place is no item of table notes"):
            write()
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) is None


def test_a_batch_puts_and_deletes_more_than_25_items(store):
    store.batch_write(NOTES_AT_ONCE, puts=[note_item(number) for number in range(60)])
    store.batch_write(
        NOTES_AT_ONCE,
        puts=[note_item(number) for number in range(60, 70)],
        deletes=[note_key(number).values for number in (*range(55), *range(55))],
    )
    left = store.batch_get(NOTE_BY_NUMBER, [note_key(number) for number in range(70)])
    assert sorted(note.number for note in left) == list(range(55, 70))


def test_a_batch_of_the_largest_items_in_any_script_fits_into_its_calls(store):
    # 25 items of 399 KB; the wire form of these letters is three times as long as what DynamoDB counts
    store.batch_write(NOTES_AT_ONCE, puts=[note_item(number, text="é" * 199_500) for number in range(25)])
    assert len(store.batch_get(NOTE_BY_NUMBER, [note_key(number) for number in range(25)])) == 25


def test_a_batch_that_writes_an_item_twice_is_refused_before_any_call(store):
    with pytest.raises(ValueError, match="once"):
        store.batch_write(NOTES_AT_ONCE, puts=[note_item(1), note_item(2), note_item(1)])
    with pytest.raises(ValueError, match="once"):
        store.batch_write(NOTES_AT_ONCE, puts=[note_item(1)], deletes=[note_key(1).values])
    assert store.get(NOTE_BY_NUMBER, book="b", number=2) is None
