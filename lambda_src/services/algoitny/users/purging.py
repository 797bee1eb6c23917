"""What is left of a user who was removed, and how it goes: runs, usage and what was counted.

It is done again a minute after the removal. A request that began before that may still charge and record a run, until
the API's own time is over, and the list of runs shows one a moment later; the last time finds what the first could not.

    PENDING ──▶ runs, usage, counts ──a minute──▶ runs, usage, counts ──▶ SUCCESS

The clock says which time is the last one: a message may come twice, and one that comes late needs no other.

Each step only deletes what is there, so it may be cut off anywhere and begun again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from lambda_src.dynamo.store import Store
from lambda_src.errors import Conflict
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.algoitny import tables
from lambda_src.services.algoitny.models.tasks import Done, Task, Unfinished
from lambda_src.services.algoitny.usage.rules import days_before, format_date

SPARE_SECONDS: Final = 20.0  # with less than that left, the rest is for another message
SETTLING_SECONDS: Final = 60  # longer than a request of the API and the lag of an index


class NotRemoved(Conflict):
    """There is this user: nothing of one may go who is still there."""


@dataclass(frozen=True, slots=True)
class Purger:
    """Handler of `user_purge` tasks.

    forget_runs: some runs of a user, returns how many were found. forget_day: the usage of a user and day.
    """

    store: Store
    forget_runs: Callable[[int], int]
    forget_day: Callable[[int, str], object]
    clock: Clock

    def run(self, task: Task, deadline: Deadline) -> Done | Unfinished:
        """Forget a user, in as many messages as it takes. Raises NotRemoved.

        1 request, 2 for each run and 1 for 25 of them, 1 for each of 93 days, 1 for what was counted, and 1 for every
        25 items.
        """
        early_ms = task.created_at + SETTLING_SECONDS * 1000 - epoch_ms(self.clock())
        said: dict[str, Any] = {**task.arguments, "runs": int(task.arguments.get("runs", 0))}
        user_id = int(said["user_id"])
        if self.store.get(tables.GET_USER_BY_ID, user_id=user_id) is not None:
            raise NotRemoved
        for _ in range(10_000):
            if deadline.remaining_seconds() < SPARE_SECONDS:
                return Unfinished(said, current=said["runs"])
            found = self.forget_runs(user_id)
            if not found:
                break
            said["runs"] += found
        for day in days_before(format_date(self.clock() + timedelta(days=1))):
            if deadline.remaining_seconds() < SPARE_SECONDS:
                return Unfinished(said, current=said["runs"])
            self.forget_day(user_id, day)
        counts = self.store.rows(tables.ITEMS_OF_USER, "PK", "SK", user_id=user_id)
        self.store.batch_write(tables.FORGET_USER, deletes=counts)
        if early_ms > 0:
            return Unfinished(said, current=said["runs"], delay_seconds=-(-early_ms // 1000))
        return Done({"runs": said["runs"]})
