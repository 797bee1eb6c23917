"""Tasks as users and other features see them: asked for, looked at, and tried again."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from lambda_src.dynamo.store import ABSENT, Put
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import NotFailed, TaskNotFound
from lambda_src.services.algoitny.messages import TaskMessage
from lambda_src.services.algoitny.models.tasks import TASK_ID, Task, TaskKind
from lambda_src.services.algoitny.models.users import Principal
from lambda_src.services.algoitny.tasks.repository import KEPT_SECONDS, TaskRepository

_TASK_ID: Final = re.compile(TASK_ID)


def new_id(now: datetime) -> str:
    """A ULID of this moment."""
    from ulid import ULID  # noqa: PLC0415 -- few requests make one, and importing it takes a tenth of a start

    return str(ULID.from_datetime(now))


@dataclass(frozen=True, slots=True)
class TaskService:
    """Work that a request asks for is stored with what gives rise to it, and sent then:

        task = tasks.new("user_purge", user_id=7, arguments={"user_id": 7})
        store.transact(DELETE_USER, [..., tasks.put(task)])
        tasks.send(task)

    A message that cannot be sent costs no more than time: the task stays as it is, and maintenance sends it.
    """

    repository: TaskRepository
    queue: WorkQueue[TaskMessage]
    clock: Clock
    new_id: Callable[[datetime], str] = new_id

    def new(self, kind: TaskKind, *, user_id: int | None, arguments: Mapping[str, Any]) -> Task:
        """A task that is nowhere yet. user_id: whoever may look at it, beside administrators. arguments: up to 8 KB."""
        now_ms = epoch_ms(now := self.clock())
        return Task(
            task_id=self.new_id(now), kind=kind, user_id=user_id, arguments=arguments,
            created_at=now_ms, updated_at=now_ms, expires_at=now_ms // 1000 + KEPT_SECONDS,
        )  # fmt: skip

    @staticmethod
    def put(task: Task) -> Put[Task]:
        """What stores a new task, for a transaction."""
        return Put(items.TASK, task, ABSENT)

    def send(self, task: Task) -> None:
        """Let the worker know of a task that is stored. 1 message."""
        self.queue.send_or_leave(TaskMessage.of(task))

    def start(self, kind: TaskKind, *, user_id: int | None, arguments: Mapping[str, Any]) -> Task:
        """Store a new task and send it. 1 request and 1 message."""
        task = self.new(kind, user_id=user_id, arguments=arguments)
        self.repository.create(task)
        self.send(task)
        return task

    def get(self, task_id: str, caller: Principal) -> Task:
        """A task of the caller, or any for an administrator. Raises TaskNotFound. 1 request, none for what is no id."""
        task = self._found(task_id)
        if task.user_id != caller.user_id and not caller.is_admin:
            raise TaskNotFound
        return task

    def retry(self, task_id: str) -> Task:
        """Have a task tried again that failed. Raises TaskNotFound, NotFailed. 2 requests and 1 message."""
        task = self._found(task_id)
        if not self.repository.reopen(task):
            raise NotFailed
        self.send(task)
        return replace(task, status="RETRY")

    def _found(self, task_id: str) -> Task:
        task = self.repository.get(task_id) if _TASK_ID.fullmatch(task_id) else None
        if task is None:
            raise TaskNotFound
        return task
