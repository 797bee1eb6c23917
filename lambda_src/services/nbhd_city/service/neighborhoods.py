"""Neighborhoods as visitors and creators handle them: list, look at, create, change, delete."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lambda_src.runtime.clock import Clock
from lambda_src.services.nbhd_city.clients.tasks import TaskQueue
from lambda_src.services.nbhd_city.errors import EditConflict, InvariantBroken, NameTaken, NotCreator
from lambda_src.services.nbhd_city.messages import NbhdTask
from lambda_src.services.nbhd_city.models import Did, Membership, NbhdId, Neighborhood, Page
from lambda_src.services.nbhd_city.repository import Repository
from lambda_src.services.nbhd_city.repository.neighborhoods import Overtaken
from lambda_src.services.nbhd_city.rules import texts
from lambda_src.services.nbhd_city.rules.names import display_name, fold_name
from lambda_src.services.nbhd_city.rules.shards import list_partition
from lambda_src.services.nbhd_city.rules.times import timestamp
from lambda_src.services.nbhd_city.service.listing import Listing
from lambda_src.services.nbhd_city.service.memberships import MembershipService
from lambda_src.services.nbhd_city.service.parts import Count, valid_nbhd_id, visible

_TRIES: Final = 3  # each lost to another change of the same neighborhood


@dataclass(frozen=True, slots=True)
class Detail:
    """A neighborhood as one caller sees it. is_member: None for visitors."""

    neighborhood: Neighborhood
    members: Page[Membership]
    is_member: bool | None


@dataclass(frozen=True, slots=True)
class NeighborhoodService:
    """Use cases of neighborhoods. shards: partitions that new ones are spread over. count: adds one to a metric."""

    repository: Repository
    memberships: MembershipService
    listing: Listing
    tasks: TaskQueue
    clock: Clock
    count: Count
    shards: int
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())

    # ---- reads -----------------------------------------------------------------------------------------------------

    def page(self, *, limit: int, cursor: str | None) -> Page[Neighborhood]:
        """One page of all neighborhoods, newest first. limit: 1-100. Raises InvalidCursor. 1 request per shard."""
        return self.listing.page(limit=limit, cursor=cursor)

    def by_name(self, name: str) -> Neighborhood | None:
        """The neighborhood of this name in any spelling, None when the name is free. Raises InvalidText. 1-2 requests.

        A name whose holder is missing counts as free here, and for nobody else: it is counted and left to the audit.
        """
        holder, found = self.repository.neighborhoods.neighborhood_by_name(fold_name(display_name(name)))
        if holder is None:
            return None
        if found is None or not found.is_active:
            self.count("NameSentinelInvariant")
            return None
        return found

    def detail(self, nbhd_id: str, *, caller: Did | None, members_limit: int, members_cursor: str | None) -> Detail:
        """A neighborhood with one page of its members. members_limit: 0-100.

        Raises NbhdNotFound, InvalidCursor. 2 requests, 1 without members.
        """
        known = valid_nbhd_id(nbhd_id)
        after = self.memberships.members_start(known, members_cursor)
        if caller is None:
            found, membership = self.repository.neighborhoods.neighborhood_by_id(known), None
        else:
            found, membership = self.repository.neighborhoods.neighborhood_and_membership(known, caller)
        neighborhood = visible(found)
        members = self.memberships.members_page(known, limit=members_limit, after=after)
        return Detail(neighborhood, members, None if caller is None else membership is not None)

    # ---- writes ----------------------------------------------------------------------------------------------------

    def create(self, caller: Did, *, name: str, description: str | None) -> Neighborhood:
        """Add a neighborhood with its creator inside. Raises InvalidText, NameTaken. 1 request."""
        shown, now = display_name(name), timestamp(self.clock())
        for _ in range(2):  # an id that is taken: a second one in a row is no chance any more
            nbhd_id = NbhdId(self.new_id())
            neighborhood = Neighborhood(
                id=nbhd_id,
                name=shown,
                name_lower=fold_name(shown),
                description=texts.description(description),
                created_by=caller,
                created_at=now,
                updated_at=now,
                entity_type=list_partition(nbhd_id, self.shards),
            )
            try:
                if self.repository.neighborhoods.create_neighborhood(neighborhood):
                    return neighborhood
            except NameTaken:
                self.count("NameTaken")
                raise
        raise InvariantBroken("two new ids in a row were taken")

    def update(
        self, nbhd_id: str, caller: Did, *, name: str | None = None, description: str | None = None
    ) -> Neighborhood:
        """Rename and describe; None leaves as it is, an empty description clears it.

        Raises InvalidText, NbhdNotFound, NotCreator, NameTaken, EditConflict. 2 requests.
        """

        def change(seen: Neighborhood) -> Neighborhood | Overtaken:
            return self._write(
                seen,
                name=seen.name if name is None else display_name(name),
                description=seen.description if description is None else texts.description(description),
            )

        return self._change(nbhd_id, caller, change)

    def delete(self, nbhd_id: str, caller: Did) -> None:
        """Take a neighborhood off the list at once; the worker removes its members.

        Raises NbhdNotFound, NotCreator, EditConflict. 2 requests and 1 message; a lost message is sent by the sweep.
        """
        self._change(nbhd_id, caller, self.repository.neighborhoods.delete_neighborhood)
        self.tasks.send_or_leave(NbhdTask(task="purge_neighborhood", nbhd_id=valid_nbhd_id(nbhd_id)))

    def _write(self, seen: Neighborhood, *, name: str, description: str) -> Neighborhood | Overtaken:
        neighborhoods, name_lower = self.repository.neighborhoods, fold_name(name)
        if name_lower == seen.name_lower:
            return neighborhoods.describe_neighborhood(seen, name=name, description=description)
        try:
            return neighborhoods.rename_neighborhood(seen, name=name, name_lower=name_lower, description=description)
        except NameTaken as exc:
            if exc.holder == seen.id:  # a parallel rename to the very same name was faster
                return "overtaken"
            self.count("NameTaken")
            raise

    def _change[T](self, nbhd_id: str, caller: Did, change: Callable[[Neighborhood], T | Overtaken]) -> T:
        """Read, check who asks, and change what was read; anew when it was changed meanwhile."""
        known = valid_nbhd_id(nbhd_id)
        for _ in range(_TRIES):
            seen = visible(self.repository.neighborhoods.neighborhood_by_id(known))
            if seen.created_by != caller:
                raise NotCreator
            changed = change(seen)
            if changed == "name lost":
                self.count("NameSentinelInvariant")
                raise InvariantBroken(f"neighborhood {seen.id} does not hold its name")
            if changed != "overtaken":
                return changed
        raise EditConflict
