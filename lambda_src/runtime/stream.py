"""The loop around the records of a DynamoDB stream: in their order, at least once, and none ever lost.

What happens to a record, and what Lambda is told:

    cannot be parsed ---------------------- whole to the dead-letter queue with its reason ---- done
    nothing to do (`parse` says None) --------------------------------------------------------- done
    handled ----------------------------------------------------------------------------------- done
    failed for good (not retryable) ------- whole to the dead-letter queue with its reason ---- done
    failed, may succeed later ----------------------------------------------------------------- Lambda resumes here
    failed by a bug, or could not be set aside ------------------------------------------------ Lambda resumes here
    no time left for it ----------------------------------------------------------------------- Lambda resumes here
    the process dies -------------------------------------------------------------------------- the whole batch again

Lambda resumes at the lowest sequence number it is told and hands over everything from there on again, so nothing after
a reported record is begun. It does so until a record succeeds or is a day old, and then leaves a note of the batch's
position in the same dead-letter queue. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html

A record may come more than once, also after it was handled. Whoever counts puts a marker into the same transaction:

    try:
        store.transact(COUNT_ONCE, [Put(MARKER, Marker(record.event_id, ttl=...), ABSENT), *changes])
    except TransactionCancelled as cancelled:
        if not cancelled.failed(0):
            raise

The event id is the same each time. A marker has to outlive the day that a stream keeps its records, and where dead
letters are handed over again, their 14 days.
"""

import base64
import json
import logging
import re
import time
import zlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Literal, Self

from lambda_src.dynamo.meter import UsageMeter
from lambda_src.dynamo.schema import Entity
from lambda_src.dynamo.values import AttributeValue
from lambda_src.errors import AppError
from lambda_src.runtime.correlation import correlated
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import InvocationContext
from lambda_src.runtime.messages import Malformed
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.work_log import work_logged

logger = logging.getLogger(__name__)

# 1 MiB less room for the attributes:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_DEAD_LETTER_BYTES: Final = 1_048_576 - 4_096
COMPRESSED: Final = "compressed"

_TABLE: Final = re.compile(r"arn:[^:]+:dynamodb:[^:]+:[^:]+:table/([^/]+)/stream/.+")
_NOT_FOR_SQS: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
_EXPIRY: Final = ("Service", "dynamodb.amazonaws.com")

type Image = Mapping[str, AttributeValue]
"""An item as it comes over the wire, which is what `Entity.decode` and `values.from_item` take."""

type Outcome = Literal["done", "ignored", "refused", "retry"]


