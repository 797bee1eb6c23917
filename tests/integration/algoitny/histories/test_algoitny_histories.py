"""Single runs: who sees what of them, what is changed, and what is left when they are gone."""

import pytest

from lambda_src.errors import AlreadyExists
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import HistoryNotFound
from lambda_src.services.algoitny.histories.service import Histories
from lambda_src.services.algoitny.models.histories import HistoryHint
from lambda_src.services.algoitny.models.statistics import PublicHour, UserStats
from tests.support.algoitny_runs import NOON_MS, in_lists, keep, kinds, results, runs_of, send, ulid

RUN = "01K71V2JG0A1B2C3D4E5F6G7H8"
PATH = f"/api/history/{RUN}"
HINTS = ["Hint canary one", "Hint canary two", "Hint canary three"]
EMAIL = "canary@secret.example"


@pytest.fixture
def judge(new_judge):
    return new_judge()


@pytest.fixture
def ann(judge):
    return judge.user(EMAIL, name="Ann")


def keep_hinted(judge, user, **data):
    made = keep(judge, user, RUN, task_id="01K71V2JG0TASKCANARY000000", metadata={"secret": "metadata canary"}, **data)
    runs_of(judge).update_hints(RUN, HINTS)
    return made


# ---- seeing ----------------------------------------------------------------------------------------------------------


def test_a_private_run_is_there_for_its_owner_and_administrators_only(judge, ann):
    bob, boss = judge.user("bob@example.com"), judge.admin()
    keep(judge, ann, RUN, is_code_public=False)
    for by in (None, bob):
        for path in (PATH, f"{PATH}?expand=testcases"):
            answer = judge.ask("GET", path, by=by)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert judge.ask("GET", PATH, by=ann).json()["is_owner"] is True
    assert judge.ask("GET", PATH, by=boss).json()["is_owner"] is False
    hidden = judge.ask("GET", PATH, by=bob).json()
    missing = judge.ask("GET", f"/api/history/{ulid(5)}", by=bob).json()
    assert {**hidden, "request_id": ""} == {**missing, "request_id": ""}, "nobody learns that there is one"


def test_others_see_code_and_results_of_a_public_run_and_nothing_private(judge, ann):
    bob, boss = judge.user("bob@example.com"), judge.admin()
    judge.problem()
    keep_hinted(judge, ann)
    for by in (None, bob):
        found = judge.ask("GET", PATH, by=by).json()
        assert not {"hints", "task_id", "metadata", "user_email"} & found.keys()
        assert (found["code"], found["display_name"], found["has_hints"]) == (f"print('{RUN}')", "Ann", True)
        assert [each["passed"] for each in found["test_results"]] == [True, False]
    for by in (ann, boss):
        found = judge.ask("GET", PATH, by=by).json()
        assert (found["hints"], found["user_email"]) == (HINTS, EMAIL)
        assert (found["task_id"], found["metadata"]) == ("01K71V2JG0TASKCANARY000000", {"secret": "metadata canary"})


def test_no_public_list_holds_anything_private(judge, ann):
    bob = judge.user("bob@example.com")
    judge.problem()
    keep_hinted(judge, ann)
    keep(judge, ann, ulid(1), is_code_public=False, code="private code canary", display_name="Ann")
    paths = (
        "/api/history", "/api/history?scope=public", "/api/history?include=code", "/api/history/search?language=python",
        "/api/history/search?platform=baekjoon", PATH, f"{PATH}?expand=testcases",
    )  # fmt: skip
    for path in paths:
        for by in (None, bob):
            text = judge.ask("GET", path, by=by).text
            assert RUN in text
            for secret in (EMAIL, "canary", ulid(1), "USR#", "GSI", "PK"):
                assert secret not in text, (path, secret)


NO_IDS = ("01k71v2jg0a1b2c3d4e5f6g7h8", f"{RUN}%0A", f"{RUN}0", "1e3", "-1", "9" * 20, "%00", "I" * 26)


def test_what_is_no_id_of_a_run_is_not_found_without_a_request(judge, ann):
    with judge.counted() as requests:
        assert {judge.ask("GET", f"/api/history/{text}").status_code for text in NO_IDS} == {404}
    assert not requests
    for method, body in (("PATCH", {"is_code_public": True}), ("DELETE", None)):
        answers = [judge.ask(method, f"/api/history/{text}", by=ann, json=body) for text in NO_IDS]
        assert {each.status_code for each in answers} == {404}


