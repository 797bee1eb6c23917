"""What members do with their own account."""

from dataclasses import dataclass

from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.algoitny.errors import (
    ConfirmationWrong,
    ConsentsRequired,
    PlanInactive,
    PlanNotFound,
    PlanRequiresApproval,
    PlanUnavailable,
)
from lambda_src.services.algoitny.models.plans import SubscriptionPlan
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.models.users import Principal, User, normalised_email
from lambda_src.services.algoitny.plans.rules import is_admin_plan
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.users.service import UserService


@dataclass(frozen=True, slots=True)
class AccountService:
    """Raises what the store raises."""

    people: UserService
    catalog: PlanCatalog
    clock: Clock

    def rename(self, caller: Principal, name: str) -> User:
        """The caller's name, which public runs from now on carry. 1 request."""
        return self.people.users.update_user(caller.user_id, {"name": name})

    def leave(self, caller: Principal, confirmation: str) -> Task:
        """Remove the caller; see `UserService.remove`. Raises ConfirmationWrong for another address than the own."""
        if normalised_email(confirmation) != caller.user.email:
            raise ConfirmationWrong
        return self.people.remove(caller.user_id, by=caller)

    def choose_plan(self, caller: Principal, plan_id: int | None, name: str | None) -> User:
        """Give the caller a plan that needs nobody's approval. 2 requests beside those of the plan, as stored now.

        Raises PlanUnavailable for one that is missing, hidden or switched off, PlanRequiresApproval.
        """
        plan = self._stored_plan(plan_id, name)
        if plan is None or is_admin_plan(plan) or not plan.is_active:
            raise PlanUnavailable
        if plan.plan_id == caller.user.subscription_plan_id:
            return caller.user
        if not plan.is_self_service and not caller.is_admin:
            raise PlanRequiresApproval
        try:
            return self.people.users.update_subscription_plan(caller.user_id, plan.plan_id)
        except (PlanInactive, PlanNotFound) as exc:  # at this moment
            raise PlanUnavailable from exc

    def _stored_plan(self, plan_id: int | None, name: str | None) -> SubscriptionPlan | None:
        plans = self.catalog.plans
        return plans.get_plan_by_name(name or "") if plan_id is None else plans.get_plan(plan_id)

    def agree(self, caller: Principal, *, privacy: bool, terms: bool, code: bool) -> User:
        """Keep when the caller agreed to everything, the own code included. Raises ConsentsRequired. 1 request."""
        if not (privacy and terms and code):
            raise ConsentsRequired
        now = epoch_ms(self.clock())
        return self.people.users.update_user(
            caller.user_id, {"privacy_agreed_at": now, "terms_agreed_at": now, "code_ownership_agreed_at": now}
        )
