from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from cdk_app.services.stock_track_record.stand_ins.models import Stock
from cdk_app.services.stock_track_record.stand_ins.prices import daily_prices
from cdk_app.services.stock_track_record.stand_ins.trading_days import is_trading_day, opening

NVDA = Stock(ticker="NVDA", name="NVIDIA Corporation", typical_price=150.0)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "holiday",
    ["2024-01-01", "2024-01-15", "2024-02-19", "2024-05-27", "2024-06-19", "2024-07-04", "2024-09-02", "2024-11-28"],
)
def test_the_exchange_is_closed_on_a_holiday(holiday):
    assert not is_trading_day(date.fromisoformat(holiday))


def test_the_exchange_is_closed_at_the_weekend_and_open_on_an_ordinary_friday():
    assert [is_trading_day(date(2024, 1, day)) for day in (12, 13, 14, 16)] == [True, False, False, True]


def test_a_holiday_on_a_sunday_is_kept_on_the_monday_after():
    assert not is_trading_day(date(2022, 6, 20))
    assert not is_trading_day(date(2021, 7, 5))


def test_the_opening_follows_the_daylight_saving_time_of_new_york():
    assert opening(date(2024, 1, 16), "America/New_York") == at("2024-01-16T14:30")
    assert opening(date(2024, 7, 16), "America/New_York") == at("2024-07-16T13:30")


def test_a_finished_day_costs_the_same_whenever_it_is_asked_for():
    early = {row.day: row.close for row in daily_prices(NVDA, now=at("2024-06-03T22:00"))}
    late = {row.day: row.close for row in daily_prices(NVDA, now=at("2026-02-10T15:00"))}
    assert early
    assert early == {day: late[day] for day in early}


def test_prices_stay_plausible_over_years():
    closes = [row.close or 0 for row in daily_prices(NVDA, now=at("2027-01-05T22:00"))]
    moves = [abs(after / before - 1) for before, after in pairwise(closes)]
    assert 30 < min(closes) <= max(closes) < 600
    assert max(moves) < 0.1
    assert len(set(closes)) > 1000


def test_a_day_in_progress_is_quoted_at_this_moment_and_a_finished_one_at_its_opening():
    now = at("2024-06-04T15:00")
    rows = daily_prices(NVDA, now=now)
    assert [(row.day, row.at) for row in rows[-2:]] == [
        (date(2024, 6, 3), at("2024-06-03T13:30")),
        (date(2024, 6, 4), now),
    ]


def test_a_day_whose_exchange_has_not_opened_is_not_known():
    assert daily_prices(NVDA, now=at("2024-06-04T13:29"))[-1].day == date(2024, 6, 3)


def test_a_stock_has_no_prices_before_its_listing():
    stock = Stock(ticker="LNCH", name="Launchpad", listed_on=date(2024, 6, 3))
    assert daily_prices(stock, now=at("2024-06-05T22:00"))[0].day == date(2024, 6, 3)


@pytest.mark.parametrize("ratio", [10.0, 0.1])
def test_a_split_divides_every_price_of_before(ratio):
    split = Stock(ticker="NVDA", name="", splits={date(2024, 6, 10): ratio})
    told = {
        now: {row.day.isoformat(): row.close or 0 for row in daily_prices(split, now=at(now))}
        for now in ("2024-06-07T22:00", "2024-06-10T22:00")
    }
    before, after = told["2024-06-07T22:00"], told["2024-06-10T22:00"]
    assert before["2024-06-07"] == pytest.approx(ratio * after["2024-06-07"])
    assert before["2024-06-07"] / after["2024-06-10"] == pytest.approx(ratio, rel=0.15)


def test_a_fixed_close_replaces_the_walk_on_its_day_alone():
    stock = Stock(
        ticker="NVDA", name="", typical_price=150.0, closes={date(2024, 1, 12): 185.5, date(2024, 1, 16): None}
    )
    now = at("2024-01-17T22:00")
    walked, fixed = ({row.day.isoformat(): row.close for row in daily_prices(each, now=now)} for each in (NVDA, stock))
    assert (fixed["2024-01-12"], fixed["2024-01-16"]) == (185.5, None)
    assert fixed["2024-01-17"] == walked["2024-01-17"]


def test_a_stock_with_gaps_lacks_a_close_now_and_then():
    rows = daily_prices(Stock(ticker="UUUU", name="", has_gaps=True), now=at("2024-06-04T22:00"))
    missing = sum(row.close is None for row in rows)
    assert 0.02 < missing / len(rows) < 0.07
