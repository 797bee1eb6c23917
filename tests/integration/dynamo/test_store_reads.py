"""Reads on the real engine: one item, batches, and Query page after page."""

from decimal import Decimal

import pytest

from lambda_src.dynamo import reads
from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.reads import Query
from lambda_src.dynamo.store import Attr, Put, Store
from lambda_src.errors import StoreUnavailable
from tests.support.dynamodb_faults import Faults
from tests.support.engines import on_both_engines
from tests.support.sample_tables import (
    ALL_OF_BOOK,
    BOOK,
    KEEP_NOTE,
    NOTE,
    NOTE_BY_NUMBER,
    NOTES,
    NOTES_AT_ONCE,
    NOTES_BY_TIME,
    NOTES_FROM_NUMBER,
    NOTES_OF_BOOK,
    NOTES_OF_OWNER,
    NOTES_OF_TOPIC,
    PLACE_OF_BOOK,
    PLACES,
    Book,
    Note,
    note_key,
)

pytestmark = on_both_engines

LARGE = "x" * 300_000  # four of these fill a page of 1 MB


@pytest.fixture
def client(dynamodb_client):
    return Faults(Boto3Client(dynamodb_client))


@pytest.fixture
def store(client, make_tables):
    return Store(client, make_tables([NOTES, PLACES]))


def numbers(notes: list[Note]) -> list[int]:
    return [note.number for note in notes]


def fill(store: Store, *notes: Note) -> None:
    store.batch_write(NOTES_AT_ONCE, puts=[NOTE.item(note) for note in notes])


def test_an_item_is_read_as_it_was_written(store):
    written = Note(text="héllo · 你好", tags=frozenset({"a", "b"}), price=Decimal("1.50"), topic="a#b%", shard=3)
    store.put(KEEP_NOTE, Put(NOTE, written))
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) == written


def test_a_missing_item_is_none(store):
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) is None
    assert store.get(PLACE_OF_BOOK, name="attic") is None


@pytest.mark.parametrize("is_consistent", [True, False])
def test_a_read_looks_at_the_table_as_its_pattern_says(store, client, is_consistent):
    pattern = NOTE_BY_NUMBER if is_consistent else PLACE_OF_BOOK
    store.get(pattern, **({"book": "b", "number": 1} if is_consistent else {"name": "b"}))
    assert client.requests[-1]["ConsistentRead"] is is_consistent


def test_a_batch_reads_more_than_a_hundred_items_of_several_kinds_and_each_once(store, client):
    fill(store, *(Note(number=number) for number in range(150)))
    store.batch_write(NOTES_AT_ONCE, puts=[BOOK.item(Book(title="T"))])
    keys = [note_key(number) for number in range(150)]
    asked = len(client.requests)
    found = store.batch_get(ALL_OF_BOOK, [*keys, BOOK.key(book="b"), *keys, note_key(999)])
    assert [each for each in found if isinstance(each, Book)] == [Book(title="T")]
    assert sorted(numbers([each for each in found if isinstance(each, Note)])) == list(range(150))
    assert len(client.requests) - asked == 2


def test_a_batch_larger_than_one_answer_is_read_completely(store):
    fill(store, *(Note(number=number, text="x" * 390_000) for number in range(50)))  # 19.5 MB, above 16
    assert len(store.batch_get(NOTE_BY_NUMBER, [note_key(number) for number in range(50)])) == 50


def test_a_batch_of_nothing_makes_no_request(store, client):
    assert store.batch_get(NOTE_BY_NUMBER, []) == []
    assert client.requests == []


def test_a_query_follows_pages_of_a_megabyte(store, client):
    fill(store, *(Note(number=number, text=LARGE) for number in range(10)))
    asked = len(client.requests)
    assert numbers(store.items(NOTES_OF_BOOK, book="b", consistent=True)) == list(range(10))
    assert len(client.requests) - asked >= 3
    assert store.count(NOTES_OF_BOOK, book="b") == 10


def test_pages_are_read_only_when_they_are_asked_for(store, client):
    fill(store, *(Note(number=number) for number in range(5)))
    asked = len(client.requests)
    found = reads.items(store._caller, Query(pattern=NOTES_OF_BOOK, values={"book": "b"}, limit=2))
    assert [next(found)["number"]["N"] for _ in range(2)] == ["0", "1"]
    assert len(client.requests) - asked == 1
    assert [item["number"]["N"] for item in found] == ["2", "3", "4"]
    assert len(client.requests) - asked == 3


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        (NOTES_OF_BOOK, {"book": "b"}),
        (NOTES_FROM_NUMBER, {"book": "b", "number": 1}),
        (NOTES_OF_TOPIC, {"topic": "t"}),
        (NOTES_OF_OWNER, {"owner": "o"}),
        (NOTES_BY_TIME, {"shard": 0}),
    ],
)
def test_the_start_key_of_a_position_is_the_one_that_dynamodb_gives(store, pattern, values):
    notes = [Note(number=number, topic="t", owner="o", shard=0, written_at="2025") for number in range(4)]
    fill(store, *notes)
    first = next(reads.pages(store._caller, Query(pattern=pattern, values=values, limit=2)))
    key = first["LastEvaluatedKey"]
    last = {name: key[name]["S"] for name in key}
    [behind] = [note for note in notes if note_key(note.number).values.items() <= last.items()]
    position = {name: getattr(behind, name) for name in reads.position_fields(pattern, values)}
    request = Query(pattern=pattern, values=values, after=position).request("Notes")
    assert request["ExclusiveStartKey"] == key


