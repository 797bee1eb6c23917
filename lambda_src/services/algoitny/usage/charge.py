"""One charge as a transaction: what it writes, and what its caller hears."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Put, Update, UpdateItem
from lambda_src.runtime.clock import epoch_ms
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import KeyReused, LimitExceeded
from lambda_src.services.algoitny.models.plans import UNLIMITED
from lambda_src.services.algoitny.models.usage import UsageIdempotency, UsageLog
from lambda_src.services.algoitny.usage.rules import LOG_SECONDS, checked_action, format_date, next_day

SUFFIX_DIGITS: Final = 12
HASH_DIGITS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """An action that was accepted. limit, remaining: UNLIMITED and None where there is none.

    charged: False for the repetition of one that was accepted before, which `log_sk` and `task_id` are those of.
    """

    allowed: ClassVar = True
    charged: bool
    action: str
    current_count: int
    limit: int
    reset_at: datetime
    log_pk: str
    log_sk: str
    task_id: str | None = None

    @property
    def remaining(self) -> int | None:
        return None if self.limit == UNLIMITED else max(0, self.limit - self.current_count)


@dataclass(frozen=True, slots=True)
class Charge:
    """An action to be accepted. One moment, that of its log, fixes its day, its keys and when it expires.

    body_digest: of the request that its key stands for. extra_writes: what is written with it, or not at all.
    """

    log: UsageLog
    limit: int
    body_digest: str | None = None
    extra_writes: tuple[Action, ...] = ()

    @property
    def counted_by(self) -> dict[str, Any]:
        """What its counter is found by."""
        return {"user_id": self.log.user_id, "date": self.log.date, "action": self.log.action}

    @property
    def mark(self) -> UsageIdempotency | None:
        """What keeps its key from being charged again; None where it has none."""
        log = self.log
        if log.idempotency_hash is None:
            return None
        return UsageIdempotency(
            **self.counted_by,
            key_hash=log.idempotency_hash,
            created_at=log.created_at,
            expires_at=log.expires_at,
            log_sk=items.USAGE_LOG.key_of(log).values["SK"],
            task_id=_task_id(log),
            body_digest=self.body_digest,
        )

    @property
    def actions(self) -> list[Action]:
        """What one transaction writes: the mark, if there is one, its counter, its log, and what comes of it."""
        counter = (
            Update()
            .add(value=1)
            .set(**items.USAGE_COUNTER.constants, expires_at=self.log.expires_at)
            .set_if_absent(created_at=self.log.created_at)
        )
        below = None if self.limit == UNLIMITED else Attr("value").not_exists() | Attr("value").lt(self.limit)
        return [
            *([Put(items.USAGE_IDEMPOTENCY, mark, ABSENT, return_old=True)] if (mark := self.mark) else []),
            UpdateItem(items.USAGE_COUNTER.key(**self.counted_by), counter, below, return_old=True),
            Put(items.USAGE_LOG, self.log, ABSENT),
            *self.extra_writes,
        ]

    def exceeded(self, current_count: int) -> LimitExceeded:
        """The limit is used up."""
        reset_at = next_day(self.log.date)
        seconds = -((self.log.created_at - epoch_ms(reset_at)) // 1000)  # rounded up
        return LimitExceeded(self.log.action, current_count, self.limit, reset_at=reset_at, seconds=seconds)

    def consumed(self, current_count: int, earlier: UsageIdempotency | None = None) -> Consumed:
        """It was written, or its key was used before. Raises KeyReused where that was for another request."""
        if earlier is not None and earlier.body_digest != self.body_digest:
            raise KeyReused
        key = items.USAGE_LOG.key_of(self.log).values
        return Consumed(
            charged=earlier is None,
            action=self.log.action,
            current_count=current_count,
            limit=self.limit,
            reset_at=next_day(self.log.date),
            log_pk=key["PK"],
            log_sk=key["SK"] if earlier is None else earlier.log_sk,
            task_id=_task_id(self.log) if earlier is None else earlier.task_id,
        )


def usage_log(
    moment: datetime,
    user_id: int,
    action: str,
    problem_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
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


def reversal(log_pk: str, log_sk: str, moment: datetime) -> list[Action]:
    """What gives a charge back, once. Raises ValueError for keys that are none of a log."""
    assert items.USAGE_LOG.sk is not None
    of = items.USAGE_LOG.pk.parse(log_pk) | items.USAGE_LOG.sk.parse(log_sk)
    counter = items.USAGE_COUNTER.key(user_id=of["user_id"], date=of["date"], action=of["action"])
    is_standing = EXISTS & Attr("reversed_at").not_exists()
    return [
        UpdateItem(items.USAGE_LOG.key(**of), Update().set(reversed_at=epoch_ms(moment)), is_standing),
        UpdateItem(counter, Update().add(value=-1), Attr("value").gt(0)),
    ]


def _task_id(log: UsageLog) -> str | None:
    """The task that does what was charged for, or the history that came of it at once."""
    return log.metadata.get("task_id") or log.metadata.get("history_id")