class EventName(StrEnum):
    """INSERT is also what an UpdateItem leaves that made its item; an update that changes nothing leaves no record."""

    INSERT = "INSERT"
    MODIFY = "MODIFY"
    REMOVE = "REMOVE"


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One change of one item.

    table: its physical name. created_at: to the second. old, new: the item before and after, None where there was none
    and where the stream carries no such image. expired: the table's TTL removed the item. raw: the record as it came.
    """

    event_id: str
    event_name: EventName
    sequence_number: str
    table: str
    created_at: datetime
    old: Image | None
    new: Image | None
    expired: bool
    raw: Mapping[str, Any]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """From a record of the event, https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html. Raises Malformed."""
        try:
            change, identity = record["dynamodb"], record.get("userIdentity") or {}
            return cls(
                event_id=_required_text(record, "eventID"),
                event_name=_event_name(record["eventName"]),
                sequence_number=_required_text(change, "SequenceNumber"),
                table=_table(record["eventSourceARN"]),
                created_at=datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC),
                old=_image(change.get("OldImage")),
                new=_image(change.get("NewImage")),
                expired=(identity.get("type"), identity.get("principalId")) == _EXPIRY,
                raw=record,
            )
        except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as exc:
            raise Malformed(f"not a stream record: {_reason(exc)}") from exc


def model_of[M](entity: Entity[M], image: Image | None) -> M:
    """The model of an image. Raises Malformed where there is none, or where it lacks what the model needs."""
    if image is None:
        raise Malformed(f"no image of {entity.name}")
    try:
        return entity.decode(image)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
        raise Malformed(f"not a {entity.name}: {_reason(exc)}") from exc


@dataclass(frozen=True, slots=True)
class Parsed[M]:
    """What a record of a batch asks for."""

    sequence_number: str
    value: M


@dataclass(frozen=True, slots=True, kw_only=True)
class _Consumer[M]:
    """A Lambda handler for batches of a stream, with partial batch responses.

    parse: what a record asks for, None for nothing; raises Malformed. dead_letter_url: where records go that cannot
    succeed. after: runs at the end of every invocation. safety_seconds: kept free at the end of an invocation.
    """

    parse: Callable[[StreamRecord], M | None]
    queue: QueueClient
    dead_letter_url: str
    usage: UsageMeter
    after: Callable[[], None] | None = None
    safety_seconds: float = 5.0
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, event: Mapping[str, Any], context: InvocationContext) -> dict[str, Any]:
        """Handle one invocation: `{"Records": [...]}`, of the stream or dead letters that are handed over again.

        Returns `{"batchItemFailures": []}`, or in it the sequence number to resume at; an empty one stands for the
        whole batch. Raises ValueError for any other event.
        """
        deadline = Deadline.of_invocation(context, monotonic=self.monotonic).minus(self.safety_seconds)
        try:
            if "Records" not in event:
                raise ValueError("the event is no batch of stream records")
            with correlated(context.aws_request_id):
                failed = self._failed([_expanded(record) for record in event["Records"]], deadline)
            return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}
        finally:
            if self.after is not None:
                self.after()

    @abstractmethod
    def _failed(self, records: Sequence[Mapping[str, Any]], deadline: Deadline) -> str | None:
        """The lowest sequence number that is not done."""

    def _attempt(self, raw: Mapping[str, Any], work: Callable[[StreamRecord, M], None]) -> Outcome:
        """Parse a record and do something with what it asks for; what cannot succeed is set aside."""
        try:
            record = StreamRecord.of(raw)
            value = self.parse(record)
            if value is None:
                return "ignored"
            work(record, value)
        except AppError as error:
            return self._after_failure(raw, error)
        except Exception:  # a bug: the record waits for its repair, as those behind it may need what it would do
            logger.exception("record failed unexpectedly", extra=_names(raw))
            return "retry"
        return "done"

    def _after_failure(self, raw: Mapping[str, Any], error: AppError) -> Outcome:
        if error.retryable:
            if error.is_expected:
                logger.info("record has to wait", extra={**_names(raw), "code": error.code})
            else:
                logger.warning("record failed", exc_info=error, extra=_names(raw))
            return "retry"
        logger.warning("record cannot succeed", exc_info=error, extra=_names(raw))
        reason = error.detail if isinstance(error, Malformed) else f"{error.code}: {error.detail}"
        is_set_aside = self.queue.set_aside(
            self.dead_letter_url, _dead_letter(raw), correlation_id=_text(raw, "eventID"), reason=reason
        )
        return "refused" if is_set_aside else "retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordConsumer[M](_Consumer[M]):
    """Handles record by record, for effects that are independent of each other; the rest as the module says.

    handle: does the work; its deadline ends with the budget, or `safety_seconds` before the invocation if that is
    sooner. budget_seconds: the most time a record may take; with less than that left, none but the first is begun.
    """

    handle: Callable[[M, Deadline], None]
    budget_seconds: float = 20.0

    def _failed(self, records: Sequence[Mapping[str, Any]], deadline: Deadline) -> str | None:
        for position, raw in enumerate(records):
            # The first record is always tried: with less time than its budget it would never be.
            if position > 0 and deadline.remaining_seconds() < self.budget_seconds:
                logger.info("no time for more records", extra={"remaining": len(records) - position})
                return _sequence_number(raw)
            with (
                correlated(_text(raw, "eventID")),
                work_logged("record handled", self.usage, self.monotonic, **_names(raw)) as line,
            ):
                outcome = self._attempt(raw, lambda _, value: self.handle(value, deadline.at_most(self.budget_seconds)))
                line["outcome"] = outcome
            if outcome == "retry":
                return _sequence_number(raw)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchConsumer[M](_Consumer[M]):
    """Handles a batch as a whole, for effects that many records share; the rest as the module says.

    handle: does the work of the records it is given, in their order; returns the lowest sequence number that is not
    done, None when all are. A retryable AppError: none is. What else it raises fails the invocation, and Lambda halves
    the batch until what cannot be handled is alone. Its deadline is `safety_seconds` before the invocation's. It is not
    called for a batch that asks for nothing.
    """

    handle: Callable[[Sequence[Parsed[M]], Deadline], str | None]

    def _failed(self, records: Sequence[Mapping[str, Any]], deadline: Deadline) -> str | None:
        parsed: list[Parsed[M]] = []
        unparsed = None  # what stands before a record that nobody could parse or set aside is handled all the same
        for raw in records:
            if (
                self._attempt(raw, lambda record, value: parsed.append(Parsed(record.sequence_number, value)))
                == "retry"
            ):
                unparsed = _sequence_number(raw)
                break
        if not parsed:
            return unparsed
        said = {"kind": "batch", "records": len(records), "asked": len(parsed), "outcome": "retry"}
        with work_logged("batch handled", self.usage, self.monotonic, **said) as line:
            failed = self._handled(parsed, deadline)
            line["outcome"] = "done" if failed is None else "retry"
        return unparsed if failed is None else failed

    def _handled(self, parsed: Sequence[Parsed[M]], deadline: Deadline) -> str | None:
        first = parsed[0].sequence_number
        try:
            failed = self.handle(parsed, deadline)
        except AppError as error:
            if not error.retryable:
                raise
            logger.warning("batch failed", exc_info=error)
            return first
        if failed is not None and all(each.sequence_number != failed for each in parsed):
            logger.error("batch failed at a record that is none of it", extra={"sequence_number": failed})
            return first
        return failed


# ---- parts of a record, also of one that is none --------------------------------------------------------------------


def _image(image: Image | None) -> Image | None:
    return None if image is None else {name: _value(value) for name, value in image.items()}


def _value(value: AttributeValue) -> AttributeValue:
    """A value of the event as an engine's answer has it: only binary content is written otherwise, as Base64."""
    [(kind, content)] = value.items()
    match kind:
        case "S" | "N" | "BOOL" | "NULL" | "SS" | "NS":
            return value
        case "B":
            return {kind: base64.b64decode(content, validate=True)}
        case "BS":
            return {kind: [base64.b64decode(each, validate=True) for each in content]}
        case "M":
            return {kind: _image(content)}
        case "L":
            return {kind: [_value(each) for each in content]}
        case _:
            raise LookupError("a value of an unknown type")


