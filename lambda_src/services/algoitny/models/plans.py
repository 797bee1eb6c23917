"""Models of subscription plans, those that are always there, and the actions they limit."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from lambda_src.dynamo.codec import Stored
from lambda_src.services.algoitny.models.stored import CreatedAt, UpdatedAt

type Action = Literal["hint", "execution"]

ACTIONS: Final[tuple[Action, ...]] = ("hint", "execution")
UNLIMITED: Final = -1
FREE_PLAN_ID: Final = 1
ADMIN_PLAN_NAME: Final = "Admin"


def name_key(name: str) -> str:
    """A name as plans are found by it."""
    return name.strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionPlan:
    """What a user may do. Limits of -1 are none. can_view_all_problems: else only those an administrator verified.

    user_count: kept by the transactions that give users another plan.
    """

    plan_id: int
    name: Annotated[str, Stored("nm")]
    created_at: CreatedAt
    updated_at: UpdatedAt
    description: Annotated[str, Stored("dsc")] = ""
    max_hints_per_day: Annotated[int, Stored("mh")] = 5
    max_executions_per_day: Annotated[int, Stored("me")] = 50
    max_problems: Annotated[int, Stored("mp")] = UNLIMITED
    can_view_all_problems: Annotated[bool, Stored("cva")] = True
    can_register_problems: Annotated[bool, Stored("crp")] = False
    price: Annotated[Decimal, Stored("prc")] = Decimal(0)
    is_self_service: Annotated[bool, Stored("ssv")] = False
    is_active: Annotated[bool, Stored("act")] = True
    user_count: Annotated[int, Stored("uct")] = 0

    @property
    def id(self) -> int:
        return self.plan_id

    @property
    def is_admin_plan(self) -> bool:
        """Whether it is the one that nobody sees or chooses, whatever its id is."""
        return name_key(self.name) == name_key(ADMIN_PLAN_NAME)

    @property
    def is_protected(self) -> bool:
        """Whether it has to stay what it is: new users are on Free, and Admin is hidden by its name."""
        return self.plan_id == FREE_PLAN_ID or name_key(self.name) == "free" or self.is_admin_plan

    def unlimited(self) -> Self:
        """What administrators have in place of it."""
        return replace(
            self, name=ADMIN_PLAN_NAME, max_hints_per_day=UNLIMITED, max_executions_per_day=UNLIMITED,
            max_problems=UNLIMITED, can_view_all_problems=True, can_register_problems=True,
        )  # fmt: skip

    def daily_limit(self, action: Action) -> int:
        """How often a day; UNLIMITED, 0 for never."""
        return self.max_hints_per_day if action == "hint" else self.max_executions_per_day


@dataclass(frozen=True, slots=True)
class PlanNameGuard:
    """Which plan has a name, in any case."""

    name_key: str
    plan_id: Annotated[int, Stored("pln")]
    created_at: CreatedAt


DEFAULT_PLANS: Final = (
    SubscriptionPlan(
        plan_id=FREE_PLAN_ID, name="Free", description="For everybody", is_self_service=True, created_at=0, updated_at=0
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
