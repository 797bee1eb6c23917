"""Memberships and the count of them, which change together or not at all: T2 and T3."""

from dataclasses import dataclass

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Delete, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.nbhd_city.errors import AlreadyMember, NbhdNotFound, NotAMember
from lambda_src.services.nbhd_city.models import Did, Membership, NbhdId, timestamp
from lambda_src.services.nbhd_city.tables import ACTIVE, JOIN_NEIGHBORHOOD, LEAVE_NEIGHBORHOOD, MEMBERSHIP, NEIGHBORHOOD


@dataclass(frozen=True, slots=True)
class MembershipRepository:
    store: Store
    clock: Clock

    def join_neighborhood(self, nbhd_id: NbhdId, user_id: Did) -> None:
        """T2. Raises NbhdNotFound when it is unknown or being deleted, else AlreadyMember. 1 request."""
        membership = Membership(user_id, nbhd_id, timestamp(self.clock()))
        counted = Update().add(member_count=1, members_rev=1)
        actions: list[Action] = [
            Put(MEMBERSHIP, membership, ABSENT),
            UpdateItem(NEIGHBORHOOD.key(id=nbhd_id), counted, ACTIVE),
        ]
        try:
            self.store.transact(JOIN_NEIGHBORHOOD, actions)
        except TransactionCancelled as exc:
            raise (NbhdNotFound if exc.failed(1) else AlreadyMember) from exc

    def leave_neighborhood(self, nbhd_id: NbhdId, user_id: Did) -> bool:
        """T3. Raises NotAMember. 1 request.

        False when the member is there and its neighborhood does not let it go: that is being deleted, or its count is
        wrong.
        """
        counted = Update().add(member_count=-1, members_rev=1)
        actions: list[Action] = [
            Delete(MEMBERSHIP.key(neighborhood_id=nbhd_id, user_id=user_id), EXISTS),
            UpdateItem(NEIGHBORHOOD.key(id=nbhd_id), counted, ACTIVE & Attr("member_count").gte(1)),
        ]
        try:
            self.store.transact(LEAVE_NEIGHBORHOOD, actions)
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise NotAMember from exc
            return False
        return True
