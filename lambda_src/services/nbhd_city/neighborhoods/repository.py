"""Changes of neighborhoods and their names: the transactions T1, T4 and T5."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled
from lambda_src.dynamo.store import ABSENT, Action, Attr, Condition, Delete, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.nbhd_city import tables
from lambda_src.services.nbhd_city.errors import NameTaken
from lambda_src.services.nbhd_city.models import Membership, NameClaim, Neighborhood, timestamp
from lambda_src.services.nbhd_city.neighborhoods.rules import DELETING

type Stale = Literal["stale", "name lost"]
"""Why a change was not made: the neighborhood is no longer as it was read, or its name does not belong to it."""


@dataclass(frozen=True, slots=True)
class NeighborhoodRepository:
    store: Store
    clock: Clock

    def create_neighborhood(self, neighborhood: Neighborhood) -> bool:
        """T1: add a neighborhood, its name and its creator's membership; False when its id is taken.

        Raises NameTaken. 1 request.
        """
        creator = Membership(neighborhood.created_by, neighborhood.id, neighborhood.created_at)
        actions: list[Action] = [
            _claim(neighborhood.name_lower, neighborhood),
            Put(tables.NEIGHBORHOOD, neighborhood, ABSENT),
            Put(tables.MEMBERSHIP, creator, ABSENT),
        ]
        try:
            self.store.transact(tables.CREATE_NEIGHBORHOOD, actions)
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise NameTaken(_holder(exc)) from exc
            return False
        return True

    def rename_neighborhood(
        self, seen: Neighborhood, name_lower: str, changes: Mapping[str, Any]
    ) -> Neighborhood | Stale:
        """T4: take another name and free the one before.

        seen: as it was read. changes: by attribute, the name among them. Raises NameTaken; its holder may be this very
        neighborhood. 1 request.
        """
        now = timestamp(self.clock())
        changes = {**changes, "name_lower": name_lower, "updated_at": now}
        actions: list[Action] = [
            _claim(name_lower, seen),
            _free_name(seen),
            UpdateItem(tables.NEIGHBORHOOD.key(id=seen.id), Update().assign(changes), _as_seen(seen)),
        ]
        try:
            self.store.transact(tables.RENAME_NEIGHBORHOOD, actions)
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise NameTaken(_holder(exc)) from exc
            return "stale" if exc.failed(2) else "name lost"
        return replace(seen, **changes)  # a transaction answers nothing: counts are those that were read

    def describe_neighborhood(self, seen: Neighborhood, changes: Mapping[str, Any]) -> Neighborhood | Stale:
        """Change what is said of it, and the name within its folded form. changes: by attribute. 1 request."""
        update = Update().assign({**changes, "updated_at": timestamp(self.clock())})
        write = UpdateItem(tables.NEIGHBORHOOD.key(id=seen.id), update, _as_seen(seen))
        try:
            item = self.store.update(tables.DESCRIBE_NEIGHBORHOOD, write, returning="ALL_NEW")
        except ConditionFailed:
            return "stale"
        return tables.NEIGHBORHOOD.model(item)

    def delete_neighborhood(self, seen: Neighborhood) -> Stale | None:
        """T5: from here on nobody sees or joins the neighborhood, and its name is free. 1 request."""
        now = timestamp(self.clock())
        update = Update().set(status="deleting", deleted_at=now, updated_at=now, entity_type=DELETING)
        change = UpdateItem(tables.NEIGHBORHOOD.key(id=seen.id), update.remove("name_lower"), _as_seen(seen))
        try:
            self.store.transact(tables.DELETE_NEIGHBORHOOD, [_free_name(seen), change])
        except TransactionCancelled as exc:
            return "stale" if exc.failed(1) else "name lost"
        return None


def _claim(name_lower: str, neighborhood: Neighborhood) -> Put[NameClaim]:
    return Put(tables.NAME, NameClaim(name_lower, neighborhood.id), ABSENT, return_old=True)


def _free_name(seen: Neighborhood) -> Delete:
    return Delete(tables.NAME.key(name_lower=seen.name_lower), Attr("nbhd_id").eq(seen.id))


def _as_seen(seen: Neighborhood) -> Condition:
    """Still its creator's, still there, still under the same name."""
    return tables.ACTIVE & Attr("created_by").eq(seen.created_by) & Attr("name_lower").eq(seen.name_lower)


def _holder(cancelled: TransactionCancelled) -> str:
    """Who has the name: T1 and T4 claim it with their first action."""
    return str((cancelled.reasons[0].item or {}).get("nbhd_id", ""))
