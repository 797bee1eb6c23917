"""Plans as requests meet them: which one holds for whom, what is offered, and what administrators make of them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from lambda_src.runtime.clock import Clock
from lambda_src.services.algoitny.errors import PlanProtected
from lambda_src.services.algoitny.models.plans import DEFAULT_PLANS, FREE_PLAN_ID, SubscriptionPlan, name_key
from lambda_src.services.algoitny.models.users import Principal
from lambda_src.services.algoitny.plans.repository import SubscriptionPlanRepository

logger = logging.getLogger(__name__)

KEPT: Final = timedelta(seconds=60)


@dataclass(slots=True)
class PlanCatalog:
    """The plans, read once a minute in a process: what an administrator changes holds everywhere within that time.

    user_count is as old. Safe to use from many threads: at worst several read at once.
    """

    plans: SubscriptionPlanRepository
    clock: Clock
    _read: tuple[datetime, Sequence[SubscriptionPlan]] | None = field(default=None, init=False)

    def all(self) -> Sequence[SubscriptionPlan]:
        """Every plan, by its id. 1 request where the last one is a minute ago."""
        read = self._read
        is_fresh = read is not None and timedelta(0) <= self.clock() - read[0] < KEPT
        return read[1] if read is not None and is_fresh else self._refreshed()

    def offered(self) -> list[SubscriptionPlan]:
        """What is shown to everybody: active ones without Admin, by price and then name."""
        shown = [plan for plan in self.all() if plan.is_active and not plan.is_admin_plan]
        return sorted(shown, key=lambda plan: (plan.price, plan.name))

    def find(self, plan_id: int) -> SubscriptionPlan | None:
        """The plan of an id; one that is not known is looked for. No request, 1 for an unknown id or after a minute."""
        return self._found(lambda plan: plan.plan_id == plan_id)

    def find_by_name(self, name: str) -> SubscriptionPlan | None:
        """The plan of a name, in any case; requests as for `find`."""
        return self._found(lambda plan: name_key(plan.name) == name_key(name))

    def plan_of(self, plan_id: int) -> SubscriptionPlan:
        """The plan a user is on; Free in place of one that is gone, so that nobody is locked out for it."""
        return self.find(plan_id) or self.find(FREE_PLAN_ID) or DEFAULT_PLANS[0]

    def of(self, principal: Principal) -> SubscriptionPlan:
        """What somebody may do: as the plan says, administrators everything, under the name Admin."""
        plan = self.plan_of(principal.user.subscription_plan_id)
        return plan.unlimited() if principal.is_admin else plan

    def ensure_defaults(self) -> None:
        """Let the plans Free, Pro and Admin be there. 1 request where they are."""
        self.plans.ensure_defaults()
        self._read = None

    def create(self, given: Mapping[str, Any], *, by: int) -> SubscriptionPlan:
        """Add a plan. Raises PlanNameTaken. 2 requests."""
        return self._changed(self.plans.create_plan(given), "plan created", by)

    def change(self, plan_id: int, given: Mapping[str, Any], *, by: int) -> SubscriptionPlan:
        """Change what is given. 2 or 3 requests.

        Raises PlanNotFound, PlanNameTaken, PlanProtected where Free or Admin would be renamed or switched off.
        """
        plan = self.plans.stored_plan(plan_id)
        is_renamed = given.get("name", plan.name) != plan.name
        if plan.is_protected and (is_renamed or (plan.is_active and given.get("is_active") is False)):
            raise PlanProtected
        return self._changed(self.plans.update_plan(plan_id, given), "plan changed", by)

    def remove(self, plan_id: int, *, by: int) -> None:
        """Remove a plan. Raises PlanNotFound, PlanInUse, PlanProtected. 3 requests."""
        plan = self.plans.stored_plan(plan_id)
        if plan.is_protected:
            raise PlanProtected
        self.plans.delete_plan(plan_id)
        self._changed(plan, "plan removed", by)

    def _changed(self, plan: SubscriptionPlan, what: str, by: int) -> SubscriptionPlan:
        self._read = None
        logger.info(what, extra={"plan_id": plan.plan_id, "by": by})
        return plan

    def _found(self, is_wanted: Callable[[SubscriptionPlan], bool]) -> SubscriptionPlan | None:
        return next(filter(is_wanted, self.all()), None) or next(filter(is_wanted, self._refreshed()), None)

    def _refreshed(self) -> Sequence[SubscriptionPlan]:
        now, found = self.clock(), self.plans.list_plans()
        self._read = (now, found)
        return found
