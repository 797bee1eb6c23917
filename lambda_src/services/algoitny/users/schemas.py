"""Bodies of answers about users."""

from typing import Any

from pydantic import BaseModel, Field

from lambda_src.services.algoitny.bodies import Timestamp, timestamp
from lambda_src.services.algoitny.models.plans import SubscriptionPlan
from lambda_src.services.algoitny.principals import Principal


class UserBody(BaseModel):
    """An account, as its owner and administrators see it."""

    id: int
    email: str
    name: str
    picture: str
    is_admin: bool
    is_active: bool
    subscription_plan_id: int
    subscription_plan_name: str = Field(description="`Admin` for administrators, whatever their plan is")
    subscription_plan_description: str
    all_consents_given: bool
    created_at: Timestamp
    last_login_at: Timestamp | None


def user_body(principal: Principal, plan: SubscriptionPlan) -> dict[str, Any]:
    """The answer about somebody. plan: what holds for them, as `PlanCatalog.of` says."""
    user = principal.user
    return {
        "id": user.user_id,
        "email": user.email,
        "name": user.name,
        "picture": user.picture,
        "is_admin": principal.is_admin,
        "is_active": user.is_active,
        "subscription_plan_id": user.subscription_plan_id,
        "subscription_plan_name": plan.name,
        "subscription_plan_description": plan.description,
        "all_consents_given": user.all_consents_given,
        "created_at": timestamp(user.created_at),
        "last_login_at": None if user.last_login_at is None else timestamp(user.last_login_at),
    }
