"""One charge as a transaction: what it writes, and what it means when DynamoDB refuses it."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Put, Update, UpdateItem
from lambda_src.runtime.clock import epoch_ms
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import ExtraWriteConflict, KeyReused, LimitExceeded
from lambda_src.services.algoitny.models.plans import UNLIMITED
from lambda_src.services.algoitny.models.usage import UsageIdempotency, UsageLog
from lambda_src.services.algoitny.usage.rules import LOG_SECONDS, checked_action, format_date, next_day

SUFFIX_DIGITS: Final = 12
HASH_DIGITS: Final = 32
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """An action that was accepted. limit, remaining: UNLIMITED and None where there is none.

    charged: False for the repetition of one that was accepted before, which `log_sk` and `task_id` are those of.
    """

    charged: bool
    action: str
    current_count: int
    limit: int
    reset_at: datetime
    log_pk: str
    log_sk: str
    task_id: str | None = None

    @property
    def allowed(self) -> bool:
        return True

    @property
    def remaining(self) -> int | None:
        return None if self.limit == UNLIMITED else max(0, self.limit - self.current_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An action to be accepted. One moment fixes its day, its keys and when it expires; nothing of it is made twice.

    mark: where an idempotency key was given. extra_writes: what is written with it, or not at all.
    """

    moment: datetime
    limit: int
    log: UsageLog
    mark: UsageIdempotency | None = None
    extra_writes: tuple[Action, ...] = ()

    @property
    def log_keys(self) -> tuple[str, str]:
        """Partition and sort key of its log."""
        values = items.USAGE_LOG.key_of(self.log).values
        return values["PK"], values["SK"]

    @property
    def actions(self) -> list[Action]:
        """What one transaction writes, in the order that `refusal` reads its reasons by."""
        marks: list[Action] = (
            [] if self.mark is None else [Put(items.USAGE_IDEMPOTENCY, self.mark, ABSENT, return_old=True)]
        )
        return [*marks, self._counted, Put(items.USAGE_LOG, self.log, ABSENT), *self.extra_writes]

    @property
    def _counted(self) -> UpdateItem:
        log = self.log
        key = items.USAGE_COUNTER.key(user_id=log.user_id, date=log.date, action=log.action)
        update = (
            Update()
            .add(value=1)
            .set(**items.USAGE_COUNTER.constants, expires_at=log.expires_at)
            .set_if_absent(created_at=log.created_at)
        )
        below = None if self.limit == UNLIMITED else Attr("value").not_exists() | Attr("value").lt(self.limit)
        return UpdateItem(key, update, below, return_old=True)

    # ---- what DynamoDB says ------------------------------------------------------------------------------------------

    def earlier(self, cancelled: TransactionCancelled) -> UsageIdempotency | None:
        """The use of its key that stood against it, if that did."""
        found = cancelled.reasons[0].item if self.mark is not None and cancelled.failed(0) else None
        return None if found is None else items.USAGE_IDEMPOTENCY.model(found)

    def is_over(self, cancelled: TransactionCancelled) -> bool:
        """Whether the limit stood against it."""
        return cancelled.failed(self._counter)

    def refusal(self, cancelled: TransactionCancelled) -> LimitExceeded | ExtraWriteConflict | None:
        """What stood against it but its key; None for its own log, whose key somebody happened to draw, too."""
        if self.is_over(cancelled):
            stands = cancelled.reasons[self._counter].item or {}
            return self.exceeded(int(stands[items.USAGE_COUNTER.codec.stored_name("value")]))
        extra = [position - self._counter - 2 for position in cancelled.failed_positions]
        conflicts = [position for position in extra if position >= 0]
        return ExtraWriteConflict(conflicts[0]) if conflicts else None

    @property
    def _counter(self) -> int:
        return 0 if self.mark is None else 1

    # ---- what the caller hears ---------------------------------------------------------------------------------------

    def accepted(self, current_count: int) -> Consumed:
        """It was written."""
        return self._consumed(current_count, charged=True, log_sk=self.log_keys[1], task_id=_task_id(self.log))

    def replayed(self, earlier: UsageIdempotency, current_count: int) -> Consumed:
        """Its key was used before. Raises KeyReused where that was for another request."""
        if self.mark is None or earlier.body_digest != self.mark.body_digest:
            raise KeyReused
        return self._consumed(current_count, charged=False, log_sk=earlier.log_sk, task_id=earlier.task_id)

    def exceeded(self, current_count: int) -> LimitExceeded:
        """The limit is used up."""
        seconds = -((self.moment - self._reset_at) // _SECOND)  # rounded up
        return LimitExceeded(self.log.action, current_count, self.limit, reset_at=self._reset_at, seconds=seconds)

    def _consumed(self, current_count: int, *, charged: bool, log_sk: str, task_id: str | None) -> Consumed:
        return Consumed(
            charged=charged,
            action=self.log.action,
            current_count=current_count,
            limit=self.limit,
            reset_at=self._reset_at,
            log_pk=self.log_keys[0],
            log_sk=log_sk,
            task_id=task_id,
        )

    @property
    def _reset_at(self) -> datetime:
        return next_day(self.log.date)


def usage_log(
    moment: datetime,
    user_id: int,
    action: str,
    problem_id: str | None,
    metadata: Mapping[str, Any] | None,
    *,
    idempotency_key: str | None = None,
) -> UsageLog:
    """The log of an action of this moment. Raises ValueError for an action that no plan limits."""
    created_at = epoch_ms(moment)
    digest = None if idempotency_key is None else hashlib.sha256(idempotency_key.encode()).hexdigest()
    return UsageLog(
        user_id=user_id,
        date=format_date(moment),
        created_at=created_at,
        action=checked_action(action),
        suffix=digest[:SUFFIX_DIGITS] if digest else secrets.token_hex(SUFFIX_DIGITS // 2),
        expires_at=created_at // 1000 + LOG_SECONDS,
        problem_id=problem_id,
        metadata=dict(metadata or {}),
        idempotency_hash=digest[:HASH_DIGITS] if digest else None,
    )


def mark_of(log: UsageLog, body_digest: str | None) -> UsageIdempotency | None:
    """What keeps the key of a log from being charged again; None where it was made without one."""
    if log.idempotency_hash is None:
        return None
    return UsageIdempotency(
        user_id=log.user_id,
        date=log.date,
        action=log.action,
        key_hash=log.idempotency_hash,
        created_at=log.created_at,
        expires_at=log.expires_at,
        log_sk=items.USAGE_LOG.key_of(log).values["SK"],
        task_id=_task_id(log),
        body_digest=body_digest,
    )


def reversal(log_pk: str, log_sk: str, moment: datetime) -> list[Action]:
    """What gives a charge back, once. Raises ValueError for keys that are none of a log."""
    assert items.USAGE_LOG.sk is not None
    of = items.USAGE_LOG.pk.parse(log_pk) | items.USAGE_LOG.sk.parse(log_sk)
    counter = items.USAGE_COUNTER.key(user_id=of["user_id"], date=of["date"], action=of["action"])
    return [
        UpdateItem(
            items.USAGE_LOG.key(**of),
            Update().set(reversed_at=epoch_ms(moment)),
            EXISTS & Attr("reversed_at").not_exists(),
        ),
        UpdateItem(counter, Update().add(value=-1), Attr("value").gt(0)),
    ]


def _task_id(log: UsageLog) -> str | None:
    """The task that does what was charged for, or the history that came of it at once."""
    return log.metadata.get("task_id") or log.metadata.get("history_id")
