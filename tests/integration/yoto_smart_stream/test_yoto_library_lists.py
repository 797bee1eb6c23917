"""Lists and searches of the library, and their cursors."""

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord
from tests.support.songs import Looking
from tests.support.yoto_smart_stream import Json, PlayedHouse

NOW = "2025-01-15T08:30:00.123000Z"
OCTOPUS = "\u00c9pisode #1 \U0001f419.mp3"


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["count"] == len(body["items"])
    return [each["filename"] for each in body["items"]]


def walk(house: PlayedHouse, path: str, **params) -> list[list[str]]:
    """The names of every page of a list, up to the last."""
    caller, pages, cursor = house.user("walker"), [], None
    while True:
        given = params if cursor is None else {**params, "cursor": cursor}
        answer = house.ask("GET", path, by=caller, params=given)
        pages.append(names(answer))
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return pages


def fill(house: PlayedHouse, filenames: list[str]) -> None:
    files = [
        AudioFileRecord(filename=each, size=1, content_type="audio/mpeg", created_at=NOW, updated_at=NOW)
        for each in filenames
    ]
    house.store.batch_write(tables.AUDIO_NEWEST_FIRST, puts=map(tables.AUDIO.item, files))


# ---- lists -----------------------------------------------------------------------------------------------------------


def test_files_are_listed_newest_first_in_one_request_each(new_house):
    house = new_house()
    john = house.user("john")
    for number in range(5):
        house.file(f"{number}.mp3", john, created_at=f"2025-01-0{number + 1}T00:00:00.000000Z")

    with house.counted() as requests:
        first = house.ask("GET", "/api/audio", by=john, params={"limit": 2})
    assert names(first) == ["4.mp3", "3.mp3"]
    assert requests == {"GetItem": 1, "Query": 1}, "the caller, and the page"
    assert walk(house, "/api/audio", limit=2) == [["4.mp3", "3.mp3"], ["2.mp3", "1.mp3"], ["0.mp3"]]
    assert walk(house, "/api/audio") == [["4.mp3", "3.mp3", "2.mp3", "1.mp3", "0.mp3"]]


def test_files_of_one_instant_are_listed_by_name_from_the_end(new_house):
    house = new_house()
    for name in ("A.mp3", "a.mp3", "#.mp3", OCTOPUS):
        house.file(name)

    assert walk(house, "/api/audio", limit=1) == [[OCTOPUS], ["a.mp3"], ["A.mp3"], ["#.mp3"]]


def test_a_list_tells_what_the_index_holds_and_leaves_the_rest_open(new_house):
    house = new_house()
    john = house.user("john")
    house.file(
        "a.mp3", john, duration=12, transcript_status="completed", transcript_chars=11, transcribed_at=NOW,
        play_token="t" * 32, tts_provider="x",
    )  # fmt: skip

    shown = {
        "filename": "a.mp3", "size": 1000, "duration": 12, "content_type": "audio/mpeg", "uploaded_by": john.user_id,
        "has_audio": None, "has_play_link": None, "transcript_status": "completed", "transcript_error": None,
        "transcript_chars": 11, "transcribed_at": NOW, "queued": None, "tts": None, "created_at": NOW,
        "updated_at": NOW,
    }  # fmt: skip
    assert house.ask("GET", "/api/audio", by=john).json()["items"] == [shown]
    assert house.ask("GET", "/api/audio/search", by=john, params={"q": "A."}).json()["items"] == [shown]
    with house.counted() as requests:
        answer = house.ask("GET", "/api/audio/a.mp3", by=john)
    assert requests == {"GetItem": 2}, "the caller, and the file"
    known = {"has_audio": True, "has_play_link": True, "queued": False}
    assert answer.json() == {**shown, **known, "tts": {"provider": "x", "voice_id": None, "model": None}}


