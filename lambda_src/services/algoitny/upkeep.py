"""Work nobody waits for: tasks whose message or worker was lost, and what a new deployment has to have."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

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

type Verdict = Literal["leave", "resend", "give up"]


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
            self._alone(task.task_id, self._look_after, task, now)

    def _look_after(self, task: Task, now: int) -> None:
        match verdict(task, now):
            case "resend":
                logger.warning("task sent again", extra={"task_id": task.task_id, "kind": task.kind})
                self.metrics.count(Counts.TASK_RESENT)
                self.tasks.send(task)
            case "give up":
                logger.warning("task given up", extra={"task_id": task.task_id, "kind": task.kind})
                self.runner.fail(task, LOST)

    def _alone[**P](self, what: str, step: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """One step, whose failure costs the others nothing."""
        try:
            step(*args, **kwargs)
        except Exception:  # whatever it was, the others go on
            logger.exception("maintenance failed for one", extra={"subject": what})
            self.metrics.count(Counts.SWEEP_FAILED)


def verdict(task: Task, now: int) -> Verdict:
    """What becomes of an open task. now: milliseconds."""
    if task.kind not in TYPES:
        return "leave"
    if task.status == "RETRY":
        return "resend" if task.updated_at <= now - _BETWEEN_TRIES_MS else "leave"
    since = task.updated_at if task.lease_until is None else task.lease_until
    if since > now - _LEFT_ALONE_MS:
        return "leave"
    return "give up" if task.attempts >= MAX_RECEIVES else "resend"