def test_a_run_costs_so_many_requests_to_read(judge, ann):
    judge.problem()
    keep_hinted(judge, ann)
    with judge.counted() as plain:
        judge.ask("GET", PATH)
    with judge.counted() as expanded:
        judge.ask("GET", f"{PATH}?expand=testcases")
    assert (plain, expanded) == ({"Query": 1}, {"Query": 1, "BatchGetItem": 1})


def test_results_come_with_what_was_asked_and_expected_as_far_as_there_is_such(judge, ann):
    judge.problem(cases=2)
    keep(judge, ann, RUN, test_results=results(True, False, True))
    judge.put_items(
        {
            **judge.item(items.TEST_CASE.key(platform="baekjoon", problem_id="1000", sort_id="000001")),
            "inp": "가" * 1025,
        }
    )
    found = judge.ask("GET", f"{PATH}?expand=testcases").json()["test_results"]
    assert [(each["input"], each["expected"], each["test_case_missing"]) for each in found] == [
        ("가" * 1024, "out 1", False), ("2", "out 2", False), ("", "", True),
    ]  # fmt: skip
    assert [each["input_truncated"] for each in found] == [True, False, False]


@pytest.mark.parametrize("fields", [{"is_deleted": True}, {"is_completed": False}])
def test_test_cases_of_a_problem_that_nobody_sees_are_not_shown_by_its_runs(judge, ann, fields):
    judge.problem(**fields)
    keep(judge, ann, RUN)
    for by, missing in ((None, True), (ann, True), (judge.admin(), False)):
        found = judge.ask("GET", f"{PATH}?expand=testcases", by=by).json()["test_results"]
        assert {each["test_case_missing"] for each in found} == {missing}


def test_a_run_that_was_moved_in_is_nobodys_own(judge, ann):
    keep(judge, None, "77")
    found = judge.ask("GET", "/api/history/77", by=ann).json()
    assert (found["display_name"], found["is_owner"], "user_email" in found) == ("anonymous", False, False)
    assert judge.ask("PATCH", "/api/history/77", by=ann, json={"is_code_public": False}).status_code == 404
    assert judge.ask("DELETE", "/api/history/77", by=ann).status_code == 404


# ---- changing --------------------------------------------------------------------------------------------------------


def test_nobody_shows_hides_or_deletes_the_run_of_another(judge, ann):
    bob, boss = judge.user("bob@example.com"), judge.admin()
    made = keep(judge, ann, RUN)
    for by in (bob, boss):
        assert judge.ask("PATCH", PATH, by=by, json={"is_code_public": False}).status_code == 404
    assert judge.ask("DELETE", PATH, by=bob).status_code == 404
    for method in ("PATCH", "DELETE"):
        assert judge.ask(method, PATH, json={"is_code_public": False}).status_code == 401
    assert in_lists(judge, made) == ("PUBLIC#0", 2)
    assert judge.ask("DELETE", PATH, by=boss).status_code == 204, "administrators delete any"


def test_a_run_is_shown_or_hidden_and_nothing_else(judge, ann):
    keep(judge, ann, RUN)
    for body in (
        {}, {"is_code_public": "yes"}, {"is_code_public": 1}, {"is_code_public": None},
        {"is_code_public": True, "code": "x"},
    ):  # fmt: skip
        assert judge.ask("PATCH", PATH, by=ann, json=body).status_code == 422


def test_a_run_that_is_deleted_leaves_nothing(judge, ann):
    keep_hinted(judge, ann)
    with judge.counted() as requests:
        assert judge.ask("DELETE", PATH, by=ann).status_code == 204
    assert requests == {"GetItem": 1, "Query": 1, "TransactWriteItems": 1}
    assert not kinds(judge, "hist", "hbody", "hint", "ptr")
    assert judge.ask("DELETE", PATH, by=ann).status_code == 404
    assert judge.ask("PATCH", PATH, by=ann, json={"is_code_public": True}).status_code == 404


