"""What was asked of the stand-ins: every call in order, and how many were under way at once."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from cdk_app.services.stock_track_record.stand_ins.models import Service

# A stand-in of `make run` may live for days; the oldest calls are forgotten, counts per subject are kept.
CALLS_KEPT = 10_000


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One request. subject: the video id or the symbol it asked for, "" where there is none.

    params holds the query without its key; body the request body; status is None until the answer is sent,
    and stays so when the caller hung up before.
    """

    service: Service
    path: str
    params: Mapping[str, str]
    body: str
    subject: str
    at: datetime
    status: int | None = None


class Ledger:
    """Written by the server's thread, read by a test's: everything happens under one lock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._in_flight: Counter[tuple[Service, str]] = Counter()
        self._most_in_flight: Counter[tuple[Service, str]] = Counter()
        self._turns: Counter[tuple[Service, str]] = Counter()

    @contextmanager
    def under_way(self, call: Call) -> Iterator[None]:
        """Holds the call as under way; it is in `calls` from the first moment."""
        key = (call.service, call.subject)
        with self._lock:
            self._calls.append(call)
            self._in_flight[key] += 1
            self._most_in_flight[key] = max(self._most_in_flight[key], self._in_flight[key])
        try:
            yield
        finally:
            with self._lock:
                self._in_flight[key] -= 1

    def take_turn(self, service: Service, subject: str) -> int:
        """How many times this was called before for the subject: 0, 1, 2, ..."""
        with self._lock:
            turn = self._turns[service, subject]
            self._turns[service, subject] += 1
            return turn

    def calls(self, service: Service) -> tuple[Call, ...]:
        with self._lock:
            return tuple(call for call in self._calls if call.service == service)

    def in_flight(self, service: Service, subject: str) -> int:
        with self._lock:
            return self._in_flight[service, subject]

    def most_in_flight(self, service: Service, subject: str) -> int:
        with self._lock:
            return self._most_in_flight[service, subject]
