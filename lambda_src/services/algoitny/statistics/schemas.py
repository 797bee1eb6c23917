"""Bodies of answers about what was counted."""

from typing import Annotated, Final

from fastapi import Query
from pydantic import BaseModel, Field

from lambda_src.runtime.bodies import Shape
from lambda_src.services.algoitny.bodies import Timestamp, timestamp
from lambda_src.services.algoitny.models.statistics import UserStats
from lambda_src.services.algoitny.statistics.service import RecentRuns

type Hours = Annotated[int, Query(ge=1, le=168, description="Clock hours, the current one among them")]


class StatsBody(BaseModel):
    """What a user did; seconds behind, as it is counted by the stream."""

    total_executions: int
    passed: int
    failed: int
    unique_problems: int = Field(description="Problems that were ever run")
    history_count: int = Field(description="Runs that were not deleted")
    hints_total: int
    by_language: dict[str, int]
    by_platform: dict[str, int]
    last_activity_at: Timestamp | None


class RecentBody(BaseModel):
    hours: int
    count: int
    as_of: Timestamp


def _last(stats: UserStats) -> str | None:
    return None if stats.last_activity_at is None else timestamp(stats.last_activity_at)


STATS_SHAPE: Final = Shape[UserStats](StatsBody, {"last_activity_at": _last})
RECENT_SHAPE: Final = Shape[RecentRuns](RecentBody, {"as_of": lambda recent: timestamp(recent.as_of)})
