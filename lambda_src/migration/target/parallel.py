"""The same work for many things, several at a time, with the results in the order of the things."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

_AHEAD_PER_WORKER: Final = 2  # enough that no worker waits for the reader or for a slow neighbour


def in_order[A, B](workers: int, work: Callable[[A], B], things: Iterable[A]) -> Iterator[B]:
    """The result of each thing. No more than two things per worker are taken before their turn.

    Raises what `work` raised first, once what was begun has ended.
    """
    waiting: deque[Future[B]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for thing in things:
            waiting.append(pool.submit(work, thing))
            if len(waiting) >= workers * _AHEAD_PER_WORKER:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
