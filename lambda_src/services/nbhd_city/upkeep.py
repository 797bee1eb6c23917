"""Work nobody waits for: purge of deleted neighborhoods, counts and names that must agree, and resharding."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import ABSENT, Attr, Delete, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.nbhd_city import tables
from lambda_src.services.nbhd_city.messages import NbhdTask, TableTask, Task
from lambda_src.services.nbhd_city.models import NbhdId, Neighborhood, timestamp
from lambda_src.services.nbhd_city.neighborhoods.rules import DELETING, list_partition, list_partitions
from lambda_src.services.nbhd_city.settings import MAX_SHARDS

_PURGE_PAGE: Final = 500  # 20 BatchWriteItem: a few seconds of work between two looks at the clock


@dataclass(frozen=True, slots=True)
class UpkeepRepository:
    """Writes of the worker. All of them may be repeated: they go on from what is left."""

    store: Store

    def purge_members(self, nbhd_id: NbhdId) -> bool:
        """Remove one page of members; False when there were none. 1 Query, 1 BatchWriteItem per 25 members."""
        keys = self.store.rows(tables.PURGE_MEMBERS, "PK", "SK", stop_after=_PURGE_PAGE, neighborhood_id=nbhd_id)
        self.store.batch_write(tables.PURGE_MEMBERS, deletes=keys)
        return bool(keys)

    def drop_neighborhood(self, nbhd_id: NbhdId) -> None:
        """Remove the neighborhood itself if it is being deleted. 1 request."""
        gone_or_going = ABSENT | Attr("status").eq("deleting")
        self.store.delete(tables.DROP_NEIGHBORHOOD, Delete(tables.NEIGHBORHOOD.key(id=nbhd_id), gone_or_going))

    def set_member_count(self, seen: Neighborhood, count: int) -> bool:
        """Correct the count; False when somebody joined or left since `seen` was read. 1 request."""
        unchanged = tables.ACTIVE & Attr("members_rev").eq(seen.members_rev)
        correction = UpdateItem(tables.NEIGHBORHOOD.key(id=seen.id), Update().set(member_count=count), unchanged)
        return applied(self.store.update, tables.SET_MEMBER_COUNT, correction)

    def move_to_partition(self, seen: Neighborhood, partition: str) -> bool:
        """Put a neighborhood into another part of the list; False when it was deleted meanwhile. 1 request."""
        unmoved = tables.ACTIVE & Attr("entity_type").eq(seen.entity_type)
        move = UpdateItem(tables.NEIGHBORHOOD.key(id=seen.id), Update().set(entity_type=partition), unmoved)
        return applied(self.store.update, tables.MOVE_TO_PARTITION, move)


logger = logging.getLogger(__name__)

_PURGE_MESSAGE_LOST_AFTER: Final = timedelta(minutes=5)
_RECOUNT_ROUNDS: Final = 5  # each lost to a join or leave; a rush of them is followed by the next audit
_PAGE_SIZE: Final = 100
_EVERY_PARTITION: Final = list_partitions(MAX_SHARDS, with_unsharded=True)  # also those of another number of shards


@dataclass(frozen=True, slots=True)
class TaskService:
    """Everything the worker does. Each task may come twice, and goes on from what is left."""

    store: Store
    upkeep: UpkeepRepository
    tasks: WorkQueue[Task]
    clock: Clock
    metrics: Metrics
    shards: int

    def handle(self, task: Task, deadline: Deadline) -> None:
        """Do what the task asks for, and when time runs out send the rest of it as another task."""
        match task:
            case NbhdTask(task="purge_neighborhood"):
                self.purge(task, deadline)
            case NbhdTask():
                self.recount(NbhdId(task.nbhd_id))
            case TableTask(task="sweep"):
                self.sweep()
            case TableTask(task="audit"):
                self._walk(task, deadline, self._audit)
            case TableTask():
                self._walk(task, deadline, self._reshard)

    def purge(self, task: NbhdTask, deadline: Deadline) -> None:
        """Remove the members of a deleted neighborhood, then itself.

        2 requests, and for every 500 members 1 Query and 20 BatchWriteItem.
        """
        nbhd_id = NbhdId(task.nbhd_id)
        neighborhood = self.store.get(tables.NEIGHBORHOOD_BY_ID, id=nbhd_id)
        if neighborhood is None or neighborhood.is_active:
            return
        while self.upkeep.purge_members(nbhd_id):
            if deadline.remaining_seconds() <= 0:
                self.tasks.send(task)
                return
        self.upkeep.drop_neighborhood(nbhd_id)

    def recount(self, nbhd_id: NbhdId) -> None:
        """Set the count of members to what it is. Per round 2 requests, 3 when the count is wrong."""
        for _ in range(_RECOUNT_ROUNDS):
            seen = self.store.get(tables.NEIGHBORHOOD_BY_ID, id=nbhd_id)
            if seen is None or not seen.is_active:
                return
            count = self.store.count(tables.COUNT_MEMBERS, neighborhood_id=nbhd_id)
            if count == seen.member_count:
                return
            if self.upkeep.set_member_count(seen, count):
                self.metrics.count("MemberCountDrift")
                logger.error(
                    "member count corrected", extra={"nbhd_id": nbhd_id, "was": seen.member_count, "is": count}
                )
                return
        logger.warning("recount given up", extra={"nbhd_id": nbhd_id})

    def sweep(self) -> None:
        """Send the purges whose message was lost or given up. 1 Query and 1 message each."""
        late = Attr("deleted_at").lte(timestamp(self.clock() - _PURGE_MESSAGE_LOST_AFTER))
        for neighborhood in self.store.items(tables.PENDING_DELETIONS, where=late, entity_type=DELETING):
            self.tasks.send(NbhdTask(task="purge_neighborhood", nbhd_id=neighborhood.id))

    # ---- over the whole list -----------------------------------------------------------------------------------------

    def _walk(self, task: TableTask, deadline: Deadline, visit: Callable[[list[Neighborhood]], None]) -> None:
        """Visit all neighborhoods page by page; what time does not allow becomes a task that goes on there."""
        for page in self._pages(task):
            visit(page)
            if deadline.remaining_seconds() <= 0:
                last = page[-1]
                self.tasks.send(
                    TableTask(task=task.task, partition=last.entity_type, created_at=last.created_at, nbhd_id=last.id)
                )
                return

    def _pages(self, task: TableTask) -> Iterator[list[Neighborhood]]:
        """Pages of every partition of the list, from where the task goes on. 1 Query each."""
        after = None
        partitions = list(_EVERY_PARTITION)
        if task.partition in partitions and task.created_at and task.nbhd_id:
            partitions = partitions[partitions.index(task.partition) :]
            after = {"created_at": task.created_at, "id": task.nbhd_id}
        for partition in partitions:
            while page := self.store.items(
                tables.NEIGHBORHOODS_NEWEST_FIRST, stop_after=_PAGE_SIZE, after=after, entity_type=partition
            ):
                after = {"created_at": page[-1].created_at, "id": page[-1].id}
                yield page
            after = None

    def _audit(self, page: list[Neighborhood]) -> None:
        """Compare counts with members and names with their holders. 1 request, and 1 or more per neighborhood.

        The index may lag behind the table, so what looks wrong here is looked at again by the recount.
        """
        holders = self._holders([each.name_lower for each in page])
        for neighborhood in page:
            if neighborhood.name_lower and holders.get(neighborhood.name_lower) != neighborhood.id:
                self._check_name(neighborhood)
            if self.store.count(tables.COUNT_MEMBERS, neighborhood_id=neighborhood.id) != neighborhood.member_count:
                self.tasks.send(NbhdTask(task="recount_members", nbhd_id=neighborhood.id))

    def _check_name(self, seen: Neighborhood) -> None:
        """Look once more, consistently: it may have been renamed or deleted since the index was written. 2 requests."""
        now = self.store.get(tables.NEIGHBORHOOD_BY_ID, id=seen.id)
        if now is None or not now.is_active:
            return
        if self._holders([now.name_lower]).get(now.name_lower) != now.id:
            self.metrics.count("NameSentinelInvariant")
            logger.error("neighborhood does not hold its name", extra={"nbhd_id": seen.id})

    def _holders(self, names: list[str]) -> dict[str, NbhdId]:
        """Who holds each folded name. 1 request per 100, consistent."""
        claims = self.store.batch_get(
            tables.HOLDERS_OF_NAMES, [tables.NAME.key(name_lower=name) for name in names if name]
        )
        return {claim.name_lower: claim.nbhd_id for claim in claims}

    def _reshard(self, page: list[Neighborhood]) -> None:
        """Move neighborhoods to where new ones of the same id would be put. 1 request for each that moves."""
        for neighborhood in page:
            partition = list_partition(neighborhood.id, self.shards)
            if partition != neighborhood.entity_type:
                self.upkeep.move_to_partition(neighborhood, partition)
