"""POST /api/history at the limit of a plan, to the number and to the second, and through busy items."""

from datetime import UTC, datetime

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.client import CallRefused, Client
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.support.algoitny_runs import kinds, send

TODAY = "20251008"
FIVE = {"plan_id": 9, "name": "Five", "max_executions_per_day": 5}


class Busy:
    """A client whose next transactions meet others before they reach the engine. times: how many."""

    def __init__(self, client: Client) -> None:
        self.times = 0
        self._client = client

    def call(self, operation, request, pattern):
        if operation == "TransactWriteItems" and self.times:
            self.times -= 1
            reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
            raise CallRefused("TransactionCanceledException", reasons=reasons)
        return self._client.call(operation, request, pattern)

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def busy(dynamodb_client):
    return Busy(Boto3Client(dynamodb_client))


@pytest.fixture
def judge(new_judge, busy):
    made = new_judge(engine=busy)
    made.problem()
    made.plan(**FIVE)
    return made


@pytest.fixture
def ann(judge):
    return judge.user("ann@example.com", plan_id=9)


def audit(judge, user):
    return UsageLogRepository(judge.store, judge.clock).audit_day(user.user_id, "execution", TODAY)


def test_of_twenty_at_once_the_one_that_is_left_is_let_in(judge, ann):
    for _ in range(4):
        assert send(judge, ann).status_code == 201

    answers = judge.all_at_once(*[lambda: send(judge, ann)] * 20)

    assert sorted(each.status_code for each in answers) == [201] + [429] * 19
    [let_in] = [each for each in answers if each.status_code == 201]
    assert let_in.headers["X-RateLimit-Remaining"] == "0"
    assert audit(judge, ann) == (5, 5)
    assert [len(kinds(judge, kind)) for kind in ("ulog", "hist", "hbody")] == [5, 5, 5]


def test_who_is_refused_hears_how_long_and_is_let_in_at_midnight(judge, ann):
    judge.clock.now = datetime(2025, 10, 8, 23, 59, 30, tzinfo=UTC)
    for _ in range(5):
        send(judge, ann)

    refused = send(judge, ann)

    body = refused.json()
    del body["request_id"]
    text = "Daily execution limit exceeded (5/5). Resets at 2025-10-09T00:00:00Z"
    assert (refused.status_code, body) == (429, {
        "detail": text, "error": text, "code": "rate_limited", "action": "execution", "current_count": 5, "limit": 5,
        "remaining": 0, "reset_at": "2025-10-09T00:00:00Z", "retry_after_seconds": 30,
    })  # fmt: skip
    said = {name: refused.headers[name] for name in refused.headers if name.startswith(("x-rate", "retry"))}
    assert said == {
        "retry-after": "30", "x-ratelimit-limit": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1759968000",
    }  # fmt: skip

    judge.clock.now = datetime(2025, 10, 9, tzinfo=UTC)
    let_in = send(judge, ann)
    assert (let_in.status_code, let_in.headers["X-RateLimit-Remaining"]) == (201, "4")
    assert let_in.headers["X-RateLimit-Reset"] == "1760054400"
    assert audit(judge, ann) == (5, 5)


def test_contention_is_busy_and_no_denial(judge, busy, ann):
    busy.times = 3
    assert send(judge, ann).status_code == 201

    busy.times = 8
    refused = send(judge, ann)
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (503, "busy", "1")
    assert busy.times == 0
    assert audit(judge, ann) == (1, 1)
    assert len(kinds(judge, "hist")) == len(kinds(judge, "hbody")) == 1


def test_without_a_limit_each_is_logged_and_counted(judge):
    boss = judge.admin(plan_id=9)
    for _ in range(6):
        answer = send(judge, boss)

    assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (201, "-1")
    assert "X-RateLimit-Remaining" not in answer.headers
    assert audit(judge, boss) == (6, 6)
