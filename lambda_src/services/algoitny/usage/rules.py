"""Days as usage is counted by them: in UTC, written `YYYYMMDD`."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from lambda_src.services.algoitny.models.plans import ACTIONS, Action

LOG_SECONDS: Final = 90 * 86_400  # how long logs, counters and idempotency keys stand
PURGED_DAYS: Final = 93
_DATE: Final = re.compile(r"[0-9]{8}")


def format_date(moment: datetime) -> str:
    """The day of a moment. Raises ValueError for one without a zone, which is on no day."""
    if moment.tzinfo is None:
        raise ValueError("A time without a zone is not a moment")
    return moment.astimezone(UTC).strftime("%Y%m%d")


def parse_date(text: str) -> datetime:
    """The beginning of a day. Raises ValueError for what names none."""
    if _DATE.fullmatch(text) is None:
        raise ValueError("A day is written YYYYMMDD")
    return datetime.combine(date.fromisoformat(text), time(), UTC)


def next_day(text: str) -> datetime:
    """When a day is over. Raises ValueError for what names none."""
    return parse_date(text) + timedelta(days=1)


def days_back(text: str, count: int) -> list[str]:
    """The days up to a day, that one included, newest first. Raises ValueError for what names none."""
    last = parse_date(text)
    return [format_date(last - timedelta(days=back)) for back in range(count)]


def days_before(text: str) -> list[str]:
    """The days before one of which anything may be stored, newest first: TTL may be late by a few."""
    return days_back(text, PURGED_DAYS + 1)[1:]


def checked_action(text: str) -> Action:
    """An action that plans limit. Raises ValueError for another."""
    for action in ACTIONS:
        if text == action:
            return action
    raise ValueError("Limits are those of hints and of executions")
