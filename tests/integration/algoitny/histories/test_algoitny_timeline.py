"""Public lists over shards: one order, each run once, whatever is written meanwhile and however they are spread."""

from collections.abc import Callable
from typing import Any

import pytest

from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.histories.rules import Spread
from tests.support.algoitny import PlayedJudge
from tests.support.algoitny_runs import NOON_MS, behind, in_lists, keep, listed, runs_of, send, ulid

A, B, C, D, E = (
    ("01K71V2JG0A1B2C3D4E5F6G7H8", NOON_MS),
    ("01K71V2KF8Q2W3E4R5T6Y7V8P9", NOON_MS + 1000),
    ("01K71V2MEGZ9X8C7V6B5N4M3K2", NOON_MS + 2000),
    ("01K71V2MEGM1N2B3V4C5X6Z7A8", NOON_MS + 2000),
    ("01K71V2NXCG5H6J7K8M9N0P1Q2", NOON_MS + 3500),
)
ORDER = [each[0] for each in (E, C, D, B, A)]
PUBLIC = "/api/history?scope=public"


@pytest.fixture
def judge(new_judge):
    return new_judge()


@pytest.fixture
def ann(judge):
    return judge.user("ann@example.com", name="Ann")


def keep_five(judge: PlayedJudge, user: Any, **data: Any) -> None:
    for history_id, at in (B, E, A, D, C):
        keep(judge, user, history_id, at=at, **data)


def page(judge: PlayedJudge, path: str, cursor: str | None = None) -> tuple[list[str], str | None]:
    answer = judge.ask("GET", behind(path, cursor))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["has_more"] == (found["next_cursor"] is not None)
    return [each["id"] for each in found["results"]], found["next_cursor"]


def test_runs_of_all_shards_come_in_the_order_in_which_they_were_made(judge, ann):
    keep_five(judge, ann)
    assert {item["GSI2PK"] for item in judge.items() if item["tp"] == "hist"} == {"PUBLIC#0", "PUBLIC#5", "PUBLIC#3"}
    first, cursor = page(judge, f"{PUBLIC}&limit=2")
    keep(judge, ann, "01K71V2Q000000000000000000", at=NOON_MS + 9000)
    second, cursor = page(judge, f"{PUBLIC}&limit=2", cursor)
    third, cursor = page(judge, f"{PUBLIC}&limit=2", cursor)
    assert [*first, *second, *third] == ORDER
    assert (len(first), len(second), cursor) == (2, 2, None)


def test_one_shard_is_the_same_list_in_one_partition(new_judge):
    judge = new_judge(public_timeline_shards=1)
    ann = judge.user("ann@example.com")
    keep_five(judge, ann)
    assert {item["GSI2PK"] for item in judge.items() if item["tp"] == "hist"} == {"PUBLIC"}
    assert {item["PK"] for item in judge.items() if item["tp"] == "ptr"} == {"PLNG#python#0", "PPLT#baekjoon#0"}
    assert listed(judge, f"{PUBLIC}&limit=2") == ORDER
    assert listed(judge, "/api/history/search?language=python&limit=2") == ORDER


def test_every_list_grows_from_one_shard_to_eight_without_losing_a_run_or_a_cursor(new_judge):
    small = new_judge(public_timeline_shards=1)
    ann = small.user("ann@example.com")
    paths = (PUBLIC, "/api/history/search?language=python", "/api/history/search?platform=baekjoon")
    for history_id, at in (A, B, D):
        keep(small, ann, history_id, at=at)
    cursors = {path: page(small, f"{path}&limit=1")[1] for path in paths}
    readers = new_judge(names=small.names, public_timeline_shards=1, public_timeline_read_shards=8)
    for path in paths:  # readers first
        assert listed(readers, path) == [D[0], B[0], A[0]]
        assert page(readers, path, cursors[path])[0] == [B[0], A[0]]
    grown = new_judge(names=small.names, public_timeline_read_legacy=True)
    for history_id, at in (C, E):  # then writers
        keep(grown, ann, history_id, at=at)
    for path in paths:
        for judge in (grown, readers):
            assert listed(judge, f"{path}&limit=2") == ORDER
        assert page(grown, path, cursors[path])[0] == [B[0], A[0]], "a cursor from before"
        _, cursor = page(grown, f"{path}&limit=2")
        assert page(readers, path, cursor)[0] == [D[0], B[0], A[0]]


