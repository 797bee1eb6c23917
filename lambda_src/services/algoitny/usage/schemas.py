"""Bodies of answers about usage."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, Field

from lambda_src.runtime.bodies import Shape
from lambda_src.runtime.clock import utc_text
from lambda_src.services.algoitny.bodies import ListBody, Timestamp, timestamp
from lambda_src.services.algoitny.models.plans import ACTIONS, Action, SubscriptionPlan
from lambda_src.services.algoitny.models.usage import UsageLog
from lambda_src.services.algoitny.usage.repository import UsageSummary
from lambda_src.services.algoitny.usage.rules import parse_date
from lambda_src.services.algoitny.usage.service import PlanUsage

type Day = Annotated[str, AfterValidator(lambda text: parse_date(text) and text), Field(description="In UTC, YYYYMMDD")]


class LimitsBody(BaseModel):
    """-1: none."""

    max_hints_per_day: int
    max_executions_per_day: int
    max_problems: int


class UsedBody(BaseModel):
    hints_today: int
    executions_today: int
    total_problems: int


class PlanUsageBody(BaseModel):
    plan_name: str
    limits: LimitsBody
    usage: UsedBody
    reset_at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT00:00:00Z$")]


class TotalBody(BaseModel):
    total: int
    daily_avg: float


class DayBody(BaseModel):
    date: str
    hint: int
    execution: int


class UsageSummaryBody(BaseModel):
    """Days oldest first."""

    hint: TotalBody
    execution: TotalBody
    days: list[DayBody]
    date_range: tuple[str, str]


class UsageLogBody(BaseModel):
    id: str
    action: Action
    platform: str | None
    problem_id: str | None
    metadata: dict[str, Any]
    reversed: bool
    created_at: Timestamp


class UsageLogsBody(ListBody):
    results: list[UsageLogBody]


LIMITS_SHAPE: Final = Shape[SubscriptionPlan](LimitsBody)


def plan_usage_body(used: PlanUsage) -> dict[str, Any]:
    return {
        "plan_name": used.plan.name,
        "limits": LIMITS_SHAPE(used.plan),
        "usage": {
            "hints_today": used.today["hint"],
            "executions_today": used.today["execution"],
            "total_problems": used.total_problems,
        },
        "reset_at": utc_text(used.reset_at, "seconds"),
    }


def summary_body(summary: UsageSummary) -> dict[str, Any]:
    totals: dict[str, Any] = {
        action: {"total": summary.total(action), "daily_avg": summary.daily_avg(action)} for action in ACTIONS
    }
    days = [{"date": day.date, **day.counts} for day in summary.days]
    return {**totals, "days": days, "date_range": summary.date_range}


LOG_SHAPE: Final = Shape[UsageLog](
    UsageLogBody,
    {
        "id": lambda log: f"{log.created_at:013}-{log.action}-{log.suffix}",
        "platform": lambda log: (log.problem_id or "").partition("#")[0] or None,
        "problem_id": lambda log: (log.problem_id or "").partition("#")[2] or None,
        "reversed": lambda log: log.reversed_at is not None,
        "created_at": lambda log: timestamp(log.created_at),
    },
)
