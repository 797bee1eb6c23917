"""Routes of what was counted."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import PathId
from lambda_src.services.algoitny.principals import Administrator, Member
from lambda_src.services.algoitny.statistics.schemas import (
    RECENT_SHAPE,
    STATS_SHAPE,
    Hours,
    RecentBody,
    StatsBody,
)
from lambda_src.services.algoitny.statistics.service import Statistics

router: Final = Router(tags=["statistics"])


@router.get("/api/account/stats", response_model=StatsBody)
def read_own_stats(statistics: Given[Statistics], caller: Member) -> dict[str, Any]:
    """What the caller did so far."""
    return STATS_SHAPE(statistics.stats.get_stats(caller.user_id))


@router.get("/api/history/recent-count", response_model=RecentBody)
def count_recent_runs(statistics: Given[Statistics], hours: Hours = 24) -> dict[str, Any]:
    """How many public runs were made in the last hours."""
    return RECENT_SHAPE(statistics.recent_public_runs(hours))


@router.post("/api/admin/users/{user_id}/rebuild-stats", response_model=StatsBody)
def rebuild_stats(
    statistics: Given[Statistics],
    caller: Administrator,  # noqa: ARG001 -- is asked for
    user_id: PathId,
) -> dict[str, Any]:
    """Count what a user did anew, while nothing of theirs happens."""
    return STATS_SHAPE(statistics.rebuild(user_id))
