"""Runs as members make them, through the table's own stream into what is counted of them."""

import json

import pytest

from cdk_app.local.streams.filters import compile_filters
from lambda_src.services.algoitny.statistics.rules import FILTERS
from lambda_src.services.algoitny.tables import TABLES
from tests.support.algoitny_runs import send
from tests.support.algoitny_streams import Counted
from tests.support.stream_events import records_of_tables

MATCHES = compile_filters(json.dumps(pattern) for pattern in FILTERS)


@pytest.fixture
def records_of(dynamodb_client, dynamodb_endpoint):
    """What a table's stream holds, as far as the function is given it."""
    with records_of_tables(dynamodb_client, dynamodb_endpoint) as read:
        yield lambda table: [record for record in read(table) if MATCHES(record)]


@pytest.fixture(autouse=True)
def _on_an_engine_with_streams(request):
    if request.config.getoption("--engine") == "sqlite":
        pytest.skip("SQLite has no streams")


def test_runs_count_as_they_are_made_shown_hidden_and_deleted(new_judge, make_tables, records_of):
    judge = new_judge(names=make_tables(TABLES, with_streams=True))
    ann = judge.user("ann@example.com")
    judge.problem()
    wrong = [{"test_case_id": str(number), "output": "wrong"} for number in (1, 2, 3)]
    shown = send(judge, ann, is_code_public=True)
    judge.clock.forward(minutes=1)
    hidden = send(judge, ann, is_code_public=True, language="cpp", outputs=wrong)
    gone = send(judge, ann)
    made = [answer.json()["id"] for answer in (shown, hidden, gone)]
    assert judge.ask("PATCH", f"/api/history/{made[1]}", by=ann, json={"is_code_public": False}).status_code == 200
    assert judge.ask("DELETE", f"/api/history/{made[2]}", by=ann).status_code == 204

    records = records_of(judge.names["main"])
    assert [record["eventName"] for record in records] == ["INSERT"] * 3 + ["MODIFY", "REMOVE"]
    world = Counted(judge)
    for _ in range(2):
        assert world.deliver(records) == []
    assert judge.ask("GET", "/api/account/stats", by=ann).json() == {
        "total_executions": 3,
        "passed": 2,
        "failed": 1,
        "unique_problems": 1,
        "history_count": 2,
        "hints_total": 0,
        "by_language": {"python": 2, "cpp": 1},
        "by_platform": {"baekjoon": 3},
        "last_activity_at": "2025-10-08T12:01:00.000Z",
    }
    assert judge.ask("GET", "/api/history/recent-count").json()["count"] == 1
    assert judge.queue.dead() == []
