"""The usage of whole days: added up when they are over, in as many messages as it takes, shown to administrators."""

from datetime import UTC, datetime, timedelta

import pytest

from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.models.usage import UsageRollup
from lambda_src.services.algoitny.rollups import service
from lambda_src.services.algoitny.rollups.rules import TOP, Progress, Sums
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.support.algoitny import PRO

DAY = "20251008"
PATH = "/api/admin/usage-stats"


@pytest.fixture
def judge(new_judge):
    return new_judge()


@pytest.fixture
def boss(judge):
    return judge.admin()


def used(judge, user, hints=0, executions=0):
    logs = UsageLogRepository(judge.store, judge.clock)
    for action, count in (("hint", hints), ("execution", executions)):
        for _ in range(count):
            logs.consume(user.user_id, action, -1)


def rollup(judge, date=DAY):
    item = judge.item(items.USAGE_ROLLUP.key(date=date))
    return None if item is None else items.USAGE_ROLLUP.model(item)


def tasks(judge):
    return [items.TASK.model(item) for item in judge.items() if item["tp"] == "task"]


def test_a_day_is_added_up_over_all_users(judge, boss):
    ann, bob = judge.user("ann@example.com"), judge.user("bob@example.com", plan_id=PRO)
    judge.problem()
    judge.problem(problem_id="1001", is_completed=False)
    used(judge, ann, hints=2, executions=1)
    used(judge, bob, executions=5)
    judge.clock.forward(days=1)
    used(judge, ann, hints=1)

    answer = judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": DAY})

    assert answer.status_code == 202
    with judge.counted() as calls:
        judge.drain()
    assert calls == {"UpdateItem": 2, "Query": 3, "BatchGetItem": 1, "PutItem": 1}
    expected = UsageRollup(
        date=DAY,
        created_at=judge.now_ms,
        hints_count=2,
        executions_count=6,
        active_users=2,
        total_users=3,
        total_problems=1,
        top=(
            {"user_id": bob.user_id, "hints": 0, "executions": 5},
            {"user_id": ann.user_id, "hints": 2, "executions": 1},
        ),
        is_complete=True,
    )
    assert rollup(judge) == expected
    task = judge.ask("GET", f"/api/tasks/{answer.json()['task_id']}", by=boss).json()
    assert (task["status"], task["result"]) == ("SUCCESS", {"hints": 2, "executions": 6, "users": 3})
    judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": DAY})
    judge.drain()
    assert rollup(judge) == expected


def test_a_day_of_many_users_is_added_up_in_parts_each_in_a_message_of_its_own(judge, boss, monkeypatch):
    monkeypatch.setattr(service, "USERS_AT_ONCE", 2)
    users = [boss, *(judge.user(f"u{number}@example.com") for number in range(6))]
    for number, user in enumerate(users):
        used(judge, user, hints=number)
    judge.clock.forward(days=1)
    judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": DAY})

    seen = []
    for _ in range(3):
        [message] = judge.queue.take()
        assert judge.deliver(message, milliseconds=50_000) == []
        [task] = tasks(judge)
        seen.append((task.status, task.current, task.total))
        assert rollup(judge) is None
    [message] = judge.queue.take()
    assert judge.deliver(message, milliseconds=50_000) == []

    assert seen == [("PROGRESS", 2, 7), ("PROGRESS", 4, 7), ("PROGRESS", 6, 7)]
    found = rollup(judge)
    assert (found.hints_count, found.active_users, len(found.top), found.is_complete) == (21, 6, 6, True)
    assert judge.queue.take() == []


def test_with_time_enough_a_day_takes_one_message(judge, boss, monkeypatch):
    monkeypatch.setattr(service, "USERS_AT_ONCE", 2)
    for number in range(4):
        used(judge, judge.user(f"u{number}@example.com"), executions=1)
    judge.clock.forward(days=1)
    judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": DAY})

    judge.deliver(*judge.queue.take())

    assert rollup(judge).executions_count == 4
    assert judge.queue.take() == []


def test_a_part_that_is_begun_again_counts_nobody_twice(judge, boss, monkeypatch):
    monkeypatch.setattr(service, "USERS_AT_ONCE", 1)
    for number in range(3):
        used(judge, judge.user(f"u{number}@example.com"), executions=1)
    judge.clock.forward(days=1)
    judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": DAY})
    [first] = judge.queue.take()
    judge.deliver(first, milliseconds=50_000)

    judge.deliver(first, milliseconds=50_000, receive_count=2)
    judge.drain()

    assert (rollup(judge).executions_count, rollup(judge).active_users) == (3, 3)


def test_the_sums_of_half_way_fit_into_a_task():
    sums = Sums().plus({10**12 + number: {"hint": 10**6, "execution": 10**6} for number in range(200)})
    progress = Progress(DAY, sums, 10**6, {"created_at": 10**12, "user_id": 10**12})
    task = Task(task_id="T", kind="rollup", created_at=1, updated_at=1, expires_at=1, arguments=progress.arguments)
    item = items.TASK.item(task)
    assert items.TASK.model(item).arguments == progress.arguments
    assert Progress.of(items.TASK.model(item).arguments) == progress
    assert len(str(item["arg"])) < 8192
    assert len(sums.top) == TOP


def test_the_busiest_are_the_same_in_whatever_parts_they_come():
    usage = {number: {"hint": number * 7 % 13, "execution": number % 5} for number in range(300)}
    parts = [dict(list(usage.items())[start : start + 70]) for start in range(0, 300, 70)]
    at_once = Sums().plus(usage)
    for order in (parts, parts[::-1]):
        sums = Sums()
        for part in order:
            sums = sums.plus(part)
        assert sums == at_once
    assert at_once.active_users == sum(any(counts.values()) for counts in usage.values())


