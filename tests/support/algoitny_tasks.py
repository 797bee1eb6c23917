"""Tasks of AlgoItny that a test makes, and a worker whose handlers do what the test says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.worker import QueueWorker
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.messages import TaskMessage
from lambda_src.services.algoitny.models.tasks import Done, Task, TaskKind, Unfinished
from lambda_src.services.algoitny.tasks.runner import TaskRunner
from lambda_src.services.algoitny.tasks.service import TaskService
from tests.support.algoitny import PlayedJudge
from tests.support.played import Sent


def started(judge: PlayedJudge, *, user_id: int | None = None, kind: TaskKind = "user_purge", **arguments: Any) -> Task:
    """A task as a request leaves it: stored, and its message on the queue."""
    return judge.part(TaskService).start(kind, user_id=user_id, arguments=arguments)


def message_of(judge: PlayedJudge, task: Task) -> Sent:
    """The newest message of a task, as it lies on the queue."""
    return next(sent for sent in reversed(judge.queue.every) if sent.content["task_id"] == task.task_id)


def stored(judge: PlayedJudge, task: Task) -> Task:
    """A task as it is stored now."""
    item = judge.item(items.TASK.key(task_id=task.task_id))
    assert item is not None
    return items.TASK.model(item)


def worker_of(
    judge: PlayedJudge,
    work: Callable[[Task], Done | Unfinished],
    *,
    worker: QueueWorker[TaskMessage] | None = None,
    **changes: Any,
) -> QueueWorker[TaskMessage]:
    """A worker of the service, for whose tasks this is the work. worker: another one than that of `judge`."""
    base = worker or judge.another_worker()
    runner = getattr(base.handle, "__self__", None)
    assert isinstance(runner, TaskRunner)

    def handler(task: Task, _deadline: Deadline) -> Done | Unfinished:
        return work(task)

    ours = replace(runner, handlers={"user_purge": handler, "rollup": handler}, **changes)
    return replace(base, handle=ours.handle, on_exhausted=ours.exhausted)
