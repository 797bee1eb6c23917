"""Work nobody waits for: purge of deleted neighborhoods, counts and names that must agree, and resharding."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.nbhd_city.clients.tasks import TaskQueue
from lambda_src.services.nbhd_city.messages import NbhdTask, TableTask, Task
from lambda_src.services.nbhd_city.models import NbhdId, Neighborhood
from lambda_src.services.nbhd_city.repository import Repository
from lambda_src.services.nbhd_city.repository.neighborhoods import ListPosition
from lambda_src.services.nbhd_city.repository.upkeep import name_partition
from lambda_src.services.nbhd_city.rules.shards import MAX_SHARDS, list_partition, list_partitions
from lambda_src.services.nbhd_city.rules.times import timestamp
from lambda_src.services.nbhd_city.service.parts import Count

logger = logging.getLogger(__name__)

_PURGE_MESSAGE_LOST_AFTER: Final = timedelta(minutes=5)
_RECOUNT_ROUNDS: Final = 5  # each lost to a join or leave; a rush of them is followed by the next audit
_PAGE_SIZE: Final = 100
_EVERY_PARTITION: Final = list_partitions(MAX_SHARDS, with_unsharded=True)  # also those of another number of shards


@dataclass(frozen=True, slots=True)
class TaskService:
    """Everything the worker does. Each task may come twice, and goes on from what is left. count: adds to a metric."""

    repository: Repository
    tasks: TaskQueue
    clock: Clock
    count: Count
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
        neighborhood = self.repository.neighborhoods.neighborhood_by_id(nbhd_id)
        if neighborhood is None or neighborhood.is_active:
            return
        while self.repository.upkeep.purge_members(nbhd_id):
            if deadline.remaining_seconds() <= 0:
                self.tasks.send(task)
                return
        self.repository.upkeep.drop_neighborhood(nbhd_id)

    def recount(self, nbhd_id: NbhdId) -> None:
        """Set the count of members to what it is. Per round 2 requests, 3 when the count is wrong."""
        for _ in range(_RECOUNT_ROUNDS):
            seen = self.repository.neighborhoods.neighborhood_by_id(nbhd_id)
            if seen is None or not seen.is_active:
                return
            count = self.repository.upkeep.count_members(nbhd_id)
            if count == seen.member_count:
                return
            if self.repository.upkeep.set_member_count(seen, count):
                self.count("MemberCountDrift")
                logger.error(
                    "member count corrected", extra={"nbhd_id": nbhd_id, "was": seen.member_count, "is": count}
                )
                return
        logger.warning("recount given up", extra={"nbhd_id": nbhd_id})

    def sweep(self) -> None:
        """Send the purges whose message was lost or given up. 1 Query and 1 message each."""
        before = timestamp(self.clock() - _PURGE_MESSAGE_LOST_AFTER)
        for neighborhood in self.repository.upkeep.pending_deletions(deleted_before=before):
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
            after = ListPosition(task.created_at, NbhdId(task.nbhd_id))
        for partition in partitions:
            while page := self.repository.neighborhoods.neighborhoods_newest_first(
                partition, limit=_PAGE_SIZE, after=after
            ):
                after = ListPosition(page[-1].created_at, page[-1].id)
                yield page
            after = None

    def _audit(self, page: list[Neighborhood]) -> None:
        """Compare counts with members and names with their holders. 1 request, and 1 or more per neighborhood.

        The index may lag behind the table, so what looks wrong here is looked at again by the recount.
        """
        holders = self.repository.upkeep.holders_of_names([n.name_lower for n in page if n.name_lower])
        for neighborhood in page:
            if neighborhood.name_lower and holders.get(name_partition(neighborhood.name_lower)) != neighborhood.id:
                self._check_name(neighborhood)
            if self.repository.upkeep.count_members(neighborhood.id) != neighborhood.member_count:
                self.tasks.send(NbhdTask(task="recount_members", nbhd_id=neighborhood.id))

    def _check_name(self, seen: Neighborhood) -> None:
        """Look once more, consistently: it may have been renamed or deleted since the index was written. 2 requests."""
        now = self.repository.neighborhoods.neighborhood_by_id(seen.id)
        if now is None or not now.is_active:
            return
        holders = self.repository.upkeep.holders_of_names([now.name_lower])
        if holders.get(name_partition(now.name_lower)) != now.id:
            self.count("NameSentinelInvariant")
            logger.error("neighborhood does not hold its name", extra={"nbhd_id": seen.id})

    def _reshard(self, page: list[Neighborhood]) -> None:
        """Move neighborhoods to where new ones of the same id would be put. 1 request for each that moves."""
        for neighborhood in page:
            partition = list_partition(neighborhood.id, self.shards)
            if partition != neighborhood.entity_type:
                self.repository.neighborhoods.move_to_partition(neighborhood, partition)
