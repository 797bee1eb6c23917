"""Routes of administrators about the usage of all users."""

from typing import Any, Final

from pydantic import BaseModel

from lambda_src.runtime.bodies import RequestBody, Shape
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import ACCEPTED_SHAPE, AcceptedBody, Days
from lambda_src.services.algoitny.models.plans import SubscriptionPlan
from lambda_src.services.algoitny.models.usage import UsageRollup
from lambda_src.services.algoitny.principals import Administrator
from lambda_src.services.algoitny.rollups.service import Rollups, UsageStats
from lambda_src.services.algoitny.usage.schemas import Day, DayBody

router: Final = Router(tags=["administration"])


class RollupBody(RequestBody):
    date: Day


class RolledUpDayBody(DayBody):
    """is_complete: False for a day that was not added up, of which nothing is known."""

    active_users: int
    is_complete: bool


class TopUserBody(BaseModel):
    id: int
    email: str
    name: str
    activity_count: int


class PlanUsersBody(BaseModel):
    name: str
    user_count: int


class UsageStatsBody(BaseModel):
    """Days that are over, oldest first. through: the last of them that was added up."""

    period_days: int
    through: str | None
    total_users: int
    total_problems: int
    hints_count: int
    executions_count: int
    days: list[RolledUpDayBody]
    top_users: list[TopUserBody]
    plan_distribution: list[PlanUsersBody]


_DAY_SHAPE: Final = Shape[UsageRollup](RolledUpDayBody, {"hint": "hints_count", "execution": "executions_count"})
_PLAN_SHAPE: Final = Shape[SubscriptionPlan](PlanUsersBody)


def usage_stats_body(stats: UsageStats) -> dict[str, Any]:
    last = next((day for day in reversed(stats.days) if day.is_complete), None)
    return {
        "period_days": len(stats.days),
        "through": last and last.date,
        "total_users": sum(plan.user_count for plan in stats.plans),
        "total_problems": last.total_problems if last else 0,
        "hints_count": sum(day.hints_count for day in stats.days),
        "executions_count": sum(day.executions_count for day in stats.days),
        "days": [_DAY_SHAPE(day) for day in stats.days],
        "top_users": [
            {"id": user.user_id, "email": user.email, "name": user.name, "activity_count": count}
            for user, count in stats.top_users
        ],
        "plan_distribution": [_PLAN_SHAPE(plan) for plan in stats.plans],
    }


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
