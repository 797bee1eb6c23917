"""Neighborhoods and their names: reads, and the transactions T1, T4 and T5."""

from dataclasses import dataclass, replace
from typing import Literal

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled
from lambda_src.dynamo.store import Action, Change, Delete, Put
from lambda_src.dynamo.updates import Update
from lambda_src.services.nbhd_city.errors import NameTaken
from lambda_src.services.nbhd_city.models import Did, Membership, NbhdId, Neighborhood
from lambda_src.services.nbhd_city.repository.base import (
    ABSENT,
    ACTIVE,
    Context,
    membership_item,
    membership_key,
    neighborhood_key,
)
from lambda_src.services.nbhd_city.rules.shards import DELETING
from lambda_src.services.nbhd_city.tables import GSI1, GSI2, MAIN, NAME

type Overtaken = Literal["overtaken", "name lost"]
"""Why a change was not made: the neighborhood is no longer as it was read, or its name does not belong to it."""


@dataclass(frozen=True, slots=True)
class ListPosition:
    """Where a page of a part of the list ended."""

    created_at: str
    nbhd_id: NbhdId


class NeighborhoodRepository:
    """Access patterns of neighborhoods. Request and capacity figures stand with the patterns in `tables.py`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    # ---- reads -----------------------------------------------------------------------------------------------------

    def neighborhood_by_id(self, nbhd_id: NbhdId) -> Neighborhood | None:
        """The neighborhood as it is this instant, one that is being deleted included. 1 request, consistent."""
        item = self._store.get(MAIN, neighborhood_key(nbhd_id), consistent=True)
        return None if item is None else Neighborhood.from_item(item)

    def neighborhood_and_membership(
        self, nbhd_id: NbhdId, user_id: Did
    ) -> tuple[Neighborhood | None, Membership | None]:
        """The neighborhood, and the user's membership in it, as they are this instant. 1 request, 2 RRU."""
        keys = [(MAIN, neighborhood_key(nbhd_id)), (MAIN, membership_key(nbhd_id, user_id))]
        found: tuple[Neighborhood | None, Membership | None] = (None, None)
        for item in self._store.batch_get(keys, consistent=True):
            if "user_id" in item:
                found = (found[0], Membership.from_item(item))
            else:
                found = (Neighborhood.from_item(item), found[1])
        return found

    def neighborhoods_newest_first(
        self, partition: str, *, limit: int, after: ListPosition | None = None
    ) -> list[Neighborhood]:
        """Up to `limit` neighborhoods of a part of the list, newest first.

        Reads GSI1, which lags behind writes by up to about a second. 1 request per MB.
        """
        start = None
        if after is not None:
            start = neighborhood_key(after.nbhd_id) | {"entity_type": partition, "created_at": after.created_at}
        items = self._store.query_items(
            MAIN, Key("entity_type").eq(partition), index=GSI1, descending=True, start=start, stop_after=limit
        )
        return [Neighborhood.from_item(item) for item in items]

    def neighborhood_by_name(self, name_lower: str) -> tuple[NbhdId | None, Neighborhood | None]:
        """Who holds a folded name, and that neighborhood. 1 request when the name is free, else 2, consistent."""
        sentinel = self._store.get(MAIN, MAIN.key(NAME, name_lower=name_lower), consistent=True)
        if sentinel is None:
            return None, None
        holder = NbhdId(sentinel["nbhd_id"])
        return holder, self.neighborhood_by_id(holder)

    def neighborhoods_by_ids(self, nbhd_ids: list[NbhdId]) -> dict[NbhdId, Neighborhood]:
        """Those that exist. 1 request per 100."""
        items = self._store.batch_get((MAIN, neighborhood_key(nbhd_id)) for nbhd_id in nbhd_ids)
        return {item["id"]: Neighborhood.from_item(item) for item in items}

    def neighborhoods_of_name(self, name_lower: str) -> list[NbhdId]:
        """Support: ids of the items that carry a folded name. 1 request; GSI2 lags by about a second."""
        items = self._store.query_items(MAIN, Key("name_lower").eq(name_lower), index=GSI2)
        return [NbhdId(item["PK"].removeprefix("NBHD#")) for item in items]

    # ---- writes ----------------------------------------------------------------------------------------------------

    def create_neighborhood(self, neighborhood: Neighborhood) -> bool:
        """T1: add a neighborhood, its name and its creator's membership; False when its id is taken.

        Raises NameTaken. 1 request.
        """
        creator = membership_item(neighborhood.id, neighborhood.created_by, neighborhood.created_at)
        actions: list[Action] = [
            Put(MAIN, sentinel_item(neighborhood.name_lower, neighborhood.id), condition=ABSENT, return_old=True),
            Put(MAIN, neighborhood_item(neighborhood), condition=ABSENT),
            Put(MAIN, creator, condition=ABSENT),
        ]
        try:
            self._store.transact(actions)
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise NameTaken(_holder(exc)) from exc
            return False
        return True

    def rename_neighborhood(
        self, seen: Neighborhood, *, name: str, name_lower: str, description: str
    ) -> Neighborhood | Overtaken:
        """T4: take another name and free the one before.

        seen: as it was read. Raises NameTaken; its holder may be this very neighborhood. 1 request.
        """
        now = self._context.now()
        change = _text_change(name=name, description=description, now=now).set(name_lower=name_lower)
        actions: list[Action] = [
            Put(MAIN, sentinel_item(name_lower, seen.id), condition=ABSENT, return_old=True),
            _free_name(seen),
            Change(MAIN, neighborhood_key(seen.id), change, condition=_as_seen(seen)),
        ]
        try:
            self._store.transact(actions)
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise NameTaken(_holder(exc)) from exc
            return "overtaken" if exc.failed(2) else "name lost"
        # A transaction answers nothing: counts are those that were read.
        return replace(seen, name=name, name_lower=name_lower, description=description, updated_at=now)

    def describe_neighborhood(self, seen: Neighborhood, *, name: str, description: str) -> Neighborhood | Overtaken:
        """Change the description, and the name within its folded form. 1 request."""
        change = _text_change(name=name, description=description, now=self._context.now())
        try:
            item = self._store.update(
                MAIN, neighborhood_key(seen.id), change, condition=_as_seen(seen), returning="ALL_NEW"
            )
        except ConditionFailed:
            return "overtaken"
        return Neighborhood.from_item(item)

    def delete_neighborhood(self, seen: Neighborhood) -> Overtaken | None:
        """T5: from here on nobody sees or joins the neighborhood, and its name is free. 1 request."""
        now = self._context.now()
        change = (
            Update().set(status="deleting", deleted_at=now, updated_at=now, entity_type=DELETING).remove("name_lower")
        )
        actions: list[Action] = [
            _free_name(seen),
            Change(MAIN, neighborhood_key(seen.id), change, condition=_as_seen(seen)),
        ]
        try:
            self._store.transact(actions)
        except TransactionCancelled as exc:
            return "overtaken" if exc.failed(1) else "name lost"
        return None

    def move_to_partition(self, seen: Neighborhood, partition: str) -> bool:
        """Put a neighborhood into another part of the list; False when it was deleted meanwhile. 1 request."""
        try:
            self._store.update(
                MAIN,
                neighborhood_key(seen.id),
                Update().set(entity_type=partition),
                condition=ACTIVE & Attr("entity_type").eq(seen.entity_type),
            )
        except ConditionFailed:
            return False
        return True


