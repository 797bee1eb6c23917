"""The newest lines of all functions, in order of arrival, kept in memory.

Nothing runs in the background: whoever looks brings the tail up to date, at most twice a second however many look.
"""

import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cdk_app.local.console.log_lines import LogLine, parse_line
from cdk_app.local.console.sources import SourceUnavailable, asking

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

KEPT_LINES = 10_000
LOOK_BACK_MILLISECONDS = 3_600_000  # how much of the past the first look shows
OVERLAP_MILLISECONDS = 10_000  # on a busy machine a line may be stored seconds after its own time
EVENTS_PER_REQUEST = (
    10_000  # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
)
FRESH_FOR_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log group and what its function is called on the page."""

    group: str
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A line with its place in the tail; later entries have higher sequences."""

    sequence: int
    source: str
    line: LogLine


@dataclass(frozen=True, slots=True)
class Tail:
    """What a look shows. entries: newest first; latest: sequence to ask after next; trouble: why it may be stale."""

    entries: Sequence[Entry]
    latest: int
    trouble: str | None


class LogTail:
    """Follows log groups. `name` is new with every process: a page that knows another one starts over."""

    def __init__(
        self,
        client: "CloudWatchLogsClient",
        sources: Sequence[LogSource],
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        events_per_request: int = EVENTS_PER_REQUEST,
    ) -> None:
        self.name = secrets.token_hex(4)
        self._followers = [
            _Follower(client, source, round(now() * 1000) - LOOK_BACK_MILLISECONDS, events_per_request)
            for source in sources
        ]
        self._monotonic = monotonic
        self._entries: deque[Entry] = deque(maxlen=KEPT_LINES)
        self._latest = 0
        self._trouble: str | None = None
        self._fresh_until = float("-inf")
        self._lock = Lock()

    def look(self, *, after: int = 0, limit: int, matches: Callable[[LogLine], bool] = lambda _: True) -> Tail:
        """The newest `limit` matching lines that came after that sequence; one request per function, or none."""
        with self._lock:
            if self._monotonic() >= self._fresh_until:
                self._catch_up()
                self._fresh_until = self._monotonic() + FRESH_FOR_SECONDS
            chosen: list[Entry] = []
            for entry in reversed(self._entries):
                if entry.sequence <= after or len(chosen) == limit:
                    break
                if matches(entry.line):
                    chosen.append(entry)
            return Tail(chosen, self._latest, self._trouble)

    def _catch_up(self) -> None:
        self._trouble = None
        arrived: list[tuple[int, str, LogLine]] = []
        for follower in self._followers:
            try:
                arrived.extend(follower.new_lines())
            except SourceUnavailable as error:
                self._trouble = str(error)
        for _, source, line in sorted(arrived, key=lambda one: one[0]):  # stable: lines of one moment keep their order
            self._latest += 1
            self._entries.append(Entry(self._latest, source, line))


class _Follower:
    """Reads one log group forward in time and hands out every event once."""

    def __init__(
        self, client: "CloudWatchLogsClient", source: LogSource, start_ms: int, events_per_request: int
    ) -> None:
        self._client = client
        self._source = source
        self._start_ms = start_ms
        self._events_per_request = events_per_request
        self._seen: set[tuple[str, int, int]] = set()

    def new_lines(self) -> list[tuple[int, str, LogLine]]:
        """(event time, source, line) of what has come since the last call. Raises SourceUnavailable."""
        events = self._events()
        fresh = []
        keys = set()
        for key, event in _identified(events):
            keys.add(key)
            if key not in self._seen:
                timestamp_ms = event.get("timestamp", 0)
                received_at = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
                line = parse_line(event.get("message", ""), received_at=received_at)
                fresh.append((timestamp_ms, self._source.label, line))
        self._seen = keys
        if events:
            last_ms = max(event.get("timestamp", 0) for event in events)
            if len(events) < self._events_per_request:
                self._start_ms = max(self._start_ms, last_ms - OVERLAP_MILLISECONDS)
            else:  # the answer was cut: go on where it ended, and always forward
                self._start_ms = max(self._start_ms + 1, last_ms)
        return fresh

    def _events(self) -> "Sequence[FilteredLogEventTypeDef]":
        """One request, oldest events first; the emulator cuts at the limit and knows no page token."""
        with asking("CloudWatch Logs"):
            try:
                return self._client.filter_log_events(
                    logGroupName=self._source.group, startTime=self._start_ms, limit=self._events_per_request
                ).get("events", [])
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return []  # the function has not run yet
                raise


def _identified(
    events: "Iterable[FilteredLogEventTypeDef]",
) -> "Iterable[tuple[tuple[str, int, int], FilteredLogEventTypeDef]]":
    """Each event with a key that stays the same from answer to answer.

    The emulator gives function logs no event id. All events of one stream and millisecond come together, as an
    answer starts at a millisecond, so their place among themselves tells them apart.
    """
    places: Counter[tuple[str, int]] = Counter()
    for event in events:
        moment = (event.get("logStreamName", ""), event.get("timestamp", 0))
        yield (*moment, places[moment]), event
        places[moment] += 1
