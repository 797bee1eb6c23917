"""What counts as a price, and which closing price belongs to a date.

Thu      Fri      Sat      Sun      Mon
close    close     |                close
           ^-------+ a video of Saturday is worth Friday's close: the latest one known then, never a later one
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_FOUR_PLACES: Final = Decimal("0.0001")
_LOOK_BACK_DAYS: Final = 7  # longer than any weekend with holidays
_SPLIT_FACTOR: Final = Decimal("1.1")  # no rounding, and no other day's price: the count of shares changed in between
_DOUBT_FACTOR: Final = Decimal("1.4")  # a split of 3 for 2, less what the market did meanwhile
_CLOSE_KNOWN_AT: Final = time(16, 15)  # the exchanges close at 16:00, and the closing auction takes a few minutes


def price(value: object) -> Decimal | None:
    """A provider's number or numeric text as US dollars with 4 decimals, rounded half-even.

    None for anything that is not a finite number above zero after rounding. Binary floats go through their shortest
    text, so 185.92 stays 185.92.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value)).quantize(_FOUR_PLACES, rounding=ROUND_HALF_EVEN)
    except InvalidOperation:  # no number, infinite, or more digits than any price has
        return None
    return number if number.is_finite() and number > 0 else None


def is_before_split(stored: Decimal, close: Decimal) -> bool:
    """Whether a stored price is of before a split, judged by today's history of the same day, which is adjusted.

    185.92 against 46.48 is, 46.40 against 46.48 is not. So is one of before a reverse split: 1 against 10.
    """
    return _differ(stored, close, _SPLIT_FACTOR)


def may_be_split(earlier: Decimal, later: Decimal) -> bool:
    """Whether two prices of different days differ so much that a split may lie between them; or the market moved."""
    return _differ(earlier, later, _DOUBT_FACTOR)


def _differ(one: Decimal, other: Decimal, factor: Decimal) -> bool:
    return max(one, other) >= min(one, other) * factor


@dataclass(frozen=True, slots=True)
class Close:
    """A closing price in US dollars and the trading day it is of."""

    price: Decimal
    trading_date: date


def is_closed(day: date, now: datetime) -> bool:
    """Whether the closing price of the day is known by now: New York's clock is past 16:15 of that day."""
    return now >= datetime.combine(day, _CLOSE_KNOWN_AT, _zone("America/New_York"))


def close_on(closes: Mapping[date, Decimal], day: date) -> Close | None:
    """The close of the latest trading day that is not after `day` and at most 7 days before it."""
    for days in range(_LOOK_BACK_DAYS + 1):
        trading_date = day - timedelta(days)
        if trading_date in closes:
            return Close(closes[trading_date], trading_date)
    return None


def history_period(days: Iterable[date]) -> tuple[int, int]:
    """The range to ask for so that it holds the closes of all these days (at least one).

    Epoch seconds: 00:00 UTC seven days before the first day, 00:00 UTC two days after the last.
    """
    wanted = sorted(days)
    return _midnight(wanted[0] - timedelta(_LOOK_BACK_DAYS)), _midnight(wanted[-1] + timedelta(2))


def trading_date(epoch_seconds: int, zone_name: str) -> date:
    """The date of a row at its exchange. Raises ValueError for a zone or a time that does not exist."""
    try:
        return datetime.fromtimestamp(epoch_seconds, _zone(zone_name)).date()
    except (KeyError, OverflowError, OSError) as exc:
        raise ValueError("There is no such zone or time") from exc


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def _zone(name: str) -> "ZoneInfo":
    """A zone of the tz database (in Lambda: /usr/share/zoneinfo of Amazon Linux 2023), kept by zoneinfo itself."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 -- costs the API 5 ms at its cold start, and few requests need it

    return ZoneInfo(name)
