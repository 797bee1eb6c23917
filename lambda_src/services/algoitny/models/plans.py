"""Models of subscription plans, and the actions they limit."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal

from lambda_src.dynamo.codec import Stored
from lambda_src.services.algoitny.models.stored import CreatedAt, UpdatedAt

type Action = Literal["hint", "execution"]

ACTIONS: Final[tuple[Action, ...]] = ("hint", "execution")
UNLIMITED: Final = -1


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

    def daily_limit(self, action: Action) -> int:
        """How often a day; UNLIMITED, 0 for never."""
        return self.max_hints_per_day if action == "hint" else self.max_executions_per_day


@dataclass(frozen=True, slots=True)
class PlanNameGuard:
    """Which plan has a name, in any case."""

    name_key: str
    plan_id: Annotated[int, Stored("pln")]
    created_at: CreatedAt
