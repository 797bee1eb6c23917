"""Models of what the stream counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from lambda_src.dynamo.codec import Stored
from lambda_src.runtime.clock import of_epoch_ms
from lambda_src.services.algoitny.models.stored import ExpiresAt


@dataclass(frozen=True, slots=True, kw_only=True)
class UserStats:
    """What a user did, counted by the stream; `ln_<language>` and `pl_<platform>` are counters, too."""

    user_id: int
    total_executions: Annotated[int, Stored("tot")] = 0
    passed: Annotated[int, Stored("psd")] = 0
    failed: Annotated[int, Stored("fld")] = 0
    unique_problems: Annotated[int, Stored("uqc")] = 0
    history_count: Annotated[int, Stored("hct")] = 0
    hints_total: Annotated[int, Stored("hnt")] = 0
    last_activity_at: Annotated[int | None, Stored("lut")] = None
    by_language: Annotated[Mapping[str, int], Stored(prefix="ln_")] = field(default_factory=dict)
    by_platform: Annotated[Mapping[str, int], Stored(prefix="pl_")] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserProblem:
    """That a user ran a problem, and since when."""

    user_id: int
    platform: str
    problem_id: str
    first_run_at: Annotated[int, Stored("fst")]


@dataclass(frozen=True, slots=True)
class EventMarker:
    """That an event of the stream was counted."""

    event_id: str
    expires_at: ExpiresAt


@dataclass(frozen=True, slots=True)
class PublicHour:
    """Public runs that were made in an hour, by the shard of the timeline."""

    date: str
    hour: str
    shard: int
    value: Annotated[int, Stored("val")] = 0


def hour_of(created_at: int) -> tuple[str, str]:
    """The UTC date and hour of a time in milliseconds, as their buckets have them."""
    instant = of_epoch_ms(created_at)
    return instant.strftime("%Y%m%d"), instant.strftime("%H")
