"""Reads on the real engine: one item, batches, and Query page after page."""

import pytest
from boto3.dynamodb.conditions import Attr, Key

from lambda_src.dynamo.queries import query_pages
from lambda_src.dynamo.values import Item
from lambda_src.errors import StoreUnavailable
from tests.support.sample_tables import BY_OWNER, BY_TOPIC, NOTES, PLACES, note, note_key

IN_BOOK = Key("PK").eq("BOOK#b")
LARGE = "x" * 300_000  # four of these fill a page of 1 MB


@pytest.fixture
def store(make_store):
    return make_store([NOTES, PLACES])


def numbers(items: list[Item]) -> list[int]:
    return [item["number"] for item in items]


def test_an_item_is_read_as_it_was_written(store):
    written = note(text="héllo · 你好", flags={"a", "b"}, inner={"list": [1, "two"]})
    store.put(NOTES, written)
    assert store.get(NOTES, note_key(), consistent=True) == {**written, "flags": frozenset({"a", "b"})}


def test_a_missing_item_is_none(store):
    assert store.get(NOTES, note_key()) is None
    assert store.get(PLACES, {"name": "attic"}) is None


def test_a_batch_reads_more_than_a_hundred_items_of_two_tables_and_each_once(store):
    store.batch_write(NOTES, puts=[note(number) for number in range(150)])
    store.put(PLACES, {"name": "attic", "number": 1000})
    keys = [(NOTES, note_key(number)) for number in range(150)]
    found = store.batch_get([*keys, (PLACES, {"name": "attic"}), *keys, (NOTES, note_key(999))], consistent=True)
    assert sorted(numbers(found)) == [*range(150), 1000]


def test_a_batch_larger_than_one_answer_is_read_completely(store):
    store.batch_write(NOTES, puts=[note(number, text="x" * 390_000) for number in range(50)])  # 19.5 MB, above 16
    assert len(store.batch_get([(NOTES, note_key(number)) for number in range(50)])) == 50


def test_a_batch_of_nothing_makes_no_request(store):
    assert store.batch_get([]) == []


def test_a_query_follows_pages_of_a_megabyte(store):
    store.batch_write(NOTES, puts=[note(number, text=LARGE) for number in range(10)])
    pages = list(store.query(NOTES, IN_BOOK, consistent=True))
    assert len(pages) >= 3
    assert numbers(store.query_items(NOTES, IN_BOOK)) == list(range(10))
    assert store.count(NOTES, IN_BOOK) == 10


def test_pages_are_read_only_when_they_are_asked_for(store):
    store.batch_write(NOTES, puts=[note(number) for number in range(5)])
    first = next(store.query(NOTES, IN_BOOK, limit=2))
    assert numbers(first.items) == [0, 1]
    assert first.last_key == note_key(1)
    [*rest] = store.query(NOTES, IN_BOOK, start=first.last_key)
    assert [numbers(page.items) for page in rest] == [[2, 3, 4]]
    assert rest[-1].last_key is None


def test_empty_pages_before_the_last_one_are_passed_over(store):
    store.batch_write(NOTES, puts=[note(number, wanted=number == 9) for number in range(10)])
    wanted = Attr("wanted").eq(True)
    assert next(store.query(NOTES, IN_BOOK, filter=wanted, limit=2)).items == []
    assert numbers(store.query_items(NOTES, IN_BOOK, filter=wanted, limit=2, stop_after=1)) == [9]
    assert store.count(NOTES, IN_BOOK, filter=wanted, limit=2) == 1


def test_the_newest_come_first_when_descending(store):
    store.batch_write(NOTES, puts=[note(number) for number in range(5)])
    assert numbers(store.query_items(NOTES, IN_BOOK, descending=True, stop_after=2)) == [4, 3]


def test_a_range_of_sort_keys_is_read(store):
    store.batch_write(NOTES, puts=[note(number) for number in range(5)])
    between = IN_BOOK & Key("SK").between("NOTE#0001", "NOTE#0003")
    assert numbers(store.query_items(NOTES, between)) == [1, 2, 3]


def test_indexes_are_queried_and_continued_from_their_own_keys(store):
    store.batch_write(
        NOTES,
        puts=[note(n, GSI1PK="TOPIC#t", GSI1SK=f"{9 - n}", GSI2PK="OWNER#o", text="long") for n in range(4)],
    )
    topic = Key("GSI1PK").eq("TOPIC#t")
    first = next(store.query(NOTES, topic, index=BY_TOPIC, limit=2))
    assert numbers(first.items) == [3, 2]
    assert first.last_key == {**note_key(2), "GSI1PK": "TOPIC#t", "GSI1SK": "7"}
    assert numbers(store.query_items(NOTES, topic, index=BY_TOPIC, start=first.last_key)) == [1, 0]
    keys_only = store.query_items(NOTES, Key("GSI2PK").eq("OWNER#o"), index=BY_OWNER)
    assert {frozenset(item) for item in keys_only} == {frozenset({"PK", "SK", "GSI2PK"})}


def test_a_projection_returns_those_attributes_even_with_reserved_names(store):
    store.put(NOTES, note(name="n", status="s", url="u"))
    [item] = store.query_items(NOTES, IN_BOOK, projection=("SK", "name", "status"))
    assert item == {"SK": "NOTE#0001", "name": "n", "status": "s"}


def test_a_list_without_end_is_given_up(store, dynamodb_client):
    store.batch_write(NOTES, puts=[note(number) for number in range(5)])
    pages = query_pages(store._caller, NOTES, IN_BOOK, {"limit": 1}, max_pages=3)
    with pytest.raises(StoreUnavailable):
        list(pages)
