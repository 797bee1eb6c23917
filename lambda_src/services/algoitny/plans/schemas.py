"""Bodies of requests and answers about plans."""

from decimal import Decimal
from functools import partial
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field, StrictBool

from lambda_src.runtime.bodies import ChangeBody, RequestBody, Shape
from lambda_src.services.algoitny.bodies import one_line
from lambda_src.services.algoitny.models.plans import UNLIMITED, SubscriptionPlan

MAX_AMOUNT: Final = 1_000_000_000

type PlanName = Annotated[str, AfterValidator(partial(one_line, most=100))]
type Description = Annotated[str, Field(max_length=2000)]
type Amount = Annotated[int, Field(ge=UNLIMITED, le=MAX_AMOUNT, strict=True, description="-1: no limit")]
type Price = Annotated[Decimal, Field(ge=0, le=MAX_AMOUNT, decimal_places=2, allow_inf_nan=False)]


class PlanBody(BaseModel):
    id: int
    name: str
    description: str
    max_hints_per_day: int
    max_executions_per_day: int
    max_problems: int
    can_view_all_problems: bool
    can_register_problems: bool
    price: float
    is_self_service: bool
    is_active: bool


class CountedPlanBody(PlanBody):
    user_count: int


class PlansBody(BaseModel):
    plans: list[PlanBody]


class CountedPlansBody(BaseModel):
    plans: list[CountedPlanBody]


class NewPlan(RequestBody):
    name: PlanName
    description: Description = ""
    max_hints_per_day: Amount = 5
    max_executions_per_day: Amount = 50
    max_problems: Amount = UNLIMITED
    can_view_all_problems: StrictBool = True
    can_register_problems: StrictBool = False
    price: Price = Decimal(0)
    is_self_service: StrictBool = False
    is_active: StrictBool = True


class PlanChange(ChangeBody, NewPlan):
    name: PlanName = ""


PLAN_SHAPE: Final = Shape[SubscriptionPlan](PlanBody)
COUNTED_PLAN_SHAPE: Final = Shape[SubscriptionPlan](CountedPlanBody)