def test_a_file_that_was_never_moved_here_and_waits_for_its_text_says_so(new_house):
    house = new_house()
    john = house.user("john")
    house.file("old.mp3", object_key=None, etag=None, transcript_request_id="0" * 32)

    shown = house.ask("GET", "/api/audio/old.mp3", by=john).json()
    assert [shown[name] for name in ("has_audio", "has_play_link", "queued", "tts", "uploaded_by")] == [
        False, False, True, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("limit", ["0", "201", "x", "-1"])
def test_a_limit_beyond_its_bounds_is_refused(new_house, limit):
    house = new_house()
    john = house.user("john")
    for path in ("/api/audio", "/api/audio/search"):
        answer = house.ask("GET", path, by=john, params={"limit": limit})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")


# ---- searches --------------------------------------------------------------------------------------------------------

DRAGONS = ["Dragon Tales.mp3", "dragonfly.mp3", "The Dragon.mp3", "50_x.mp3"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "DRAGON"}, ["Dragon Tales.mp3", "dragonfly.mp3", "The Dragon.mp3"]),
        ({"q": "DRAGON", "match": "prefix"}, ["Dragon Tales.mp3", "dragonfly.mp3"]),
        ({"q": "_"}, ["50_x.mp3"]),
        ({"q": "%"}, []),
        ({"q": "  dragon\u2003"}, ["Dragon Tales.mp3", "dragonfly.mp3", "The Dragon.mp3"]),
        ({"q": "dragon t"}, ["Dragon Tales.mp3"]),
        ({"q": "dragon.*", "match": "prefix"}, []),
    ],
)
def test_a_search_goes_by_names_in_any_case_and_has_no_wildcards(new_house, asked, found):
    house = new_house()
    for name in DRAGONS:
        house.file(name)
    john = house.user("john")

    with house.counted() as requests:
        answer = house.ask("GET", "/api/audio/search", by=john, params=asked)

    assert names(answer) == found
    assert (answer.json()["query"], answer.json()["match"]) == (asked["q"], asked.get("match", "contains"))
    assert answer.json()["next_cursor"] is None
    assert requests["Query"] == 1


@pytest.mark.parametrize("q", ["", "   ", None])
@pytest.mark.parametrize("match", ["contains", "prefix"])
def test_a_search_for_nothing_is_the_list(new_house, q, match):
    house = new_house()
    for name in DRAGONS:
        house.file(name)

    asked = {"match": match} if q is None else {"q": q, "match": match}
    pages = walk(house, "/api/audio/search", limit=3, **asked)
    assert pages == [["dragonfly.mp3", "The Dragon.mp3", "Dragon Tales.mp3"], ["50_x.mp3"]]


@pytest.mark.parametrize("match", ["contains", "prefix"])
@pytest.mark.parametrize("limit", [1, 2, 7, 200])
def test_the_pages_of_a_search_are_together_what_there_is(new_house, match, limit):
    house = new_house()
    found = [f"a#{number:03}.mp3" for number in range(15)]
    fill(house, [*found, *(f"b{number:03}.mp3" for number in range(15))])

    pages = walk(house, "/api/audio/search", q="A#", match=match, limit=limit)
    assert [name for page in pages for name in page] == found


def test_one_match_behind_2499_names_takes_bounded_work(new_house):
    house = new_house()
    fill(house, [*(f"{number:05}.mp3" for number in range(2_499)), "zebra.mp3"])
    john = house.user("john")
    seen, cursor = [], None
    for _ in range(3):
        with house.counted() as requests:
            answer = house.ask(
                "GET", "/api/audio/search", by=john, params={"q": "zebra"} | ({"cursor": cursor} if cursor else {})
            )
        cursor = answer.json()["next_cursor"]
        seen.append((names(answer), requests["Query"], cursor is None))
    assert seen == [([], 5, False), ([], 5, False), (["zebra.mp3"], 3, True)]


