"""What users used up: counted exactly, charged once.

`consume` alone admits work. Invariant of a user, action and day: the counter is the number of logs that were not
reversed, and never above the limit that was asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from lambda_src.dynamo.errors import TransactionCancelled, applied
from lambda_src.dynamo.failures import unavailable
from lambda_src.dynamo.schema import AccessPattern, ItemKey
from lambda_src.dynamo.store import Action as Write
from lambda_src.dynamo.store import Attr, Page, Store
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.clock import Clock, utc_text
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.errors import ExtraWriteConflict
from lambda_src.services.algoitny.models.plans import ACTIONS, UNLIMITED
from lambda_src.services.algoitny.models.usage import UsageCounter, UsageIdempotency, UsageLog
from lambda_src.services.algoitny.usage import rules
from lambda_src.services.algoitny.usage.charge import Charge, Consumed, reversal, usage_log

MAX_DAYS: Final = 90


class DayUsage(NamedTuple):
    """Actions of a day that count. counts: by action."""

    date: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UsageSummary:
    """Actions of some days that count. days: oldest first. date_range: the oldest and the newest."""

    days: tuple[DayUsage, ...]

    @property
    def date_range(self) -> tuple[str, str]:
        return self.days[0].date, self.days[-1].date

    def total(self, action: str) -> int:
        return sum(day.counts[action] for day in self.days)

    def daily_avg(self, action: str) -> float:
        return round(self.total(action) / len(self.days), 2)


@dataclass(frozen=True, slots=True)
class UsageLogRepository:
    """Logs and counters by user and day, in UTC. Raises ValueError for days and actions that there are not."""

    store: Store
    clock: Clock

    format_date = staticmethod(rules.format_date)
    parse_date = staticmethod(rules.parse_date)

    def consume(  # noqa: PLR0913 -- all but `body_digest` are published
        self,
        user_id: int,
        action: str,
        limit: int,
        problem_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        extra_writes: Sequence[Write] = (),
        *,
        body_digest: str | None = None,
    ) -> Consumed:
        """Charge an action and write what comes of it, all or nothing, while fewer than `limit` of the day count.

        limit: -1 for none. metadata: `task_id` or `history_id` is what a repetition is told. idempotency_key: charged
        once a day; body_digest: of the request it stands for. extra_writes: of this table, up to 97.

        Raises LimitExceeded, ExtraWriteConflict, KeyReused, and StoreUnavailable, never LimitExceeded, for what met
        others too often. 2 requests; 1 when refused, 2 with a key; one or two more to find out what became of a
        transaction that DynamoDB gave no plain answer to.
        """
        if limit < UNLIMITED:
            raise ValueError(f"A limit is -1 for none, or how many: {limit}")
        log = usage_log(self.clock(), user_id, action, problem_id, metadata, idempotency_key)
        charge = Charge(log, limit, body_digest, tuple(extra_writes))
        if limit == 0:  # the condition would let the first one through: there is no counter yet
            raise charge.exceeded(self._count(charge))
        try:
            self.store.transact(tables.CONSUME, charge.actions)
        except TransactionCancelled as exc:
            return self._refused(charge, exc)
        except StoreUnavailable as exc:
            return self._unanswered(charge, exc)
        return charge.consumed(self._count(charge))

    def preview(
        self, user_id: int, action: str, limit: int, idempotency_key: str | None, body_digest: str | None
    ) -> Consumed | None:
        """What `consume` would answer or raise; None when it may charge. It admits nothing. 1 request, 2 with a key."""
        log = usage_log(self.clock(), user_id, action, idempotency_key=idempotency_key)
        charge = Charge(log, limit, body_digest)
        earlier, count = self._use_of_key(charge), self._count(charge)
        if earlier is not None:
            return charge.consumed(count, earlier)
        if limit != UNLIMITED and count >= limit:
            raise charge.exceeded(count)
        return None

    def _refused(self, charge: Charge, cancelled: TransactionCancelled) -> Consumed:
        """A repetition, or what else a condition means. A key that was used wins over a limit that is used up."""
        counter = 0 if charge.mark is None else 1
        marked, counted = cancelled.reasons[0].item, cancelled.reasons[counter].item or {}
        if counter and (marked is not None or cancelled.failed(counter)):
            earlier = self._use_of_key(charge) if marked is None else items.USAGE_IDEMPOTENCY.model(marked)
            if earlier is not None:
                return charge.consumed(self._count(charge), earlier)
        if cancelled.failed(counter):
            raise charge.exceeded(int(counted[items.USAGE_COUNTER.codec.stored_name("value")])) from cancelled
        for position in cancelled.failed_positions:
            if position > counter + 1:
                raise ExtraWriteConflict(position - counter - 2) from cancelled
        raise unavailable() from cancelled  # its log, whose key somebody happened to draw, too

    def _unanswered(self, charge: Charge, failure: StoreUnavailable) -> Consumed:
        """What became of a transaction that met others too often, or whose answer got lost: what is stored tells.

        The store has tried again by itself until now, and each try met the condition anew. So a counter at its limit
        need not be looked for between them, only behind the last one.
        """
        log, earlier = charge.log, self._use_of_key(charge)
        is_charged = earlier is not None
        if charge.mark is None:
            place: dict[str, Any] = {**charge.counted_by, "created_at": log.created_at, "suffix": log.suffix}
            is_charged = self.store.get(tables.LOG_OF_CHARGE, **place) is not None
        count = self._count(charge)
        if is_charged:
            return charge.consumed(count, None if earlier == charge.mark else earlier)
        if charge.limit != UNLIMITED and count >= charge.limit:
            raise charge.exceeded(count) from failure
        raise failure

    def _use_of_key(self, charge: Charge) -> UsageIdempotency | None:
        key_hash = charge.log.idempotency_hash
        if key_hash is None:
            return None
        return self.store.get(tables.USE_OF_KEY, **charge.counted_by, key_hash=key_hash)

    def _count(self, charge: Charge) -> int:
        return self.get_daily_usage_count(**charge.counted_by)

    def log_usage(
        self, user_id: int, action: str, problem_id: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> UsageLog:
        """Count an action, whatever its limit. 1 request."""
        log = usage_log(self.clock(), user_id, action, problem_id, metadata)
        self.store.transact(tables.LOG_USAGE, Charge(log, UNLIMITED).actions)
        return log

    def reverse_usage(self, log_pk: str, log_sk: str) -> bool:
        """Give a charge back; False when that was done before, or nothing is there. 1 request."""
        return applied(self.store.transact, tables.REVERSE_USAGE, reversal(log_pk, log_sk, self.clock()))

    def get_daily_usage_count(self, user_id: int, action: str, date: str) -> int:
        """How many actions of a day count. 1 request; 1 RRU."""
        rules.parse_date(date)
        known = rules.checked_action(action)
        found = self.store.get(tables.GET_DAILY_USAGE_COUNT, user_id=user_id, date=date, action=known)
        return 0 if found is None or self._is_expired(found.expires_at) else found.value

    def get_usage_logs(self, user_id: int, date: str, limit: int = 20, cursor: str | None = None) -> Page[UsageLog]:
        """What a user did on a day, newest first. Raises InvalidCursor. 1 request."""
        rules.parse_date(date)
        page = self.store.page(tables.GET_USAGE_LOGS, limit=limit, cursor=cursor, user_id=user_id, date=date)
        standing = [log for log in page.items if not self._is_expired(log.expires_at)]
        # Logs expire in the order they were made in, so behind one that has expired there is none that has not.
        return page if len(standing) == len(page.items) else Page(standing, None)

    def check_rate_limit(self, user_id: int, action: str, limit: int) -> tuple[bool, int, str]:
        """Whether one more would be let through, how many count, when they begin anew. It admits nothing. 1 request."""
        date = self.format_date(self.clock())
        count = self.get_daily_usage_count(user_id, action, date)
        return limit == UNLIMITED or count < limit, count, self._get_reset_time(date)

    def get_usage_summary(self, user_id: int, days: int) -> UsageSummary:
        """What counts of the last 1 to 90 days, today among them. 1 request per 50 days."""
        if not 1 <= days <= MAX_DAYS:
            raise ValueError(f"A summary is of 1 to {MAX_DAYS} days, not of {days}")
        dates = rules.days_back(self.format_date(self.clock()), days)[::-1]
        counts = self.counts(tables.GET_USAGE_SUMMARY, [(user_id, date) for date in dates])
        return UsageSummary(tuple(DayUsage(date, counts[user_id, date]) for date in dates))

    def counts(
        self, pattern: AccessPattern[UsageCounter], days: Iterable[tuple[int, str]]
    ) -> dict[tuple[int, str], dict[str, int]]:
        """What counts of days of users, by action. 1 request per 50 of them; 2 RRU each."""
        counts: dict[tuple[int, str], dict[str, int]] = {day: dict.fromkeys(ACTIONS, 0) for day in days}
        for each in self.store.batch_get(pattern, [key for day in counts for key in counters(*day)]):
            if not self._is_expired(each.expires_at):
                counts[each.user_id, each.date][each.action] = each.value
        return counts

    def audit_day(self, user_id: int, action: str, date: str) -> tuple[int, int]:
        """The counter of a day, and how many logs count: equal but for charges under way. 1 request, 1 per MB."""
        counted = self.get_daily_usage_count(user_id, action, date)
        standing = Attr("action").eq(action) & Attr("reversed_at").not_exists()
        return counted, self.store.count(tables.AUDIT_DAY, where=standing, user_id=user_id, date=date)

    def delete_logs_before_date(self, user_id: int, date: str) -> int:
        """Remove the usage of the 93 days before a day, unarchived, as `delete_day` does. 93 times its requests."""
        return sum(self.delete_day(user_id, day) for day in rules.days_before(date))

    def delete_day(self, user_id: int, date: str) -> int:
        """Remove the usage of a day, and return how many logs that were. 1 request, and 1 per 25 items."""
        rows = self.store.rows(tables.USAGE_OF_DAY, "PK", "SK", user_id=user_id, date=date)
        keys: list[dict[str, str]] = [{"PK": row["PK"], "SK": row["SK"]} for row in rows]
        self.store.batch_write(tables.DELETE_LOGS_BEFORE_DATE, deletes=keys)
        return sum(items.USAGE_LOG.has_key(key) for key in keys)

    def _get_reset_time(self, date: str | None = None) -> str:
        """When the limits of a day, of today without one, begin anew."""
        return utc_text(rules.next_day(date or self.format_date(self.clock())), "seconds")

    def _is_expired(self, expires_at: int) -> bool:
        return expires_at <= self.clock().timestamp()


def counters(user_id: int, date: str) -> list[ItemKey]:
    """The keys of a user's counters of a day."""
    return [items.USAGE_COUNTER.key(user_id=user_id, date=date, action=action) for action in ACTIONS]
