"""What is left of a user who leaves goes in the background: all of it, nobody else's, and cut off anywhere."""

from datetime import timedelta

import pytest

from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.statistics import UserProblem, UserStats
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.support.algoitny_people import check_people
from tests.support.algoitny_runs import keep, ulid
from tests.support.algoitny_tasks import message_of, started, stored
from tests.support.played import TestClock
from tests.support.stepping import Killed, SteppedQueue, Steps, kill_before_step, stepped_client


@pytest.fixture
def judge(new_judge):
    judge = new_judge()
    yield judge
    check_people(judge)


def live(judge, user, *, runs=2, problems=2, first=0):
    """What a user leaves behind: runs, public and not, usage of old and new days, and counts."""
    for number in range(runs):
        keep(judge, user, ulid(first + number), is_code_public=number % 2 == 0)
    for days in (0, 1, 92):
        clock = TestClock(judge.clock() - timedelta(days=days))
        UsageLogRepository(judge.store, clock).consume(user.user_id, "execution", -1, idempotency_key=f"key {days}")
    judge.put_items(items.USER_STATS.item(UserStats(user_id=user.user_id, total_executions=runs)))
    for number in range(problems):
        judge.put_items(items.USER_PROBLEM.item(UserProblem(user.user_id, "baekjoon", f"{number}", 1)))


def traces(judge, user, *, runs=range(0)):
    """The keys of what is stored of somebody, the tasks aside, which leave by themselves."""
    of_runs = {f"HIST#{ulid(number)}" for number in runs}
    return sorted(
        (item["PK"], item["SK"])
        for item in judge.items()
        if item.get("tp") != "task"
        and (
            item["PK"] in of_runs
            or item["PK"] == f"USR#{user.user_id}"
            or item["PK"].startswith(f"USR#{user.user_id}#")
            or any(item["SK"].endswith(f"#{ulid(number)}") for number in runs)
            or user.email in str(item)
        )
    )


def leave(judge, user):
    answer = judge.ask("DELETE", "/api/account", by=user, json={"confirm": user.email})
    assert answer.status_code == 202
    return items.TASK.model(judge.item(items.TASK.key(task_id=answer.json()["task_id"])))


def test_nothing_is_left_of_who_left_and_everything_of_the_others(judge):
    ann, bob = judge.user("ann@example.com", google_id="108"), judge.user("bob@example.com")
    live(judge, ann, runs=30, problems=60)
    live(judge, bob, first=100)
    others = traces(judge, bob, runs=range(100, 102))
    task = leave(judge, ann)
    assert len(traces(judge, ann, runs=range(30))) > 150
    judge.deliver(*judge.queue.take())
    assert traces(judge, ann, runs=range(30)) == []
    assert (stored(judge, task).status, stored(judge, task).current) == ("PROGRESS", 30)
    assert message_of(judge, task).delay_seconds == 60
    judge.clock.forward(minutes=1)
    judge.deliver(*judge.queue.take())
    assert (stored(judge, task).status, stored(judge, task).result) == ("SUCCESS", {"runs": 30})
    assert traces(judge, bob, runs=range(100, 102)) == others
    assert judge.queue.dead() == []


def test_it_takes_two_requests_for_a_run_one_for_each_day_and_one_for_25_items(judge):
    ann = judge.user("ann@example.com")
    live(judge, ann, runs=3, problems=60)
    leave(judge, ann)
    with judge.counted() as calls:
        judge.deliver(*judge.queue.take())
    assert calls == {
        "UpdateItem": 2,  # the task is claimed and goes on
        "GetItem": 1,
        "Query": 2 + 3 + 93 + 1,  # the list of runs, what there is of each, days and items
        "TransactWriteItems": 3,
        "BatchWriteItem": 3 + 3,  # days with something in them, and 61 items
    }


def test_what_a_request_still_wrote_that_began_before_goes_the_second_time(judge):
    ann = judge.user("ann@example.com")
    task = leave(judge, ann)
    judge.deliver(*judge.queue.take())
    live(judge, ann, runs=1)
    judge.clock.forward(minutes=1)
    judge.deliver(*judge.queue.take())
    assert traces(judge, ann, runs=range(1)) == []
    assert (stored(judge, task).status, stored(judge, task).result) == ("SUCCESS", {"runs": 1})


def test_a_user_who_is_there_loses_nothing(judge):
    ann = judge.user("ann@example.com")
    live(judge, ann)
    before = traces(judge, ann, runs=range(2))
    task = started(judge, user_id=None)
    judge.put_items({**judge.item(items.TASK.key(task_id=task.task_id)), "arg": {"user_id": ann.user_id}})
    judge.drain()
    assert (stored(judge, task).status, stored(judge, task).error_code) == ("FAILURE", "conflict")
    assert traces(judge, ann, runs=range(2)) == before


def test_who_has_no_time_left_leaves_the_rest_to_another_message(judge):
    ann = judge.user("ann@example.com")
    live(judge, ann)
    task = leave(judge, ann)
    judge.deliver(*judge.queue.take(), milliseconds=21_000)
    assert stored(judge, task).status == "PROGRESS"
    assert message_of(judge, task).delay_seconds == 0
    judge.clock.forward(minutes=1)
    judge.drain()
    assert stored(judge, task).status == "SUCCESS"
    assert traces(judge, ann, runs=range(2)) == []


@pytest.mark.parametrize(
    "step", [2, 5, 10, 103, 106, *(pytest.param(step, marks=pytest.mark.soak) for step in range(1, 108))]
)
def test_a_purge_that_was_killed_before_any_step_comes_to_its_end(judge, step):
    ann = judge.user("ann@example.com")
    live(judge, ann)
    task = leave(judge, ann)
    steps = Steps(kill_before_step(step))
    killed = judge.another_worker(
        client=judge.metered(stepped_client(judge.client, steps)), queue=SteppedQueue(judge.queue, steps)
    )
    [sent] = judge.queue.take()
    with pytest.raises(Killed):
        judge.deliver(sent, worker=killed)
    judge.clock.forward(minutes=20)
    judge.deliver(sent, receive_count=2)
    judge.drain()
    if stored(judge, task).status != "SUCCESS":  # its second message was never sent
        judge.scheduled("maintenance")
        judge.drain()
    assert stored(judge, task).status == "SUCCESS"
    assert traces(judge, ann, runs=range(2)) == []


def test_a_message_that_comes_twice_finds_it_done(judge):
    ann = judge.user("ann@example.com")
    live(judge, ann)
    task: Task = leave(judge, ann)
    [sent] = judge.queue.take()
    judge.deliver(sent)
    judge.clock.forward(minutes=1)
    judge.drain()
    judge.deliver(sent, receive_count=2)
    assert stored(judge, task).result == {"runs": 2}


def test_a_message_that_comes_twice_at_once_does_not_end_it_too_soon(judge):
    ann = judge.user("ann@example.com")
    task = leave(judge, ann)
    [sent] = judge.queue.take()
    judge.deliver(sent)
    judge.clock.forward(milliseconds=1)
    judge.deliver(sent, receive_count=2)
    assert (stored(judge, task).status, message_of(judge, task).delay_seconds) == ("PROGRESS", 60)
    live(judge, ann, runs=1)  # a request that began before the removal
    judge.clock.forward(minutes=1)
    judge.drain()
    assert stored(judge, task).status == "SUCCESS"
    assert traces(judge, ann, runs=range(1)) == []