def test_a_search_by_beginning_reads_no_more_than_its_page(new_house, dynamodb_client):
    house = new_house(engine=(looking := Looking(Boto3Client(dynamodb_client))))
    fill(house, [f"{number:05}.mp3" for number in range(900)])
    client = house.client
    read = client.query(
        TableName=house.names["main"], IndexName="GSI2", KeyConditionExpression="GSI2PK = :p",
        ExpressionAttributeValues={":p": {"S": "AUDIO"}}, Select="COUNT",
    )["Count"]  # fmt: skip
    assert read == 900
    john = house.user("john")

    with house.counted() as requests:
        answer = house.ask("GET", "/api/audio/search", by=john, params={"q": "00", "match": "prefix", "limit": 10})

    assert names(answer) == [f"{number:05}.mp3" for number in range(10)]
    assert requests == {"GetItem": 1, "Query": 1}
    assert looking.looked_at == [11]


LONGEST = "#" * 251 + ".mp3"


@pytest.mark.parametrize("match", ["contains", "prefix"])
@pytest.mark.parametrize("name", [LONGEST, '"' * 251 + ".mp3", "\u0390" * 125 + ".mp3"], ids=["hash", "quote", "grows"])
def test_the_longest_names_fit_into_keys_and_cursors(new_house, match, name):
    house = new_house()
    others = [name[:-5] + f"{number}.mp3" for number in range(3)]
    fill(house, [name, *others])
    q = name[:250] if name.isascii() else name[:120]

    pages = walk(house, "/api/audio/search", q=q, match=match, limit=1)
    assert sorted(each for page in pages for each in page) == sorted([name, *others])
    assert sorted(each for page in walk(house, "/api/audio", limit=1) for each in page) == sorted([name, *others])


def test_what_is_searched_for_has_at_most_255_bytes(new_house):
    house = new_house()
    john = house.user("john")

    assert house.ask("GET", "/api/audio/search", by=john, params={"q": "\u00e9" * 127 + "x"}).status_code == 200
    answer = house.ask("GET", "/api/audio/search", by=john, params={"q": "\u00e9" * 128})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    answer = house.ask("GET", "/api/audio/search", by=john, params={"match": "regex"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "match")


# ---- cursors ---------------------------------------------------------------------------------------------------------


def cursor_of(house: PlayedHouse, path: str, **params) -> str:
    answer = house.ask("GET", path, by=house.user("asker"), params={**params, "limit": 1})
    cursor = answer.json()["next_cursor"]
    assert isinstance(cursor, str)
    return cursor


LISTS: list[tuple[str, Json]] = [
    ("/api/audio", {}),
    ("/api/audio/search", {"q": "a"}),
    ("/api/audio/search", {"q": "b"}),
    ("/api/audio/search", {"q": "a", "match": "prefix"}),
    ("/api/audio/search", {"q": "ab", "match": "prefix"}),
]


def test_a_cursor_is_good_for_its_own_list_alone(new_house):
    house = new_house()
    for name in ("ab1.mp3", "ab2.mp3"):
        house.file(name)
    john = house.user("john")
    cursors = [cursor_of(house, path, **params) for path, params in LISTS]
    users = house.store.page(tables.USERS_OLDEST_FIRST, limit=1, cursor=None).next_cursor
    assert users is not None

    for number, (path, params) in enumerate(LISTS):
        for other, cursor in enumerate([*cursors, users]):
            answer = house.ask("GET", path, by=john, params={**params, "cursor": cursor})
            expected = 200 if other == number else 400
            assert answer.status_code == expected, (number, other)
            assert expected == 200 or answer.json()["code"] == "invalid_cursor"


def test_a_cursor_with_any_character_changed_is_refused(new_house):
    house = new_house()
    for name in ("a1.mp3", "a2.mp3"):
        house.file(name)
    john, cursor = house.user("john"), cursor_of(house, "/api/audio")

    with house.counted() as requests:
        for place in range(0, len(cursor), 7):
            other = "A" if cursor[place] != "A" else "B"
            changed = cursor[:place] + other + cursor[place + 1 :]
            answer = house.ask("GET", "/api/audio", by=john, params={"cursor": changed})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), place
    assert set(requests) == {"GetItem"}, "the caller's"
    assert house.ask("GET", "/api/audio", by=john, params={"cursor": ""}).status_code == 400
