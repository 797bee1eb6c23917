"""Writes of plans, after which each name, in any case, is one plan's. Their users are counted where users change."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled, applied
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Delete, Put, Store, Update, UpdateItem
from lambda_src.errors import Conflict, StoreUnavailable
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.checks import known_fields
from lambda_src.services.algoitny.counters import CounterRepository
from lambda_src.services.algoitny.errors import PlanInUse, PlanNameTaken, PlanNotFound
from lambda_src.services.algoitny.models.plans import DEFAULT_PLANS, PlanNameGuard, SubscriptionPlan, name_key

_KEPT: Final = frozenset({"plan_id", "created_at", "updated_at", "user_count"})
_CHANGEABLE: Final = frozenset(each.name for each in fields(SubscriptionPlan)) - _KEPT


@dataclass(frozen=True, slots=True)
class SubscriptionPlanRepository:
    """Plans, and all writes of them but for the count of their users."""

    store: Store
    clock: Clock

    def get_plan(self, plan_id: int) -> SubscriptionPlan | None:
        """A plan as stored this instant. 1 request; 1 RRU; none for what is no id."""
        return self.store.get(tables.GET_PLAN, plan_id=plan_id) if plan_id > 0 else None

    def stored_plan(self, plan_id: int) -> SubscriptionPlan:
        """A plan as stored this instant. Raises PlanNotFound. 1 request; 1 RRU."""
        plan = self.get_plan(plan_id)
        if plan is None:
            raise PlanNotFound
        return plan

    def get_plan_by_name(self, name: str) -> SubscriptionPlan | None:
        """Which plan has this name, in any case, this instant. 2 requests, 1 for an unknown name."""
        key = name_key(name)
        guard = self.store.get(tables.PLAN_OF_NAME, name_key=key) if key else None
        plan = None if guard is None else self.get_plan(guard.plan_id)
        return plan if plan is not None and name_key(plan.name) == key else None

    def list_plans(self) -> list[SubscriptionPlan]:
        """All plans as stored this instant, by their ids. 1 request; 1 RRU per 4 KB."""
        return sorted(self.store.items(tables.LIST_PLANS), key=lambda plan: plan.plan_id)

    def create_plan(self, plan_data: Mapping[str, Any]) -> SubscriptionPlan:
        """Add a plan. Raises ValueError for what no plan has, PlanNameTaken. 2 requests; 2 more for each id in use."""
        now = epoch_ms(self.clock())
        plan = SubscriptionPlan(plan_id=0, created_at=now, updated_at=now, **known_fields(plan_data, _CHANGEABLE))
        for plan_id in CounterRepository(self.store).draws("plan_id"):
            drawn = replace(plan, plan_id=plan_id)
            try:
                self.store.transact(tables.CREATE_PLAN, _created(drawn))
            except TransactionCancelled as exc:
                if exc.failed(1):
                    raise PlanNameTaken from exc
            else:
                return drawn
        raise StoreUnavailable

    def ensure_defaults(self) -> None:
        """Let the plans Free, Pro and Admin be there; what has their id or their name already stays as it is.

        1 request where nothing is to be done; 1 more for each plan that lacks, and 1.
        """
        there = {key for plan in self.list_plans() for key in (plan.plan_id, name_key(plan.name))}
        lacking = [plan for plan in DEFAULT_PLANS if there.isdisjoint((plan.plan_id, name_key(plan.name)))]
        if not lacking:
            return
        now = epoch_ms(self.clock())
        CounterRepository(self.store).raise_to("plan_id", max(plan.plan_id for plan in DEFAULT_PLANS))
        for plan in lacking:  # unless somebody else is quicker
            applied(self.store.transact, tables.CREATE_PLAN, _created(replace(plan, created_at=now, updated_at=now)))

    def update_plan(self, plan_id: int, updates: Mapping[str, Any]) -> SubscriptionPlan:
        """Change what is given; the plan as stored then.

        Raises ValueError for what this does not change, PlanNotFound, PlanNameTaken, Conflict for a plan that somebody
        else renamed at this moment. 1 request; 2 where a name is given.
        """
        changes = known_fields(updates, _CHANGEABLE)
        update = Update().assign({**changes, "updated_at": epoch_ms(self.clock())})
        if "name" not in changes:
            return self._updated(UpdateItem(items.PLAN.key(plan_id=plan_id), update, EXISTS))
        plan = self.stored_plan(plan_id)
        change = UpdateItem(items.PLAN.key_of(plan), update, Attr("name").eq(plan.name), return_old=True)
        renamed = replace(plan, name=changes["name"])
        if name_key(renamed.name) == name_key(plan.name):
            return self._updated(change)
        guards = [Delete(items.PLAN_NAME_GUARD.key(name_key=name_key(plan.name))), _guard(renamed)]
        try:
            self.store.transact(tables.RENAME_PLAN, [change, *guards])
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise (PlanNotFound if exc.reasons[0].item is None else Conflict) from exc
            raise PlanNameTaken from exc
        return replace(plan, **changes)

    def _updated(self, change: UpdateItem) -> SubscriptionPlan:
        try:
            return items.PLAN.model(self.store.update(tables.UPDATE_PLAN, change, returning="ALL_NEW"))
        except ConditionFailed as exc:
            raise (PlanNotFound if exc.item is None else Conflict) from exc

    def delete_plan(self, plan_id: int) -> None:
        """Remove a plan that nobody is on, and free its name.

        Raises PlanNotFound, PlanInUse, Conflict for a plan that somebody else renamed at this moment. 2 requests.
        """
        plan = self.stored_plan(plan_id)
        is_unused = Attr("user_count").not_exists() | Attr("user_count").lte(0)
        unused = Delete(items.PLAN.key_of(plan), Attr("name").eq(plan.name) & is_unused, return_old=True)
        guard = Delete(items.PLAN_NAME_GUARD.key(name_key=name_key(plan.name)))
        try:
            self.store.transact(tables.DELETE_PLAN, [unused, guard])
        except TransactionCancelled as exc:
            stands = exc.reasons[0].item
            if stands is None:
                raise PlanNotFound from exc
            count = items.PLAN.model(stands).user_count
            raise (PlanInUse(count) if count > 0 else Conflict()) from exc


def _created(plan: SubscriptionPlan) -> list[Action]:
    return [Put(items.PLAN, plan, ABSENT), _guard(plan)]


def _guard(plan: SubscriptionPlan) -> Action:
    return Put(items.PLAN_NAME_GUARD, PlanNameGuard(name_key(plan.name), plan.plan_id, plan.updated_at), ABSENT)
