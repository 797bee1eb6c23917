"""Steps of one process to the outside, counted, so that a test can act before any of them, or end the process there.

Ending before step n+1 is the same as ending after step n.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.client import Client, Response
from lambda_src.dynamo.values import Request
from lambda_src.runtime.queue import QueueClient
from tests.support.played import kind_of

type Before = Callable[[int, str], None]
"""Called before each step with its number, from 1, and its name."""


class Killed(BaseException):
    """The process ended here. No handler of the code under test may catch it."""


def kill_before_step(number: int) -> Before:
    """End the process before its n-th step; it goes on to its end if it takes fewer."""

    def before(step: int, _name: str) -> None:
        if step == number:
            raise Killed

    return before


def kill_before(name: str, *, nth: int = 1) -> Before:
    """End the process before its n-th step of that name."""
    seen = 0

    def before(_step: int, step_name: str) -> None:
        nonlocal seen
        seen += step_name == name
        if seen == nth and step_name == name:
            raise Killed

    return before


def act_before_step(number: int, action: Callable[[], object]) -> Before:
    """Let something else happen before the n-th step."""

    def before(step: int, _name: str) -> None:
        if step == number:
            action()

    return before


class Steps:
    """What one process did, in order. A process that was killed takes no further step, not even while it unwinds."""

    def __init__(self, before: Before | None = None) -> None:
        self.names: list[str] = []
        self._before = before
        self._is_dead = False
        self._lock = threading.Lock()

    def take(self, name: str) -> None:
        with self._lock:
            if self._is_dead:
                raise Killed
            self.names.append(name)
            number = len(self.names)
        if self._before is None:
            return
        try:
            self._before(number, name)
        except Killed:
            self.names.pop()
            self._is_dead = True
            raise


class SteppedClient:
    """A client each of whose requests is a step, named by its operation."""

    def __init__(self, client: Client, steps: Steps) -> None:
        self._client = client
        self._steps = steps

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        self._steps.take(operation)
        return self._client.call(operation, request, pattern)

    def close(self) -> None:
        self._client.close()


def stepped_client(client: Any, steps: Steps) -> SteppedClient:
    """The client of a process of its own, as far as anybody outside can tell."""
    return SteppedClient(Boto3Client(client), steps)


class SteppedQueue(QueueClient):
    """Sends one by one, so that a batch can be cut anywhere. Moving a visibility is no step: it is not needed."""

    def __init__(self, inner: QueueClient, steps: Steps) -> None:
        super().__init__()
        self._inner = inner
        self._steps = steps

    def send(
        self, queue_url: str, body: str, *, delay_seconds: int = 0, attributes: Mapping[str, str] | None = None
    ) -> str:
        self._steps.take("set aside" if "reason" in (attributes or {}) else f"send {kind_of(body)}")
        return self._inner.send(queue_url, body, delay_seconds=delay_seconds, attributes=attributes)

    def send_batch(self, queue_url: str, bodies: Sequence[str], *, delay_seconds: int = 0) -> None:
        for body in bodies:
            self.send(queue_url, body, delay_seconds=delay_seconds)

    def set_visibility(self, queue_url: str, receipt_handle: str, seconds: int) -> None:
        self._inner.set_visibility(queue_url, receipt_handle, seconds)
