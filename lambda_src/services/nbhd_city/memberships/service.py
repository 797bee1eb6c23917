"""Who is in which neighborhood: join, leave, members, and the neighborhoods of a user."""

from dataclasses import dataclass

from lambda_src.dynamo.store import Page, Store
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.nbhd_city import tables
from lambda_src.services.nbhd_city.errors import InvariantBroken
from lambda_src.services.nbhd_city.memberships.repository import MembershipRepository
from lambda_src.services.nbhd_city.messages import NbhdTask, Task
from lambda_src.services.nbhd_city.models import Did, Membership, NbhdId, Neighborhood
from lambda_src.services.nbhd_city.neighborhoods.rules import valid_nbhd_id, visible


@dataclass(frozen=True, slots=True)
class MembershipService:
    store: Store
    memberships: MembershipRepository
    tasks: WorkQueue[Task]
    metrics: Metrics

    def join(self, nbhd_id: str, caller: Did) -> NbhdId:
        """Become a member. Raises NbhdNotFound, AlreadyMember, StoreUnavailable under a rush of joins. 1 request."""
        known = valid_nbhd_id(nbhd_id)
        self.memberships.join_neighborhood(known, caller)
        return known

    def leave(self, nbhd_id: str, caller: Did) -> None:
        """Be a member no more; creators may leave, too.

        Raises NotAMember, NbhdNotFound when the neighborhood is being deleted, StoreUnavailable. 1 request.
        """
        known = valid_nbhd_id(nbhd_id)
        if self.memberships.leave_neighborhood(known, caller):
            return
        # the neighborhood is going, or the count says that it has no members
        visible(self.store.get(tables.NEIGHBORHOOD_BY_ID, id=known))
        self.metrics.count("MemberCountInvariant")
        self.tasks.send_or_leave(NbhdTask(task="recount_members", nbhd_id=known))
        raise InvariantBroken(f"neighborhood {known} has a member and counts none")

    def members(self, nbhd_id: str, *, limit: int, cursor: str | None) -> Page[Membership]:
        """One page of members by DID. limit: 1-100. Raises NbhdNotFound, InvalidCursor. 2 requests."""
        known = valid_nbhd_id(nbhd_id)
        self.store.position(tables.MEMBERS_OF_NEIGHBORHOOD, cursor, neighborhood_id=known)
        visible(self.store.get(tables.NEIGHBORHOOD_BY_ID, id=known))
        return self.store.page(tables.MEMBERS_OF_NEIGHBORHOOD, limit=limit, cursor=cursor, neighborhood_id=known)

    def neighborhoods_of(self, caller: Did, *, limit: int, cursor: str | None) -> Page[Neighborhood]:
        """One page of the caller's neighborhoods, newest join first; those that are being deleted are left out.

        limit: 1-100. Raises InvalidCursor. 2 requests.
        """
        page = self.store.page(tables.MEMBERSHIPS_OF_USER, limit=limit, cursor=cursor, user_id=caller)
        ids = [membership.neighborhood_id for membership in page.items]
        found = self.store.batch_get(
            tables.NEIGHBORHOODS_BY_IDS, [tables.NEIGHBORHOOD.key(id=nbhd_id) for nbhd_id in ids]
        )
        by_id = {each.id: each for each in found if each.is_active}
        return Page([by_id[nbhd_id] for nbhd_id in ids if nbhd_id in by_id], page.next_cursor)