def test_fewer_shards_than_before_are_read_until_what_is_old_was_moved(new_judge):
    wide = new_judge()
    ann = wide.user("ann@example.com")
    keep_five(wide, ann)
    narrow = new_judge(names=wide.names, public_timeline_shards=2, public_timeline_read_shards=8)
    keep(narrow, ann, "01K71V2Q000000000000000000", at=NOON_MS + 9000)
    assert listed(narrow, f"{PUBLIC}&limit=3") == ["01K71V2Q000000000000000000", *ORDER]
    wrong = new_judge(names=wide.names, public_timeline_shards=1, public_timeline_read_shards=8)
    hidden = wrong.ask("PATCH", f"/api/history/{C[0]}", by=ann, json={"is_code_public": False})
    assert hidden.status_code == 200, "pointers go by the shard that is stored, not by today's"
    assert not [each for each in wrong.items() if each["tp"] == "ptr" and C[0] in each["SK"]]


@pytest.mark.parametrize(
    ("settings", "partitions"),
    [
        ({}, 8), ({"public_timeline_shards": 1}, 1),
        ({"public_timeline_shards": 2, "public_timeline_read_shards": 5}, 5),
        ({"public_timeline_shards": 2, "public_timeline_read_legacy": True}, 3),
    ],
)  # fmt: skip
def test_a_page_takes_a_request_for_each_partition_and_one(new_judge, settings, partitions):
    judge = new_judge(**settings)
    ann = judge.user("ann@example.com")
    keep_five(judge, ann)
    judge.ask("GET", f"{PUBLIC}&limit=2")
    with judge.counted() as requests:
        _, cursor = page(judge, f"{PUBLIC}&limit=2")
    assert requests == {"Query": partitions, "BatchGetItem": 1}
    with judge.counted() as requests:
        page(judge, f"{PUBLIC}&limit=2", cursor)
    assert requests == {"Query": partitions, "BatchGetItem": 1}
    pointers = judge.api_settings.read_shards
    with judge.counted() as requests:
        page(judge, "/api/history/search?platform=baekjoon&limit=2")
    assert requests == {"Query": pointers, "BatchGetItem": 1}
    with judge.counted() as requests:
        judge.ask("GET", "/api/history?limit=2", by=ann)
    assert requests == {"GetItem": 1, "Query": partitions + 1}, "the caller; own runs need not be looked up"


def plant(judge: PlayedJudge, user: Any, runs: list[tuple[str, int]]) -> None:
    """Public runs, as they are stored."""
    for history_id, at in runs:
        kept = runs_of(judge, at=at)
        made = kept.new_run(history_id, {
            "user_id": user.user_id, "platform": "baekjoon", "problem_number": "1", "problem_title": "A",
            "language": "python", "is_code_public": True, "code": "x",
        })  # fmt: skip
        judge.put_items(*(action.entity.item(action.model) for action in kept.writes(made.history)))  # type: ignore[union-attr]


# ---- what is no longer public ----------------------------------------------------------------------------------------


def test_a_run_that_is_hidden_leaves_every_list_and_comes_back_to_its_place(judge, ann):
    keep_five(judge, ann)
    path = f"/api/history/{D[0]}"
    paths = (PUBLIC, "/api/history/search?language=python", "/api/history/search?platform=baekjoon")
    judge.clock.forward(hours=1)
    with judge.counted() as requests:
        hidden = judge.ask("PATCH", path, by=ann, json={"is_code_public": False})
    assert requests == {"GetItem": 2, "TransactWriteItems": 1}
    assert (hidden.status_code, hidden.json()["is_code_public"]) == (200, False)
    stored = judge.item(items.HISTORY.key(history_id=D[0]))
    assert not {"GSI2PK", "GSI2SK"} & stored.keys()
    assert stored["upd"] == NOON_MS + 3_600_000
    assert not [each for each in judge.items() if each["tp"] == "ptr" and D[0] in each["SK"]]
    for each in paths:
        assert listed(judge, each) == [E[0], C[0], B[0], A[0]]
    with judge.counted() as requests:
        assert judge.ask("PATCH", path, by=ann, json={"is_code_public": False}).json() == hidden.json()
    assert requests == {"GetItem": 2}, "it is so already"
    assert judge.ask("PATCH", path, by=ann, json={"is_code_public": True}).json()["is_code_public"] is True
    for each in paths:
        assert listed(judge, f"{each}&limit=2") == ORDER


