"""Routes of plans: what is offered, and what administrators make of it."""

from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, Field, StrictBool
from starlette.responses import Response

from lambda_src.runtime.bodies import ChangeBody, RequestBody, Shape
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.algoitny.bodies import PathId, one_line
from lambda_src.services.algoitny.models.plans import UNLIMITED, SubscriptionPlan
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.principals import Administrator

MAX_AMOUNT: Final = 1_000_000_000

type PlanName = Annotated[str, AfterValidator(partial(one_line, most=100))]
type Amount = Annotated[int, Field(ge=UNLIMITED, le=MAX_AMOUNT, strict=True, description="-1: no limit")]


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
    description: str = Field("", max_length=2000)
    max_hints_per_day: Amount = 5
    max_executions_per_day: Amount = 50
    max_problems: Amount = UNLIMITED
    can_view_all_problems: StrictBool = True
    can_register_problems: StrictBool = False
    price: Decimal = Field(Decimal(0), ge=0, le=MAX_AMOUNT, decimal_places=2, allow_inf_nan=False)
    is_self_service: StrictBool = False
    is_active: StrictBool = True


class PlanChange(ChangeBody, NewPlan):
    name: PlanName = ""


PLAN_SHAPE: Final = Shape[SubscriptionPlan](PlanBody)
COUNTED_PLAN_SHAPE: Final = Shape[SubscriptionPlan](CountedPlanBody)

router: Final = Router(tags=["plans"])


@router.get("/api/auth/plans", response_model=PlansBody)
def list_offered_plans(catalog: Given[PlanCatalog]) -> dict[str, Any]:
    """Active plans by price and then name; Admin is never among them."""
    return {"plans": list(map(PLAN_SHAPE, catalog.offered()))}


@router.get("/api/admin/plans", response_model=CountedPlansBody)
def list_plans(catalog: Given[PlanCatalog], _caller: Administrator) -> dict[str, Any]:
    """All plans as stored this instant, by their ids."""
    return {"plans": list(map(COUNTED_PLAN_SHAPE, catalog.plans.list_plans()))}


@router.post("/api/admin/plans", status_code=201, response_model=CountedPlanBody)
def create_plan(catalog: Given[PlanCatalog], caller: Administrator, body: NewPlan) -> Response:
    """Add a plan, whose name is free in any case."""
    plan = catalog.create(body.model_dump(), by=caller.user_id)
    location = f"/api/admin/plans/{plan.plan_id}"
    return JsonAnswer(COUNTED_PLAN_SHAPE(plan), status_code=201, headers={"Location": location})


@router.patch("/api/admin/plans/{plan_id}", response_model=CountedPlanBody)
def change_plan(
    catalog: Given[PlanCatalog], caller: Administrator, plan_id: PathId, body: PlanChange
) -> dict[str, Any]:
    """Change what is given. Free and Admin keep their names and stay active."""
    return COUNTED_PLAN_SHAPE(catalog.change(plan_id, body.model_dump(exclude_unset=True), by=caller.user_id))


@router.delete("/api/admin/plans/{plan_id}", status_code=204)
def delete_plan(catalog: Given[PlanCatalog], caller: Administrator, plan_id: PathId) -> None:
    """Remove a plan that nobody is on."""
    catalog.remove(plan_id, by=caller.user_id)
