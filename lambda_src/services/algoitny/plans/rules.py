"""The plans that are always there, and what is special about them."""

from typing import Final

from lambda_src.services.algoitny.models.plans import UNLIMITED, SubscriptionPlan

FREE_PLAN_ID: Final = 1
ADMIN_PLAN_NAME: Final = "Admin"

DEFAULT_PLANS: Final = (
    SubscriptionPlan(
        plan_id=FREE_PLAN_ID, name="Free", description="For everybody", max_hints_per_day=5,
        max_executions_per_day=50, is_self_service=True, created_at=0, updated_at=0,
    ),
    SubscriptionPlan(
        plan_id=2, name="Pro", description="For those who practise a lot", max_hints_per_day=30,
        max_executions_per_day=200, created_at=0, updated_at=0,
    ),
    SubscriptionPlan(
        plan_id=3, name=ADMIN_PLAN_NAME, description="For administrators", max_hints_per_day=UNLIMITED,
        max_executions_per_day=UNLIMITED, can_register_problems=True, created_at=0, updated_at=0,
    ),
)  # fmt: skip


def name_key(name: str) -> str:
    """A name as plans are found by it."""
    return name.strip().lower()


def is_admin_plan(plan: SubscriptionPlan) -> bool:
    """Whether it is the one that nobody sees or chooses, whatever its id is."""
    return name_key(plan.name) == name_key(ADMIN_PLAN_NAME)


def is_protected(plan: SubscriptionPlan) -> bool:
    """Whether it has to stay what it is: new users are on Free, and Admin is hidden by its name."""
    return plan.plan_id == FREE_PLAN_ID or name_key(plan.name) == "free" or is_admin_plan(plan)