def test_what_an_index_still_shows_is_left_out_and_the_list_goes_on(judge, ann):
    keep_five(judge, ann)
    stored = judge.item(items.HISTORY.key(history_id=C[0]))
    judge.put_items({**stored, "pub": False})  # GSI2 and pointers lag behind
    judge.remove(items.HISTORY.key(history_id=D[0]))
    first, cursor = page(judge, "/api/history/search?language=python&limit=3")
    assert (first, cursor is not None) == ([E[0]], True)
    assert page(judge, "/api/history/search?language=python&limit=3", cursor) == ([B[0], A[0]], None)
    assert page(judge, f"{PUBLIC}&limit=2")[0] == [E[0]]


def test_runs_that_are_shown_and_hidden_at_once_end_in_one_state(judge, ann):
    made = keep(judge, ann, *A[:1])
    change: Callable[[bool], Any] = lambda flag: judge.ask(  # noqa: E731
        "PATCH", f"/api/history/{A[0]}", by=ann, json={"is_code_public": flag}
    )
    for _ in range(3):
        answers = judge.all_at_once(*[lambda flag=flag: change(flag) for flag in (True, False) * 4])
        assert {each.status_code for each in answers} <= {200, 409}
        stored = judge.item(items.HISTORY.key(history_id=A[0]))
        assert in_lists(judge, made) == (("PUBLIC#0", 2) if stored["pub"] else (None, 0))


# ---- whose lists they are --------------------------------------------------------------------------------------------


def test_all_is_what_is_public_and_what_is_ones_own_each_once(judge, ann):
    bob = judge.user("bob@example.com")
    keep(judge, ann, A[0], at=A[1])
    keep(judge, ann, B[0], at=B[1], is_code_public=False)
    keep(judge, bob, C[0], at=C[1])
    keep(judge, bob, D[0], at=D[1], is_code_public=False)
    keep(judge, None, "77", at=E[1])
    for limit in (1, 2, 10):
        assert listed(judge, f"/api/history?limit={limit}", by=ann) == ["77", C[0], B[0], A[0]]
        assert listed(judge, f"/api/history?scope=all&limit={limit}", by=bob) == ["77", C[0], D[0], A[0]]
        assert listed(judge, f"/api/history?scope=mine&limit={limit}", by=ann) == [B[0], A[0]]
        assert listed(judge, f"/api/history?limit={limit}") == ["77", C[0], A[0]]


