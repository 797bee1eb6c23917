"""POST /api/history: compared here, charged once, kept with its charge or not at all."""

import gzip
import json
from typing import Any, Final

import pytest

from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.objects import ObjectClient
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.statistics import UserProblem, UserStats
from tests.support.algoitny import ADMIN, PRO
from tests.support.algoitny_runs import kinds, send, sending

TODAY = "20251008"


@pytest.fixture
def judge(new_judge):
    made = new_judge()
    made.problem()
    return made


@pytest.fixture
def ann(judge):
    return judge.user("ann@example.com", name="Ann")


def count(judge, user, action: str = "execution") -> int:
    key = items.USAGE_COUNTER.key(user_id=user.user_id, date=TODAY, action=action)
    return int((judge.item(key) or {}).get("val", 0))


def nothing_kept(judge, user) -> bool:
    return not kinds(judge, "hist", "hbody", "ptr", "ulog", "uidem") and count(judge, user) == 0


def test_a_run_is_compared_charged_and_kept(judge, ann):
    outputs = [
        {"test_case_id": "1", "output": "out 1  \r\n\n"},
        {"test_case_id": "2", "output": "something else"},
        {"test_case_id": "3", "output": "out 3", "error": "Traceback"},
    ]
    answer = send(judge, ann, outputs=outputs, language="python3")
    assert answer.status_code == 201
    found = answer.json()
    history_id = found["id"]
    assert len(history_id) == 26
    assert found == {
        "id": history_id, "display_name": "Ann", "is_owner": True, "platform": "baekjoon", "problem_id": "1000",
        "problem_title": "Problem 1000", "language": "python", "result_summary": "failed", "passed_count": 1,
        "failed_count": 2, "total_count": 3, "is_code_public": False, "has_hints": False,
        "created_at": "2025-10-08T12:00:00.000Z", "code": "print(1)", "test_results_expired": False, "hints": [],
        "task_id": None, "metadata": {"source": "client"}, "user_email": "ann@example.com",
        "test_results": [
            {"test_case_id": "1", "output": "out 1  \r\n\n", "output_truncated": False, "passed": True, "error": "",
             "status": "success"},
            {"test_case_id": "2", "output": "something else", "output_truncated": False, "passed": False, "error": "",
             "status": "success"},
            {"test_case_id": "3", "output": "out 3", "output_truncated": False, "passed": False, "error": "Traceback",
             "status": "error"},
        ],
    }  # fmt: skip
    assert answer.headers["X-RateLimit-Limit"] == "50"
    assert answer.headers["X-RateLimit-Remaining"] == "49"
    assert answer.headers["X-RateLimit-Reset"] == "1759968000"
    assert judge.ask("GET", f"/api/history/{history_id}", by=ann).json() == found
    [log] = kinds(judge, "ulog")
    assert (log["act"], log["pid"], log["met"]) == ("execution", "baekjoon#1000", {"history_id": history_id})
    assert count(judge, ann) == 1
    assert judge.metrics.totals["RunRecorded"] == 1


def test_a_private_run_is_stored_under_short_names_and_in_no_public_list(judge, ann):
    history_id = send(judge, ann).json()["id"]
    assert judge.item(items.HISTORY.key(history_id=history_id)) == {
        "PK": f"HIST#{history_id}", "SK": "META", "tp": "hist", "crt": judge.now_ms, "upd": judge.now_ms,
        "uid": ann.user_id, "uidt": "ann@example.com", "unm": "Ann", "plt": "baekjoon", "pno": "1000",
        "ptt": "Problem 1000", "lng": "python", "res": "passed", "psc": 3, "fsc": 0, "toc": 3, "pub": False, "hnc": 0,
        "met": {"source": "client"},
        "GSI1PK": f"USR#{ann.user_id}", "GSI1SK": f"HIST#{judge.now_ms}#{history_id}",
    }  # fmt: skip
    body = judge.item(items.HISTORY_BODY.key(history_id=history_id))
    assert (body["cod"], len(body["trs"])) == ("print(1)", 3)
    assert body["trs"][0] == {"tid": "1", "out": "out 1", "pas": True, "sts": "success"}
    assert not kinds(judge, "ptr")


