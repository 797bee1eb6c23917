"""Routes of what was counted, and the bodies of their answers."""

from typing import Any, Final

from pydantic import BaseModel, Field

from lambda_src.runtime.bodies import Shape
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import Hours, PathId, Timestamp, timestamp
from lambda_src.services.algoitny.models.statistics import UserStats
from lambda_src.services.algoitny.principals import Administrator, Member
from lambda_src.services.algoitny.statistics.service import Statistics


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


_SHAPE: Final = Shape[UserStats](StatsBody, {"last_activity_at": lambda stats: timestamp(stats.last_activity_at)})

router: Final = Router(tags=["statistics"])


@router.get("/api/account/stats", response_model=StatsBody)
def read_own_stats(statistics: Given[Statistics], caller: Member) -> dict[str, Any]:
    """What the caller did so far."""
    return _SHAPE(statistics.get_stats(caller.user_id))


@router.get("/api/history/recent-count", response_model=RecentBody)
def count_recent_runs(statistics: Given[Statistics], hours: Hours = 24) -> dict[str, Any]:
    """How many public runs were made in the last hours."""
    count, as_of = statistics.recent_public_runs(hours)
    return {"hours": hours, "count": count, "as_of": timestamp(as_of)}


@router.post("/api/admin/users/{user_id}/rebuild-stats", response_model=StatsBody)
def rebuild_stats(statistics: Given[Statistics], caller: Administrator, user_id: PathId) -> dict[str, Any]:  # noqa: ARG001 -- is asked for
    """Count what a user did anew, while nothing of theirs happens."""
    return _SHAPE(statistics.rebuild(user_id))
