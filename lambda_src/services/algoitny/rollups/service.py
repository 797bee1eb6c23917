"""The usage of whole days, all users together: added up once a day is over, and shown to administrators."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Final, NamedTuple

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import ABSENT, Attr, Put, Store
from lambda_src.errors import InvalidInput
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.models.plans import SubscriptionPlan
from lambda_src.services.algoitny.models.tasks import Done, Task, Unfinished
from lambda_src.services.algoitny.models.usage import UsageRollup
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.rollups.rules import Progress, activity
from lambda_src.services.algoitny.tasks.service import TaskService
from lambda_src.services.algoitny.usage.rules import days_back, format_date
from lambda_src.services.algoitny.usage.service import UsageService

USERS_AT_ONCE: Final = 1_000
MAX_PARTS: Final = 10_000
SPARE_SECONDS: Final = 60.0  # with less than that left, the rest is for another message
COUNTED_DAYS: Final = 89  # whose counters are all still there
SETTLED: Final = timedelta(minutes=30)  # after midnight, when what began before it has ended
_BEGUN_AGAIN_MS: Final = 3_600_000
TOP_SHOWN: Final = 10


class UsageStats(NamedTuple):
    """days: those that are over, oldest first. top_users: the busiest that are there still, with their activity."""

    days: Sequence[UsageRollup]
    plans: Sequence[SubscriptionPlan]
    top_users: Sequence[tuple[User, int]]


@dataclass(frozen=True, slots=True)
class Rollups:
    """Adds days up and shows them."""

    store: Store
    usage: UsageService
    plans: PlanCatalog
    tasks: TaskService
    clock: Clock

    def start(self, date: str) -> Task:
        """Have a day added up, again where it was. 1 request and 1 message.

        Raises InvalidInput for a day that is not over, or whose counters may have expired.
        """
        self._check(date)
        return self.tasks.start("rollup", user_id=None, arguments=Progress(date).arguments)

    def ensure_yesterday(self) -> None:
        """Have yesterday added up where nobody did, from half an hour after its end. 1 request; else 3 and 1 message.

        What was begun an hour ago and did not come to its end is begun again.
        """
        now = self.clock()
        date = format_date(now - SETTLED - timedelta(days=1))
        found = self.store.get(tables.ROLLUP_OF_DAY, date=date)
        if found is not None and found.is_complete:
            return
        begun = UsageRollup(date=date, created_at=epoch_ms(now))
        is_left = Attr("is_complete").eq(operand=False) & Attr("created_at").lte(begun.created_at - _BEGUN_AGAIN_MS)
        if applied(self.store.put, tables.WRITE_ROLLUP, Put(items.USAGE_ROLLUP, begun, ABSENT | is_left)):
            self.start(date)

    def run(self, task: Task, deadline: Deadline) -> Done | Unfinished:
        """Add a day up, in as many messages as it takes; the same day again gives the same.

        Raises InvalidInput as `start` does. 1 request per 1,000 users and 1 per 50 of them, then 2 or 3.
        """
        progress = Progress.of(task.arguments)
        self._check(progress.date)
        for _ in range(MAX_PARTS):
            users = self.store.items(tables.LIST_USERS, stop_after=USERS_AT_ONCE, after=progress.after)
            usage = self.usage.of_users([user.user_id for user in users], progress.date)
            sums, looked_at = progress.sums.plus(usage), progress.users + len(users)
            if len(users) < USERS_AT_ONCE:
                return self._finished(Progress(progress.date, sums, looked_at))
            last = {"created_at": users[-1].created_at, "user_id": users[-1].user_id}
            progress = Progress(progress.date, sums, looked_at, last)
            if deadline.remaining_seconds() < SPARE_SECONDS:
                break
        return Unfinished(progress.arguments, progress.users, self._total_users())

    def _finished(self, progress: Progress) -> Done:
        sums = progress.sums
        rollup = UsageRollup(
            date=progress.date,
            created_at=epoch_ms(self.clock()),
            hints_count=sums.hints,
            executions_count=sums.executions,
            active_users=sums.active_users,
            total_users=self._total_users(),
            total_problems=self.store.count(tables.COMPLETED_PROBLEMS, state="COMPLETED"),
            top=tuple(sums.top),
            is_complete=True,
        )
        self.store.put(tables.WRITE_ROLLUP, Put(items.USAGE_ROLLUP, rollup))
        return Done({"hints": sums.hints, "executions": sums.executions, "users": progress.users})

    def _total_users(self) -> int:
        return sum(plan.user_count for plan in self.plans.all())

    def _check(self, date: str) -> None:
        if date not in days_back(format_date(self.clock()), COUNTED_DAYS + 1)[1:]:
            raise InvalidInput(f"A day can be added up when it is over, for {COUNTED_DAYS} days")

    def stats(self, days: int) -> UsageStats:
        """The last days that are over. 2 requests, and 1 for plans that were not read within the last minute."""
        dates = days_back(format_date(self.clock()), days + 1)[:0:-1]
        keys = [items.USAGE_ROLLUP.key(date=date) for date in dates]
        found = {each.date: each for each in self.store.batch_get(tables.ROLLUPS_OF_DAYS, keys)}
        rollups = [found.get(date) or UsageRollup(date=date, created_at=0) for date in dates]
        return UsageStats(rollups, self.plans.all(), self._top_users(rollups))

    def _top_users(self, rollups: Sequence[UsageRollup]) -> list[tuple[User, int]]:
        total: Counter[int] = Counter()
        for each in chain.from_iterable(day.top for day in rollups):
            total[each["user_id"]] += activity(each)
        asked = sorted(total, key=lambda user_id: (-total[user_id], user_id))[:100]
        keys = [items.USER.key(user_id=user_id) for user_id in asked]
        users = {user.user_id: user for user in self.store.batch_get(tables.USERS_OF_PAGE, keys)}
        return [(users[user_id], total[user_id]) for user_id in asked if user_id in users][:TOP_SHOWN]
