"""Memberships and the count of them, which change together or not at all: T2 and T3."""

from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr, Key

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.store import Action, Change, Delete, Put
from lambda_src.dynamo.updates import Update
from lambda_src.services.nbhd_city.errors import AlreadyMember, NbhdNotFound, NotAMember
from lambda_src.services.nbhd_city.models import Did, Membership, NbhdId
from lambda_src.services.nbhd_city.repository.base import (
    ABSENT,
    ACTIVE,
    EXISTS,
    Context,
    membership_item,
    membership_key,
    neighborhood_key,
)
from lambda_src.services.nbhd_city.tables import GSI3, MAIN, MEMBERSHIP


@dataclass(frozen=True, slots=True)
class MinePosition:
    """Where a page of a user's memberships ended."""

    joined_at: str
    nbhd_id: NbhdId


class MembershipRepository:
    """Access patterns of memberships. Request and capacity figures stand with the patterns in `tables.py`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def members_of_neighborhood(self, nbhd_id: NbhdId, *, limit: int, after: Did | None = None) -> list[Membership]:
        """Up to `limit` members by DID. 1 request per MB, consistent."""
        partition, prefix = MEMBERSHIP.partition.build(nbhd_id=nbhd_id), member_prefix()
        items = self._store.query_items(
            MAIN,
            Key("PK").eq(partition) & Key("SK").begins_with(prefix),
            consistent=True,
            start=None if after is None else membership_key(nbhd_id, after),
            stop_after=limit,
        )
        return [Membership.from_item(item) for item in items]

    def memberships_of_user(self, user_id: Did, *, limit: int, after: MinePosition | None = None) -> list[Membership]:
        """Up to `limit` memberships, newest join first. 1 request per MB; GSI3 lags by up to about a second."""
        start = None
        if after is not None:
            start = membership_key(after.nbhd_id, user_id) | {"user_id": user_id, "joined_at": after.joined_at}
        items = self._store.query_items(
            MAIN, Key("user_id").eq(user_id), index=GSI3, descending=True, start=start, stop_after=limit
        )
        return [Membership.from_item(item) for item in items]

    def join_neighborhood(self, nbhd_id: NbhdId, user_id: Did) -> Membership:
        """T2. Raises NbhdNotFound when it is unknown or being deleted, else AlreadyMember. 1 request."""
        joined_at = self._context.now()
        actions: list[Action] = [
            Put(MAIN, membership_item(nbhd_id, user_id, joined_at), condition=ABSENT),
            Change(MAIN, neighborhood_key(nbhd_id), Update().add(member_count=1, members_rev=1), condition=ACTIVE),
        ]
        try:
            self._store.transact(actions)
        except TransactionCancelled as exc:
            raise (NbhdNotFound if exc.failed(1) else AlreadyMember) from exc
        return Membership(user_id, nbhd_id, joined_at)

    def leave_neighborhood(self, nbhd_id: NbhdId, user_id: Did) -> bool:
        """T3. Raises NotAMember. 1 request.

        False when the member is there and its neighborhood does not let it go: that is being deleted, or its count is
        wrong.
        """
        actions: list[Action] = [
            Delete(MAIN, membership_key(nbhd_id, user_id), condition=EXISTS),
            Change(
                MAIN,
                neighborhood_key(nbhd_id),
                Update().add(member_count=-1, members_rev=1),
                condition=ACTIVE & Attr("member_count").gte(1),
            ),
        ]
        try:
            self._store.transact(actions)
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise NotAMember from exc
            return False
        return True


def member_prefix() -> str:
    """The start of the sort keys of all members; `METADATA` sorts behind them."""
    assert MEMBERSHIP.sort is not None
    return MEMBERSHIP.sort.prefix()
