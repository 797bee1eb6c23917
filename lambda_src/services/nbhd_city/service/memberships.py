"""Who is in which neighborhood: join, leave, members, and the neighborhoods of a user."""

from typing import NoReturn

from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.services.nbhd_city.clients.tasks import TaskQueue
from lambda_src.services.nbhd_city.errors import InvariantBroken
from lambda_src.services.nbhd_city.messages import NbhdTask
from lambda_src.services.nbhd_city.models import Did, Membership, NbhdId, Neighborhood, Page
from lambda_src.services.nbhd_city.repository import Repository
from lambda_src.services.nbhd_city.repository.memberships import MinePosition
from lambda_src.services.nbhd_city.service.parts import Count, Pages, valid_nbhd_id, visible


class MembershipService:
    """Use cases of memberships. count: adds one to a metric."""

    def __init__(self, *, repository: Repository, tasks: TaskQueue, cursors: CursorCodec, count: Count) -> None:
        self._repository = repository
        self._memberships = repository.memberships
        self._tasks = tasks
        self._count = count
        self._members = Pages[Membership](cursors, lambda member: {"u": member.user_id})
        self._mine = Pages[Membership](cursors, lambda mine: {"c": mine.joined_at, "i": mine.neighborhood_id})

    def join(self, nbhd_id: str, caller: Did) -> NbhdId:
        """Become a member. Raises NbhdNotFound, AlreadyMember, StoreUnavailable under a rush of joins. 1 request."""
        known = valid_nbhd_id(nbhd_id)
        self._memberships.join_neighborhood(known, caller)
        return known

    def leave(self, nbhd_id: str, caller: Did) -> None:
        """Be a member no more; creators may leave, too.

        Raises NotAMember, NbhdNotFound when the neighborhood is being deleted, StoreUnavailable. 1 request.
        """
        known = valid_nbhd_id(nbhd_id)
        if not self._memberships.leave_neighborhood(known, caller):
            self._explain(known)

    def members(self, nbhd_id: str, *, limit: int, cursor: str | None) -> Page[Membership]:
        """One page of members by DID. limit: 1-100. Raises NbhdNotFound, InvalidCursor. 2 requests."""
        known = valid_nbhd_id(nbhd_id)
        after = self.members_start(known, cursor)
        visible(self._repository.neighborhoods.neighborhood_by_id(known))
        return self.members_page(known, limit=limit, after=after)

    def members_start(self, nbhd_id: NbhdId, cursor: str | None) -> Did | None:
        """Behind whom a page of members begins. Raises InvalidCursor, before any request."""
        return self._members.start(cursor, _members_scope(nbhd_id), lambda position: Did(position["u"]))

    def members_page(self, nbhd_id: NbhdId, *, limit: int, after: Did | None) -> Page[Membership]:
        """Up to `limit` members. 1 request, none for no members."""
        if limit == 0:
            return Page([], None)
        found = self._memberships.members_of_neighborhood(nbhd_id, limit=limit + 1, after=after)
        return self._members.cut(found, limit, _members_scope(nbhd_id))

    def neighborhoods_of(self, caller: Did, *, limit: int, cursor: str | None) -> Page[Neighborhood]:
        """One page of the caller's neighborhoods, newest join first; those that are being deleted are left out.

        limit: 1-100. Raises InvalidCursor. 2 requests.
        """
        scope = f"mine:{caller}"
        after = self._mine.start(cursor, scope, lambda position: MinePosition(position["c"], position["i"]))
        page = self._mine.cut(self._memberships.memberships_of_user(caller, limit=limit + 1, after=after), limit, scope)
        ids = [membership.neighborhood_id for membership in page.items]
        found = self._repository.neighborhoods.neighborhoods_by_ids(ids)
        items = [found[nbhd_id] for nbhd_id in ids if nbhd_id in found and found[nbhd_id].is_active]
        return Page(items, page.next_cursor)

    def _explain(self, nbhd_id: NbhdId) -> NoReturn:
        """Why a member could not leave: its neighborhood is going, or the count says that it has no members."""
        visible(self._repository.neighborhoods.neighborhood_by_id(nbhd_id))
        self._count("MemberCountInvariant")
        self._tasks.send_or_leave(NbhdTask(task="recount_members", nbhd_id=nbhd_id))
        raise InvariantBroken(f"neighborhood {nbhd_id} has a member and counts none")


def _members_scope(nbhd_id: NbhdId) -> str:
    return f"members:{nbhd_id}"
