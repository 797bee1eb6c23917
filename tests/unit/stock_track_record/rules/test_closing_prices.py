from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from lambda_src.services.stock_track_record.market.rules import (
    Close,
    close_on,
    history_period,
    is_before_split,
    is_closed,
    may_be_split,
    trading_date,
)

FRIDAY = date(2024, 1, 12)
TUESDAY = date(2024, 1, 16)  # Monday the 15th was a holiday
CLOSES = {FRIDAY: Decimal("185.92"), TUESDAY: Decimal("183.63")}


@pytest.mark.parametrize(
    ("day", "close"),
    [
        (date(2024, 1, 12), Close(Decimal("185.92"), FRIDAY)),
        (date(2024, 1, 13), Close(Decimal("185.92"), FRIDAY)),
        (date(2024, 1, 15), Close(Decimal("185.92"), FRIDAY)),
        (date(2024, 1, 16), Close(Decimal("183.63"), TUESDAY)),
        (date(2024, 1, 23), Close(Decimal("183.63"), TUESDAY)),
        (date(2024, 1, 24), None),
        (date(2024, 1, 11), None),
    ],
)
def test_a_day_is_worth_the_latest_close_before_it_and_never_a_later_one(day, close):
    assert close_on(CLOSES, day) == close


def test_without_closes_there_is_none():
    assert close_on({}, FRIDAY) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2024-01-12T21:14:59Z", False),  # 16:14:59 in New York in winter
        ("2024-01-12T21:15:00Z", True),
        ("2024-01-13T00:00:00Z", True),
        ("2024-01-11T23:00:00Z", False),
        ("2024-01-14T00:00:00Z", True),
    ],
)
def test_a_close_is_known_from_a_quarter_past_four_in_new_york(now, expected):
    assert is_closed(FRIDAY, datetime.fromisoformat(now)) is expected


def test_new_yorks_summer_time_counts():
    day = date(2024, 7, 12)
    assert not is_closed(day, datetime(2024, 7, 12, 20, 14, tzinfo=UTC))
    assert is_closed(day, datetime(2024, 7, 12, 20, 15, tzinfo=UTC))


def test_the_range_reaches_a_week_back_and_two_days_ahead():
    period = history_period([date(2024, 1, 20), date(2024, 1, 15), date(2024, 1, 17)])
    assert period == (
        int(datetime(2024, 1, 8, tzinfo=UTC).timestamp()),
        int(datetime(2024, 1, 22, tzinfo=UTC).timestamp()),
    )


def test_a_trading_date_is_the_exchanges_own_and_not_the_machines():
    late = int(datetime(2024, 1, 13, 0, 30, tzinfo=UTC).timestamp())
    assert trading_date(late, "America/New_York") == date(2024, 1, 12)
    assert trading_date(late, "Asia/Tokyo") == date(2024, 1, 13)


@pytest.mark.parametrize(
    ("seconds", "zone"),
    [(1705329000, "Mars/Olympus"), (1705329000, "../../etc/passwd"), (1705329000, "/etc/localtime"), (10**20, "UTC")],
)
def test_a_zone_or_time_that_does_not_exist_is_refused(seconds, zone):
    with pytest.raises(ValueError):  # noqa: PT011 -- the text is zoneinfo's
        trading_date(seconds, zone)


@pytest.mark.parametrize(
    ("stored", "close", "is_split"),
    [
        ("185.92", "46.48", True),  # 4 for 1
        ("300", "200", True),  # 3 for 2
        ("1", "10", True),  # 1 for 10
        ("110", "100", True),
        ("109.99", "100", False),
        ("185.92", "185.92", False),
        ("91", "100", False),
    ],
)
def test_a_price_far_from_todays_history_of_its_day_is_of_before_a_split(stored, close, is_split):
    assert is_before_split(Decimal(stored), Decimal(close)) is is_split


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [("100", "10.1", True), ("100", "71.5", False), ("100", "71.4", True), ("100", "140", True), ("100", "139", False)],
)
def test_two_prices_that_are_far_apart_may_lie_around_a_split(earlier, later, expected):
    assert may_be_split(Decimal(earlier), Decimal(later)) is expected
