"""What the worker does with the message of a task: each task is worked on by one delivery at a time, to its end.

    claimed, and its handler says Done --------------------- SUCCESS ------------------------- acknowledged
    claimed, and its handler says Unfinished --------------- PROGRESS, and a new message ----- acknowledged
    claimed, and fails for now ----------------------------- RETRY --------------------------- delivered again
    claimed, and fails for good, or for the last time ------ FAILURE, its charge given back -- acknowledged, set aside
    over already, or unknown -------------------------------------------------------------------- acknowledged
    another delivery is at work on it ----------------------------------------------------------- delivered again
    the process dies --------------------------------------- free when the lease is over ----- delivered again

A handler may be begun again at any point, also one that had come to its end: what it does has to be the same then.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from lambda_src.dynamo.leases import Lease
from lambda_src.errors import AppError
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.algoitny.errors import LeaseHeld
from lambda_src.services.algoitny.messages import TaskMessage
from lambda_src.services.algoitny.models.tasks import Done, Task, TaskKind, Unfinished
from lambda_src.services.algoitny.tasks.repository import Failure, Reversal, TaskRepository

logger = logging.getLogger(__name__)

_UNEXPECTED: Final = Failure(AppError.code, AppError.default_detail)  # of a bug, which says nothing of itself


type Handler = Callable[[Task, Deadline], Done | Unfinished]
"""Works on a task until its deadline. Raises a retryable AppError to be tried again, another to give up at once."""


@dataclass(frozen=True, slots=True)
class TaskRunner:
    """reversal: see there. lease_ms: as long as a delivery may take."""

    repository: TaskRepository
    queue: WorkQueue[TaskMessage]
    handlers: Mapping[TaskKind, Handler]
    reversal: Reversal
    lease_ms: int

    def handle(self, message: TaskMessage, delivery: Delivery, deadline: Deadline) -> None:
        """Work on a task. Raises LeaseHeld, and what its handler raises to be tried again. 2 requests and its own."""
        lease = Lease(delivery.message_id, delivery.receive_count)
        task = self.repository.claim(message.task_id, lease, self.lease_ms)
        if task is None:
            logger.info("task is over", extra={"task_id": message.task_id})
            return
        try:
            outcome = self.handlers[task.kind](task, deadline)
        except Exception as error:
            if isinstance(error, AppError) and not error.retryable:
                self._fail(task, lease, error)
                return
            self.repository.postpone(task.task_id, lease)
            raise
        if not self._settle(task, lease, outcome):
            logger.warning("outcome of a late delivery dropped", extra={"task_id": task.task_id})

    def exhausted(self, message: TaskMessage, delivery: Delivery, error: Exception) -> bool:
        """The last delivery failed, so the task has. 2 requests.

        False: the message goes to the dead-letter queue with its reason. True when it only met another delivery, which
        settles it; if that one died, maintenance finds the task.
        """
        if isinstance(error, LeaseHeld):
            return True
        if (task := self.repository.get(message.task_id)) is not None:
            self._fail(task, Lease(delivery.message_id, delivery.receive_count), error)
        return False

    def _settle(self, task: Task, lease: Lease, outcome: Done | Unfinished) -> bool:
        """False when the task is not this delivery's any more."""
        if isinstance(outcome, Done):
            return self.repository.finish(task.task_id, lease, outcome.result)
        arguments, current, total, delay_seconds = outcome
        if not self.repository.progress(task.task_id, lease, current=current, total=total, arguments=arguments):
            return False
        self.queue.send_or_leave(TaskMessage.of(replace(task, arguments=arguments)), delay_seconds=delay_seconds)
        return True

    def _fail(self, task: Task, lease: Lease, error: Exception) -> None:
        logger.warning("task failed", exc_info=error, extra={"task_id": task.task_id, "kind": task.kind})
        failure = Failure(error.code, error.detail) if isinstance(error, AppError) else _UNEXPECTED
        self.repository.give_up(task, lease, failure, self.reversal)