def test_a_list_is_read_on_behind_a_position(store):
    fill(store, *(Note(number=number, topic="t") for number in range(4)))
    assert numbers(store.items(NOTES_OF_BOOK, book="b", after={"number": 1})) == [2, 3]
    assert numbers(store.items(NOTES_OF_TOPIC, topic="t", after={"number": 2, "book": "b"})) == [1, 0]


def test_empty_pages_before_the_last_one_are_passed_over(store):
    fill(store, *(Note(number=number, status="wanted" if number == 9 else None) for number in range(10)))
    wanted = Attr("status").eq("wanted")
    query = Query(pattern=NOTES_OF_BOOK, values={"book": "b"}, where=wanted, limit=2)
    assert next(reads.pages(store._caller, query))["Items"] == []
    assert [item["number"]["N"] for item in reads.items(store._caller, query)] == ["9"]
    assert numbers(store.items(NOTES_OF_BOOK, book="b", where=wanted, stop_after=1)) == [9]
    assert store.count(NOTES_OF_BOOK, book="b", where=wanted) == 1


def test_the_newest_come_first_when_descending_and_no_more_is_read_than_is_wanted(store, client):
    fill(store, *(Note(number=number, topic="t") for number in range(5)))
    assert numbers(store.items(NOTES_OF_TOPIC, topic="t", stop_after=2)) == [4, 3]
    assert client.requests[-1]["Limit"] == 2


def test_a_list_begins_at_a_bound_itself_included(store):
    fill(store, *(Note(number=number) for number in range(5)))
    store.batch_write(NOTES_AT_ONCE, puts=[BOOK.item(Book())])
    assert numbers(store.items(NOTES_FROM_NUMBER, book="b", number=3)) == [3, 4]
    assert numbers(store.items(NOTES_FROM_NUMBER, book="b")) == [0, 1, 2, 3, 4]
    assert numbers(store.items(NOTES_FROM_NUMBER, book="b", number=1, after={"number": 3})) == [4]


def test_a_list_is_what_its_sort_key_begins_with(store):
    fill(store, *(Note(number=number) for number in range(5)))
    store.batch_write(NOTES_AT_ONCE, puts=[BOOK.item(Book())])
    assert numbers(store.items(NOTES_OF_BOOK, book="b")) == [0, 1, 2, 3, 4], "the book itself is no note"
    assert numbers(store.items(NOTES_OF_BOOK, book="b", number=3)) == [3]
    everything = store.items(ALL_OF_BOOK, book="b")
    assert [type(each) for each in everything] == [Book, *[Note] * 5], "by key, in one partition"
    for values in ({"book": "b", "other": 1}, {"number": 3}, {}):
        with pytest.raises(TypeError):
            store.items(NOTES_OF_BOOK, **values)


def test_a_whole_sort_key_is_that_key_and_no_longer_one(store):
    fill(store, *(Note(number=n, shard=0, written_at=at) for n, at in enumerate(("2025-1", "2025-10", "2025-1"))))
    assert numbers(store.items(NOTES_BY_TIME, shard=0, written_at="2025-10")) == [1]
    assert sorted(numbers(store.items(NOTES_BY_TIME, shard=0, written_at="2025-1"))) == [0, 2]


def test_an_item_of_no_kind_that_is_read_is_refused(store):
    store.batch_write(NOTES_AT_ONCE, puts=[{"PK": "BOOK#b", "SK": "OTHER", "number": 1}])
    with pytest.raises(KeyError, match="all_of_book"):
        store.items(ALL_OF_BOOK, book="b")


def test_indexes_are_queried_and_continued_from_their_own_keys(store):
    fill(store, *(Note(number=number, book=book, topic="t", owner="o") for number in range(3) for book in "ab"))
    everything = [(note.number, note.book) for note in store.items(NOTES_OF_TOPIC, topic="t")]
    assert sorted(everything, reverse=True) == sorted([(n, book) for n in range(3) for book in "ab"], reverse=True)
    assert [number for number, _ in everything] == [2, 2, 1, 1, 0, 0]
    keys_only = store.rows(NOTES_OF_OWNER, "PK", "SK", "GSI2PK", owner="o")
    assert {frozenset(item) for item in keys_only} == {frozenset({"PK", "SK", "GSI2PK"})}


def test_chosen_attributes_are_returned_as_stored_even_with_reserved_names(store):
    fill(store, Note(status="s", title="t", text="u"), Note(number=2))
    rows = store.rows(NOTES_OF_BOOK, "SK", "title", "status", book="b")
    assert rows == [{"SK": "NOTE#0001", "t": "t", "status": "s"}, {"SK": "NOTE#0002"}]
    assert store.rows(NOTES_OF_BOOK, "SK", book="b", stop_after=1) == [{"SK": "NOTE#0001"}]


def test_a_filter_names_attributes_as_they_are_stored(store):
    fill(store, *(Note(number=number, title=f"T{number}") for number in range(3)))
    assert numbers(store.items(NOTES_OF_BOOK, book="b", where=Attr("title").is_in(["T0", "T2"]))) == [0, 2]
    assert store.count(NOTES_OF_BOOK, book="b", where=Attr("title").gt("T0")) == 2


def test_a_list_without_end_is_given_up(store):
    fill(store, *(Note(number=number) for number in range(5)))
    pages = reads.pages(store._caller, Query(pattern=NOTES_OF_BOOK, values={"book": "b"}, limit=1), max_pages=3)
    with pytest.raises(StoreUnavailable):
        list(pages)
