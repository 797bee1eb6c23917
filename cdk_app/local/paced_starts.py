"""Lets functions of the emulator start a few at a time; who needs one meanwhile takes the first that gets free.

MiniStack starts a process for each request that finds none free, as AWS does. But here they share the cores of one
machine: of 50 requests at once, 49 wait for 49 starts side by side, which takes so long that the gateway gives up. In
turn, those that run have answered most of them before the next is up. A request waits for the start of a process, never
for the end of another request: so functions that wait for each other get there, such as a sign-in whose client is
looked up here again.

Runs on the interpreter of the emulator, which has none of our packages.
"""

# ruff: noqa: SLF001 -- it has no setting for this

import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

STARTS_AT_ONCE: Final = max(1, (os.cpu_count() or 1) // 2)
# A start that takes longer holds nobody up: it may never end. On an idle machine one takes 1-2 s.
START_SECONDS: Final = 30
LOOK_AGAIN_SECONDS: Final = 0.5


def pace_starts(runtime: Any, functions: Any) -> None:
    """Replace what hands out processes. runtime: `ministack.core.lambda_runtime`; functions: the service that asks."""
    acquire: Callable[..., Any] = functions.acquire_worker
    release: Callable[..., None] = functions.release_worker
    spawn: Callable[..., None] = runtime.Worker._spawn
    changed = threading.Condition()

    def may_go(key: str) -> bool:
        now = time.time()
        with runtime._lock:
            workers = [worker for pool in runtime._workers.values() for worker in pool]
            is_one_free = any(not worker.in_use for worker in runtime._workers.get(key, ()))
        starting = [each for each in workers if each.in_use and each._cold and now - each.last_used < START_SECONDS]
        return is_one_free or len(starting) < STARTS_AT_ONCE

    def acquire_in_turn(name: str, config: Any, code: bytes, qualifier: str = "$LATEST", **options: Any) -> Any:
        key = runtime._worker_key(name, config, qualifier)
        with changed:  # one decides at a time, on what the one before took
            while not may_go(key):
                changed.wait(LOOK_AGAIN_SECONDS)
            return acquire(name, config, code, qualifier=qualifier, **options)

    def release_and_tell(worker: Any) -> None:
        release(worker)
        with changed:
            changed.notify_all()

    def spawn_and_tell(worker: Any) -> None:
        try:
            spawn(worker)
            worker._cold = False
        finally:
            with changed:
                changed.notify_all()

    functions.acquire_worker, functions.release_worker = acquire_in_turn, release_and_tell
    runtime.Worker._spawn = spawn_and_tell
