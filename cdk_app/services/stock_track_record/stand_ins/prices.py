"""Daily prices of a stock: a random walk that needs no storage and never changes once a day is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import exp, prod

from cdk_app.services.stock_track_record.stand_ins.chance import bell, number
from cdk_app.services.stock_track_record.stand_ins.models import Stock
from cdk_app.services.stock_track_record.stand_ins.trading_days import closing, is_trading_day, opening

FIRST_DAY = date(2020, 1, 2)  # every walk starts here, so that a day's price does not depend on today
DAILY_DEVIATION = 0.02
PULL = 0.005  # part of the distance to the typical price that is lost each day: no share runs away over the years


@dataclass(frozen=True, slots=True)
class DailyPrice:
    """One trading day; `at` is its opening, or for a day still in progress the moment of the quote."""

    day: date
    at: datetime
    open: float
    high: float
    low: float
    close: float | None
    volume: int


@lru_cache(maxsize=1024)
def _walk(ticker: str, typical_price: float, last_year: int) -> Mapping[date, float]:
    """Closes of all trading days from FIRST_DAY to the end of last_year, oldest first. About 2 ms a ticker."""
    closes: dict[date, float] = {}
    distance = 0.0
    day = FIRST_DAY
    while day.year <= last_year:
        if is_trading_day(day):
            distance = distance * (1 - PULL) + DAILY_DEVIATION * bell(f"{ticker}/{day}")
            closes[day] = round(typical_price * exp(distance), 2)
        day += timedelta(days=1)
    return closes


def _scaled(stock: Stock, walked: float, now: datetime) -> float:
    """A price of the walk as it is told now: the walk is that of a share after all of its splits."""
    return round(walked * prod(ratio for day, ratio in stock.splits.items() if day > now.date()), 4)


def _close(stock: Stock, day: date, walked: float) -> float | None:
    if day in stock.closes:
        return stock.closes[day]
    if stock.has_gaps and number(f"gap/{stock.ticker}/{day}", 25) == 0:
        return None
    return walked


def first_trade_day(stock: Stock) -> date:
    return max(stock.listed_on or FIRST_DAY, FIRST_DAY)


def daily_prices(stock: Stock, *, now: datetime, since: date = FIRST_DAY) -> tuple[DailyPrice, ...]:
    """Every day from `since` on that the stock was traded and whose opening is past, oldest first."""
    walk = _walk(stock.ticker, stock.typical_price, now.year)
    first = max(since, first_trade_day(stock))
    rows: list[DailyPrice] = []
    previous = _scaled(stock, next(iter(walk.values())), now)
    for day, unscaled in walk.items():
        walked = _scaled(stock, unscaled, now)
        if day >= first:
            if opening(day, stock.timezone) > now:
                break
            rows.append(_row(stock, day, walked=walked, previous=previous, now=now))
        previous = walked
    return tuple(rows)


def _row(stock: Stock, day: date, *, walked: float, previous: float, now: datetime) -> DailyPrice:
    close = _close(stock, day, walked)
    last = walked if close is None else close
    in_progress = now < closing(day, stock.timezone)
    return DailyPrice(
        day=day,
        at=now if in_progress else opening(day, stock.timezone),
        open=previous,
        high=round(max(previous, last) * 1.004, 2),
        low=round(min(previous, last) * 0.996, 2),
        close=close,
        volume=500_000 + number(f"volume/{stock.ticker}/{day}", 40_000_000),
    )