# ---- items ---------------------------------------------------------------------------------------------------------


def neighborhood_item(neighborhood: Neighborhood) -> dict[str, object]:
    """The stored form of a neighborhood."""
    return {
        **neighborhood_key(neighborhood.id),
        "id": neighborhood.id,
        "entity_type": neighborhood.entity_type,
        "name": neighborhood.name,
        "name_lower": neighborhood.name_lower,
        "description": neighborhood.description,
        "created_by": neighborhood.created_by,
        "created_at": neighborhood.created_at,
        "updated_at": neighborhood.updated_at,
        "member_count": neighborhood.member_count,
        "members_rev": neighborhood.members_rev,
        "status": neighborhood.status,
    }


def sentinel_item(name_lower: str, nbhd_id: NbhdId) -> dict[str, object]:
    """The stored claim of a name. It has no attribute `name_lower`, which would bring it into GSI2."""
    return {**MAIN.key(NAME, name_lower=name_lower), "item_type": "nbhd_name", "nbhd_id": nbhd_id}


def _free_name(seen: Neighborhood) -> Delete:
    return Delete(MAIN, MAIN.key(NAME, name_lower=seen.name_lower), condition=Attr("nbhd_id").eq(seen.id))


def _as_seen(seen: Neighborhood) -> ConditionBase:
    """Still its creator's, still there, still under the same name."""
    return ACTIVE & Attr("created_by").eq(seen.created_by) & Attr("name_lower").eq(seen.name_lower)


def _text_change(*, name: str, description: str, now: str) -> Update:
    change = Update().set(name=name, updated_at=now)
    return change.set(description=description) if description else change.remove("description")


def _holder(cancelled: TransactionCancelled) -> str:
    """Who has the name: T1 and T4 claim it with their first action."""
    return str((cancelled.reasons[0].item or {}).get("nbhd_id", ""))