def test_runs_that_are_deleted_while_they_are_shown_and_hidden_leave_nothing(judge, ann):
    for number in range(4):
        keep(judge, ann, ulid(number))
        path = f"/api/history/{ulid(number)}"
        toggles = [
            lambda flag=flag, path=path: judge.ask("PATCH", path, by=ann, json={"is_code_public": flag})
            for flag in (False, True, False, True)
        ]
        answers = judge.all_at_once(*toggles, lambda path=path: judge.ask("DELETE", path, by=ann))
        assert 404 in [judge.ask("DELETE", path, by=ann).status_code for _ in range(2)]
        assert {each.status_code for each in answers} <= {200, 204, 404, 409}
    assert not kinds(judge, "hist", "hbody", "ptr")


def test_hints_are_stored_beside_the_run_and_counted_in_it(judge, ann):
    keep(judge, ann, RUN)
    judge.put_items(items.HISTORY_HINT.item(HistoryHint(
        history_id=RUN, user_id=ann.user_id, created_at=NOON_MS - 5, updated_at=NOON_MS - 5, status="PROCESSING",
    )))  # fmt: skip
    with judge.counted() as requests:
        runs_of(judge).update_hints(RUN, HINTS)
    assert requests == {"TransactWriteItems": 1}
    assert judge.item(items.HISTORY_HINT.key(history_id=RUN)) == {
        "PK": f"HIST#{RUN}", "SK": "HINT", "tp": "hint", "uid": ann.user_id, "crt": NOON_MS - 5, "upd": NOON_MS,
        "sts": "COMPLETED", "hnt": HINTS, "att": 0,
    }  # fmt: skip
    assert judge.item(items.HISTORY.key(history_id=RUN))["hnc"] == 3


def test_hints_of_a_run_that_is_gone_are_not_stored(judge):
    with pytest.raises(HistoryNotFound):
        runs_of(judge).update_hints(RUN, HINTS)
    assert not kinds(judge, "hint")
    for hints in (HINTS[:2], HINTS * 2, ["a", "b", ""], ["a", "b", "c" * 2001]):
        with pytest.raises(ValueError, match="3 to 5 hints"):
            runs_of(judge).update_hints(RUN, hints)


# ---- what other features use -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_public", [True, False])
def test_a_run_is_created_once(judge, ann, is_public):
    with judge.counted() as requests:
        made = keep(judge, ann, RUN, is_code_public=is_public)
    assert requests == {"PutItem": 1, "TransactWriteItems": 1} if is_public else {"PutItem": 2}
    with pytest.raises(AlreadyExists):
        keep(judge, ann, RUN, is_code_public=is_public)
    assert runs_of(judge).get_history(RUN) == made
    assert in_lists(judge, made) == (("PUBLIC#0", 2) if is_public else (None, 0))
    assert len(kinds(judge, "hbody")) == 1


def test_runs_of_a_user_are_counted_as_the_stream_says_or_one_by_one(judge, ann):
    for number in range(3):
        keep(judge, ann, ulid(number))
    judge.put_items(items.USER_STATS.item(UserStats(user_id=ann.user_id, history_count=2)))
    kept = runs_of(judge)
    with judge.counted() as requests:
        assert (kept.count_user_history(ann.user_id), kept.count_user_history(ann.user_id, exact=True)) == (2, 3)
    assert requests == {"GetItem": 1, "Query": 1}
    assert (kept.count_user_history(1), kept.count_user_history(1, exact=True)) == (0, 0)


def test_recent_public_runs_are_counted_by_the_hour(judge):
    judge.put_items(
        items.PUBLIC_HOUR.item(PublicHour("20251008", "12", 3, 2)),
        items.PUBLIC_HOUR.item(PublicHour("20251008", "11", 0, 5)),
    )
    assert runs_of(judge).get_recent_public_history_count(1) == 2
    assert runs_of(judge).get_recent_public_history_count(2) == 7
    with pytest.raises(ValueError, match="hours"):
        runs_of(judge).get_recent_public_history_count(169)


def test_all_runs_of_a_user_can_be_forgotten_in_steps(judge, ann):
    bob = judge.user("bob@example.com")
    judge.problem()
    for number in range(7):
        keep(judge, ann, ulid(number), is_code_public=number % 2 == 0)
    kept = keep(judge, bob, ulid(9))
    send(judge, ann)
    histories = judge.part(Histories)
    assert [histories.purge(ann.user_id, most=3) for _ in range(4)] == [3, 3, 2, 0]
    assert [each["PK"] for each in kinds(judge, "hist")] == [f"HIST#{ulid(9)}"]
    assert len(kinds(judge, "ptr")) == 2
    assert runs_of(judge).get_history(ulid(9)) == kept
