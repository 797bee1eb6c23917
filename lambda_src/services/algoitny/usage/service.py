"""Usage as routes and other features meet it: who may do how much, and what was used up."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lambda_src.dynamo.store import Action as Write
from lambda_src.dynamo.store import Page, Store
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.metrics import Metrics
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.errors import LimitExceeded
from lambda_src.services.algoitny.models.plans import ACTIONS, UNLIMITED, Action, SubscriptionPlan
from lambda_src.services.algoitny.models.statistics import UserStats
from lambda_src.services.algoitny.models.usage import UsageLog
from lambda_src.services.algoitny.models.users import Principal
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.settings import Counts
from lambda_src.services.algoitny.usage.charge import Consumed
from lambda_src.services.algoitny.usage.repository import UsageLogRepository, UsageSummary
from lambda_src.services.algoitny.usage.rules import format_date, next_day


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that may be sent again. route: which its key is of; body: what it asks for there, as JSON has it."""

    route: str
    key: str
    body: object

    @property
    def text(self) -> str:
        return f"{self.route}#{self.key}"

    @property
    def digest(self) -> str:
        """Equal for equal bodies, however they were written. 64 hexadecimal digits."""
        written = json.dumps(self.body, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(written.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PlanUsage:
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
        key, digest = (None, None) if repeatable is None else (repeatable.text, repeatable.digest)
        limit = self.plans.of(principal).daily_limit(action)
        with self._limit_counted():
            return self.usage.consume(
                principal.user_id, action, limit, problem_id, metadata, key, extra_writes, body_digest=digest
            )

    def preview(self, principal: Principal, action: Action, repeatable: Repeatable | None = None) -> Consumed | None:
        """What `charge` would answer without charging, for who has much to write first.

        1 request more where the plans were not read within the last minute.
        """
        key, digest = (None, None) if repeatable is None else (repeatable.text, repeatable.digest)
        limit = self.plans.of(principal).daily_limit(action)
        with self._limit_counted():
            return self.usage.preview(principal.user_id, action, limit, key, body_digest=digest)

    @contextmanager
    def _limit_counted(self) -> Iterator[None]:
        try:
            yield
        except LimitExceeded:
            self.metrics.count(Counts.LIMIT_REACHED)
            raise

    def plan_usage(self, principal: Principal) -> PlanUsage:
        """What the caller has used up of the plan. 1 request, and 1 for plans as in `charge`."""
        date = format_date(self.clock())
        user_id = principal.user_id
        counters = [items.USAGE_COUNTER.key(user_id=user_id, date=date, action=action) for action in ACTIONS]
        today: dict[str, int] = dict.fromkeys(ACTIONS, 0)
        problems = 0
        for found in self.store.batch_get(tables.PLAN_USAGE, [*counters, items.USER_STATS.key(user_id=user_id)]):
            if isinstance(found, UserStats):
                problems = found.unique_problems
            else:
                today[found.action] = found.value
        return PlanUsage(self.plans.of(principal), today, problems, next_day(date))

    def summary(self, principal: Principal, days: int) -> UsageSummary:
        """The caller's usage of the last days, today among them. 1 request per 50 days."""
        return self.usage.get_usage_summary(principal.user_id, days)

    def logs(self, principal: Principal, date: str | None, *, limit: int, cursor: str | None) -> Page[UsageLog]:
        """What the caller did on a day, today without one, newest first. Raises InvalidCursor. 1 request."""
        day = date or format_date(self.clock())
        return self.usage.get_usage_logs(principal.user_id, day, limit, cursor)

    def of_users(self, user_ids: Iterable[int], date: str | None = None) -> dict[int, Mapping[str, int]]:
        """The usage of a day, today without one, by user and action. 1 request per 50 users."""
        return self.usage.usage_of_users(user_ids, date or format_date(self.clock()))


def limit_headers(consumed: Consumed) -> dict[str, str]:
    """What the answer to an accepted action says of its limit; where there is none, nothing remains to be said."""
    headers = {
        "X-RateLimit-Limit": str(consumed.limit),
        "X-RateLimit-Remaining": str(consumed.remaining),
        "X-RateLimit-Reset": str(int(consumed.reset_at.timestamp())),
    }
    if consumed.limit == UNLIMITED:
        del headers["X-RateLimit-Remaining"]
    return headers
