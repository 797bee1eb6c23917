"""Routes of an account's usage."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import Cursor, Days, Limit, list_body
from lambda_src.services.algoitny.principals import Member
from lambda_src.services.algoitny.usage.schemas import (
    LOG_SHAPE,
    PLAN_USAGE_SHAPE,
    SUMMARY_SHAPE,
    Day,
    PlanUsageBody,
    UsageLogsBody,
    UsageSummaryBody,
)
from lambda_src.services.algoitny.usage.service import UsageService

router: Final = Router(tags=["usage"])


@router.get("/api/account/plan-usage", response_model=PlanUsageBody)
def read_plan_usage(usage: Given[UsageService], caller: Member) -> dict[str, Any]:
    """What the caller's plan allows, and what of it is used up today."""
    return PLAN_USAGE_SHAPE(usage.plan_usage(caller))


@router.get("/api/account/usage", response_model=UsageSummaryBody)
def read_usage(usage: Given[UsageService], caller: Member, days: Days = 7) -> dict[str, Any]:
    """The caller's usage of the last days, today among them."""
    return SUMMARY_SHAPE(usage.summary(caller, days))


@router.get("/api/account/usage/logs", response_model=UsageLogsBody)
def list_usage_logs(
    usage: Given[UsageService], caller: Member, date: Day | None = None, limit: Limit = 20, cursor: Cursor = None
) -> dict[str, Any]:
    """What the caller did on a day, newest first; today without one."""
    page = usage.logs(caller, date, limit=limit, cursor=cursor)
    return list_body(page, [LOG_SHAPE(each) for each in page.items])
