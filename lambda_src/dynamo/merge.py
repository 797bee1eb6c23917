"""One list over several partitions of an index, in the order of its sort key.

Each partition is read from the position on, and the heads are merged. A position is the keys of the last item that was
shown, as they are stored and so in DynamoDB's own order, whatever partition it was in: it stays valid when the number
of partitions changes, and newer items do not move later pages. Items with the same sort key are told apart by the rest
of their position, so each partition is read on to the end of such a group.
"""

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
    They are read by several threads where there are several.
    """

    def head(read: Callable[[], Iterator[T]]) -> list[T]:
        return _head(read(), rank=rank, after=after, limit=limit, descending=descending)

    if len(partitions) == 1:
        heads = [head(partitions[0])]
    else:
        with ThreadPoolExecutor(min(len(partitions), MAX_THREADS)) as threads:
            heads = list(threads.map(head, partitions))
    # By rank: while items move from one partition to another, the index may show one of them in both.
    once: dict[Rank, T] = {}
    for item in merge_sorted(*heads, key=rank, reverse=descending):
        once.setdefault(rank(item), item)
    return list(once.values())[:limit]


def _head[T](
    items: Iterator[T], *, rank: Callable[[T], Rank], after: Rank | None, limit: int, descending: bool
) -> list[T]:
    """The first items of a partition behind `after`: `limit` of them, and what shares the sort key of the last one."""
    found: list[T] = []
    for _, group in groupby(items, key=lambda item: rank(item)[0]):
        behind = [item for item in group if after is None or (rank(item) < after if descending else rank(item) > after)]
        found += sorted(behind, key=rank, reverse=descending)
        if len(found) >= limit:
            break
    return found
