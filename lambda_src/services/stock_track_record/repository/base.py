"""What the repositories share: conditions by their names, keys, log lines, and transactions that carry a log line."""

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from boto3.dynamodb.conditions import Attr, ConditionBase

from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled
from lambda_src.dynamo.schema import Entity
from lambda_src.dynamo.store import Action, Put, Store
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.clock import Clock
from lambda_src.services.stock_track_record.models import ChannelId, LogLevel, LogLine
from lambda_src.services.stock_track_record.rules.dates import timestamp
from lambda_src.services.stock_track_record.tables import MAIN, PROCESSING_LOG

EXISTS: Final[ConditionBase] = Attr("PK").exists()
ABSENT: Final[ConditionBase] = Attr("PK").not_exists()
ALIVE: Final[ConditionBase] = EXISTS & Attr("deleting").not_exists()

MESSAGE_LIMIT: Final = 2000
_LOG_KEY_TRIES: Final = 5  # 1,000 suffixes per millisecond: a second collision in a row is one in a million
_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970, floored; exact, unlike `timestamp() * 1000`."""
    return (instant - _EPOCH) // _MILLISECOND


def in_run(run_id: str) -> ConditionBase:
    """The channel is processing exactly this run and nobody began to delete it."""
    return Attr("status").eq("processing") & Attr("run_id").eq(run_id) & ALIVE


def free_or_mine(name: str, channel_id: str) -> ConditionBase:
    """A sentinel item is absent, or names this channel as its owner."""
    return Attr("PK").not_exists() | Attr(name).eq(channel_id)


def index_attributes(entity: Entity, names: Sequence[str] | None = None, **values: str) -> dict[str, str]:
    """The index keys of an item: all of its entity's, or those named."""
    wanted = entity.index_keys if names is None else {name: entity.index_keys[name] for name in names}
    return {
        name: template.build(**{field: values[field] for field in template.fields}) for name, template in wanted.items()
    }


def sort_prefix(entity: Entity, **values: str) -> str:
    """The start of the sort keys of an entity's items, up to the first field that is not given."""
    assert entity.sort is not None
    return entity.sort.prefix(**values)


@dataclass(frozen=True, slots=True)
class Line:
    """A log line to be written: level and text, cut to 2,000 characters."""

    level: LogLevel
    message: str


def log_item(line: LogLine, *, suffix: str, unique: uuid.UUID) -> dict[str, object]:
    """The stored form of a log line. suffix: 8 hex digits, of its key and of its id, which `unique` completes."""
    return {
        **MAIN.key(PROCESSING_LOG, channel_id=line.channel_id, created_at=line.created_at, suffix=suffix),
        "entity_type": PROCESSING_LOG.name,
        "id": f"{suffix}{str(unique)[8:]}",
        "log_id": line.log_id,
        "channel_id": line.channel_id,
        "log_level": line.log_level,
        "message": line.message,
        "created_at": line.created_at,
    }


class LogLines:
    """Makes the items of log lines. One writer never uses a millisecond twice, so its lines keep their order.

    The key ends in a random number below 1,000, which keeps writers apart: `log_id` is epoch milliseconds x 1000 plus
    that number, an integer below 2^53 until the year 2255 and therefore exact in JavaScript.
    """

    def __init__(self, *, clock: Clock, pick: Callable[[int], int], retention_days: int) -> None:
        self._clock = clock
        self._pick = pick
        self._retention_days = retention_days
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def put(self, channel_id: ChannelId, line: Line) -> Put:
        """The conditional write of one line; each call makes a new key."""
        now = self._next_instant()
        number = self._pick(1000)
        log_id = epoch_ms(now) * 1000 + number
        item = log_item(
            LogLine(log_id, channel_id, line.level, line.message[:MESSAGE_LIMIT] or "-", timestamp(now)),
            suffix=f"{number:08x}",
            unique=uuid.uuid4(),
        )
        if self._retention_days:
            item["expires_at"] = epoch_ms(now) // 1000 + self._retention_days * 86_400
        return Put(MAIN, item, condition=Attr("SK").not_exists())

    def _next_instant(self) -> datetime:
        with self._lock:
            now = self._clock()
            now = now.replace(microsecond=now.microsecond // 1000 * 1000)
            self._last = max(now, self._last + _MILLISECOND)
            return self._last


@dataclass(frozen=True, slots=True)
class Context:
    """What every repository is given."""

    store: Store
    clock: Clock
    log_lines: LogLines

    def now(self) -> str:
        return timestamp(self.clock())

    def now_ms(self) -> int:
        return epoch_ms(self.clock())

    def transact(self, actions: Sequence[Action], channel_id: ChannelId, *lines: Line) -> None:
        """Commit the actions together with log lines; a log key that is taken repeats all of it with another suffix.

        Raises TransactionCancelled, whose positions are those of `actions`, and StoreUnavailable. 1 request.
        """
        for _ in range(_LOG_KEY_TRIES):
            puts = [self.log_lines.put(channel_id, line) for line in lines]
            try:
                self.store.transact([*actions, *puts])
            except TransactionCancelled as exc:
                if any(position < len(actions) for position in exc.failed_positions):
                    raise
            else:
                return
        raise StoreUnavailable

    def applied(self, write: Callable[[], object]) -> bool:
        """Whether a conditional write went through; False when its condition did not hold."""
        try:
            write()
        except ConditionFailed:
            return False
        return True
