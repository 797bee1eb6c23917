"""What users did, as the stream counts it: each event once, however often it comes."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.failures import unavailable
from lambda_src.dynamo.schema import Entity
from lambda_src.dynamo.store import ABSENT, Action, Attr, Condition, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.models.histories import History
from lambda_src.services.algoitny.models.statistics import EventMarker, UserProblem, UserStats
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.settings import DAY_SECONDS
from lambda_src.services.algoitny.statistics.rules import Change, passed

MARKER_SECONDS: Final = 7 * DAY_SECONDS  # a stream hands over records for a day
TRIES: Final = 5  # each lost to another event of the same user


@dataclass(frozen=True, slots=True)
class UserStatsRepository:
    """Raises what the store raises."""

    store: Store
    clock: Clock

    def get_stats(self, user_id: int) -> UserStats:
        """What a user did, nothing but zeros for who did nothing. 1 request; 1 RRU."""
        return self.store.get(tables.GET_STATS, user_id=user_id) or UserStats(user_id=user_id)

    def count_unique_problems(self, user_id: int) -> int:
        """How many problems a user ever ran. 1 request; 1 RRU."""
        return self.get_stats(user_id).unique_problems

    def get_total_executions(self, user_id: int) -> int:
        """How many runs a user ever made. 1 request; 1 RRU."""
        return self.get_stats(user_id).total_executions

    def has_run(self, user_id: int, platform: str, problem_id: str) -> bool:
        """Whether a user ever ran a problem. 1 request; 1 RRU."""
        found = self.store.get(tables.HAS_RUN, user_id=user_id, platform=platform, problem_id=problem_id)
        return found is not None

    def apply_history_event(self, change: Change) -> bool:
        """Count an event; False when it was counted before.

        Raises StoreUnavailable where other events of the same user came first each time. 1 request to read, none for
        what nobody made, and 1 transaction: 2 WRU each for the event, the user, the problem and the hour, and 2 more at
        a user's first run of a problem. Both again where another event came between.
        """
        for _ in range(TRIES):
            counted = [*self._of_user(change), *_of_others(change)]
            if not counted:
                return True
            expires_at = int(self.clock().timestamp()) + MARKER_SECONDS
            marker = Put(items.EVENT_MARKER, EventMarker(change.event_id, expires_at), ABSENT)
            try:
                self.store.transact(tables.APPLY_HISTORY_EVENT, [marker, *counted])
            except TransactionCancelled as cancelled:
                if cancelled.failed(0):
                    return False
                continue  # what was read is no longer so
            return True
        raise unavailable("Other events of this user come first")

    def rebuild(self, user_id: int) -> UserStats:
        """Count what a user did anew, out of the runs there are; problems that were ever run stay.

        An event that is still in the stream is counted twice then: nothing of the user's may happen meanwhile, nor a
        minute before. 1 request per MB of runs and of problems, 1 per 25 problems that were missing, 1 to write.
        """
        runs = self.store.items(tables.LIST_USER_HISTORY, user_id=user_id)
        known = {
            (each.platform, each.problem_id) for each in self.store.items(tables.PROBLEMS_OF_USER, user_id=user_id)
        }
        first: dict[tuple[str, str], UserProblem] = {}
        for run in runs:  # newest first, so the oldest of a problem stays
            problem = UserProblem(user_id, run.platform, run.problem_number, run.created_at)
            first[problem.platform, problem.problem_id] = problem
        missing = [items.USER_PROBLEM.item(problem) for key, problem in first.items() if key not in known]
        self.store.batch_write(tables.REBUILD_PROBLEMS, puts=missing)
        stats = _counted(user_id, runs, unique_problems=len(known | first.keys()))
        self.store.put(tables.REBUILD_STATS, Put(items.USER_STATS, stats))
        return stats

    # ------------------------------------------------------------------------------------------------------------------

    def _of_user(self, change: Change) -> list[Action]:
        """What changes for the user, as things are now; nothing for one who is gone, of whom nothing may come back."""
        user_id, run = change.user_id, change.run
        if user_id is None:
            return []
        keys = [items.USER.key(user_id=user_id), items.USER_STATS.key(user_id=user_id)]
        first = None if run is None else UserProblem(user_id, run.platform, run.problem_number, run.created_at)
        if first is not None:
            keys.append(items.USER_PROBLEM.key_of(first))
        found = {type(each): each for each in self.store.batch_get(tables.USER_AND_STATS, keys)}
        if User not in found:
            return []
        counts, actions = dict(change.counts), list[Action]()
        if first is not None and UserProblem not in found:
            counts["unique_problems"] = 1
            actions.append(Put(items.USER_PROBLEM, first, ABSENT))
        update = _created(items.USER_STATS).add(**counts)
        condition: Condition | None = None
        stats = found.get(UserStats)
        last = stats.last_activity_at if isinstance(stats, UserStats) else None
        if run is not None and (last is None or last < run.created_at):
            update = update.set(last_activity_at=run.created_at)
            at = Attr("last_activity_at")
            condition = at.not_exists() | at.lt(run.created_at)
        return [UpdateItem(items.USER_STATS.key(user_id=user_id), update, condition), *actions]


def _of_others(change: Change) -> list[Action]:
    """What changes for the problem and for the public."""
    actions: list[Action] = []
    if (run := change.run) is not None:
        key = items.PROBLEM_STATS.key(platform=run.platform, problem_id=run.problem_number)
        actions.append(UpdateItem(key, _created(items.PROBLEM_STATS).add(execution_count=1)))
    if (hour := change.hour) is not None:
        update = _created(items.PUBLIC_HOUR).add(value=hour.value)
        actions.append(UpdateItem(items.PUBLIC_HOUR.key_of(hour), update))
    return actions


def _created(entity: Entity[Any]) -> Update:
    """An update that may be the first of its item."""
    return Update().set(**entity.constants)


def _counted(user_id: int, runs: list[History], *, unique_problems: int) -> UserStats:
    verdicts = Counter(map(passed, runs))
    return UserStats(
        user_id=user_id,
        total_executions=len(runs),
        passed=verdicts[True],
        failed=verdicts[False],
        unique_problems=unique_problems,
        history_count=len(runs),
        hints_total=sum(run.hint_count > 0 for run in runs),
        last_activity_at=max((run.created_at for run in runs), default=None),
        by_language=Counter(run.language for run in runs),
        by_platform=Counter(run.platform for run in runs),
    )