def _event_name(text: str) -> EventName:
    if text not in EventName:
        raise LookupError("an unknown event name")
    return EventName(text)


def _table(arn: str) -> str:
    found = _TABLE.fullmatch(arn)
    if found is None:
        raise LookupError("its source is no stream of a table")
    return found[1]


def _required_text(mapping: Mapping[str, Any], name: str) -> str:
    value = mapping[name]
    if not isinstance(value, str) or not value:
        raise LookupError(f"no {name}")
    return value


def _reason(error: Exception) -> str:
    """What is wrong, without content: only a LookupError is sure to tell a name rather than a value."""
    name = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
    return name if isinstance(error, LookupError) else type(error).__name__


def _text(raw: object, *names: str) -> str:
    for name in names:
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    return raw if isinstance(raw, str) else ""


def _sequence_number(raw: Mapping[str, Any]) -> str:
    """Where to resume. Lambda takes an empty one for the whole batch."""
    return _text(raw, "dynamodb", "SequenceNumber")


def _names(raw: Mapping[str, Any]) -> dict[str, object]:
    """What a log line calls a record."""
    return {
        "kind": _text(raw, "eventName"), "event_id": _text(raw, "eventID"), "sequence_number": _sequence_number(raw),
    }  # fmt: skip


# ---- dead letters ----------------------------------------------------------------------------------------------------


def _dead_letter(raw: Mapping[str, Any]) -> str:
    """A record as a message: its JSON, and where that is larger than SQS takes, the same compressed.

    Two images of 400 KB may be several MiB as JSON, which repeats a lot. Base 85 adds a quarter, so that compressed
    even random bytes fit.
    """
    text = json.dumps(raw, ensure_ascii=False, separators=(",", ":"))
    text = _NOT_FOR_SQS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if len(text.encode()) <= MAX_DEAD_LETTER_BYTES:
        return text
    return json.dumps({COMPRESSED: base64.b85encode(zlib.compress(text.encode(), level=9)).decode()})


def _expanded(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record of a dead letter, which is also what a stream hands over. Raises ValueError for damaged content."""
    if set(raw) != {COMPRESSED}:
        return raw
    try:
        record: Mapping[str, Any] = json.loads(zlib.decompress(base64.b85decode(raw[COMPRESSED])))
    except zlib.error as exc:
        raise ValueError("a compressed record is damaged") from exc
    return record
