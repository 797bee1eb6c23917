"""When the New York exchanges are open: enough of the calendar to give prices their real gaps."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

OPENS = time(9, 30)
CLOSES = time(16, 0)

MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _observed(day: date) -> date:
    """A holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday after."""
    return day + timedelta(days={SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0))


@lru_cache(maxsize=64)
def holidays(year: int) -> frozenset[date]:
    """The weekday holidays with a fixed rule: https://www.nyse.com/markets/hours-calendars

    Good Friday is left out: its rule is longer than the rest together, and sample prices need gaps, not accuracy.
    """
    last_of_may = date(year, 5, 31)
    return frozenset(
        {
            _observed(date(year, 1, 1)),
            _nth_weekday(year, 1, MONDAY, 3),  # Martin Luther King Jr. Day
            _nth_weekday(year, 2, MONDAY, 3),  # Washington's Birthday
            last_of_may - timedelta(days=last_of_may.weekday()),  # Memorial Day, the last Monday
            _observed(date(year, 6, 19)),
            _observed(date(year, 7, 4)),
            _nth_weekday(year, 9, MONDAY, 1),  # Labor Day
            _nth_weekday(year, 11, THURSDAY, 4),  # Thanksgiving
            _observed(date(year, 12, 25)),
        }
    )


def is_trading_day(day: date) -> bool:
    return day.weekday() < SATURDAY and day not in holidays(day.year)


def opening(day: date, timezone: str) -> datetime:
    return datetime.combine(day, OPENS, ZoneInfo(timezone)).astimezone(UTC)


def closing(day: date, timezone: str) -> datetime:
    return datetime.combine(day, CLOSES, ZoneInfo(timezone)).astimezone(UTC)
