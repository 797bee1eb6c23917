"""The list of all neighborhoods, newest first, over one partition of the index or several."""

import heapq
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.errors import InvalidCursor
from lambda_src.services.nbhd_city.models import Neighborhood, Page
from lambda_src.services.nbhd_city.repository.neighborhoods import ListPosition, NeighborhoodRepository

SCOPE: Final = "nbhds"
_MAX_THREADS: Final = 8  # below the 10 connections of a client's pool


@dataclass(frozen=True, slots=True)
class Listing:
    """The list. partitions: as `rules.shards` names them."""

    neighborhoods: NeighborhoodRepository
    cursors: CursorCodec
    partitions: tuple[str, ...]

    def page(self, *, limit: int, cursor: str | None) -> Page[Neighborhood]:
        """One page. limit: 1-100. Raises InvalidCursor before any request. 1 Query per partition."""
        after = self._positions(cursor)
        merged = self._merged(limit + 1, after)
        items = merged[:limit]
        if len(merged) <= limit:
            return Page(items, None)
        after |= {item.entity_type: ListPosition(item.created_at, item.id) for item in items}
        return Page(items, self.cursors.encode(SCOPE, self._position(after)))

    def _merged(self, limit: int, after: Mapping[str, ListPosition]) -> list[Neighborhood]:
        """The newest of all partitions; each is consumed in its own order, and ties go to the one named first."""
        if len(self.partitions) == 1:
            [partition] = self.partitions
            return self._newest(partition, limit, after)
        with ThreadPoolExecutor(min(len(self.partitions), _MAX_THREADS)) as threads:
            lists = list(threads.map(lambda partition: self._newest(partition, limit, after), self.partitions))
        newest_first = heapq.merge(*lists, key=attrgetter("created_at"), reverse=True)
        # By id: while `reshard` is at work the index may show a neighborhood in two partitions.
        once = {neighborhood.id: neighborhood for neighborhood in newest_first}
        return list(once.values())[:limit]

    def _newest(self, partition: str, limit: int, after: Mapping[str, ListPosition]) -> list[Neighborhood]:
        return self.neighborhoods.neighborhoods_newest_first(partition, limit=limit, after=after.get(partition))

    def _positions(self, cursor: str | None) -> dict[str, ListPosition]:
        """The last item consumed of each partition; one without an entry starts at its top."""
        if cursor is None:
            return {}
        position = self.cursors.decode(cursor, SCOPE)
        try:
            if len(self.partitions) == 1:
                return {self.partitions[0]: ListPosition(position["c"], position["i"])}
            entries = {self.partitions[int(number)]: ListPosition(*entry) for number, entry in position["s"].items()}
        except (KeyError, IndexError) as exc:  # signed by us, when the list was laid out in another way
            raise InvalidCursor from exc
        return entries

    def _position(self, after: Mapping[str, ListPosition]) -> dict[str, Any]:
        if len(self.partitions) == 1:
            [last] = after.values()
            return {"c": last.created_at, "i": last.nbhd_id}
        numbers = {partition: str(number) for number, partition in enumerate(self.partitions)}
        return {"s": {numbers[name]: [last.created_at, last.nbhd_id] for name, last in after.items()}}
