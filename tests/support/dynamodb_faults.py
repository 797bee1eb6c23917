"""Answers that DynamoDB gives on a bad day, from clients that stand in front of another one."""

import random
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from lambda_src.dynamo.client import CallRefused, Client, NoResponse, Response
from lambda_src.dynamo.values import Request


class Faults:
    """A client whose next answers are made up; when they are used up, requests go to the engine again.

    requests: the arguments of everything that was asked, of us or of the engine.
    """

    def __init__(self, client: Client) -> None:
        self.requests: list[Request] = []
        self._client = client
        self._answers: deque[Response | Exception] = deque()
        self._losing: dict[str, list[Response]] = {}

    def error(self, code: str, *, times: int = 1, status: int = 400, message: str = "", **fields: Any) -> None:
        """Refuse requests with an error of DynamoDB. fields: `item` or `reasons` of CallRefused."""
        self._answers.extend(CallRefused(code, message, status=status, **fields) for _ in range(times))

    def cancelled(self, codes: Sequence[str], *, times: int = 1) -> None:
        """Cancel transactions for these reasons."""
        self.error("TransactionCanceledException", times=times, reasons=[{"Code": code} for code in codes])

    def answer(self, body: Mapping[str, Any], *, times: int = 1) -> None:
        """Answer with success."""
        self._answers.extend(body for _ in range(times))

    def silence(self, *, times: int = 1) -> None:
        """Let requests run into the read timeout."""
        self._answers.extend(NoResponse("no answer in time") for _ in range(times))

    def lose_next_answer(self, operation: str) -> list[Response]:
        """Let the next request of this kind reach the engine, and answer with a server error. What was lost."""
        return self._losing.setdefault(operation, [])

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        self.requests.append(request)
        if self._answers:
            answer = self._answers.popleft()
            if isinstance(answer, Exception):
                raise answer
            return answer
        answer = self._client.call(operation, request, pattern)
        lost = self._losing.get(operation)
        if lost == []:
            lost.append(answer)
            raise CallRefused("InternalServerError", status=500)
        return answer

    def close(self) -> None:
        self._client.close()


class RandomConflicts:
    """A client that cancels a share of its transactions before they reach the engine, as busy items do.

    count: those so far.
    """

    def __init__(self, client: Client, *, share: float, seed: int) -> None:
        self.count = 0
        self._client = client
        self._share = share
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        if operation == "TransactWriteItems" and self._is_next_cancelled():
            reasons = [{"Code": "TransactionConflict"} for _ in request["TransactItems"]]
            raise CallRefused("TransactionCanceledException", reasons=reasons)
        return self._client.call(operation, request, pattern)

    def close(self) -> None:
        self._client.close()

    def _is_next_cancelled(self) -> bool:
        with self._lock:
            is_cancelled = self._random.random() < self._share
            self.count += is_cancelled
            return is_cancelled
