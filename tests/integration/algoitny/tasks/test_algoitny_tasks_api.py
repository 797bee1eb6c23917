"""Tasks over HTTP: who may look at one, what it says, and who has it tried again."""

import pytest

from lambda_src.errors import Conflict
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.tasks import Done
from lambda_src.services.algoitny.tasks.service import TaskService
from tests.support.algoitny_tasks import message_of, started, stored, worker_of

AN_ID = "01K71V2JG0A1B2C3D4E5F6G7H8"


def failing(_task):
    raise Conflict("It stands against itself")


def test_a_task_says_how_far_it_is_to_its_user_and_to_administrators(new_judge):
    judge = new_judge()
    ann, bob, boss = judge.user("ann@example.com"), judge.user("bob@example.com"), judge.admin()
    task = started(judge, user_id=ann.user_id)
    path = f"/api/tasks/{task.task_id}"

    with judge.counted() as requests:
        answer = judge.ask("GET", path, by=ann)
    assert requests == {"GetItem": 2}  # the caller and the task
    assert answer.json() == {
        "task_id": task.task_id,
        "kind": "user_purge",
        "status": "PENDING",
        "current": 0,
        "total": 0,
        "result": {},
        "error": None,
        "created_at": "2025-10-08T12:00:00.000Z",
        "updated_at": "2025-10-08T12:00:00.000Z",
    }
    judge.clock.forward(seconds=2.5)
    judge.deliver(*judge.queue.take(), worker=worker_of(judge, lambda _: Done({"items": 7})))
    done = judge.ask("GET", path, by=boss).json()
    assert (done["status"], done["result"]) == ("SUCCESS", {"items": 7})
    assert (done["created_at"], done["updated_at"]) == ("2025-10-08T12:00:00.000Z", "2025-10-08T12:00:02.500Z")
    assert judge.ask("GET", path, by=bob).status_code == 404
    assert judge.ask("GET", path).status_code == 401


@pytest.mark.parametrize(
    "path_id", [AN_ID, AN_ID.lower(), AN_ID[:-1], f"{AN_ID}%0A", "META", "TASK%23x", "%00", "x" * 2000]
)
def test_what_is_no_task_is_not_found(new_judge, path_id):
    judge = new_judge()
    boss = judge.admin()

    for method, path in (("GET", f"/api/tasks/{path_id}"), ("POST", f"/api/admin/tasks/{path_id}/retry")):
        answer = judge.ask(method, path, by=boss)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


def test_a_task_of_nobody_is_for_administrators(new_judge):
    judge = new_judge()
    ann, boss = judge.user("ann@example.com"), judge.admin()
    task = started(judge, kind="rollup", date="20251007")

    assert judge.ask("GET", f"/api/tasks/{task.task_id}", by=ann).status_code == 404
    assert judge.ask("GET", f"/api/tasks/{task.task_id}", by=boss).status_code == 200


def test_a_task_is_gone_after_thirty_days_though_it_is_still_stored(new_judge):
    judge = new_judge()
    ann = judge.user("ann@example.com")
    task = started(judge, user_id=ann.user_id)
    seconds = 30 * 86_400
    assert task.expires_at == judge.now_ms // 1000 + seconds

    judge.clock.forward(seconds=seconds - 1)
    assert judge.ask("GET", f"/api/tasks/{task.task_id}", by=ann).status_code == 200
    judge.clock.forward(seconds=1)
    assert judge.ask("GET", f"/api/tasks/{task.task_id}", by=ann).status_code == 404


def test_a_failed_task_says_why_and_is_tried_again_when_an_administrator_asks(new_judge):
    judge = new_judge()
    ann, boss = judge.user("ann@example.com"), judge.admin()
    task = started(judge, user_id=ann.user_id, item_id=7)
    judge.deliver(*judge.queue.take(), worker=worker_of(judge, failing))
    path, again = f"/api/tasks/{task.task_id}", f"/api/admin/tasks/{task.task_id}/retry"
    failed = judge.ask("GET", path, by=ann).json()
    assert (failed["status"], failed["error"]) == (
        "FAILURE",
        {"code": "conflict", "message": "It stands against itself"},
    )
    assert "GSI2PK" not in (judge.item(items.TASK.key_of(task)) or {})

    assert judge.ask("POST", again, by=ann).status_code == 403
    judge.clock.forward(hours=1)
    with judge.counted() as requests:
        answer = judge.ask("POST", again, by=boss)
    assert (answer.status_code, answer.json()) == (202, {"task_id": task.task_id, "status": "RETRY"})
    assert requests == {"GetItem": 2, "UpdateItem": 1}
    reopened = stored(judge, task)
    assert (reopened.status, reopened.attempts, reopened.error_code) == ("RETRY", 0, None)
    assert reopened.expires_at == task.expires_at + 3600
    assert (judge.item(items.TASK.key_of(task)) or {})["GSI2PK"] == f"TASK#OPEN#{task.open_shard}"
    twice = judge.ask("POST", again, by=boss)
    assert (twice.status_code, twice.json()["code"]) == (409, "not_failed")
    assert message_of(judge, task).content["args"] == {"item_id": 7}
    judge.deliver(*judge.queue.take(), worker=worker_of(judge, lambda _: Done({})))
    assert judge.ask("GET", path, by=ann).json()["status"] == "SUCCESS"
    assert judge.ask("POST", again, by=boss).status_code == 409


def test_a_task_is_taken_on_though_its_message_cannot_be_sent_and_maintenance_sends_it(new_judge):
    judge = new_judge()
    judge.queue.is_down = True
    task = started(judge)
    assert stored(judge, task).status == "PENDING"
    judge.queue.is_down = False

    judge.clock.forward(minutes=4)
    judge.scheduled("maintenance")
    assert judge.queue.take() == []
    judge.clock.forward(minutes=1, milliseconds=1)
    judge.scheduled("maintenance")
    (sent,) = judge.queue.take()
    assert sent.content == {"v": 1, "type": "user.purge", "task_id": task.task_id, "args": {}}
    assert judge.metrics.totals["TaskResent"] == 1


def test_the_ids_of_tasks_follow_their_time(new_judge):
    judge = new_judge()
    tasks = judge.part(TaskService)
    first = tasks.new("rollup", user_id=None, arguments={}).task_id
    judge.clock.forward(milliseconds=1)

    assert first < tasks.new("rollup", user_id=None, arguments={}).task_id
    assert first[:10] == "01K71V2JG0"
