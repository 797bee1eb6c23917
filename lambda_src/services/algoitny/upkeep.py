"""Work nobody waits for: tasks whose message or worker was lost, and what a new deployment has to have."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.worker import MAX_RECEIVES, RETRY_CAP_SECONDS
from lambda_src.services.algoitny.messages import TYPES
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.settings import Counts
from lambda_src.services.algoitny.tasks.repository import Failure
from lambda_src.services.algoitny.tasks.runner import TaskRunner
from lambda_src.services.algoitny.tasks.service import TaskService

logger = logging.getLogger(__name__)

LOST: Final = Failure("worker_lost", "The work was cut off several times")

_LEFT_ALONE_MS: Final = 5 * 60_000  # in which messages and workers come by themselves
_BETWEEN_TRIES_MS: Final = 2 * RETRY_CAP_SECONDS * 1000  # after which the message of a failed try has come again
_ONE_TASK_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Upkeep:
    """ensured: what has to be there, by what a log calls it."""

    tasks: TaskService
    runner: TaskRunner
    ensured: Mapping[str, Callable[[], object]]
    metrics: Metrics
    clock: Clock

    def maintain(self, deadline: Deadline) -> None:
        """Bring the oldest open tasks forward, up to 400, each for itself.

        4 Queries, 1 request per 100 tasks, then a message or a request for each that was left behind; and those of what
        is ensured. What fails or is not reached in time comes first the next time.
        """
        for name, ensure in self.ensured.items():
            self._alone(name, ensure)
        now = epoch_ms(self.clock())
        open_tasks = self.tasks.repository.list_open(older_than=now - _LEFT_ALONE_MS)
        for done, task in enumerate(open_tasks):
            if deadline.remaining_seconds() < _ONE_TASK_SECONDS:
                logger.warning("maintenance out of time", extra={"left_count": len(open_tasks) - done})
                return
            self._alone(task.task_id, partial(self._look_after, task, now))

    def _look_after(self, task: Task, now: int) -> None:
        """Send the message of a task again, or give the task up, where it was left behind. now: milliseconds."""
        is_between_tries = task.status == "RETRY"
        since = task.updated_at if is_between_tries or task.lease_until is None else task.lease_until
        if task.kind not in TYPES or since > now - (_BETWEEN_TRIES_MS if is_between_tries else _LEFT_ALONE_MS):
            return
        if task.attempts >= MAX_RECEIVES and not is_between_tries:
            logger.warning("task given up", extra={"task_id": task.task_id, "kind": task.kind})
            self.runner.repository.give_up(task, None, LOST, self.runner.reversal)
        else:
            logger.warning("task sent again", extra={"task_id": task.task_id, "kind": task.kind})
            self.metrics.count(Counts.TASK_RESENT)
            self.tasks.send(task)

    def _alone(self, what: str, step: Callable[[], object]) -> None:
        """One step, whose failure costs the others nothing."""
        try:
            step()
        except Exception:  # whatever it was, the others go on
            logger.exception("maintenance failed for one", extra={"subject": what})
            self.metrics.count(Counts.SWEEP_FAILED)
