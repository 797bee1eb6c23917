"""Bodies about the usage of all users together."""

from typing import Final

from pydantic import BaseModel

from lambda_src.runtime.bodies import RequestBody, Shape
from lambda_src.services.algoitny.models.usage import UsageRollup
from lambda_src.services.algoitny.rollups.service import UsageStats
from lambda_src.services.algoitny.usage.schemas import Day, DayBody


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


ROLLED_UP_DAY_SHAPE: Final = Shape[UsageRollup](
    RolledUpDayBody, {"hint": "hints_count", "execution": "executions_count"}
)
USAGE_STATS_SHAPE: Final = Shape[UsageStats](
    UsageStatsBody,
    {
        "period_days": lambda stats: len(stats.days),
        "hints_count": lambda stats: sum(day.hints_count for day in stats.days),
        "executions_count": lambda stats: sum(day.executions_count for day in stats.days),
        "days": lambda stats: [ROLLED_UP_DAY_SHAPE(day) for day in stats.days],
        "top_users": lambda stats: [
            {"id": user.user_id, "email": user.email, "name": user.name, "activity_count": count}
            for user, count in stats.top_users
        ],
        "plan_distribution": lambda stats: [{"name": plan.name, "user_count": plan.user_count} for plan in stats.plans],
    },
)
