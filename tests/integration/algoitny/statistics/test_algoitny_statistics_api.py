"""Statistics over HTTP: one's own, of the last hours, and counted anew."""

import pytest

from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.statistics import PublicHour, UserProblem
from lambda_src.services.algoitny.models.usage import UsageRollup
from tests.support.algoitny_streams import Counted, run_of


def test_own_statistics_are_for_who_is_signed_in_and_cost_one_request(new_judge):
    judge = new_judge()
    ann = judge.user("ann@example.com")

    assert judge.ask("GET", "/api/account/stats").status_code == 401
    with judge.counted() as requests:
        assert judge.ask("GET", "/api/account/stats", by=ann).json()["total_executions"] == 0
    assert requests == {"GetItem": 2}  # the caller and the statistics


def hours_of(judge, *buckets):
    judge.put_items(*(items.PUBLIC_HOUR.item(PublicHour(*bucket)) for bucket in buckets))


@pytest.mark.parametrize(
    ("hours", "count", "queries"), [(1, 3, 1), (2, 7, 1), (13, 7, 1), (14, 15, 2), (24, 15, 2), (168, 47, 8)]
)
def test_recent_runs_are_those_of_the_current_hour_and_the_hours_before_it(new_judge, hours, count, queries):
    judge = new_judge()  # at noon
    hours_of(
        judge,
        ("20251008", "13", 0, 64),  # the clock of whoever made it is ahead
        ("20251008", "12", 0, 1),
        ("20251008", "12", 7, 2),
        ("20251008", "11", 0, 4),
        ("20251007", "23", 0, 8),
        ("20251001", "13", 0, 32),
        ("20251001", "12", 0, 128),  # 168 clock hours begin at 13:00 seven days ago
    )
    judge.put_items(items.USAGE_ROLLUP.item(UsageRollup(date="20251008", created_at=judge.now_ms)))

    with judge.counted() as requests:
        answer = judge.ask("GET", f"/api/history/recent-count?hours={hours}")
    assert requests == {"Query": queries}
    assert answer.json() == {"hours": hours, "count": count, "as_of": "2025-10-08T12:00:00.000Z"}


def test_recent_runs_are_of_a_day_unless_somebody_asks_otherwise_and_never_below_none(new_judge):
    judge = new_judge()
    hours_of(judge, ("20251008", "12", 0, -1))

    assert judge.ask("GET", "/api/history/recent-count").json()["hours"] == 24
    assert judge.ask("GET", "/api/history/recent-count").json()["count"] == 0


@pytest.mark.parametrize("hours", ["0", "169", "-1", "x", "1.5", "1e2", "", "7.0", "7_0", "%2B7", "%0A7"])
def test_other_numbers_of_hours_are_refused(new_judge, hours):
    answer = new_judge().ask("GET", f"/api/history/recent-count?hours={hours}")

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


def test_statistics_counted_anew_are_those_that_the_stream_counted(new_judge):
    judge = new_judge()
    ann, bob, boss = judge.user("ann@example.com"), judge.user("bob@example.com"), judge.admin()
    world = Counted(judge)
    for number in range(30):
        judge.clock.forward(minutes=1)
        verdict = ("passed", "failed", "error")[number % 3]
        world.put(
            run_of(
                judge, f"h{number}", user_id=ann.user_id, problem_number=str(number % 26 // 2), result_summary=verdict,
                language=("python", "cpp")[number % 2], hint_count=3 * (number % 5 == 0),
            )
        )  # fmt: skip
    world.put(run_of(judge, "of-bob", user_id=bob.user_id))
    world.deliver()
    stands = judge.ask("GET", "/api/account/stats", by=ann).json()
    problems = sorted(item["SK"] for item in world.stored("uprob"))
    of_runs = {"PK": f"USR#{ann.user_id}", "tp": "stats"}
    judge.put_items({**of_runs, "SK": "STATS", "tot": 7, "ln_java": 3})
    lost = UserProblem(ann.user_id, "baekjoon", "3", 0)
    judge.remove(items.USER_PROBLEM.key_of(lost))
    ever_run = UserProblem(ann.user_id, "codeforces", "1A", 5)  # of a run that was deleted
    judge.put_items(items.USER_PROBLEM.item(ever_run))

    with judge.counted() as requests:
        answer = judge.ask("POST", f"/api/admin/users/{ann.user_id}/rebuild-stats", by=boss)
    assert requests == {"GetItem": 2, "Query": 2, "BatchWriteItem": 1, "PutItem": 1}
    assert answer.json() == stands | {"hints_total": 6, "unique_problems": 14}
    assert judge.ask("GET", "/api/account/stats", by=ann).json() == answer.json()
    assert sorted(item["SK"] for item in world.stored("uprob")) == sorted([*problems, "UPROB#codeforces#1A"])
    # The second run of problem 3, which a run of a later round had, too, was not the first.
    assert (judge.item(items.USER_PROBLEM.key_of(lost)) or {})["fst"] == judge.now_ms - (29 - 6) * 60_000
    assert judge.ask("GET", "/api/account/stats", by=bob).json()["total_executions"] == 1


@pytest.mark.parametrize("user_id", ["99999", "0", "-1", "1e3", "12345%0A", "x", "9" * 30])
def test_nobody_is_counted_anew_who_is_not_there(new_judge, user_id):
    judge = new_judge()
    ann, boss = judge.user("ann@example.com"), judge.admin()

    answer = judge.ask("POST", f"/api/admin/users/{user_id}/rebuild-stats", by=boss)
    assert answer.status_code == (404 if user_id in {"99999", "12345%0A"} else 422)
    assert judge.ask("POST", f"/api/admin/users/{ann.user_id}/rebuild-stats", by=ann).status_code == 403
    assert "stats" not in {item["tp"] for item in judge.items()}
