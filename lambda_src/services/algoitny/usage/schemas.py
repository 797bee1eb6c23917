"""Bodies of answers about usage."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, Field

from lambda_src.runtime.bodies import Shape
from lambda_src.services.algoitny.bodies import ListBody, Timestamp, timestamp
from lambda_src.services.algoitny.models.plans import ACTIONS, Action
from lambda_src.services.algoitny.models.usage import UsageLog
from lambda_src.services.algoitny.usage.charge import Consumed
from lambda_src.services.algoitny.usage.repository import UsageSummary
from lambda_src.services.algoitny.usage.rules import parse_date, reset_text
from lambda_src.services.algoitny.usage.service import PlanUsage


def _checked_day(text: str) -> str:
    parse_date(text)
    return text


type Day = Annotated[str, AfterValidator(_checked_day), Field(description="In UTC, YYYYMMDD")]
type ResetTime = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT00:00:00Z$")]


class UsageBody(BaseModel):
    """What an accepted action did to its limit. remaining: null where there is none, whose limit is -1."""

    action: Action
    current_count: int
    limit: int
    remaining: int | None
    reset_at: ResetTime
    charged: bool


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
    reset_at: ResetTime


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


USAGE_SHAPE: Final = Shape[Consumed](UsageBody, {"reset_at": lambda consumed: reset_text(consumed.reset_at)})
LIMITS_SHAPE: Final = Shape[PlanUsage](LimitsBody, {name: f"plan.{name}" for name in LimitsBody.model_fields})
USED_SHAPE: Final = Shape[PlanUsage](
    UsedBody,
    {
        "hints_today": lambda used: used.today["hint"],
        "executions_today": lambda used: used.today["execution"],
    },
)
PLAN_USAGE_SHAPE: Final = Shape[PlanUsage](
    PlanUsageBody,
    {
        "plan_name": "plan.name",
        "limits": LIMITS_SHAPE,
        "usage": USED_SHAPE,
        "reset_at": lambda used: reset_text(used.reset_at),
    },
)


def _total(action: Action) -> Any:
    return lambda summary: {"total": summary.total(action), "daily_avg": summary.daily_avg(action)}


SUMMARY_SHAPE: Final = Shape[UsageSummary](
    UsageSummaryBody,
    {
        **{action: _total(action) for action in ACTIONS},
        "days": lambda summary: [{"date": day.date, **day.counts} for day in summary.days],
    },
)
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
