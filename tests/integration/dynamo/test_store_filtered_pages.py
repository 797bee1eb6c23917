"""Pages of what a filter holds for, on the real engine: bounded work, and together exactly what there is."""

import json
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.store import EXISTS, Attr, Page, Store
from lambda_src.errors import InvalidCursor
from tests.support.dynamodb_faults import Faults
from tests.support.engines import on_both_engines
from tests.support.sample_tables import ALL_OF_BOOK
from tests.support.songs import (
    CURSORS,
    NAMES,
    SONG,
    SONGS,
    SONGS_AT_ONCE,
    SONGS_BY_NAME,
    SONGS_BY_TITLE,
    SONGS_FROM_THE_END,
    SONGS_OF_DISC,
    Looking,
    Song,
    fill,
)

pytestmark = on_both_engines


@pytest.fixture
def looking(dynamodb_client):
    return Looking(Boto3Client(dynamodb_client))


@pytest.fixture
def client(looking):
    return Faults(looking)


@pytest.fixture
def store(client, make_tables):
    return Store(client, make_tables([SONGS]), cursors=CURSORS)


LIKED: Final = Attr("plays").gt(0)


def page_of(store: Store, cursor: str | None, *, limit: int = 20, **changes: Any) -> Page[Song]:
    page: Page[Song] = store.filtered_page(cursor=cursor, limit=limit, **{"where": LIKED, **changes})
    return page


def page_of_liked(store: Store, cursor: str | None, **changes: Any) -> Page[Song]:
    return page_of(store, cursor, **{"pattern": SONGS_BY_NAME, "bound_to": "liked", "album": "a", **changes})


def numbers(page: Page[Song]) -> list[int]:
    return [song.number for song in page.items]


def songs(count: int, *liked: int, **values: Any) -> list[Song]:
    """Numbered songs of one name. liked: the numbers of those that were played."""
    return [Song(name="x", number=number, plays=int(number in liked), **values) for number in range(1, count + 1)]


def test_one_match_at_the_end_of_2500_names_takes_three_pages_of_bounded_work(store, client, looking):
    fill(store, songs(2_500, 2_500))
    pages, cursor = [], None
    for _ in range(3):
        asked = len(client.requests)
        page = page_of_liked(store, cursor, looked_at=200, requests=5)
        pages.append((numbers(page), len(client.requests) - asked, sum(looking.looked_at)))
        looking.looked_at.clear()
        cursor = page.next_cursor
        assert cursor or len(pages) == 3
    assert pages == [([], 5, 1_000), ([], 5, 1_000), ([2_500], 3, 500)]
    assert cursor is None
    assert {request["Limit"] for request in client.requests if "Limit" in request} == {200}
    assert {request["FilterExpression"] for request in client.requests if "Limit" in request} == {"#n1 > :v1"}


@pytest.mark.parametrize(
    ("liked", "first", "requests", "position"),
    [
        ([2, 4, 9], [2, 4], 2, 4),  # full in the middle of what a request looked at
        ([2, 3, 9], [2, 3], 1, 3),  # with the last item that it looked at
        ([1, 2, 3, 9], [1, 2], 1, 2),  # there are more than fit
        ([9], [], 2, 6),  # out of requests
        ([6, 9], [6], 2, 6),
        ([5, 6, 9], [5, 6], 2, 6),  # both at once
    ],
)
def test_a_page_goes_on_behind_its_last_item_or_behind_what_was_looked_at(
    store, client, liked, first, requests, position
):
    fill(store, songs(10, *liked))
    asked = len(client.requests)
    page = page_of_liked(store, None, limit=2, looked_at=3, requests=2)
    assert (numbers(page), len(client.requests) - asked) == (first, requests)
    assert page.next_cursor is not None
    assert key_behind_which(page.next_cursor) == ("x", position)
    second = page_of_liked(store, page.next_cursor, limit=10, looked_at=3, requests=4)
    assert (numbers(second), second.next_cursor) == (liked[len(first) :], None)
    start = client.requests[asked + requests]["ExclusiveStartKey"]
    assert start["GSI1SK"] == {"S": f"x#{position:04}"}, "whole, from the keys of the index"
    assert start == {name: {"S": text} for name, text in SONG.item(Song(name="x", number=position)).items()
                     if name in {"PK", "SK", "GSI1PK", "GSI1SK"}}  # fmt: skip


def test_a_full_page_is_the_last_one_only_where_all_was_looked_at(store):
    fill(store, songs(7, 3, 6))
    assert page_of_liked(store, None, limit=2, looked_at=200).next_cursor is None, "7 did not match"
    assert page_of_liked(store, None, limit=2, looked_at=6).next_cursor is not None, "nobody looked at 7"
    assert page_of_liked(store, None, limit=3, looked_at=4) == Page([songs(7, 3)[2], songs(7, 6)[5]], None)
    assert page_of_liked(store, None, limit=1, album="empty") == Page([], None)


