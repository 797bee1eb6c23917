"""Usage as routes and other features meet it: who may do how much, and what was used up."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from lambda_src.dynamo.store import Action as Write
from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.metrics import Metrics
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.errors import LimitExceeded
from lambda_src.services.algoitny.models.plans import ACTIONS, UNLIMITED, Action, SubscriptionPlan
from lambda_src.services.algoitny.models.statistics import UserStats
from lambda_src.services.algoitny.models.users import Principal
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.settings import Counts
from lambda_src.services.algoitny.usage.charge import Consumed
from lambda_src.services.algoitny.usage.repository import UsageLogRepository, counters
from lambda_src.services.algoitny.usage.rules import format_date, next_day


class Repeatable(NamedTuple):
    """A request that may be sent again. route: which its key is of; body: what it asks for there, as JSON has it."""

    route: str
    key: str
    body: object

    @property
    def digest(self) -> str:
        """Equal for equal bodies, however they were written. 64 hexadecimal digits."""
        written = json.dumps(self.body, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(written.encode()).hexdigest()


class PlanUsage(NamedTuple):
    """What a plan allows and what of it is used up. total_problems: as far as runs are counted."""

    plan: SubscriptionPlan
    today: Mapping[str, int]
    total_problems: int
    reset_at: datetime


@dataclass(frozen=True, slots=True)
class UsageService:
    """usage: what is stored of it, by user and day."""

    store: Store
    usage: UsageLogRepository
    plans: PlanCatalog
    metrics: Metrics
    clock: Clock

    def charge(
        self,
        principal: Principal,
        action: Action,
        *,
        problem_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        extra_writes: Sequence[Write] = (),
        repeatable: Repeatable | None = None,
    ) -> Consumed:
        """Charge an action against the plan of the caller, of whom administrators have no limit; see `consume`.

        1 request more where the plans were not read within the last minute.
        """
        with self._limit(principal, action, repeatable) as (limit, key, digest):
            return self.usage.consume(
                principal.user_id, action, limit, problem_id, metadata, key, extra_writes, body_digest=digest
            )

    def preview(self, principal: Principal, action: Action, repeatable: Repeatable | None = None) -> Consumed | None:
        """What `charge` would answer without charging, for who has much to write first. Requests: as there."""
        with self._limit(principal, action, repeatable) as (limit, key, digest):
            return self.usage.preview(principal.user_id, action, limit, key, digest)

    @contextmanager
    def _limit(
        self, principal: Principal, action: Action, repeatable: Repeatable | None
    ) -> Iterator[tuple[int, str | None, str | None]]:
        """The limit, the key and the digest of a request; who meets the limit is counted."""
        limit = self.plans.of(principal).daily_limit(action)
        try:
            if repeatable is None:
                yield limit, None, None
            else:
                yield limit, f"{repeatable.route}#{repeatable.key}", repeatable.digest
        except LimitExceeded:
            self.metrics.count(Counts.LIMIT_REACHED)
            raise

    def plan_usage(self, principal: Principal) -> PlanUsage:
        """What the caller has used up of the plan. 1 request, and 1 for plans as in `charge`."""
        date, user_id = format_date(self.clock()), principal.user_id
        keys = [*counters(user_id, date), items.USER_STATS.key(user_id=user_id)]
        today: dict[str, int] = dict.fromkeys(ACTIONS, 0)
        problems = 0
        for found in self.store.batch_get(tables.PLAN_USAGE, keys):
            if isinstance(found, UserStats):
                problems = found.unique_problems
            else:
                today[found.action] = found.value
        return PlanUsage(self.plans.of(principal), today, problems, next_day(date))

    def of_users(self, user_ids: Iterable[int], date: str | None = None) -> dict[int, Mapping[str, int]]:
        """The usage of a day, today without one, by user and action. 1 request per 50 users."""
        day = date or format_date(self.clock())
        counts = self.usage.counts(tables.USAGE_OF_USERS, [(user_id, day) for user_id in user_ids])
        return {user_id: found for (user_id, _), found in counts.items()}


def limit_headers(consumed: Consumed) -> dict[str, str]:
    """What the answer to an accepted action says of its limit; where there is none, nothing remains to be said."""
    remaining = {} if consumed.limit == UNLIMITED else {"X-RateLimit-Remaining": str(consumed.remaining)}
    reset = str(int(consumed.reset_at.timestamp()))
    return {"X-RateLimit-Limit": str(consumed.limit), "X-RateLimit-Reset": reset, **remaining}
