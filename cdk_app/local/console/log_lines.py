"""What one line of a function's log says: a request served, a message handled, a platform line, or anything else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

type Kind = Literal["request", "message", "task", "platform", "line"]

PHRASES: Mapping[str, Kind] = {
    "request served": "request",
    "message handled": "message",
    "record handled": "message",
    "batch handled": "message",
    "task finished": "task",
}
PLATFORM_PREFIXES = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ")
TROUBLE_LEVELS = frozenset({"WARNING", "ERROR", "CRITICAL"})
# A declined message is only given back because time is short; an ignored record of a stream asks for nothing.
CALM_OUTCOMES = frozenset({"done", "declined", "ignored"})

MAX_FIGURE = 1e12

HIDDEN_FIELDS = frozenset(  # in columns on every line, or the same on all lines of a function
    {"message", "level", "timestamp", "milliseconds", "dynamodb_requests", "read_units", "write_units"}
    | {"correlation_id", "service", "location", "cold_start", "function_name", "function_memory_size", "function_arn"}
    | {"function_request_id", "xray_trace_id", "exception", "exception_name", "stack_trace"}
)
COLUMN_FIELDS = frozenset({"method", "route", "path", "status", "kind", "outcome", "queue", "message_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line. at: when it was written, UTC. outcome: status code or outcome of a message; "" on other lines.

    milliseconds and the DynamoDB figures are None where the line does not say. detail: further fields; stack: a
    traceback. Both are "" where there is none.
    """

    kind: Kind
    at: datetime
    level: str
    text: str
    outcome: str = ""
    milliseconds: float | None = None
    dynamodb_requests: float | None = None
    read_units: float | None = None
    write_units: float | None = None
    correlation_id: str | None = None
    detail: str = ""
    stack: str = ""

    @property
    def is_good(self) -> bool:
        """A request answered as wished, or a message or task that is done."""
        return self.outcome == "done" or (self.kind == "request" and self.outcome.startswith(("2", "3")))

    @property
    def is_trouble(self) -> bool:
        """Worth a second look: a warning or worse, a 5xx answer, a message that was not done."""
        if self.level in TROUBLE_LEVELS:
            return True
        if self.kind == "request":
            return self.outcome.startswith("5")
        return self.kind in ("message", "task") and self.outcome not in CALM_OUTCOMES

    @property
    def is_work(self) -> bool:
        """A request, a message or a task, or trouble; the rest is chatter."""
        return self.kind in ("request", "message", "task") or self.is_trouble


def parse_line(text: str, *, received_at: datetime) -> LogLine:
    """Read a line as the functions write it, JSON or plain; never fails.

    received_at: the log service's time, taken where the line has none of its own.
    """
    fields = _json_object(text)
    if fields is None or fields.get("message") is None:  # metrics are JSON without a message
        kind: Kind = "platform" if fields or text.startswith(PLATFORM_PREFIXES) else "line"
        return LogLine(kind=kind, at=received_at, level="INFO", text=text.rstrip())
    kind = PHRASES.get(str(fields["message"]), "line")
    return LogLine(
        kind=kind,
        at=_time(fields.get("timestamp"), received_at),
        level=str(fields.get("level", "INFO")).upper(),
        text=_summary(kind, fields),
        outcome=str(fields.get("status" if kind == "request" else "outcome", "")) if kind != "line" else "",
        milliseconds=_number(fields.get("milliseconds")),
        dynamodb_requests=_number(fields.get("dynamodb_requests")),
        read_units=_number(fields.get("read_units")),
        write_units=_number(fields.get("write_units")),
        correlation_id=str(fields["correlation_id"]) if fields.get("correlation_id") else None,
        detail="  ".join(f"{key}={_plain(value)}" for key, value in fields.items() if _is_detail(kind, key, value)),
        stack=str(fields.get("exception") or ""),
    )


def _json_object(text: str) -> Mapping[str, object] | None:
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _summary(kind: Kind, fields: Mapping[str, object]) -> str:
    if kind == "request":
        return f"{fields.get('method', '')} {fields.get('path') or fields.get('route') or ''}".strip()
    if kind in ("message", "task"):
        return str(fields.get("kind", ""))
    return _plain(fields["message"])


def _is_detail(kind: Kind, key: str, value: object) -> bool:
    """Whether a field is shown beside the text; what a request or message has in columns is a detail elsewhere."""
    if value is None or value == "" or key in HIDDEN_FIELDS or (key == "receive_count" and value == 1):
        return False
    return kind == "line" or key not in COLUMN_FIELDS


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _number(value: object) -> float | None:
    """A figure that a column can hold; NaN, infinity and the absurd are none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if abs(value) < MAX_FIGURE else None


def _time(text: object, otherwise: datetime) -> datetime:
    """The line's own time: the emulator dates all lines of an invocation at its end."""
    if not isinstance(text, str):
        return otherwise
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the first and last hours of the calendar have no UTC
        return otherwise
