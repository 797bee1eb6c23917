"""Lists of what begins with a text, on the real engine: exact, page by page, and nothing else is read."""

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.store import Store
from lambda_src.errors import InvalidCursor, InvalidKey
from tests.support.dynamodb_faults import Faults
from tests.support.engines import on_both_engines
from tests.support.songs import (
    CURSORS,
    NAMES,
    SONGS,
    SONGS_BY_NAME,
    SONGS_BY_TITLE,
    SONGS_FROM_THE_END,
    SONGS_OF_DISC,
    Song,
    fill,
)

pytestmark = on_both_engines


@pytest.fixture
def client(dynamodb_client):
    return Faults(Boto3Client(dynamodb_client))


@pytest.fixture
def store(client, make_tables):
    return Store(client, make_tables([SONGS]), cursors=CURSORS)


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        (SONGS_BY_NAME, {"album": "a"}),
        (SONGS_FROM_THE_END, {"album": "a"}),
        (SONGS_BY_TITLE, {}),
        (SONGS_OF_DISC, {"album": "a", "disc": 1}),
    ],
)
def test_a_beginning_finds_what_begins_with_it_page_by_page(store, client, pattern, values):
    songs = [Song(name=name, number=number, disc=disc) for disc, number in ((1, 1), (2, 2)) for name in NAMES]
    fill(store, songs)
    asked_for = [song for song in songs if song.disc == values.get("disc", song.disc)]
    field = "title" if pattern is SONGS_BY_TITLE else "name"
    for beginning in ("", *NAMES, "ab#1", "ab (", "x"):
        expected = sorted(
            (song.name, song.number) for song in asked_for if getattr(song, field).startswith(beginning)
        )  # fmt: skip
        asked = {**values, field: beginning}
        found = store.items(pattern, **asked)
        assert sorted((song.name, song.number) for song in found) == expected, beginning
        assert store.count(pattern, **asked) == len(expected)
        pages: list[Song] = []
        cursor = None
        while len(pages) <= len(songs):
            page = store.page(pattern, limit=2, cursor=cursor, **asked)
            pages += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        assert pages == found, "a cursor goes on behind the whole value of an item"
    sent = [value for request in client.requests for value in request.get("ExpressionAttributeValues", {}).values()]
    assert sent
    assert {"S": ""} not in sent


def test_without_a_beginning_or_with_an_empty_one_the_same_list_is_asked(store, client):
    fill(store, [Song(name=name) for name in NAMES])
    for pattern, values, field in ((SONGS_BY_NAME, {"album": "a"}, "name"), (SONGS_BY_TITLE, {}, "title")):
        one = store.page(pattern, limit=3, cursor=None, **values)
        other = store.page(pattern, limit=3, cursor=None, **values, **{field: ""})
        assert client.requests[-1] == client.requests[-2]
        assert "begins_with" not in client.requests[-1]["KeyConditionExpression"]
        assert store.page(pattern, limit=3, cursor=one.next_cursor, **values, **{field: ""}).items == (
            store.page(pattern, limit=3, cursor=other.next_cursor, **values).items
        )


def test_a_position_is_the_whole_value_and_a_cursor_is_of_one_beginning(store, client):
    fill(store, [Song(name=name) for name in NAMES])
    cursor = store.page(SONGS_BY_NAME, limit=2, cursor=None, album="a", name="ab").next_cursor
    position = store.position(SONGS_BY_NAME, cursor, album="a", name="ab")
    assert position == {"name": "ab#", "number": 1, "disc": 1}
    titles = store.page(SONGS_BY_TITLE, limit=1, cursor=None, title="ab").next_cursor
    assert store.position(SONGS_BY_TITLE, titles, title="ab")["title"] == "ab (1)"
    asked = len(client.requests)
    for other in ("a", "ab#", ""):
        with pytest.raises(InvalidCursor):
            store.page(SONGS_BY_NAME, limit=2, cursor=cursor, album="a", name=other)
        with pytest.raises(InvalidCursor):
            store.page(SONGS_BY_TITLE, limit=2, cursor=titles, title=other)
    assert len(client.requests) == asked


def test_a_beginning_that_makes_no_key_is_refused_before_any_request(store, client):
    for wrong in ("x" * 1_025, "\ud800"):
        with pytest.raises(InvalidKey):
            store.items(SONGS_BY_NAME, album="a", name=wrong)
    with pytest.raises(TypeError, match="before name"):
        store.items(SONGS_OF_DISC, album="a", name="without its disc")
    with pytest.raises(ValueError, match="in one partition"):
        store.merged_page(
            SONGS_BY_NAME, limit=1, cursor=None, partitions=[{"album": "a"}, {"album": "b"}], name="x"
        )  # fmt: skip
    assert client.requests == []


def test_several_partitions_are_merged_where_the_beginning_is_empty(store):
    fill(store, [Song(name=name, album=album) for name in "ab" for album in "ab"])
    page = store.merged_page(
        SONGS_BY_NAME, limit=4, cursor=None, partitions=[{"album": "a"}, {"album": "b"}], name=""
    )  # fmt: skip
    assert [(song.name, song.album) for song in page.items] == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