# ---- by itself -------------------------------------------------------------------------------------------------------


def maintained(judge):
    judge.scheduled("rollup")
    judge.drain()


def test_yesterday_is_added_up_by_itself_once_half_an_hour_after_it_is_over(judge, boss):
    used(judge, boss, hints=1)
    judge.clock.now = datetime(2025, 10, 9, 0, 29, 59, tzinfo=UTC)
    maintained(judge)
    assert rollup(judge) is None
    assert rollup(judge, "20251007").is_complete

    judge.clock.now = datetime(2025, 10, 9, 0, 30, tzinfo=UTC)
    maintained(judge)
    assert rollup(judge).hints_count == 1
    before = len(tasks(judge))
    judge.clock.forward(hours=1)
    maintained(judge)
    assert len(tasks(judge)) == before


def test_what_was_begun_is_begun_again_an_hour_later_and_not_sooner(judge, boss):
    judge.clock.now = datetime(2025, 10, 9, 1, tzinfo=UTC)
    judge.scheduled("rollup")
    judge.scheduled("rollup")
    assert [task.arguments["date"] for task in tasks(judge)] == [DAY]
    assert not rollup(judge).is_complete
    assert judge.ask("GET", PATH, by=boss).json()["through"] is None

    judge.clock.forward(minutes=59, seconds=59)
    judge.scheduled("rollup")
    assert len(tasks(judge)) == 1
    judge.clock.forward(seconds=1)
    judge.scheduled("rollup")
    assert len(tasks(judge)) == 2


# ---- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days_back", [-1, 0, 90], ids=["tomorrow", "today", "a day whose counters may be gone"])
def test_a_day_that_cannot_be_added_up_is_refused(judge, boss, days_back):
    date = (judge.clock() - timedelta(days=days_back)).strftime("%Y%m%d")
    answer = judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": date})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert tasks(judge) == []


def test_the_oldest_day_that_can_be_added_up(judge, boss):
    used(judge, boss, hints=1)
    judge.clock.forward(days=89)
    assert judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": DAY}).status_code == 202
    judge.drain()
    assert rollup(judge).hints_count == 1


def test_a_rollup_that_comes_too_late_writes_no_zeros_over_what_is_known(judge, boss):
    used(judge, boss, hints=1)
    judge.clock.forward(days=1)
    judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": DAY})
    judge.drain()
    judge.clock.forward(days=88)
    judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": DAY})
    judge.clock.forward(days=1)

    judge.drain()

    assert rollup(judge).hints_count == 1
    assert {task.status for task in tasks(judge)} == {"SUCCESS", "FAILURE"}


@pytest.mark.parametrize(
    "body", [{}, {"date": "2025-10-08"}, {"date": "20251008\n"}, {"date": 20251007}, {"date": DAY, "more": 1}],
    ids=["nothing", "dashes", "a line end", "a number", "more"],
)  # fmt: skip
def test_a_day_is_written_in_one_way(judge, boss, body):
    judge.clock.forward(days=1)
    assert judge.ask("POST", f"{PATH}/rollup", by=boss, json=body).status_code == 422


def test_administrators_see_what_all_users_did(judge, boss):
    ann, bob, gone = (judge.user(f"{name}@example.com", name=name) for name in ("ann", "bob", "gone"))
    judge.problem()
    used(judge, ann, hints=2)
    used(judge, gone, executions=9)
    judge.clock.forward(days=1)
    used(judge, ann, executions=1)
    used(judge, bob, executions=4)
    judge.clock.forward(days=1)
    for date in (DAY, "20251009"):
        judge.ask("POST", f"{PATH}/rollup", by=boss, json={"date": date})
    judge.drain()
    judge.remove(items.USER.key(user_id=gone.user_id))

    with judge.counted() as calls:
        answer = judge.ask("GET", f"{PATH}?days=3", by=boss)

    assert calls == {"GetItem": 1, "BatchGetItem": 2, "Query": 1}
    assert answer.json() == {
        "period_days": 3,
        "through": "20251009",
        "total_users": 4,
        "total_problems": 1,
        "hints_count": 2,
        "executions_count": 14,
        "days": [
            {"date": "20251007", "hint": 0, "execution": 0, "active_users": 0, "is_complete": False},
            {"date": "20251008", "hint": 2, "execution": 9, "active_users": 2, "is_complete": True},
            {"date": "20251009", "hint": 0, "execution": 5, "active_users": 2, "is_complete": True},
        ],
        "top_users": [
            {"id": bob.user_id, "email": "bob@example.com", "name": "bob", "activity_count": 4},
            {"id": ann.user_id, "email": "ann@example.com", "name": "ann", "activity_count": 3},
        ],
        "plan_distribution": [
            {"name": "Free", "user_count": 4},
            {"name": "Pro", "user_count": 0},
            {"name": "Admin", "user_count": 0},
        ],
    }


def test_before_anything_was_added_up_there_is_an_answer(judge, boss):
    answer = judge.ask("GET", PATH, by=boss).json()
    assert (answer["period_days"], answer["through"], answer["top_users"]) == (7, None, [])


def test_only_administrators_see_it(judge):
    ann = judge.user("ann@example.com")
    assert judge.ask("GET", PATH, by=ann).status_code == 403
    assert judge.ask("POST", f"{PATH}/rollup", by=ann, json={"date": DAY}).status_code == 403
    assert judge.ask("GET", PATH).status_code == 401
