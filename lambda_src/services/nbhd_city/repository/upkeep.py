"""What the worker asks: members of deleted neighborhoods, counts and names that have to be right."""

from collections.abc import Iterable
from typing import Final

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.updates import Update
from lambda_src.services.nbhd_city.models import NbhdId, Neighborhood
from lambda_src.services.nbhd_city.repository.base import ACTIVE, Context, neighborhood_key
from lambda_src.services.nbhd_city.repository.memberships import member_prefix
from lambda_src.services.nbhd_city.rules.shards import DELETING
from lambda_src.services.nbhd_city.tables import GSI1, MAIN, MEMBERSHIP, NAME

_PAGE_SIZE: Final = 500  # 20 BatchWriteItem: a few seconds of work between two looks at the clock


class UpkeepRepository:
    """Access patterns of the worker. All of them may be repeated: they go on from what is left."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    def pending_deletions(self, *, deleted_before: str) -> list[Neighborhood]:
        """Neighborhoods whose deletion began before that time. 1 request per MB; GSI1 lags by about a second."""
        items = self._store.query_items(
            MAIN, Key("entity_type").eq(DELETING), index=GSI1, filter=Attr("deleted_at").lte(deleted_before)
        )
        return [Neighborhood.from_item(item) for item in items]

    def purge_members(self, nbhd_id: NbhdId) -> bool:
        """Remove one page of members; False when there were none. 1 Query, 1 BatchWriteItem per 25 members."""
        keys = self._store.query_items(
            MAIN, _members(nbhd_id), consistent=True, projection=("PK", "SK"), stop_after=_PAGE_SIZE
        )
        self._store.batch_write(MAIN, deletes=keys)
        return bool(keys)

    def drop_neighborhood(self, nbhd_id: NbhdId) -> None:
        """Remove the neighborhood itself if it is being deleted. 1 request."""
        gone_or_going = Attr("PK").not_exists() | Attr("status").eq("deleting")
        self._store.delete(MAIN, neighborhood_key(nbhd_id), condition=gone_or_going)

    def count_members(self, nbhd_id: NbhdId) -> int:
        """How many members there are this instant. 1 request per MB."""
        return self._store.count(MAIN, _members(nbhd_id), consistent=True)

    def set_member_count(self, seen: Neighborhood, count: int) -> bool:
        """Correct the count; False when somebody joined or left since `seen` was read. 1 request."""
        unchanged = ACTIVE & Attr("members_rev").eq(seen.members_rev)
        try:
            self._store.update(MAIN, neighborhood_key(seen.id), Update().set(member_count=count), condition=unchanged)
        except ConditionFailed:
            return False
        return True

    def holders_of_names(self, names: Iterable[str]) -> dict[str, NbhdId]:
        """Who holds each folded name, by the partition key of its sentinel. 1 request per 100, consistent."""
        keys = [MAIN.key(NAME, name_lower=name) for name in names]
        return {
            item["PK"]: item["nbhd_id"] for item in self._store.batch_get(((MAIN, k) for k in keys), consistent=True)
        }


def name_partition(name_lower: str) -> str:
    """The partition key of a name's sentinel."""
    return NAME.partition.build(name_lower=name_lower)


def _members(nbhd_id: NbhdId) -> ConditionBase:
    return Key("PK").eq(MEMBERSHIP.partition.build(nbhd_id=nbhd_id)) & Key("SK").begins_with(member_prefix())
