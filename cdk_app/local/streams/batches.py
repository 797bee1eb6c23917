"""How the records that a function wants are handed to it: in order, in batches, again when they failed, and given up.

What happens after an invocation, as on AWS:

    all done ------------------------------------------- on to the next batch
    the function names a record that is not the first -- on to that one, with the rest of the batch
    it fails as a whole, `bisects`, several records ---- the first half, then the second: no try of theirs
    it fails as a whole, or names the first record ----- the same batch again: the next try
      too many tries ------------------------------------- the batch is given up: its queue is told, on to the next
      records are too old by now ------------------------- they are given up: the queue is told, on to the next
    it could not be invoked ---------------------------- the same batch again, and that is no try
      records are too old by now ------------------------- the same

Unlike on AWS each record is tried once however old it is: a laptop sleeps longer than a stream remembers.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

import json
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from cdk_app.local.streams.mappings import NO_LIMIT, StreamMapping
from cdk_app.local.streams.reader import Clock, Place, Record, Shard, StreamReader

logger = logging.getLogger(__name__)

MAX_EVENT_BYTES: Final = 5_900_000  # Lambda takes 6 MB in one invocation
FIRST_PAUSE_SECONDS: Final = 0.5
MAX_PAUSE_SECONDS: Final = 30.0

type Invoke = Callable[[str, Mapping[str, Any]], "Answer"]  # ARN of a function, event; raises NotInvoked
type Send = Callable[[str, str], None]  # ARN of a queue, text; raises NotSent
type Save = Callable[[str], None]  # a sequence number up to which all is done
type Announce = Callable[[str], None]


class NotInvoked(Exception):
    """A function was not asked, or its answer did not arrive."""


class NotSent(Exception):
    """A queue did not take a message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned. error: why it returned nothing, as Lambda's `FunctionError` says, else None."""

    payload: Any = None
    error: str | None = None
    version: str = "$LATEST"


@dataclass(frozen=True, slots=True)
class Calls:
    """What a batch needs of the world. announce: tells the person at the terminal what fails."""

    invoke: Invoke
    send: Send
    announce: Announce = logger.warning
    clock: Clock = time


