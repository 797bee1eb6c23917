"""The processing log of a channel: its lines, written alone or in the transaction of what they tell of."""

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lambda_src.dynamo.errors import TransactionCancelled, applied
from lambda_src.dynamo.schema import AccessPattern
from lambda_src.dynamo.store import ABSENT, Action, Put, Store
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.models import ChannelId, LogLevel, LogLine, timestamp

MESSAGE_LIMIT: Final = 2000
_KEY_TRIES: Final = 5  # 1,000 suffixes per millisecond: a second collision in a row is one in a million


@dataclass(frozen=True, slots=True)
class Line:
    """A log line to be written: level and text, cut to 2,000 characters."""

    level: LogLevel
    message: str


class LogLines:
    """Makes log lines. One writer never uses a millisecond twice, so its lines keep their order.

    The key ends in a random number below 1,000, which keeps writers apart: `log_id` is epoch milliseconds x 1000 plus
    that number, an integer below 2^53 until the year 2255 and therefore exact in JavaScript.
    """

    def __init__(self, *, clock: Clock, pick: Callable[[int], int], retention_days: int) -> None:
        self._clock = clock
        self._pick = pick
        self._retention_days = retention_days
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def put(self, channel_id: ChannelId, line: Line) -> Put[LogLine]:
        """The conditional write of one line; each call makes a new key."""
        now = self._next_instant()
        now_ms, number = epoch_ms(now), self._pick(1000)
        made = LogLine(
            log_id=now_ms * 1000 + number,
            channel_id=channel_id,
            log_level=line.level,
            message=line.message[:MESSAGE_LIMIT] or "-",
            created_at=timestamp(now),
            id=f"{number:08x}{str(uuid.uuid4())[8:]}",
            expires_at=now_ms // 1000 + self._retention_days * 86_400 if self._retention_days else None,
        )
        return Put(tables.PROCESSING_LOG, made, ABSENT)

    def _next_instant(self) -> datetime:
        with self._lock:
            now = self._clock()
            now = now.replace(microsecond=now.microsecond // 1000 * 1000)
            self._last = max(now, self._last + timedelta(milliseconds=1))
            return self._last


@dataclass(frozen=True, slots=True)
class ProcessingLog:
    store: Store
    lines: LogLines

    def append_log(self, channel_id: ChannelId, level: LogLevel, message: str) -> None:
        """Add one line. 1 request, 1 WRU; a taken key is tried again with another suffix."""
        for _ in range(_KEY_TRIES):
            if applied(self.store.put, tables.APPEND_LOG, self.lines.put(channel_id, Line(level, message))):
                return
        raise StoreUnavailable

    def transact(
        self, pattern: AccessPattern[Any], actions: Sequence[Action], channel_id: ChannelId, *lines: Line
    ) -> None:
        """Commit the actions together with log lines; a log key that is taken repeats all of it with another suffix.

        Raises TransactionCancelled, whose positions are those of `actions`, and StoreUnavailable. 1 request.
        """
        for _ in range(_KEY_TRIES):
            puts = [self.lines.put(channel_id, line) for line in lines]
            try:
                self.store.transact(pattern, [*actions, *puts])
            except TransactionCancelled as exc:
                if any(position < len(actions) for position in exc.failed_positions):
                    raise
            else:
                return
        raise StoreUnavailable