def test_a_run_costs_so_many_requests(judge, ann):
    send(judge, ann)  # plans are read
    with judge.counted() as without_key:
        send(judge, ann)
    with judge.counted() as with_key:
        send(judge, ann, key="k1")
    with judge.counted() as again:
        send(judge, ann, key="k1")
    # the caller, the problem, the count before and after; test cases; the body; the charge with the run
    assert without_key == {"GetItem": 4, "Query": 1, "PutItem": 1, "TransactWriteItems": 1}
    assert with_key == {"GetItem": 5, "Query": 1, "PutItem": 1, "TransactWriteItems": 1}
    assert again == {"GetItem": 3, "Query": 1}


def test_a_run_that_is_sent_again_is_the_first_one_and_costs_nothing(judge, ann):
    first = send(judge, ann, key="k1")
    judge.clock.forward(hours=11)
    again = send(judge, ann, key="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["X-RateLimit-Remaining"] == "49"
    assert (
        count(judge, ann) == len(kinds(judge, "ulog")) == len(kinds(judge, "hist")) == len(kinds(judge, "hbody")) == 1
    )
    judge.clock.forward(hours=2)
    assert send(judge, ann, key="k1").status_code == 201, "a key is good for a day"


def test_a_run_that_is_sent_twice_at_once_is_kept_once(judge, ann):
    answers = judge.all_at_once(*[lambda: send(judge, ann, key="k1") for _ in range(8)])
    assert sorted(each.status_code for each in answers) == [200] * 7 + [201]
    assert len({each.json()["id"] for each in answers}) == 1
    assert count(judge, ann) == len(kinds(judge, "hist")) == len(kinds(judge, "hbody")) == 1


def test_a_key_is_of_one_request_of_one_user(judge, ann):
    bob = judge.user("bob@example.com")
    first = send(judge, ann, key="k1")
    other = send(judge, ann, key="k1", code="print(2)")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    theirs = send(judge, bob, key="k1", code="print(2)")
    assert theirs.status_code == 201
    assert theirs.json()["id"] != first.json()["id"]
    assert len(kinds(judge, "hbody")) == 2


@pytest.mark.parametrize("key", ["", "a" * 201, "a\tb", "caf\xe9"])
def test_a_key_that_cannot_be_one_is_refused(judge, ann, key):
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answer = judge.api.post(
        "/api/history", json=sending(), headers=[*headers, (b"Authorization", f"Bearer {judge.token(ann)}".encode())]
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert nothing_kept(judge, ann)


def test_the_first_run_that_was_deleted_does_not_come_again(judge, ann):
    history_id = send(judge, ann, key="k1").json()["id"]
    judge.ask("DELETE", f"/api/history/{history_id}", by=ann)
    assert send(judge, ann, key="k1").status_code == 404
    assert not kinds(judge, "hist", "hbody")


def test_the_limit_of_a_plan_is_met_exactly_and_what_is_refused_leaves_nothing(judge):
    plan = judge.plan(plan_id=9, name="Two", max_executions_per_day=2)
    eve = judge.user("eve@example.com", plan_id=plan.plan_id)
    answers = judge.all_at_once(*[lambda: send(judge, eve, is_code_public=True) for _ in range(8)])
    assert sorted(each.status_code for each in answers) == [201] * 2 + [429] * 6
    refused = send(judge, eve)
    assert refused.json()["code"] == "rate_limited"
    assert {name: refused.json()[name] for name in ("action", "current_count", "limit", "remaining", "reset_at")} == {
        "action": "execution", "current_count": 2, "limit": 2, "remaining": 0, "reset_at": "2025-10-09T00:00:00Z",
    }  # fmt: skip
    assert refused.headers["Retry-After"] == "43200"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert count(judge, eve) == 2
    assert len(kinds(judge, "hist")) == len(kinds(judge, "hbody")) == len(kinds(judge, "ulog")) == 2
    assert len(kinds(judge, "ptr")) == 4
    judge.clock.forward(hours=12)
    assert send(judge, eve).status_code == 201


def test_without_runs_in_the_plan_nothing_at_all_is_written(judge):
    plan = judge.plan(plan_id=9, name="None", max_executions_per_day=0)
    eve = judge.user("eve@example.com", plan_id=plan.plan_id)
    with judge.counted() as requests:
        answer = send(judge, eve)
    assert answer.status_code == 429
    assert requests.keys() <= {"GetItem", "Query"}
    assert nothing_kept(judge, eve)


def test_administrators_have_no_limit(judge):
    boss = judge.admin(plan_id=ADMIN)
    answer = send(judge, boss)
    assert answer.status_code == 201
    assert answer.headers["X-RateLimit-Limit"] == "-1"
    assert "X-RateLimit-Remaining" not in answer.headers
    assert count(judge, boss) == 1


# ---- what is refused -------------------------------------------------------------------------------------------------


REFUSED: Final[tuple[tuple[int, dict[str, Any]], ...]] = (
    (422, {"platform": ""}), (422, {"platform": "a" * 51}), (422, {"platform": "baekjoon\n"}),
    (422, {"problem_id": "1000\x00"}), (422, {"problem_id": "\ud800"}), (422, {"language": "cobol"}),
    (422, {"language": "python\n"}), (422, {"code": ""}), (422, {"code": "\udc00"}), (422, {"outputs": []}),
    (422, {"outputs": [{"test_case_id": "4", "output": ""}]}),
    (422, {"outputs": [{"test_case_id": "1", "output": ""}] * 2}),
    (422, {"outputs": [{"test_case_id": "01", "output": ""}]}),
    (422, {"outputs": [{"test_case_id": "1", "output": "\ud800"}]}),
    (422, {"outputs": [{"test_case_id": "1", "output": "", "error": "\ud800"}]}),
    (422, {"outputs": [{"test_case_id": "1"}]}), (422, {"more": 1}), (422, {"is_code_public": "no"}),
    (422, {"outputs": [{"test_case_id": "1", "output": ""}] * 1001}),
    (413, {"code": "a" * 65_537}), (413, {"code": "가" * 21_846}),
    (413, {"outputs": [{"test_case_id": "1", "output": "a" * 4_194_305}]}),
    (404, {"problem_id": "2000"}), (404, {"platform": "Baekjoon"}), (404, {"problem_id": "10%00"}),
)  # fmt: skip


def test_what_cannot_be_a_run_is_refused_before_it_is_charged(judge, ann):
    for status, changes in REFUSED:
        answer = judge.ask(
            "POST",
            "/api/history",
            by=ann,
            content=json.dumps(sending(**changes)),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == status, (str(changes)[:80], answer.text)
    assert nothing_kept(judge, ann)


def test_the_longest_code_is_taken(judge, ann):
    assert send(judge, ann, code="가" * 21_845 + "a").json()["code"] == "가" * 21_845 + "a"


def test_a_visitor_records_nothing(judge):
    answer = send(judge, None)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert not kinds(judge, "hist", "hbody")


@pytest.mark.parametrize("fields", [{"is_completed": False}, {"is_deleted": True}])
def test_drafts_and_deleted_problems_are_not_there_for_members(judge, ann, fields):
    judge.problem("baekjoon", "7", **fields)
    assert send(judge, ann, problem_id="7").status_code == 404
    assert nothing_kept(judge, ann)
    assert send(judge, judge.admin(plan_id=ADMIN), problem_id="7").status_code == 201


def test_a_problem_without_test_cases_is_a_conflict(judge, ann):
    judge.problem("baekjoon", "8", cases=0)
    answer = send(judge, ann, problem_id="8")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_testcases")
    assert nothing_kept(judge, ann)


def test_some_plans_cover_verified_problems_only(judge):
    plan = judge.plan(plan_id=9, name="Narrow", can_view_all_problems=False)
    eve = judge.user("eve@example.com", plan_id=plan.plan_id)
    judge.problem("baekjoon", "9", verified_by_admin=True)
    answer = send(judge, eve)
    assert (answer.status_code, answer.json()["code"]) == (403, "plan_forbidden")
    assert nothing_kept(judge, eve)
    assert send(judge, eve, problem_id="9").status_code == 201


@pytest.mark.parametrize(("unique", "status"), [(1, 201), (2, 403), (3, 403)])
def test_some_plans_cover_so_many_problems_only(judge, unique, status):
    plan = judge.plan(plan_id=9, name="Few", max_problems=2)
    eve = judge.user("eve@example.com", plan_id=plan.plan_id)
    judge.put_items(
        items.USER_STATS.item(UserStats(user_id=eve.user_id, unique_problems=unique)),
        items.USER_PROBLEM.item(UserProblem(eve.user_id, "baekjoon", "5", judge.now_ms)),
    )
    judge.problem("baekjoon", "5")
    assert send(judge, eve, problem_id="5").status_code == 201, "it is one of those"
    answer = send(judge, eve)
    assert answer.status_code == status
    assert status == 201 or answer.json()["code"] == "plan_limit_problems"


# ---- outputs ---------------------------------------------------------------------------------------------------------


def test_outputs_are_cut_after_they_were_compared(judge, ann):
    judge.problem("baekjoon", "6", cases=1)
    long = "é" * 1025
    key = items.TEST_CASE.key(platform="baekjoon", problem_id="6", sort_id="000001")
    judge.put_items({**judge.item(key), "out": long})
    outputs = [{"test_case_id": "1", "output": long, "error": None}]
    found = send(judge, ann, problem_id="6", outputs=outputs).json()
    assert found["result_summary"] == "passed"
    [result] = found["test_results"]
    assert (result["output"], result["output_truncated"]) == ("é" * 1024, True)
    [kept] = judge.ask("GET", f"/api/history/{found['id']}?expand=testcases", by=ann).json()["test_results"]
    assert kept == {
        **result, "input": "1", "expected": "é" * 1024, "input_truncated": False, "expected_truncated": True,
        "download_url": None, "test_case_missing": False,
    }  # fmt: skip


def test_a_run_that_never_ended_well_is_an_error(judge, ann):
    outputs = [{"test_case_id": "1", "output": "out 1", "error": "E" * 2001}]
    found = send(judge, ann, outputs=outputs).json()
    assert (found["result_summary"], found["test_results"][0]["error"]) == ("error", "E" * 2000)


# ---- long results ----------------------------------------------------------------------------------------------------


def long_run(judge, user, **changes: Any):
    judge.problem("baekjoon", "300", cases=40)
    outputs = [{"test_case_id": str(number), "output": "x" * 500} for number in range(1, 41)]
    return send(judge, user, problem_id="300", outputs=outputs, **changes)


def test_long_results_are_an_object_and_their_loss_is_said(new_judge, bucket):
    judge = new_judge(objects=lambda _: bucket)
    ann = judge.user("ann@example.com")
    made = long_run(judge, ann)
    assert made.status_code == 201
    history_id = made.json()["id"]
    key = f"results/2025/10/08/{history_id}.json.gz"
    [body] = kinds(judge, "hbody")
    assert (body["trk"], body["trn"], "trs" in body) == (key, 40, False)
    stored = json.loads(gzip.decompress(bucket.read(key, max_bytes=100_000)))
    assert stored[0] == {"tid": "1", "out": "x" * 500, "pas": False, "err": "", "sts": "success"}
    assert bucket.head(key).content_type == "application/json"
    assert judge.ask("GET", f"/api/history/{history_id}", by=ann).json() == made.json()
    bucket.delete(key)  # as S3 does after 90 days
    left = judge.ask("GET", f"/api/history/{history_id}?expand=testcases", by=ann).json()
    assert (left["test_results"], left["test_results_expired"], left["total_count"]) == ([], True, 40)


def test_long_results_go_with_their_run_and_with_a_run_that_is_refused(new_judge, bucket):
    judge = new_judge(objects=lambda _: bucket)
    judge.plan(plan_id=9, name="One", max_executions_per_day=1)
    ann = judge.user("ann@example.com", plan_id=9)
    before = {each.key for each in bucket.listed("results/")}
    answers = judge.all_at_once(*[lambda: long_run(judge, ann) for _ in range(4)])
    assert sorted(each.status_code for each in answers) == [201, 429, 429, 429]
    [kept] = {each.key for each in bucket.listed("results/")} - before
    [made] = [each.json()["id"] for each in answers if each.status_code == 201]
    assert made in kept
    assert judge.ask("DELETE", f"/api/history/{made}", by=ann).status_code == 204
    assert {each.key for each in bucket.listed("results/")} == before


class Refusing(ObjectClient):
    """A store that is down."""

    def put(self, *_: Any, **__: Any) -> str:
        raise StoreUnavailable


def test_without_the_object_store_nothing_is_charged(new_judge):
    judge = new_judge(objects=Refusing)
    judge.problem()
    pro = judge.user("pro@example.com", plan_id=PRO)
    answer = long_run(judge, pro)
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (
        503,
        "storage_unavailable",
        "1",
    )
    assert nothing_kept(judge, pro)
    assert send(judge, pro).status_code == 201, "short results need none"