def test_a_request_that_ends_with_a_megabyte_is_one_of_those_that_are_bounded(store, looking):
    fill(store, [replace(song, text="x" * 390_000) for song in songs(8)])
    asked: dict[str, Any] = {"pattern": SONGS_OF_DISC, "disc": 1, "where": Attr("text").exists(), "requests": 2}
    first = page_of_liked(store, None, **asked)
    assert numbers(first) == [8, 7, 6, 5, 4, 3], "three to a megabyte"
    assert looking.looked_at == [3, 3]
    second = page_of_liked(store, first.next_cursor, **asked)
    assert (numbers(second), second.next_cursor) == ([2, 1], None)


def test_a_beginning_and_a_filter_hold_together(store):
    fill(store, [Song(name=name, plays=plays, number=plays) for name in NAMES for plays in (0, 1)])
    found, cursor = list[Song](), None
    for _ in range(20):
        page = page_of_liked(store, cursor, limit=2, name="ab", looked_at=3, requests=1)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    keys_of_found = [str(SONG.item(song)["GSI1SK"]) for song in found]
    assert keys_of_found == sorted(keys_of_found)
    assert sorted(song.name for song in found) == ["ab", "ab#", "ab%", "ab%2"]


def test_a_cursor_of_another_search_is_refused_without_a_call(store, client):
    fill(store, songs(9, *range(9)))
    own = page_of_liked(store, None, limit=2).next_cursor
    plain = store.page(SONGS_BY_NAME, limit=2, cursor=None, album="a").next_cursor
    foreign = {
        "another search": page_of_liked(store, None, limit=2, bound_to="loved").next_cursor,
        "none": page_of_liked(store, None, limit=2, bound_to="").next_cursor,
        "one that looks like it": page_of_liked(store, None, limit=2, bound_to="x#liked").next_cursor,
        "another beginning": page_of_liked(store, None, limit=2, name="x").next_cursor,
        "another list": page_of_liked(store, None, limit=2, pattern=SONGS_FROM_THE_END).next_cursor,
        "a list without a filter": plain,
    }
    asked = len(client.requests)
    for what, cursor in foreign.items():
        assert cursor is not None, what
        with pytest.raises(InvalidCursor):
            page_of_liked(store, cursor)
    for bound in (own, foreign["none"]):
        with pytest.raises(InvalidCursor):
            store.page(SONGS_BY_NAME, limit=2, cursor=bound, album="a")
    assert len(client.requests) == asked
    assert numbers(page_of_liked(store, own, limit=2)) == [3, 4]


def test_no_text_of_one_search_makes_it_look_like_another(store):
    fill(store, [Song(name=name, plays=1) for name in ("a", "a#b", "a#bc")])

    def page(cursor: str | None, bound_to: str, title: str) -> Page[Song]:
        of_title = {"pattern": SONGS_BY_TITLE, "bound_to": bound_to, "title": title}
        return page_of(store, cursor, limit=1, **of_title)

    cursor = page(None, "b#c", "a").next_cursor
    assert numbers(page(cursor, "b#c", "a")) == [1]
    with pytest.raises(InvalidCursor):
        page(cursor, "c", "a#b")


@pytest.mark.parametrize(
    ("pattern", "where", "complaint"),
    [
        (SONGS_BY_NAME, Attr("GSI1SK").begins_with("x"), "GSI1SK, a key"),
        (SONGS_BY_NAME, LIKED | ~Attr("GSI1PK").exists(), "GSI1PK, a key"),
        (SONGS_BY_NAME, LIKED & (Attr("text").exists() | LIKED), "text, which is not in"),
        (SONGS_BY_NAME, LIKED & Attr("plays").eq(Attr("text")), "text, which is not in"),
        (SONGS_BY_NAME, Attr("GSI2SK").exists(), "GSI2SK, which is not in"),
        (SONGS_BY_NAME, Attr("disc").eq(1), "disc, which is not in"),
        (SONGS_BY_TITLE, Attr("disc").eq(1), "disc, which is not in"),
        (SONGS_OF_DISC, Attr("SK").exists(), "SK, a key"),
        (SONGS_OF_DISC, EXISTS, "PK, a key"),
    ],
)
def test_a_filter_on_keys_or_on_what_the_index_does_not_hold_is_refused(store, client, pattern, where, complaint):
    with pytest.raises(ValueError, match=f"filter by {complaint}"):
        store.filtered_page(pattern, where=where, bound_to="x", limit=1, cursor=None, album="a", disc=1)
    assert client.requests == []


