"""The loop around a queue's messages: every message alone, at least once, and none ever lost.

What happens to a message, and what SQS is told:

    cannot be parsed ---------------------- copy to the dead-letter queue with its reason ---- acknowledged
    no time left for it ------------------- shown again at once ------------------------------ reported as failed
    handled ------------------------------------------------------------------------------------ acknowledged
    failed, may succeed later ------------- hidden for 30 s * 2^(receives-1), at most 15 min - reported as failed
      on its last receive: `on_exhausted` settles it ------------------------------------------- acknowledged
                           else copy to the dead-letter queue with its reason ---------------- acknowledged
    failed for good (not retryable) ------- copy to the dead-letter queue with its reason ---- acknowledged
    the process dies ---------------------- visible again when budget + 30 s are over

A copy that cannot be made reports the message as failed: then the queue's own redrive policy has the last word. No
state is kept in memory between messages, so a killed process loses nothing but time.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lambda_src.dynamo.meter import UsageMeter
from lambda_src.errors import AppError, StoreUnavailable
from lambda_src.runtime.correlation import correlated
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery, InvocationContext
from lambda_src.runtime.messages import Malformed
from lambda_src.runtime.queue import MAX_VISIBILITY_SECONDS, QueueClient, queue_name
from lambda_src.runtime.work_log import work_logged

logger = logging.getLogger(__name__)

MAX_RECEIVES = 5  # of a message before it goes to the dead-letter queue; the queues' redrive policies say the same
RETRY_CAP_SECONDS = 900
RETRY_SPREAD = 0.2

type Outcome = Literal["done", "retry", "declined", "exhausted", "refused"]


@dataclass(frozen=True, slots=True)
class WorkerQueue:
    """A queue the worker is fed from, and where refused messages go."""

    url: str
    dead_letter_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueWorker[M]:
    """A Lambda handler for SQS batches (with partial batch responses) and scheduled tasks.

    parse: the message in a body; raises Malformed. kind: its name in logs. budget_seconds: the most time it may take.
    handle: does the work; its deadline ends with the budget, or `safety_seconds` before the invocation if that is
    sooner. on_exhausted: called when a message failed on its `max_receives`th receive; True if that settles it.
    tasks: what a schedule may ask for as `{"task": "<name>"}`. after: runs at the end of every invocation.
    grace_seconds: how much longer than its budget a message stays hidden, so that two workers rarely meet.
    """

    parse: Callable[[str], M]
    kind: Callable[[M], str]
    budget_seconds: Callable[[M], float]
    handle: Callable[[M, Delivery, Deadline], None]
    on_exhausted: Callable[[M, Delivery, Exception], bool] | None = None
    queue: QueueClient
    queues: Sequence[WorkerQueue]
    usage: UsageMeter
    max_receives: int = MAX_RECEIVES
    tasks: Mapping[str, Callable[[Deadline], None]] = field(default_factory=dict)
    after: Callable[[], None] | None = None
    safety_seconds: float = 10.0
    grace_seconds: float = 30.0
    retry_base_seconds: float = 30.0
    jitter: Callable[[], float] = random.random
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, event: Mapping[str, Any], context: InvocationContext) -> dict[str, Any]:
        """Handle one invocation: `{"Records": [...]}` from a queue or `{"task": "..."}` from a schedule.

        Returns `{"batchItemFailures": [{"itemIdentifier": message id}, ...]}`. A failing task raises, so that the
        invocation counts as failed. Raises ValueError for any other event.
        """
        deadline = Deadline.of_invocation(context, monotonic=self.monotonic).minus(self.safety_seconds)
        try:
            if "task" in event:
                self._run_task(str(event["task"]), deadline, context)
                return {}
            if "Records" not in event:
                raise ValueError("the event is neither a batch of messages nor a task")
            return {"batchItemFailures": [{"itemIdentifier": i} for i in self._failures(event["Records"], deadline)]}
        finally:
            if self.after is not None:
                self.after()

    def _run_task(self, name: str, deadline: Deadline, context: InvocationContext) -> None:
        if name not in self.tasks:
            raise ValueError(f"there is no task named {name!r}")
        said = {"kind": name, "outcome": "failed"}
        with (
            correlated(context.aws_request_id),
            work_logged("task finished", self.usage, self.monotonic, **said) as line,
        ):
            self.tasks[name](deadline)
            line["outcome"] = "done"

    def _failures(self, records: Sequence[Mapping[str, Any]], deadline: Deadline) -> list[str]:
        """Ids of the messages that have to be delivered again."""
        failed = []
        for position, record in enumerate(records):
            delivery = Delivery.of_record(record)
            with (
                correlated(delivery.correlation_id),
                work_logged(
                    "message handled",
                    self.usage,
                    self.monotonic,
                    queue=delivery.queue,
                    message_id=delivery.message_id,
                    receive_count=delivery.receive_count,
                ) as line,
            ):
                # The first message is always taken: with less time than its budget it would never run at all.
                kind, outcome = self._take(delivery, deadline, may_decline=position > 0)
                line |= {"kind": kind, "outcome": outcome}
            if outcome in {"declined", "retry"}:
                failed.append(delivery.message_id)
        return failed

    def _take(self, delivery: Delivery, deadline: Deadline, *, may_decline: bool) -> tuple[str, Outcome]:
        try:
            message = self.parse(delivery.body)
        except Malformed as error:
            return "malformed", self._refuse(delivery, error.detail)
        except Exception:  # a bug in the parser: this message waits for its repair, the others go on
            logger.exception("message could not be parsed")
            return "malformed", "retry"
        kind, budget_seconds = self.kind(message), self.budget_seconds(message)
        if may_decline and deadline.remaining_seconds() < budget_seconds:
            self._hide(delivery, 0)
            return kind, "declined"
        self._hide(delivery, budget_seconds + self.grace_seconds)
        return kind, self._attempt(message, delivery, deadline.at_most(budget_seconds))

    def _attempt(self, message: M, delivery: Delivery, deadline: Deadline) -> Outcome:
        """Run the handler once and decide what becomes of the message."""
        try:
            self.handle(message, delivery, deadline)
        except AppError as error:
            if not error.retryable:
                logger.warning("message cannot succeed", exc_info=error)
                return self._refuse(delivery, f"{error.code}: {error.detail}")
            if error.is_expected:
                logger.info("message has to wait", extra={"code": error.code})
            else:
                logger.warning("message failed", exc_info=error)
            return self._after_failure(message, delivery, error)
        except Exception as error:  # a bug must cost this message its attempt, and the others nothing
            logger.exception("message failed unexpectedly")
            return self._after_failure(message, delivery, error)
        return "done"

    def _after_failure(self, message: M, delivery: Delivery, error: Exception) -> Outcome:
        if delivery.receive_count < self.max_receives:
            self._hide(delivery, self._retry_delay_seconds(delivery, error))
            return "retry"
        return self._exhaust(message, delivery, error)

    def _exhaust(self, message: M, delivery: Delivery, error: Exception) -> Outcome:
        """The last receive failed: let the service settle it, else set the message aside with its reason."""
        reason = f"{type(error).__name__} on receive {delivery.receive_count} of {self.max_receives}"
        try:
            if self.on_exhausted is not None and self.on_exhausted(message, delivery, error):
                return "exhausted"
        except Exception:  # whatever fails here, the message has still to be set aside
            logger.exception("exhausted message could not be settled")
        return self._refuse(delivery, reason)

    def _retry_delay_seconds(self, delivery: Delivery, error: Exception) -> float:
        exponent = min(delivery.receive_count - 1, 10)
        delay = min(RETRY_CAP_SECONDS, self.retry_base_seconds * 2.0**exponent)
        spread = delay * (1 - RETRY_SPREAD + 2 * RETRY_SPREAD * self.jitter())
        asked = error.retry_after_seconds if isinstance(error, AppError) else None
        return max(spread, asked or 0.0)

    def _refuse(self, delivery: Delivery, reason: str) -> Outcome:
        """Copy the message to its dead-letter queue, with the reason; "retry" where that failed."""
        queue = self._queue_of(delivery)
        if queue is None:
            return "retry"
        is_set_aside = self.queue.set_aside(
            queue.dead_letter_url, delivery.body, correlation_id=delivery.correlation_id, reason=reason
        )
        return "refused" if is_set_aside else "retry"

    def _hide(self, delivery: Delivery, seconds: float) -> None:
        """Move the visibility. A failure is only logged: the queue's own, longer visibility then applies."""
        queue = self._queue_of(delivery)
        if queue is None:
            return
        try:
            self.queue.set_visibility(
                queue.url, delivery.receipt_handle, min(MAX_VISIBILITY_SECONDS, max(0, round(seconds)))
            )
        except StoreUnavailable:
            logger.warning("visibility could not be moved", extra={"message_id": delivery.message_id})

    def _queue_of(self, delivery: Delivery) -> WorkerQueue | None:
        for each in self.queues:
            if queue_name(each.url) == delivery.queue:
                return each
        logger.error("message from an unknown queue", extra={"queue": delivery.queue})
        return None
