"""One list over several partitions, in the order of their sort key.

Each partition is read from the position on, and the heads are merged. A position is the keys of the last item that was
shown, as they are stored and so in DynamoDB's own order, whatever partition it was in: it stays valid when the number
of partitions changes, and newer items do not move later pages. Items with the same sort key are told apart by the rest
of their position, so each partition is read on to the end of such a group.
"""

import operator
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import merge as merge_sorted
from itertools import groupby
from typing import Final

MAX_THREADS: Final = 8  # below the 10 connections of a client's pool

type Rank = tuple[str, ...]
"""Where an item stands: its sort key, then what tells it from others of the same sort key."""


def merged[T](
    partitions: Sequence[Callable[[], Iterator[T]]],
    *,
    rank: Callable[[T], Rank],
    after: Rank | None,
    limit: int,
    descending: bool,
) -> list[T]:
    """The first `limit` items behind `after`, each once.

    partitions: each reads on when it is asked, in the order of the sort key, from that of `after` on, itself included.
    They are read by up to 8 threads.
    """
    is_behind = operator.lt if descending else operator.gt

    def head(read: Callable[[], Iterator[T]]) -> list[T]:
        """The first items behind `after`: `limit` of them, and what shares the sort key of the last one."""
        found: list[T] = []
        for _, group in groupby(read(), key=lambda item: rank(item)[0]):
            behind = [each for each in group if after is None or is_behind(rank(each), after)]
            found += sorted(behind, key=rank, reverse=descending)
            if len(found) >= limit:
                break
        return found

    with ThreadPoolExecutor(min(len(partitions), MAX_THREADS)) as threads:
        heads = list(threads.map(head, partitions))
    # By rank: while items move from one partition to another, the index may show one of them in both.
    once: dict[Rank, T] = {}
    for item in merge_sorted(*heads, key=rank, reverse=descending):
        once.setdefault(rank(item), item)
    return list(once.values())[:limit]
