"""Routes of plans: what is offered, and what administrators make of it."""

from typing import Any, Final

from starlette.responses import Response

from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.algoitny.bodies import PathId
from lambda_src.services.algoitny.plans import schemas
from lambda_src.services.algoitny.plans.schemas import COUNTED_PLAN_SHAPE, PLAN_SHAPE
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.principals import Administrator

router: Final = Router(tags=["plans"])


@router.get("/api/auth/plans", response_model=schemas.PlansBody)
def list_offered_plans(catalog: Given[PlanCatalog]) -> dict[str, Any]:
    """Active plans by price and then name; Admin is never among them."""
    return {"plans": list(map(PLAN_SHAPE, catalog.offered()))}


@router.get("/api/admin/plans", response_model=schemas.CountedPlansBody)
def list_plans(
    catalog: Given[PlanCatalog],
    caller: Administrator,  # noqa: ARG001 -- nobody else may
) -> dict[str, Any]:
    """All plans as stored this instant, by their ids."""
    return {"plans": list(map(COUNTED_PLAN_SHAPE, catalog.plans.list_plans()))}


@router.post("/api/admin/plans", status_code=201, response_model=schemas.CountedPlanBody)
def create_plan(catalog: Given[PlanCatalog], caller: Administrator, body: schemas.NewPlan) -> Response:
    """Add a plan, whose name is free in any case."""
    plan = catalog.create(body.model_dump(), by=caller.user_id)
    location = f"/api/admin/plans/{plan.plan_id}"
    return JsonAnswer(COUNTED_PLAN_SHAPE(plan), status_code=201, headers={"Location": location})


@router.patch("/api/admin/plans/{plan_id}", response_model=schemas.CountedPlanBody)
def change_plan(
    catalog: Given[PlanCatalog], caller: Administrator, plan_id: PathId, body: schemas.PlanChange
) -> dict[str, Any]:
    """Change what is given. Free and Admin keep their names and stay active."""
    return COUNTED_PLAN_SHAPE(catalog.change(plan_id, body.model_dump(exclude_unset=True), by=caller.user_id))


@router.delete("/api/admin/plans/{plan_id}", status_code=204)
def delete_plan(catalog: Given[PlanCatalog], caller: Administrator, plan_id: PathId) -> None:
    """Remove a plan that nobody is on."""
    catalog.remove(plan_id, by=caller.user_id)
