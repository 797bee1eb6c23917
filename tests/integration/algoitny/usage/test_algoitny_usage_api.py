"""An account's usage over HTTP, and charging by the plan of whoever asks."""

from datetime import UTC, datetime

import pytest

from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import LimitExceeded
from lambda_src.services.algoitny.models.statistics import UserStats
from lambda_src.services.algoitny.principals import AccessTokens
from lambda_src.services.algoitny.usage.service import Repeatable, UsageService, limit_headers
from tests.support.algoitny import PRO


@pytest.fixture
def judge(new_judge):
    return new_judge()


@pytest.fixture
def ann(judge):
    return judge.user("ann@example.com")


def principal(judge, user):
    return judge.part(AccessTokens).read(judge.token(user))


def charge(judge, user, action="hint", **options):
    return judge.part(UsageService).charge(principal(judge, user), action, **options)


def test_what_a_plan_allows_and_what_is_used_up_is_always_there(judge, ann):
    assert judge.ask("GET", "/api/account/plan-usage/", by=ann).json() == {
        "plan_name": "Free",
        "limits": {"max_hints_per_day": 5, "max_executions_per_day": 50, "max_problems": -1},
        "usage": {"hints_today": 0, "executions_today": 0, "total_problems": 0},
        "reset_at": "2025-10-09T00:00:00Z",
    }

    charge(judge, ann)
    for _ in range(2):
        charge(judge, ann, "execution")
    judge.put_items(items.USER_STATS.item(UserStats(user_id=ann.user_id, unique_problems=7)))

    with judge.counted() as calls:
        answer = judge.ask("GET", "/api/account/plan-usage", by=ann).json()
    assert answer["usage"] == {"hints_today": 1, "executions_today": 2, "total_problems": 7}
    assert calls == {"GetItem": 1, "BatchGetItem": 1}
    judge.clock.forward(hours=12)
    judge_day = judge.ask("GET", "/api/account/plan-usage", by=ann).json()
    assert judge_day["usage"] == {"hints_today": 0, "executions_today": 0, "total_problems": 7}


def test_administrators_have_no_limits_and_are_counted(judge):
    boss = judge.admin()
    for _ in range(6):
        consumed = charge(judge, boss)

    assert (consumed.action, consumed.charged, consumed.current_count) == ("hint", True, 6)
    assert (consumed.limit, consumed.remaining, consumed.reset_at) == (-1, None, datetime(2025, 10, 9, tzinfo=UTC))
    assert limit_headers(consumed) == {"X-RateLimit-Limit": "-1", "X-RateLimit-Reset": "1759968000"}
    answer = judge.ask("GET", "/api/account/plan-usage", by=boss).json()
    assert (answer["plan_name"], answer["limits"]["max_hints_per_day"]) == ("Admin", -1)
    assert answer["usage"]["hints_today"] == 6


def test_an_action_is_charged_against_the_plan_of_the_caller(judge, ann):
    consumed = charge(judge, ann)
    assert limit_headers(consumed) == {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "4",
        "X-RateLimit-Reset": "1759968000",
    }
    assert charge(judge, judge.user("pro@example.com", plan_id=PRO)).limit == 30
    for _ in range(4):
        charge(judge, ann)
    with pytest.raises(LimitExceeded) as refused:
        charge(judge, ann)
    assert refused.value.detail == "Daily hint limit exceeded (5/5). Resets at 2025-10-09T00:00:00Z"
    assert judge.metrics.totals["LimitReached"] == 1


def test_a_key_is_of_one_route_and_a_body_is_the_same_however_it_is_written(judge, ann):
    def sent(route, **body):
        return charge(judge, ann, repeatable=Repeatable(route, "k1", body)).charged

    assert sent("history", code="a", outputs=[1])
    assert not sent("history", outputs=[1], code="a")
    assert sent("executions", code="a", outputs=[1])


def test_the_usage_of_some_days(judge, ann):
    charge(judge, ann)
    judge.clock.forward(days=1)
    charge(judge, ann, "execution")

    assert judge.ask("GET", "/api/account/usage?days=2", by=ann).json() == {
        "hint": {"total": 1, "daily_avg": 0.5},
        "execution": {"total": 1, "daily_avg": 0.5},
        "days": [
            {"date": "20251008", "hint": 1, "execution": 0},
            {"date": "20251009", "hint": 0, "execution": 1},
        ],
        "date_range": ["20251008", "20251009"],
    }
    assert len(judge.ask("GET", "/api/account/usage", by=ann).json()["days"]) == 7


def test_the_logs_of_a_day_as_their_user_sees_them(judge, ann):
    consumed = charge(judge, ann, problem_id="codeforces#1520E", metadata={"history_id": "H1"})
    charge(judge, ann, "execution")
    judge.part(UsageService).usage.reverse_usage(consumed.log_pk, consumed.log_sk)
    suffix = consumed.log_sk.rsplit("#", 1)[1]
    charge(judge, judge.user("bob@example.com"))

    first = judge.ask("GET", "/api/account/usage/logs?limit=1", by=ann).json()
    second = judge.ask(
        "GET", f"/api/account/usage/logs?date=20251008&limit=1&cursor={first['next_cursor']}", by=ann
    ).json()

    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
    assert {
        "id": f"1759924800000-hint-{suffix}",
        "action": "hint",
        "platform": "codeforces",
        "problem_id": "1520E",
        "metadata": {"history_id": "H1"},
        "reversed": True,
        "created_at": "2025-10-08T12:00:00.000Z",
    } in first["results"] + second["results"]
    assert {each["action"] for each in first["results"] + second["results"]} == {"hint", "execution"}


def test_an_expired_log_is_not_shown(judge, ann):
    charge(judge, ann)
    judge.clock.now = datetime(2026, 1, 6, 12, tzinfo=UTC)
    answer = judge.ask("GET", "/api/account/usage/logs?date=20251008", by=ann)
    assert answer.json() == {"results": [], "next_cursor": None, "has_more": False}


WRONG = [
    "usage?days=0", "usage?days=91", "usage?days=7.0", "usage?days=%2B7", "usage?days=seven", "usage?days=7%0A",
    "usage/logs?date=2025-10-08", "usage/logs?date=20251308", "usage/logs?date=20251008%0A", "usage/logs?date=",
    "usage/logs?limit=0", "usage/logs?limit=101",
]  # fmt: skip


@pytest.mark.parametrize("path", WRONG, ids=[f"case {number}" for number in range(len(WRONG))])
def test_what_cannot_be_asked_is_refused_before_it_is_looked_for(judge, ann, path):
    answer = judge.ask("GET", f"/api/account/{path}", by=ann)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


@pytest.mark.parametrize("path", ["plan-usage", "usage", "usage/logs"])
def test_usage_is_shown_to_nobody_else(judge, path):
    assert judge.ask("GET", f"/api/account/{path}").status_code == 401


def test_a_cursor_of_another_list_is_refused(judge, ann):
    for _ in range(2):
        charge(judge, ann)
    cursor = judge.ask("GET", "/api/account/usage/logs?limit=1", by=ann).json()["next_cursor"]
    answer = judge.ask("GET", f"/api/account/usage/logs?date=20251007&cursor={cursor}", by=ann)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
