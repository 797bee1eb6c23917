"""Routes of administrators about the usage of all users."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import Days
from lambda_src.services.algoitny.principals import Administrator
from lambda_src.services.algoitny.rollups.schemas import RollupBody, UsageStatsBody, usage_stats_body
from lambda_src.services.algoitny.rollups.service import Rollups
from lambda_src.services.algoitny.tasks.schemas import ACCEPTED_SHAPE, AcceptedBody

router: Final = Router(tags=["administration"])


@router.get("/api/admin/usage-stats", response_model=UsageStatsBody)
def read_usage_stats(
    rollups: Given[Rollups],
    caller: Administrator,  # noqa: ARG001 -- is asked for
    days: Days = 7,
) -> dict[str, Any]:
    """The usage of the last days that are over."""
    return usage_stats_body(rollups.stats(days))


@router.post("/api/admin/usage-stats/rollup", status_code=202, response_model=AcceptedBody)
def start_rollup(
    rollups: Given[Rollups],
    caller: Administrator,  # noqa: ARG001 -- is asked for
    body: RollupBody,
) -> dict[str, Any]:
    """Add a day up again that is over."""
    return ACCEPTED_SHAPE(rollups.start(body.date))
