"""Times as SQL databases and JSON files write them."""

import re
from datetime import UTC, date, datetime
from typing import Final

_ZERO: Final = re.compile(r"\d{4}-00-|\d{4}-\d\d-00|0000-")  # MySQL's zero dates, whole or in parts


def instant(text: str) -> tuple[datetime, bool]:
    """An aware time in UTC, and whether the text named its offset; without one it is UTC.

    Reads `2025-01-15 08:30:00.123456+00`, `2025-01-15T08:30:00Z` and their kin. Raises ValueError, whose text is for a
    report, for zero dates, `infinity`, years before 1 or after 9999, and what is no time.
    """
    if _ZERO.match(text):
        raise ValueError("a zero date is no date")
    if text.endswith("BC") or text in {"infinity", "-infinity"}:
        raise ValueError(f"{text} is outside the years 1 to 9999")
    try:
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=UTC), False) if moment.tzinfo is None else (moment.astimezone(UTC), True)
    except (ValueError, OverflowError) as exc:
        raise ValueError(f"{text[:40]!r} is no time between the years 1 and 9999") from exc


def in_one_form(text: str) -> str:
    """A time as `2025-01-15T08:30:00.123456Z`. One without an offset stays without, what is no time stays as it is."""
    try:
        moment, has_offset = instant(text)
    except ValueError:
        return text
    written = moment.replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{written}Z" if has_offset else written


def day(text: str) -> str:
    """A calendar date, `YYYY-MM-DD`. Raises ValueError like `instant`."""
    if _ZERO.match(text):
        raise ValueError("a zero date is no date")
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as exc:
        raise ValueError(f"{text[:40]!r} is no date between the years 1 and 9999") from exc
