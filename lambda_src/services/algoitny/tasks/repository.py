"""Tasks as they are stored. A delivery works on one only while it has its lease, see `dynamo/leases.py`.

PENDING, RETRY ── claim ──▶ STARTED ── finish ──▶ SUCCESS
      ▲                        │ ├── progress ──▶ PROGRESS, free for the next message
      └── reopen ── FAILURE ◀──┘ └── postpone ──▶ RETRY, free for the next delivery
                          give up
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any, Final, NamedTuple

from lambda_src.dynamo import leases
from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled, applied
from lambda_src.dynamo.leases import Lease
from lambda_src.dynamo.schema import AccessPattern
from lambda_src.dynamo.store import ABSENT, Action, Attr, Condition, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.errors import LeaseHeld
from lambda_src.services.algoitny.models.tasks import OPEN_TASK_SHARDS, OPEN_TASKS, Task
from lambda_src.services.algoitny.settings import DAY_SECONDS

KEPT_SECONDS: Final = 30 * DAY_SECONDS
MAX_MESSAGE: Final = 500  # characters of an error
_PER_SHARD: Final = 100  # open tasks that are looked at
_IS_OPEN: Final = Attr("status").is_in(sorted(OPEN_TASKS))

type Reversal = Callable[[str, str, datetime], Sequence[Action]]
"""What gives a charge back at a moment, by the keys of its log; refused where that was done, or the log is gone."""


class Failure(NamedTuple):
    """Why a task failed. message: may be shown to whoever asked for it."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TaskRepository:
    """Raises what the store raises."""

    store: Store
    clock: Clock

    def create(self, task: Task) -> None:
        """Store a new task. Raises ConditionFailed where there is one of its id. 1 request."""
        self.store.put(tables.CREATE_TASK, Put(items.TASK, task, ABSENT))

    def get(self, task_id: str) -> Task | None:
        """A task as it is this instant, None where there is none or its time is over. 1 request; 1 RRU."""
        task = self.store.get(tables.GET_TASK, task_id=task_id)
        return None if task is None or task.expires_at * 1000 <= self._now() else task

    def claim(self, task_id: str, lease: Lease, lease_ms: int) -> Task | None:
        """Begin to work on a task, which is as it stands then; None where there is nothing to be done.

        lease_ms: how long nobody else may. Raises LeaseHeld while another delivery works on it. 1 request.
        """
        now = self._now()
        update = Update().set(status="STARTED", updated_at=now).add(attempts=1)
        # Its own lease is what a try has taken whose answer got lost.
        free = leases.can_take(lease, now_ms=now) | leases.is_held(lease)
        key = items.TASK.key(task_id=task_id)
        taken = leases.take(update, lease, until_ms=now + lease_ms)
        claim = UpdateItem(key, taken, _IS_OPEN & free, return_old=True)
        try:
            return items.TASK.model(self.store.update(tables.CLAIM_TASK, claim, returning="ALL_NEW"))
        except ConditionFailed as refused:
            if refused.item is not None and items.TASK.model(refused.item).is_open:
                raise LeaseHeld from refused
            return None

    def progress(self, task_id: str, lease: Lease, *, current: int, total: int, arguments: Mapping[str, Any]) -> bool:
        """Leave the rest of a task to its next message. arguments: where that goes on; current, total: how far it is.

        What was done counts as no attempt. False when the task is not this delivery's any more. 1 request.
        """
        said = {"status": "PROGRESS", "current": current, "total": total, "arguments": arguments, "attempts": 0}
        return self._change(tables.PROGRESS_TASK, task_id, leases.release(Update().set(**said)), leases.is_held(lease))

    def postpone(self, task_id: str, lease: Lease) -> bool:
        """Leave a task to the next delivery of its message; False when it is not this one's any more. 1 request."""
        update = leases.release(Update().set(status="RETRY"))
        return self._change(tables.PROGRESS_TASK, task_id, update, leases.is_held(lease))

    def finish(self, task_id: str, lease: Lease, result: Mapping[str, Any]) -> bool:
        """A task succeeded; False when it is not this delivery's any more. result: ids and counts. 1 request."""
        update = _closed(Update().set(status="SUCCESS", result=result))
        return self._change(tables.FINISH_TASK, task_id, update, _IS_OPEN & leases.is_held(lease))

    def give_up(self, task: Task, lease: Lease | None, failure: Failure, reversal: Reversal) -> bool:
        """A task failed for good; in the same transaction its charge is given back, once, where it had one.

        lease: of the delivery that gives up; None for who has no delivery. False when the task is over already, or
        another delivery is at work on it. 1 request, 2 where the charge was given back before.
        """
        now = self._now()
        update = Update().set(status="FAILURE", error_code=failure.code, error_message=failure.message[:MAX_MESSAGE])
        free = Attr("lease_until").not_exists() | Attr("lease_until").lt(now)
        allowed = _IS_OPEN & (free if lease is None else free | leases.is_held(lease))
        end = UpdateItem(items.TASK.key(task_id=task.task_id), _closed(update).set(updated_at=now), allowed)
        charge = () if task.log_pk is None or task.log_sk is None else reversal(task.log_pk, task.log_sk, self.clock())
        try:
            self.store.transact(tables.GIVE_UP_TASK, [end, *charge])
        except TransactionCancelled as cancelled:
            if cancelled.failed(0):
                return False
            return applied(self.store.transact, tables.GIVE_UP_TASK, [end])
        return True

    def reopen(self, task: Task) -> bool:
        """Let a task that failed be tried again; False when it is not failed any more. 1 request."""
        now = self._now()
        listed = items.TASK.index_keys_of(replace(task, status="RETRY"))
        update = Update().set(status="RETRY", attempts=0, expires_at=now // 1000 + KEPT_SECONDS, **listed)
        again = update.remove("error_code", "error_message")
        return self._change(tables.REOPEN_TASK, task.task_id, again, Attr("status").eq("FAILURE"))

    def list_open(self, older_than: int) -> list[Task]:
        """Tasks that are not done and were created before a time, oldest first, as they are this instant: up to 400.

        older_than: milliseconds. 4 Queries, and 1 request per 100 tasks.
        """
        shards = range(OPEN_TASK_SHARDS)
        listed = (self.store.items(tables.OPEN_TASKS, open_shard=each, stop_after=_PER_SHARD) for each in shards)
        keys = [items.TASK.key(task_id=each.task_id) for each in chain(*listed) if each.created_at < older_than]
        tasks = (task for task in self.store.batch_get(tables.TASKS_BY_ID, keys) if task.is_open)
        return sorted(tasks, key=lambda task: (task.created_at, task.task_id))

    def _change(self, pattern: AccessPattern[Any], task_id: str, update: Update, condition: Condition) -> bool:
        change = UpdateItem(items.TASK.key(task_id=task_id), update.set(updated_at=self._now()), condition)
        return applied(self.store.update, pattern, change)

    def _now(self) -> int:
        return epoch_ms(self.clock())


def _closed(update: Update) -> Update:
    """No delivery works on it any more, and it leaves the list of open tasks."""
    return leases.release(update).remove("GSI2PK", "GSI2SK")
