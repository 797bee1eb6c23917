"""Calls that are made at once, and clients on which they meet."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from lambda_src.dynamo.client import Client, Response
from lambda_src.dynamo.values import Request
from lambda_src.errors import AppError


class Meeting:
    """A client on which so many calls of one operation wait for each other, the first time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._operation = ""
        self._barrier = threading.Barrier(1)

    def at(self, operation: str, parties: int) -> None:
        self._operation, self._barrier = operation, threading.Barrier(parties, action=self._part)

    def _part(self) -> None:
        self._operation = ""

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        if operation == self._operation:
            self._barrier.wait(timeout=20)
        return self._client.call(operation, request, pattern)

    def close(self) -> None:
        self._client.close()


def at_once[T](calls: Sequence[Callable[[], T]]) -> list[T]:
    """What calls return that run in a thread each."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def outcomes(calls: Sequence[Callable[[], object]]) -> Counter[str]:
    """What becomes of calls at once: "ok", or the code of an error."""

    def outcome(call: Callable[[], object]) -> str:
        try:
            call()
        except AppError as error:
            return error.code
        return "ok"

    return Counter(at_once([partial(outcome, call) for call in calls]))