@pytest.mark.parametrize(
    ("pattern", "where"),
    [
        (SONGS_BY_NAME, EXISTS & LIKED & Attr("SK").begins_with("DISC#01") & Attr("name").contains("x")),
        (SONGS_OF_DISC, LIKED & Attr("text").not_exists() & Attr("GSI1SK").begins_with("x")),
    ],
)
def test_a_filter_may_ask_for_all_that_the_index_holds(store, pattern, where):
    fill(store, songs(3, 2))
    disc = {"disc": 1} if pattern is SONGS_OF_DISC else {}
    assert page_of_liked(store, None, pattern=pattern, where=where, **disc).items == [songs(3, 2)[1]]


@pytest.mark.parametrize("bound", [{"limit": 0}, {"looked_at": 0}, {"requests": 0}])
def test_a_page_of_no_work_is_refused_and_not_taken_for_the_end(store, client, bound):
    with pytest.raises(ValueError, match="at least one"):
        page_of_liked(store, None, **bound)
    assert client.requests == []


def test_a_list_of_several_kinds_is_refused(store):
    with pytest.raises(ValueError, match="several kinds"):
        store.filtered_page(ALL_OF_BOOK, where=LIKED, bound_to="x", limit=1, cursor=None, book="b")


# ---- whatever is in the list, and whatever happens to it -------------------------------------------------------------

type Key = tuple[str, int]  # name, number
type Contents = Mapping[Key, int]  # how often each was played

keys = st.tuples(st.sampled_from(NAMES), st.integers(1, 4))
contents = st.dictionaries(keys, st.integers(0, 1), max_size=14)


def key_behind_which(cursor: str) -> Key:
    text = cursor.partition(".")[0]
    content = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return content["name"], content["number"]


def made(album: str, key: Key, plays: int = 0) -> Song:
    return Song(album=album, name=key[0], number=key[1], disc=7, plays=plays)


def write(store: Store, album: str, added: Contents, gone: Iterable[Key] = ()) -> None:
    store.batch_write(
        SONGS_AT_ONCE,
        puts=[SONG.item(made(album, key, plays)) for key, plays in added.items()],
        deletes=[SONG.key_of(made(album, key)).values for key in set(gone) - added.keys()],
    )


@pytest.mark.parametrize("pattern", [SONGS_BY_NAME, SONGS_FROM_THE_END, SONGS_OF_DISC])
def test_pages_together_are_what_filtering_the_list_gives(store, looking, pattern):
    """Items that come or go between pages count behind the position; before it they change nothing, itself included."""
    disc = {"disc": 7} if pattern is SONGS_OF_DISC else {}

    def rank(key: Key) -> str:
        return str(SONG.item(made("a", key))["SK" if disc else "GSI1SK"])

    def behind(keys: Iterable[Key], position: Key) -> set[Key]:
        return {
            key for key in keys if (rank(key) < rank(position) if pattern.descending else rank(key) > rank(position))
        }

    @settings(derandomize=True, deadline=None, max_examples=100, database=None)
    @given(
        listed=contents,
        changes=st.lists(st.tuples(contents, st.sets(keys, max_size=14)), max_size=3),
        limit=st.integers(1, 4),
        looked_at=st.integers(1, 5),
        requests=st.integers(1, 3),
        beginning=st.sampled_from(("", "a", "ab", "\uffff")),
    )
    def follow(
        listed: Contents,
        changes: list[tuple[Contents, set[Key]]],
        limit: int,
        looked_at: int,
        requests: int,
        beginning: str,
    ) -> None:
        album, expected, seen, cursor = uuid.uuid4().hex, dict(listed), list[Key](), None
        write(store, album, listed)
        for number in range(200):
            looking.looked_at.clear()
            page = page_of_liked(
                store, cursor, limit=limit, pattern=pattern, looked_at=looked_at, requests=requests,
                album=album, name=beginning, **disc,
            )  # fmt: skip
            assert len(looking.looked_at) <= requests
            assert all(each <= looked_at for each in looking.looked_at)
            assert len(page.items) <= limit
            seen += [(song.name, song.number) for song in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
            position = key_behind_which(cursor)
            if len(page.items) < limit:
                assert looking.looked_at == [looked_at] * requests, "a page is not short without need"
            else:
                assert position == seen[-1]
            if number < len(changes):
                added, gone = changes[number]
                write(store, album, added, {*gone, position})
                for key in behind(gone, position):
                    expected.pop(key, None)
                expected |= {key: added[key] for key in behind(added, position)}
        wanted = [key for key, plays in expected.items() if plays and key[0].startswith(beginning)]
        assert seen == sorted(wanted, key=rank, reverse=pattern.descending)

    follow()
