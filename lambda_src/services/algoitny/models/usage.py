"""Models of what users used up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from lambda_src.dynamo.codec import Stored
from lambda_src.services.algoitny.models.plans import Action
from lambda_src.services.algoitny.models.stored import CreatedAt, ExpiresAt


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLog:
    """An accepted action; archived when it expires. suffix: tells it from others of its millisecond."""

    user_id: int
    date: str
    created_at: CreatedAt
    action: Annotated[Action, Stored("act")]
    suffix: str
    expires_at: ExpiresAt
    problem_id: Annotated[str | None, Stored("pid")] = None
    metadata: Annotated[Mapping[str, Any], Stored("met")] = field(default_factory=dict)
    idempotency_hash: Annotated[str | None, Stored("idk")] = None
    reversed_at: Annotated[int | None, Stored("rev")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCounter:
    """Accepted actions of a user, action and day that were not reversed: the only gate there is."""

    user_id: int
    date: str
    action: str
    created_at: CreatedAt
    expires_at: ExpiresAt
    value: Annotated[int, Stored("val")] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageIdempotency:
    """An idempotency key that was used on a day. log_sk, task_id: what came of it; body_digest: of what was asked."""

    user_id: int
    date: str
    action: str
    key_hash: str
    created_at: CreatedAt
    expires_at: ExpiresAt
    log_sk: Annotated[str, Stored("lsk")]
    task_id: Annotated[str | None, Stored("tid")] = None
    body_digest: Annotated[str | None, Stored("dig")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRollup:
    """The usage of a day, all users together. top: maps of user_id, hints and executions. is_complete: none lacks."""

    date: str
    created_at: CreatedAt
    hints_count: Annotated[int, Stored("hnt")] = 0
    executions_count: Annotated[int, Stored("exe")] = 0
    active_users: Annotated[int, Stored("usr")] = 0
    total_users: Annotated[int, Stored("nus")] = 0
    total_problems: Annotated[int, Stored("npr")] = 0
    top: Annotated[tuple[Mapping[str, Any], ...], Stored("top")] = ()
    is_complete: Annotated[bool, Stored("cmpl")] = False
