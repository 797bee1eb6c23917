"""Times as text and calendar arithmetic. All times are UTC; timestamps are 24 characters that sort as time does."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from lambda_src.errors import InvalidInput

_SINCE: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)"
    r"(?:(?P<utc>[Zz])|(?P<sign>[+\- ])(?P<hours>\d\d):?(?P<minutes>\d\d)?)?",
    re.ASCII,
)


def timestamp(moment: datetime) -> str:
    """An aware time as `YYYY-MM-DDTHH:MM:SS.fffZ`, floored to the millisecond. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("A time without a zone is not a moment")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """A stored time as an aware time in UTC; one without a zone is taken as UTC. Raises ValueError."""
    return _in_utc(datetime.fromisoformat(text))


def parse_since(text: str) -> str:
    """An ISO 8601 date-time from a query string as timestamp text, floored to the millisecond.

    A time without a zone is UTC. A `+` that the query string turned into a space is repaired. Raises InvalidInput for
    anything else, and for times before year 1 or after year 9999 in UTC.
    """
    match = _SINCE.fullmatch(text.strip())
    if match is None:
        raise InvalidInput("since is not an ISO 8601 date-time")
    sign = {" ": "+", None: "+"}.get(match["sign"], match["sign"])
    offset = f"{sign}{match['hours'] or '00'}:{match['minutes'] or '00'}"
    try:
        return timestamp(datetime.fromisoformat(f"{match['date']}T{match['time']}{offset}"))
    except (ValueError, OverflowError) as exc:
        raise InvalidInput("since is not a time that exists") from exc


def months_before(moment: datetime, months: int) -> datetime:
    """00:00 UTC of the same day that many calendar months earlier, or of that month's last day if it is shorter.

    2025-03-31 minus 1 month is 2025-02-28.
    """
    today = moment.astimezone(UTC)
    years, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    month += 1
    day = min(today.day, calendar.monthrange(years, month)[1])
    return datetime(years, month, day, tzinfo=UTC)


def after_hours(moment: datetime, hours: float) -> datetime:
    """That many hours later."""
    return moment + timedelta(hours=hours)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
