"""Routes of an account's usage."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import Cursor, Days, Limit, list_body
from lambda_src.services.algoitny.principals import Member
from lambda_src.services.algoitny.usage import schemas
from lambda_src.services.algoitny.usage.rules import format_date
from lambda_src.services.algoitny.usage.service import UsageService

router: Final = Router(tags=["usage"])


@router.get("/api/account/plan-usage", response_model=schemas.PlanUsageBody)
def read_plan_usage(usage: Given[UsageService], caller: Member) -> dict[str, Any]:
    """What the caller's plan allows, and what of it is used up today."""
    return schemas.plan_usage_body(usage.plan_usage(caller))


@router.get("/api/account/usage", response_model=schemas.UsageSummaryBody)
def read_usage(usage: Given[UsageService], caller: Member, days: Days = 7) -> dict[str, Any]:
    """The caller's usage of the last days, today among them."""
    return schemas.summary_body(usage.usage.get_usage_summary(caller.user_id, days))


@router.get("/api/account/usage/logs", response_model=schemas.UsageLogsBody)
def list_usage_logs(
    usage: Given[UsageService],
    caller: Member,
    date: schemas.Day | None = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """What the caller did on a day, newest first; today without one."""
    day = date or format_date(usage.clock())
    page = usage.usage.get_usage_logs(caller.user_id, day, limit, cursor)
    return list_body(page, [schemas.LOG_SHAPE(each) for each in page.items])