def test_a_visitor_has_no_runs_and_a_wrong_token_is_not_a_visitor(judge):
    for scope in ("mine", "all"):
        answer = judge.ask("GET", f"/api/history?scope={scope}")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    answer = judge.ask("GET", "/api/history", headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_cursor_is_of_one_list_of_one_user(judge, ann):
    bob = judge.user("bob@example.com")
    for number in range(3):
        for each in (ann, bob):
            keep(judge, each, ulid(number * 2 + (each is bob)), language="python" if number % 2 else "java")
    lists = [
        (PUBLIC, None), ("/api/history?scope=mine", ann),
        ("/api/history?scope=mine", bob), ("/api/history?scope=all", ann),
        ("/api/history?scope=all", bob), ("/api/history/search?language=java", None),
        ("/api/history/search?language=python", None), ("/api/history/search?platform=baekjoon", None),
    ]  # fmt: skip
    cursors = [judge.ask("GET", f"{path}&limit=1", by=by).json()["next_cursor"] for path, by in lists]
    for index, (path, by) in enumerate(lists):
        for other, cursor in enumerate(cursors):
            answer = judge.ask("GET", behind(path, cursor), by=by)
            expected = (200, None) if index == other else (400, "invalid_cursor")
            assert (answer.status_code, answer.json().get("code")) == expected, (lists[index][0], lists[other][0])
    with judge.counted() as requests:
        for cursor in ("", "nonsense", cursors[0][:-1], "a" * 3000):
            assert judge.ask("GET", behind(PUBLIC, cursor)).json()["code"] == "invalid_cursor"
    assert not requests


def test_what_no_list_can_be_asked_for_is_refused(judge):
    for query in ("limit=0", "limit=101", "limit=x", "limit=1%0A", "scope=theirs", "include=hints"):
        assert judge.ask("GET", f"/api/history?{query}").status_code == 422, query


# ---- searching -------------------------------------------------------------------------------------------------------


def test_any_name_of_a_language_or_platform_is_found_and_no_other(judge, ann):
    names = ("c#", "100%", "%23", "a#b%c", "visual basic", "한글")
    for number, name in enumerate(names):
        keep(judge, ann, ulid(number), language=name, platform=name)
        keep(judge, ann, ulid(100 + number), language=f"{name}#0", platform=f"{name}#0")
    keep(judge, ann, B[0], at=B[1])
    for number, name in enumerate(names):
        for field in ("language", "platform"):
            for text in (name, name.upper()):
                answer = judge.ask("GET", "/api/history/search", params={field: text})
                assert [each["id"] for each in answer.json()["results"]] == [ulid(number)], text
        path = f"/api/history/{ulid(number)}"
        assert judge.ask("PATCH", path, by=ann, json={"is_code_public": False}).status_code == 200
        assert judge.ask("GET", "/api/history/search", params={"language": name}).json()["results"] == []


def test_a_language_is_found_by_its_other_names(judge, ann):
    keep(judge, ann, A[0], language="cpp")
    assert judge.ask("GET", "/api/history/search", params={"language": "C++"}).json()["results"][0]["id"] == A[0]


def test_a_search_is_by_one_of_the_two(judge):
    for query in ("", "?language=python&platform=baekjoon"):
        answer = judge.ask("GET", f"/api/history/search{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    for query in ("language=python%0A", "platform=%00", "language=", "platform=" + "a" * 51, "limit=0&platform=a"):
        assert judge.ask("GET", f"/api/history/search?{query}").status_code == 422, query


def test_code_is_listed_where_it_is_asked_for(judge, ann):
    judge.problem()
    made = send(judge, ann, is_code_public=True).json()
    keep(judge, ann, "7", at=NOON_MS - 1, is_code_public=False)
    for path, by in ((PUBLIC, None), ("/api/history?scope=mine", ann), ("/api/history?scope=all", ann)):
        plain = judge.ask("GET", path, by=by).json()["results"]
        with_code = judge.ask("GET", f"{path}&include=code&limit=100", by=by).json()["results"]
        assert with_code[0] == {**plain[0], "code": made["code"]}
        assert "code" not in plain[0]
        assert [each["code"] for each in with_code[1:]] == ["print('7')"] * (by is not None)


def test_a_list_with_code_has_pages_that_can_be_sent(judge, ann):
    plant(judge, ann, [(ulid(number), NOON_MS) for number in range(60)])
    found = judge.ask("GET", f"{PUBLIC}&include=code&limit=100").json()
    assert (len(found["results"]), found["has_more"]) == (50, True)


def test_a_list_with_code_that_json_makes_long_has_pages_that_can_be_sent(judge, ann):
    escaped = "\x01" * 65_536  # six bytes each
    made = [keep(judge, ann, ulid(number), at=NOON_MS + number, code=escaped).history_id for number in range(17)]
    headers = {"Accept-Encoding": "identity"}
    first = judge.ask("GET", f"{PUBLIC}&include=code", headers=headers)
    assert first.status_code == 200, first.text[:200]
    assert [each["code"] for each in first.json()["results"]] == [escaped] * 12
    rest = judge.ask("GET", behind(f"{PUBLIC}&include=code", first.json()["next_cursor"]), headers=headers).json()
    assert [each["id"] for each in first.json()["results"] + rest["results"]] == made[::-1]
    assert [each["code"] for each in rest["results"]] == [escaped] * 5


def test_spreads_that_would_hide_runs_are_refused(new_judge):
    with pytest.raises(ValueError, match="PUBLIC_TIMELINE_READ_SHARDS"):
        new_judge(public_timeline_shards=8, public_timeline_read_shards=4)
    assert Spread(8, 8).timelines() == [f"PUBLIC#{shard}" for shard in range(8)]
