"""What users did, as the stream counts it: each event once, however often it comes."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.failures import unavailable
from lambda_src.dynamo.schema import Entity
from lambda_src.dynamo.store import ABSENT, Action, Attr, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.errors import UserNotFound
from lambda_src.services.algoitny.models.histories import History
from lambda_src.services.algoitny.models.statistics import EventMarker, UserProblem, UserStats
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.settings import DAY_SECONDS

if TYPE_CHECKING:  # an API counts nothing, and what reads records is a part of its start
    from lambda_src.services.algoitny.statistics.rules import Change

MARKER_SECONDS: Final = 15 * DAY_SECONDS  # a dead letter can be handed over again for 14
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
        return self.store.get(tables.HAS_RUN, user_id=user_id, platform=platform, problem_id=problem_id) is not None

    def apply_history_event(self, change: "Change") -> bool:
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
        minute before. Raises UserNotFound. 2 requests, 1 per MB of runs and of problems, 1 per 25 problems that were
        missing.
        """
        if self.store.get(tables.GET_USER_BY_ID, user_id=user_id) is None:
            raise UserNotFound
        runs = self.store.items(tables.LIST_USER_HISTORY, user_id=user_id)
        known = {_problem(each): each for each in self.store.items(tables.PROBLEMS_OF_USER, user_id=user_id)}
        ran = map(partial(_ran, user_id), runs)
        first = {_problem(each): each for each in ran}  # newest first, so the oldest of a problem stays
        missing = [items.USER_PROBLEM.item(each) for problem, each in first.items() if problem not in known]
        self.store.batch_write(tables.REBUILD_PROBLEMS, puts=missing)
        passed_count = sum(run.is_passed for run in runs)
        stats = UserStats(
            user_id=user_id,
            total_executions=len(runs),
            passed=passed_count,
            failed=len(runs) - passed_count,
            unique_problems=len(known | first),
            history_count=len(runs),
            hints_total=sum(run.hint_count > 0 for run in runs),
            last_activity_at=max((run.created_at for run in runs), default=None),
            by_language=Counter(run.language for run in runs),
            by_platform=Counter(run.platform for run in runs),
        )
        self.store.put(tables.REBUILD_STATS, Put(items.USER_STATS, stats))
        return stats

    def _of_user(self, change: "Change") -> list[Action]:
        """What changes for the user, as things are now; nothing for one who is gone, of whom nothing may come back."""
        user_id, run = change.user_id, change.run
        if user_id is None:
            return []
        keys = [items.USER.key(user_id=user_id), items.USER_STATS.key(user_id=user_id)]
        first = None if run is None else _ran(user_id, run)
        if first is not None:
            keys.append(items.USER_PROBLEM.key_of(first))
        found: dict[type, Any] = {type(each): each for each in self.store.batch_get(tables.USER_AND_STATS, keys)}
        if User not in found:
            return []
        update, condition, actions = _created(items.USER_STATS).add(**change.counts), None, list[Action]()
        if first is not None and UserProblem not in found:
            update = update.add(unique_problems=1)
            actions.append(Put(items.USER_PROBLEM, first, ABSENT))
        last = found[UserStats].last_activity_at if UserStats in found else None
        if run is not None and (last is None or last < run.created_at):
            update, at = update.set(last_activity_at=run.created_at), Attr("last_activity_at")
            condition = at.not_exists() | at.lt(run.created_at)
        return [UpdateItem(items.USER_STATS.key(user_id=user_id), update, condition), *actions]


def _of_others(change: "Change") -> list[Action]:
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


def _ran(user_id: int, run: History) -> UserProblem:
    return UserProblem(user_id, run.platform, run.problem_number, run.created_at)


def _problem(ran: UserProblem) -> tuple[str, str]:
    return ran.platform, ran.problem_id
