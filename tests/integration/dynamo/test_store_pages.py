"""Lists page by page on the real engine: complete, in order, and continued only by their own cursors."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.dynamo.schema import AccessPattern
from lambda_src.dynamo.store import Page, Part, Put, Store, Update, UpdateItem
from lambda_src.errors import InvalidCursor
from lambda_src.signing import SigningKey
from tests.support.dynamodb_faults import Faults
from tests.support.engines import on_both_engines
from tests.support.sample_tables import (
    ALL_OF_BOOK,
    BOOK,
    KEEP_NOTE,
    NOTE,
    NOTES,
    NOTES_AT_ONCE,
    NOTES_BY_TIME,
    NOTES_FROM_NUMBER,
    NOTES_IN_ORDER,
    NOTES_OF_BOOK,
    NOTES_OF_TOPIC,
    NOTES_OF_TOPICS,
    Book,
    Note,
    note_key,
)

pytestmark = on_both_engines


class OneKey:
    key = SigningKey("k1", b"k" * 32)

    def current(self) -> SigningKey:
        return self.key

    def find(self, key_id: str) -> SigningKey | None:
        return self.key if key_id == self.key.id else None


CURSORS = CursorCodec(OneKey())


@pytest.fixture
def client(dynamodb_client):
    return Faults(Boto3Client(dynamodb_client))


@pytest.fixture
def store(client, make_tables):
    return Store(client, make_tables([NOTES]), cursors=CURSORS)


def fill(store: Store, notes: Iterable[Note]) -> None:
    store.batch_write(NOTES_AT_ONCE, puts=[NOTE.item(note) for note in notes])


def walk(store: Store, pattern: AccessPattern[Any], *, limit: int, **values: Any) -> list[list[Any]]:
    """The pages of a list."""
    pages, cursor = [], None
    while True:
        page: Page[Any] = store.page(pattern, limit=limit, cursor=cursor, **values)
        pages.append(page.items)
        assert len(pages) <= 100, "the list does not end"
        cursor = page.next_cursor
        if cursor is None:
            return pages


def content_of(cursor: str | None) -> dict[str, Any]:
    assert cursor is not None
    text = cursor.partition(".")[0]
    content: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return content


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
def test_pages_together_are_the_list_and_the_last_one_says_so(store, client, limit):
    fill(store, [Note(number=number, topic="t") for number in range(6)])
    asked = len(client.requests)
    pages = walk(store, NOTES_OF_TOPIC, limit=limit, topic="t")
    assert [note.number for page in pages for note in page] == [5, 4, 3, 2, 1, 0]
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == -(-6 // limit), "a page that is just full at the end has no other behind it"
    assert len(client.requests) - asked == len(pages)
    assert {request["Limit"] for request in client.requests[asked:]} == {limit + 1}


def test_a_list_of_the_table_itself_is_paged_too(store):
    fill(store, [Note(number=number) for number in range(5)])
    assert walk(store, NOTES_OF_BOOK, limit=3, book="b") == [
        [Note(number=0), Note(number=1), Note(number=2)], [Note(number=3), Note(number=4)],
    ]  # fmt: skip


def test_a_page_from_a_bound_on_goes_on_behind_its_last_item(store):
    fill(store, [Note(number=number) for number in range(6)])
    pages = walk(store, NOTES_FROM_NUMBER, limit=2, book="b", number=1)
    assert [[note.number for note in page] for page in pages] == [[1, 2], [3, 4], [5]]


def test_a_page_of_several_kinds_holds_each_as_what_it_is(store):
    fill(store, [Note(number=1)])
    store.batch_write(NOTES_AT_ONCE, puts=[BOOK.item(Book())])
    assert store.page(ALL_OF_BOOK, limit=2, cursor=None, book="b").items == [Book(), Note(number=1)]


def test_an_item_that_is_gone_does_not_end_the_list(store):
    fill(store, [Note(number=number, topic="t") for number in range(4)])
    first = store.page(NOTES_OF_TOPIC, limit=2, cursor=None, topic="t")
    store.batch_write(NOTES_AT_ONCE, deletes=[note_key(2).values, note_key(1).values])
    second = store.page(NOTES_OF_TOPIC, limit=2, cursor=first.next_cursor, topic="t")
    assert ([note.number for note in second.items], second.next_cursor) == ([0], None)


# ---- cursors ---------------------------------------------------------------------------------------------------------


def test_a_cursor_says_the_position_by_the_names_that_were_published(store):
    fill(store, [Note(number=number, topic="t") for number in range(3)])
    cursor = store.page(NOTES_OF_TOPIC, limit=2, cursor=None, topic="t").next_cursor
    content = content_of(cursor)
    assert {name: content[name] for name in content.keys() - {"t"}} == {
        "n": 1, "b": "b", "r": "topic:t", "k": "k1", "v": 1,
    }  # fmt: skip
    assert store.position(NOTES_OF_TOPIC, cursor, topic="t") == {"number": 1, "book": "b"}
    assert store.position(NOTES_OF_TOPIC, None, topic="t") is None


def test_a_cursor_without_a_published_format_is_bound_to_all_that_was_asked(store):
    fill(store, [Note(number=number, book="a:b#c") for number in range(3)])
    cursor = store.page(NOTES_FROM_NUMBER, limit=1, cursor=None, book="a:b#c", number=0).next_cursor
    content = content_of(cursor)
    assert (content["r"], content["number"]) == ("notes_from_number:book=a:b%23c:number=0", 0)


def cursor_of(store: Store, pattern: AccessPattern[Any], **values: Any) -> str:
    cursor = store.page(pattern, limit=1, cursor=None, **values).next_cursor
    assert cursor is not None
    return cursor


def test_a_cursor_that_is_not_of_this_list_is_refused_without_a_call(store, client):
    fill(store, [Note(number=number, book=book, topic=book) for number in range(3) for book in ("a", "b")])
    own = cursor_of(store, NOTES_OF_TOPIC, topic="a")
    merged = store.merged_page(NOTES_OF_TOPICS, limit=1, cursor=None, partitions=topics("a", "b")).next_cursor
    foreign = {
        "another partition": cursor_of(store, NOTES_OF_TOPIC, topic="b"),
        "another list": cursor_of(store, NOTES_OF_BOOK, book="a"),
        "another partition of another list": cursor_of(store, NOTES_OF_BOOK, book="b"),
        "a merged list": merged,
        "bent": own[:5] + ("A" if own[5] != "A" else "B") + own[6:],
        "cut": own[:-1],
        "text": "nonsense",
        "of the same scope, without the position": CURSORS.encode("topic:a", {"other": 1}),
    }
    asked = len(client.requests)
    for what, cursor in foreign.items():
        with pytest.raises(InvalidCursor):
            store.page(NOTES_OF_TOPIC, limit=1, cursor=cursor, topic="a")
        with pytest.raises(InvalidCursor):
            store.position(NOTES_OF_TOPIC, cursor, topic="a")
        if what != "a merged list":
            with pytest.raises(InvalidCursor):
                store.merged_page(NOTES_OF_TOPICS, limit=1, cursor=cursor, partitions=topics("a", "b"))
    with pytest.raises(InvalidCursor):
        store.page(NOTES_FROM_NUMBER, limit=1, cursor=foreign["another list"], book="a")
    assert len(client.requests) == asked
    assert [note.number for note in store.page(NOTES_OF_TOPIC, limit=1, cursor=own, topic="a").items] == [1]


def test_a_list_of_another_bound_has_other_cursors(store):
    fill(store, [Note(number=number) for number in range(4)])
    cursor = cursor_of(store, NOTES_FROM_NUMBER, book="b", number=1)
    with pytest.raises(InvalidCursor):
        store.page(NOTES_FROM_NUMBER, limit=1, cursor=cursor, book="b", number=2)


# ---- lists over several partitions -----------------------------------------------------------------------------------


def topics(*names: str) -> list[Mapping[str, str]]:
    return [{"topic": name} for name in names]


def shards(count: int) -> list[Mapping[str, int]]:
    return [{"shard": number} for number in range(count)]


def spread(count: int, *, over: int, ties: int = 1) -> list[Note]:
    """Notes over partitions; as many in a row as `ties` says were written at one time."""
    return [
        Note(number=number, shard=(number * 7) % over, written_at=f"2025-{number // ties:04}", title="T")
        for number in range(count)
    ]


def walk_merged(
    store: Store, pattern: AccessPattern[Note], *, limit: int, partitions: Sequence[Mapping[str, Any]]
) -> list[Note]:
    seen: list[Note] = []
    cursor = None
    while True:
        page = store.merged_page(pattern, limit=limit, cursor=cursor, partitions=partitions)
        assert len(page.items) == limit or page.next_cursor is None
        seen += page.items
        assert len(seen) <= 100, "the list does not end"
        cursor = page.next_cursor
        if cursor is None:
            return seen


@pytest.mark.parametrize("pattern", [NOTES_BY_TIME, NOTES_IN_ORDER])
@pytest.mark.parametrize(("partitions", "ties"), [(1, 1), (1, 3), (2, 1), (2, 3), (3, 14), (5, 4), (8, 1), (8, 3)])
def test_a_merged_list_is_in_order_over_all_partitions_and_page_borders(store, pattern, partitions, ties):
    notes = spread(14, over=partitions, ties=ties)
    fill(store, notes)
    expected = sorted(notes, key=lambda note: (note.written_at, note.number), reverse=pattern.descending)
    for limit in (2, 5, 14):
        found = walk_merged(store, pattern, limit=limit, partitions=shards(partitions))
        if partitions == 1:  # within one sort key in DynamoDB's own order
            assert [note.written_at for note in found] == [note.written_at for note in expected]
            found.sort(key=lambda note: note.number, reverse=pattern.descending)
        assert found == expected, f"pages of {limit}; the index includes all that was stored of them"


@pytest.mark.parametrize("partitions", [1, 2, 8])
def test_a_merged_page_takes_one_request_a_partition(store, client, partitions):
    fill(store, spread(60, over=partitions))
    cursor = None
    for _ in range(3):
        asked = len(client.requests)
        page = store.merged_page(NOTES_BY_TIME, limit=5, cursor=cursor, partitions=shards(partitions))
        assert len(client.requests) - asked == partitions
        assert all(request["Limit"] <= 5 + 3 for request in client.requests[asked:])
        cursor = page.next_cursor


def test_numbers_are_in_the_order_of_their_keys(store):
    fill(store, [Note(number=number, topic="even" if number % 2 == 0 else "odd") for number in range(7, 13)])
    found = walk_merged(store, NOTES_OF_TOPICS, limit=2, partitions=topics("even", "odd"))
    assert [note.number for note in found] == [7, 8, 9, 10, 11, 12]


def test_what_is_written_between_pages_moves_no_later_page(store):
    fill(store, spread(10, over=3))
    first = store.merged_page(NOTES_BY_TIME, limit=4, cursor=None, partitions=shards(3))
    fill(store, [Note(number=90 + shard, shard=shard, written_at="2026") for shard in range(3)])
    second = store.merged_page(NOTES_BY_TIME, limit=4, cursor=first.next_cursor, partitions=shards(3))
    assert [note.number for page in (first, second) for note in page.items] == [9, 8, 7, 6, 5, 4, 3, 2]
    again = store.merged_page(NOTES_BY_TIME, limit=4, cursor=None, partitions=shards(3))
    assert [note.number for note in again.items] == [92, 91, 90, 9]


def test_an_item_that_moves_to_another_partition_between_pages_is_shown_once(store):
    fill(store, spread(10, over=3))
    first = store.merged_page(NOTES_BY_TIME, limit=5, cursor=None, partitions=shards(3))
    for number in (5, 4):  # the last that was shown, and the next one
        for shard in range(3):
            store.update(KEEP_NOTE, UpdateItem(note_key(number), Update().set(GSI3PK=f"SHARD#{shard}")))
            second = store.merged_page(NOTES_BY_TIME, limit=5, cursor=first.next_cursor, partitions=shards(3))
            assert [note.number for note in second.items] == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(("before", "after", "ties"), [(2, 5, 5), (8, 3, 5), (8, 1, 1), (1, 8, 1)])
def test_a_cursor_outlives_another_number_of_partitions(store, before, after, ties):
    fill(store, spread(12, over=before, ties=ties))
    first = store.merged_page(NOTES_BY_TIME, limit=5, cursor=None, partitions=shards(before))
    content = content_of(first.next_cursor)
    assert content.keys() - {"v", "k", "r", "t"} == {"written_at", "book", "number"}
    assert content["r"] == "notes_by_time", "no partition is named"
    fill(store, spread(12, over=after, ties=ties))
    rest: list[Note] = []
    cursor = first.next_cursor
    while cursor is not None:
        page = store.merged_page(NOTES_BY_TIME, limit=5, cursor=cursor, partitions=shards(after))
        rest += page.items
        cursor = page.next_cursor
    assert [note.number for note in (*first.items, *rest)] == list(reversed(range(12)))


def test_an_empty_merged_list_is_one_page(store):
    assert store.merged_page(NOTES_BY_TIME, limit=5, cursor=None, partitions=shards(4)) == Page([], None)


def test_a_put_note_can_be_paged_with_what_the_index_does_not_hold(store):
    store.put(KEEP_NOTE, Put(NOTE, Note(text="not in this index", shard=0, written_at="2025")))
    page = store.merged_page(NOTES_BY_TIME, limit=5, cursor=None, partitions=shards(1))
    assert page.items == [Note(shard=0, written_at="2025")]


def test_partitions_of_the_table_itself_are_merged_by_its_sort_key(store, client):
    books = [{"book": name} for name in ("a", "b", "c")]
    fill(store, [Note(number=number, book=books[number % 3]["book"]) for number in range(9)])
    fill(store, [Note(number=4, book="c")])  # one that moved: what was in two partitions comes once
    first = store.merged_page(NOTES_OF_BOOK, limit=4, cursor=None, partitions=books)
    asked = len(client.requests)
    rest = store.merged_page(NOTES_OF_BOOK, limit=5, cursor=first.next_cursor, partitions=[*books, {"book": "d"}])
    assert len(client.requests) - asked == 4
    assert [note.number for page in (first, rest) for note in page.items] == list(range(9))
    assert rest.next_cursor is None


def beside_topic(store: Store, *, limit: int, cursor: str | None) -> Page[Note]:
    """The notes on `a`, and beside them those on `b`, by the same key."""
    beside = [Part(NOTES_OF_TOPIC, {"topic": "b"})]
    return store.merged_page(
        NOTES_OF_TOPIC, limit=limit, cursor=cursor, partitions=({},), beside=beside, bound_to="beside", topic="a"
    )


def test_a_list_beside_another_is_merged_into_it_and_has_cursors_of_its_own(store):
    fill(store, [Note(number=number, topic="a" if number % 3 else "b") for number in range(8)])
    first = beside_topic(store, limit=3, cursor=None)
    second = beside_topic(store, limit=5, cursor=first.next_cursor)
    assert [note.number for page in (first, second) for note in page.items] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert second.next_cursor is None
    alone = cursor_of(store, NOTES_OF_TOPIC, topic="a")
    with pytest.raises(InvalidCursor):
        beside_topic(store, limit=3, cursor=alone)
    with pytest.raises(InvalidCursor):
        store.page(NOTES_OF_TOPIC, limit=3, cursor=first.next_cursor, topic="a")


@pytest.mark.parametrize(
    "other",
    [Part(NOTES_OF_TOPICS, {"topic": "b"}), Part(NOTES_BY_TIME, {"shard": 0}), Part(NOTES_OF_BOOK, {"book": "b"})],
)
def test_lists_of_different_orders_are_not_merged(store, client, other):
    with pytest.raises(ValueError, match="no list in one order"):
        store.merged_page(NOTES_OF_TOPIC, limit=3, cursor=None, partitions=({},), beside=[other], topic="a")
    assert client.requests == []