class ShardConsumer:
    """One function's way through one shard. after: where it was left; `save` is told how far all is done."""

    def __init__(
        self,
        mapping: StreamMapping,
        shard: Shard,
        reader: StreamReader,
        *,
        after: str | None,
        save: Save,
        calls: Calls,
    ) -> None:
        self._mapping = mapping
        self._reader = reader
        self._place = Place(shard, after)
        self._save = save
        self._calls = calls
        self._clock = calls.clock
        self._pending: deque[Record] = deque()  # wanted, not done
        self._waits_since = 0.0  # the first of them
        self._parts: list[int] = []  # sizes of what is left of a batch that failed, the next one last
        self._tries = 0  # failed ones of the next part
        self._pauses = 0  # since something was done
        self._is_told = False  # the person at the terminal, of this batch
        self._paused_until = 0.0
        self._is_closed = False

    @property
    def is_finished(self) -> bool:
        """Whether the shard is closed and all of it is done."""
        return self._is_closed and not self._pending

    def turn(self) -> bool:
        """Read a page, and hand over a batch when one is due. Whether there may be more to do at once.

        Raises botocore's errors when the stream cannot be read.
        """
        if self._clock.monotonic() < self._paused_until:
            return False
        has_read = self._read()
        if not self._is_due():
            return has_read
        self._hand_over()
        return True

    # ---- reading -----------------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Read on unless a batch is there already. Whether something was read."""
        if self._is_closed or self._parts or len(self._pending) >= self._mapping.batch_size:
            return False
        page = self._reader.read(self._place)
        self._is_closed = page.is_last
        if not page.records:
            return False
        if not self._pending:
            self._waits_since = self._clock.monotonic()
        self._pending.extend(record for record in page.records if self._mapping.matches(record.body))
        self._place = Place(self._place.shard, page.records[-1].sequence_number)
        if not self._pending:
            self._save(page.records[-1].sequence_number)
        return True

    def _is_due(self) -> bool:
        if not self._pending:
            return False
        return (
            bool(self._parts)
            or self._is_closed
            or self._clock.monotonic() - self._waits_since >= self._mapping.window_seconds
            or len(self._pending) >= self._mapping.batch_size
            or sum(record.size_bytes for record in self._pending) >= MAX_EVENT_BYTES
        )

    # ---- handing over ------------------------------------------------------------------------------------------------

    def _hand_over(self) -> None:
        if not self._parts:
            self._parts = [self._next_size()]
        batch = tuple(islice(self._pending, self._parts[-1]))
        event = {"Records": [{**record.body, "eventSourceARN": self._mapping.source_arn} for record in batch]}
        try:
            answer = self._calls.invoke(self._mapping.function_arn, event)
        except NotInvoked as error:
            self._fail(batch, None, str(error))
            return
        done = self._count_done(answer, batch)
        if done:
            self._advance(done)
        rest = batch[done:]
        if not rest:
            return
        if done:
            self._tell(rest, _reason(answer))
            self._pause()
        elif answer.error and self._mapping.bisects and len(rest) > 1:
            self._tell(rest, f"{_reason(answer)}; the batch is halved")
            self._parts[-1:] = [len(rest) - len(rest) // 2, len(rest) // 2]
        else:
            self._tries += 1
            self._fail(rest, answer, _reason(answer))

    def _next_size(self) -> int:
        """How many records go into the next batch: one at least, whatever its size."""
        size_bytes = 0
        for count, record in enumerate(islice(self._pending, self._mapping.batch_size)):
            size_bytes += record.size_bytes
            if count and size_bytes > MAX_EVENT_BYTES:
                return count
        return min(len(self._pending), self._mapping.batch_size)

    def _count_done(self, answer: Answer, batch: Sequence[Record]) -> int:
        """How many of the first records are done: those before the first one that is named as failed."""
        if answer.error:
            return 0
        if not self._mapping.reports_failures or not answer.payload:
            return len(batch)
        places = {record.sequence_number: place for place, record in enumerate(batch)}
        try:
            failures = answer.payload.get("batchItemFailures") or ()
            return min((places[failure["itemIdentifier"]] for failure in failures), default=len(batch))
        except (AttributeError, KeyError, TypeError):  # a name that is none: all of it failed
            return 0

    def _advance(self, count: int) -> None:
        """Note that so many of the next part are done."""
        last = [self._pending.popleft() for _ in range(count)][-1]
        self._parts[-1] -= count
        if not self._parts[-1]:
            self._parts.pop()
        self._tries = self._pauses = 0
        self._is_told = self._is_told and bool(self._parts)
        self._waits_since = self._clock.monotonic()
        self._save((not self._pending and self._place.after) or last.sequence_number)

    # ---- failures ----------------------------------------------------------------------------------------------------

    def _fail(self, batch: Sequence[Record], answer: Answer | None, reason: str) -> None:
        """Pause before the next try of a batch, or give it up. answer: None when the function was not asked."""
        self._tell(batch, reason)
        too_old = self._count_too_old(batch)
        has_tries = self._mapping.max_retries == NO_LIMIT or self._tries <= self._mapping.max_retries
        try:
            if not has_tries:
                self._give_up(batch, answer, "RetryAttemptsExhausted")
            elif too_old:
                self._give_up(batch[:too_old], answer, "RecordAgeExceeded")
            else:
                self._pause()
        except NotSent as error:
            self._calls.announce(
                f"{self._mapping.on_failure_arn} does not take what failed ({error}); it is tried again"
            )
            self._pause()

    def _count_too_old(self, batch: Sequence[Record]) -> int:
        limit = self._mapping.max_age_seconds
        return 0 if limit == NO_LIMIT else sum(1 for each in batch if each.created_at < self._clock.time() - limit)

    def _give_up(self, batch: Sequence[Record], answer: Answer | None, condition: str) -> None:
        if self._mapping.on_failure_arn is not None:
            self._calls.send(self._mapping.on_failure_arn, json.dumps(self._notice(batch, answer, condition)))
        self._advance(len(batch))
        self._calls.announce(
            f"{self._title} gave up {len(batch)} of its records, from {batch[0].sequence_number} on ({condition})"
        )

    def _notice(self, batch: Sequence[Record], answer: Answer | None, condition: str) -> Mapping[str, Any]:
        """What Lambda tells the queue: where the records are, not what they hold.

        https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
        """
        returned: dict[str, Any] = {}
        if answer is not None:
            returned = {"statusCode": 200, "executedVersion": answer.version, "functionError": answer.error}
        return {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": self._mapping.function_arn,
                "condition": condition,
                "approximateInvokeCount": self._tries,
            },
            **({"responseContext": returned} if returned else {}),
            "version": "1.0",
            "timestamp": _time(self._clock.time(), "milliseconds"),
            "DDBStreamBatchInfo": {
                "shardId": self._place.shard.shard_id,
                "startSequenceNumber": batch[0].sequence_number,
                "endSequenceNumber": batch[-1].sequence_number,
                "approximateArrivalOfFirstRecord": _time(batch[0].created_at, "seconds"),
                "approximateArrivalOfLastRecord": _time(batch[-1].created_at, "seconds"),
                "batchSize": len(batch),
                "streamArn": self._mapping.source_arn,
            },
        }

    def _pause(self) -> None:
        seconds = min(FIRST_PAUSE_SECONDS * 2.0 ** min(self._pauses, 10), MAX_PAUSE_SECONDS)
        self._pauses += 1
        self._paused_until = self._clock.monotonic() + seconds

    def _tell(self, batch: Sequence[Record], reason: str) -> None:
        """Log a failure; the person at the terminal is told of the first one of a batch."""
        text = f"{self._title} failed with {len(batch)} of its records, from {batch[0].sequence_number} on: {reason}"
        logger.warning("%s", text)
        if not self._is_told:
            self._calls.announce(text)
        self._is_told = True

    @property
    def _title(self) -> str:
        return f"{self._mapping.name} on the stream of {self._mapping.table_name}"


def _reason(answer: Answer) -> str:
    return f"{answer.error}: {json.dumps(answer.payload)[:500]}" if answer.error else "it named records that failed"


def _time(seconds: float, precision: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
