"""Which records of the stream are archived, and how a log is written down for good."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from lambda_src.runtime.clock import of_epoch_ms, utc_text
from lambda_src.runtime.messages import Malformed
from lambda_src.runtime.stream import StreamRecord, model_of
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.usage import UsageLog
from lambda_src.services.algoitny.usage.rules import parse_date

KIND: Final = items.USAGE_LOG.constants["tp"]

_EXPIRY: Final = {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}
FILTERS: Final[tuple[Mapping[str, Any], ...]] = (
    {"eventName": ["REMOVE"], "userIdentity": _EXPIRY, "dynamodb": {"OldImage": {"tp": {"S": [KIND]}}}},
)
"""What Lambda hands over; a record is looked at again, whoever hands it over."""

SEQUENCE_DIGITS: Final = 40


class ExpiredLog(NamedTuple):
    """A log that its TTL removed. begun: the line about it but for its end, which says when it is archived."""

    day: date
    log_id: str
    begun: bytes


def expired_log(record: StreamRecord) -> ExpiredLog | None:
    """What is to be archived of a record, None for nothing. Raises Malformed for a log that cannot be read.

    Logs that the application deletes are none of it, nor are counters and idempotency keys, which expire, too.
    """
    if not record.expired or record.event_name != "REMOVE" or (record.old or {}).get("tp") != {"S": KIND}:
        return None
    log = model_of(items.USAGE_LOG, record.old)
    log_id = "|".join(items.USAGE_LOG.key_of(log).values.values())
    try:
        return ExpiredLog(parse_date(log.date).date(), log_id, _json(_members(log, log_id))[:-1].encode())
    except (ArithmeticError, TypeError, ValueError) as exc:
        raise Malformed(f"not a {items.USAGE_LOG.name}: {type(exc).__name__}") from exc


def line(log: ExpiredLog, archived_at: str) -> bytes:
    """A line of the archive."""
    return log.begun + f',"archived_at":{_json(archived_at)}}}\n'.encode()


def object_key(day: date, sequence_numbers: list[str]) -> str:
    """Where the logs of a day go that these records removed."""
    numbers = sorted(number.zfill(SEQUENCE_DIGITS) for number in sequence_numbers)
    return f"{items.USAGE_LOGS}/dt={day.isoformat()}/{numbers[0]}-{numbers[-1]}-{len(numbers)}.jsonl.gz"


def _members(log: UsageLog, log_id: str) -> dict[str, Any]:
    platform, _, problem_id = (log.problem_id or "").partition("#")
    return {
        "log_id": log_id,
        "user_id": log.user_id,
        "action": log.action,
        "platform": platform or None,
        "problem_id": problem_id or None,
        "metadata": log.metadata,
        "created_at": _time(log.created_at),
        "expired_at": _time(log.expires_at * 1000),
        "reversed_at": None if log.reversed_at is None else _time(log.reversed_at),
    }


def _time(milliseconds: int) -> str:
    return utc_text(of_epoch_ms(milliseconds), "milliseconds")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_exact)


def _exact(value: object) -> object:
    """A number as JSON has it where nothing is lost by that, else its digits as text; a set as a list."""
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value else str(value)
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
