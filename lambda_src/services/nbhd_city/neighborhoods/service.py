"""Neighborhoods as visitors and creators handle them: list, look at, create, change, delete."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lambda_src.dynamo.store import Page, Store
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.nbhd_city import tables
from lambda_src.services.nbhd_city.errors import EditConflict, InvariantBroken, NameTaken, NotCreator
from lambda_src.services.nbhd_city.messages import NbhdTask, Task
from lambda_src.services.nbhd_city.models import Did, Membership, NbhdId, Neighborhood, timestamp
from lambda_src.services.nbhd_city.neighborhoods import rules
from lambda_src.services.nbhd_city.neighborhoods.repository import NeighborhoodRepository, Stale
from lambda_src.services.nbhd_city.settings import ApiSettings

_TRIES: Final = 3  # each lost to another change of the same neighborhood


@dataclass(frozen=True, slots=True)
class Detail:
    """A neighborhood as one caller sees it. is_member: None for visitors."""

    neighborhood: Neighborhood
    members: Page[Membership]
    is_member: bool | None


@dataclass(frozen=True, slots=True)
class NeighborhoodService:
    store: Store
    neighborhoods: NeighborhoodRepository
    tasks: WorkQueue[Task]
    metrics: Metrics
    clock: Clock
    settings: ApiSettings
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())

    # ---- reads -----------------------------------------------------------------------------------------------------

    def page(self, *, limit: int, cursor: str | None) -> Page[Neighborhood]:
        """One page of all neighborhoods, newest first. limit: 1-100. Raises InvalidCursor. 1 request per shard."""
        settings = self.settings
        names = rules.list_partitions(settings.nbhd_list_shards, with_unsharded=settings.nbhd_list_unsharded)
        partitions = [{"entity_type": name} for name in names]
        return self.store.merged_page(
            tables.NEIGHBORHOODS_NEWEST_FIRST, limit=limit, cursor=cursor, partitions=partitions
        )

    def by_name(self, name: str) -> Neighborhood | None:
        """The neighborhood of this name in any spelling, None when the name is free. Raises InvalidText. 1-2 requests.

        A name whose holder is missing counts as free here, and for nobody else: it is counted and left to the audit.
        """
        claim = self.store.get(tables.HOLDER_OF_NAME, name_lower=rules.fold_name(rules.display_name(name)))
        if claim is None:
            return None
        found = self.store.get(tables.NEIGHBORHOOD_BY_ID, id=claim.nbhd_id)
        if found is None or not found.is_active:
            self.metrics.count("NameSentinelInvariant")
            return None
        return found

    def detail(self, nbhd_id: str, *, caller: Did | None, members_limit: int, members_cursor: str | None) -> Detail:
        """A neighborhood with one page of its members. members_limit: 0-100.

        Raises NbhdNotFound, InvalidCursor. 2 requests, 1 without members.
        """
        known = rules.valid_nbhd_id(nbhd_id)
        self.store.position(tables.MEMBERS_OF_NEIGHBORHOOD, members_cursor, neighborhood_id=known)
        found, is_member = self._seen_by(caller, known)
        neighborhood = rules.visible(found)
        members: Page[Membership] = Page([], None)
        if members_limit:
            members = self.store.page(
                tables.MEMBERS_OF_NEIGHBORHOOD, limit=members_limit, cursor=members_cursor, neighborhood_id=known
            )
        return Detail(neighborhood, members, is_member)

    def _seen_by(self, caller: Did | None, nbhd_id: NbhdId) -> tuple[Neighborhood | None, bool | None]:
        """The neighborhood, and whether the caller is in it, as they are this instant. 1 request."""
        if caller is None:
            return self.store.get(tables.NEIGHBORHOOD_BY_ID, id=nbhd_id), None
        keys = [tables.NEIGHBORHOOD.key(id=nbhd_id), tables.MEMBERSHIP.key(neighborhood_id=nbhd_id, user_id=caller)]
        found = self.store.batch_get(tables.NEIGHBORHOOD_AND_MEMBERSHIP, keys)
        neighborhood = next((each for each in found if isinstance(each, Neighborhood)), None)
        return neighborhood, any(isinstance(each, Membership) for each in found)

    # ---- writes ----------------------------------------------------------------------------------------------------

    def create(self, caller: Did, *, name: str, **texts: Any) -> Neighborhood:
        """Add a neighborhood with its creator inside. texts: what else is said of it, by attribute.

        Raises InvalidText, NameTaken. 1 request.
        """
        shown, now = rules.display_name(name), timestamp(self.clock())
        for _ in range(2):  # an id that is taken: a second one in a row is no chance any more
            nbhd_id = NbhdId(self.new_id())
            neighborhood = Neighborhood(
                id=nbhd_id,
                name=shown,
                name_lower=rules.fold_name(shown),
                created_by=caller,
                created_at=now,
                updated_at=now,
                entity_type=rules.list_partition(nbhd_id, self.settings.nbhd_list_shards),
                **texts,
            )
            try:
                if self.neighborhoods.create_neighborhood(neighborhood):
                    return neighborhood
            except NameTaken:
                self.metrics.count("NameTaken")
                raise
        raise InvariantBroken("two new ids in a row were taken")

    def update(self, nbhd_id: str, caller: Did, changes: Mapping[str, Any]) -> Neighborhood:
        """Rename and describe. changes: by attribute, valid already; what is empty is cleared.

        Raises InvalidText, NbhdNotFound, NotCreator, NameTaken, EditConflict. 2 requests.
        """
        return self._change(nbhd_id, caller, lambda seen: self._write(seen, changes))

    def delete(self, nbhd_id: str, caller: Did) -> None:
        """Take a neighborhood off the list at once; the worker removes its members.

        Raises NbhdNotFound, NotCreator, EditConflict. 2 requests and 1 message; a lost message is sent by the sweep.
        """
        self._change(nbhd_id, caller, self.neighborhoods.delete_neighborhood)
        self.tasks.send_or_leave(NbhdTask(task="purge_neighborhood", nbhd_id=rules.valid_nbhd_id(nbhd_id)))

    def _write(self, seen: Neighborhood, changes: Mapping[str, Any]) -> Neighborhood | Stale:
        name_lower = rules.fold_name(changes.get("name", seen.name))
        if name_lower == seen.name_lower:
            return self.neighborhoods.describe_neighborhood(seen, changes)
        try:
            return self.neighborhoods.rename_neighborhood(seen, name_lower, changes)
        except NameTaken as exc:
            if exc.holder == seen.id:  # a parallel rename to the very same name was faster
                return "stale"
            self.metrics.count("NameTaken")
            raise

    def _change[T](self, nbhd_id: str, caller: Did, change: Callable[[Neighborhood], T | Stale]) -> T:
        """Read, check who asks, and change what was read; anew when it was changed meanwhile."""
        known = rules.valid_nbhd_id(nbhd_id)
        for _ in range(_TRIES):
            seen = rules.visible(self.store.get(tables.NEIGHBORHOOD_BY_ID, id=known))
            if seen.created_by != caller:
                raise NotCreator
            changed = change(seen)
            if changed == "name lost":
                self.metrics.count("NameSentinelInvariant")
                raise InvariantBroken(f"neighborhood {seen.id} does not hold its name")
            if changed != "stale":
                return changed
        raise EditConflict
