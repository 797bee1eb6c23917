"""Joins settings, table and queue into the handler of the task queue and of the schedules."""

from collections.abc import Callable
from functools import partial
from typing import Final, Literal

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.worker import Malformed, QueueWorker, WorkerQueue
from lambda_src.services.nbhd_city.bootstrap.common import Surroundings
from lambda_src.services.nbhd_city.messages import TableTask, Task, parse_task
from lambda_src.services.nbhd_city.service.tasks import TaskService
from lambda_src.services.nbhd_city.settings import WorkerSettings

MAX_RECEIVES: Final = 5  # as the queue's redrive policy says


def build_worker(
    settings: WorkerSettings, surroundings: Surroundings, *, after: Callable[[], None] | None = None
) -> QueueWorker[Task]:
    """The handler of the queue and of what is scheduled. after: runs at the end of every invocation."""
    service = TaskService(
        repository=surroundings.repository(settings),
        tasks=surroundings.tasks(settings),
        clock=surroundings.clock,
        count=surroundings.count,
        shards=settings.nbhd_list_shards,
    )
    return QueueWorker(
        parse=_parse,
        kind=lambda task: task.task,
        budget_seconds=lambda _: settings.task_budget_seconds,
        handle=lambda task, _delivery, deadline: service.handle(task, deadline),
        queue=surroundings.queue,
        queues=[WorkerQueue(settings.nbhd_task_queue_url, settings.nbhd_task_dlq_url)],
        max_receives=MAX_RECEIVES,
        retry_base_seconds=settings.retry_base_seconds,
        tasks={name: partial(_run, service, name) for name in ("sweep", "audit", "reshard")},
        usage=surroundings.usage(),
        after=after,
    )


def _run(service: TaskService, name: Literal["sweep", "audit", "reshard"], deadline: Deadline) -> None:
    service.handle(TableTask(task=name), deadline)


def _parse(body: str) -> Task:
    try:
        return parse_task(body)
    except ValueError as exc:
        raise Malformed(str(exc)) from exc
