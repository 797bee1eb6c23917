"""Prices of today and closes of the past: answered, refreshed, backfilled, at the pace the providers allow."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from cdk_app.services.stock_track_record.stand_ins import models as standin
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.services.stock_track_record.market.service import FINNHUB, STEP_MS
from lambda_src.services.stock_track_record.messages import PricesMessage
from lambda_src.services.stock_track_record.models import Stock, timestamp
from tests.support.price_calls import (
    CHANNEL,
    TWO_DAYS_AGO,
    UNKNOWN_AT_FINNHUB,
    message,
    price_of,
    provider_calls,
    quoted,
    world_of,
)
from tests.support.stock_track_record import ALL_KEYS, NOON, PRICE_QUEUE, Applications, TestClock
from tests.support.track_record_items import mention_in, store, video_of
from tests.support.worlds import numbered_stocks

# ---- the price of a stock now --------------------------------------------------------------------------------------


def test_a_price_comes_from_finnhub_and_is_remembered_for_five_minutes(new_app):
    app = new_app(world=world_of())
    store(app, CHANNEL, stocks=[Stock("AAPL")])
    app.world.answer_next("finnhub", quoted(195.5))
    expected = {"ticker": "AAPL", "price": 195.5, "updated_at": "2025-01-15T08:30:00.123Z", "error": None}

    assert price_of(app, "AAPL") == expected
    with app.counted() as requests:
        assert price_of(app, "aapl") == expected

    assert provider_calls(app) == 1
    assert not requests
    assert app.shares.stock_by_ticker("AAPL").last_price == Decimal("195.5")


def test_a_stored_price_younger_than_an_hour_needs_no_provider(new_app):
    app = new_app(world=world_of())
    fresh = timestamp(NOON - timedelta(minutes=59))
    store(app, CHANNEL, stocks=[Stock("AAPL", last_price=Decimal("190.25"), price_updated_at=fresh)])

    with app.counted() as requests:
        body = price_of(app, "AAPL")

    assert body == {"ticker": "AAPL", "price": 190.25, "updated_at": fresh, "error": None}
    assert requests == {"GetItem": 1}
    assert provider_calls(app) == 0


def test_without_a_price_anywhere_the_answer_tells_why(new_app):
    app = new_app(world=world_of())
    app.world.answer_next("finnhub", UNKNOWN_AT_FINNHUB)

    body = price_of(app, "GHOST")

    assert body["ticker"] == "GHOST"
    assert (body["price"], body["updated_at"]) == (None, None)
    assert "GHOST" in body["error"]
    assert [len(app.world.calls(service)) for service in ("finnhub", "yahoo")] == [1, 1]


def test_that_there_is_no_price_is_remembered_for_five_minutes(new_app):
    app = new_app(world=world_of())
    app.world.answer_next("finnhub", UNKNOWN_AT_FINNHUB)
    body = price_of(app, "GHOST")

    with app.counted() as requests:
        assert price_of(app, "ghost") == body

    assert not requests
    assert provider_calls(app) == 2


def test_a_provider_that_could_not_be_asked_is_no_word_about_the_price(new_app):
    clock = TestClock()
    app = new_app(world=world_of(clock=clock), clock=clock)
    app.slots.penalise_slot("finnhub", pause_ms=60_000)

    busy = price_of(app, "AAPL")
    assert busy["price"] is None
    assert "busy" in busy["error"]
    clock.forward(seconds=61)
    app.world.answer_next("finnhub", quoted(195.5))

    assert price_of(app, "AAPL")["price"] == 195.5


def test_an_old_price_is_told_with_its_time_while_the_providers_are_away(new_app):
    app = new_app(world=world_of())
    store(app, CHANNEL, stocks=[Stock("AAPL", last_price=Decimal("190.25"), price_updated_at=TWO_DAYS_AGO)])
    app.world.fail_next("finnhub", 500)
    app.world.fail_next("yahoo", 502, "Bad Gateway")

    assert price_of(app, "AAPL") == {"ticker": "AAPL", "price": 190.25, "updated_at": TWO_DAYS_AGO, "error": None}


def test_yahoo_is_asked_when_finnhub_has_nothing_or_no_key(new_app):
    apple = standin.Stock(ticker="AAPL", name="Apple Inc.", closes={date(2025, 1, 14): 233.28})
    with_key = new_app(world=world_of(apple))
    without_key = new_app(world=world_of(apple), keys={**ALL_KEYS, "finnhub_api_key": ""})
    with_key.world.answer_next("finnhub", UNKNOWN_AT_FINNHUB)

    assert price_of(with_key, "AAPL")["price"] == 233.28
    assert price_of(without_key, "AAPL")["price"] == 233.28
    assert len(without_key.world.calls("finnhub")) == 0


def test_an_invalid_ticker_costs_nothing(new_app):
    app = new_app(world=world_of())

    with app.counted() as requests:
        body = price_of(app, "GOOGLEX")

    assert body["price"] is None
    assert body["error"]
    assert not requests
    assert provider_calls(app) == 0


def test_the_price_of_an_unknown_share_is_told_but_not_stored(new_app):
    app = new_app(world=world_of())
    app.world.answer_next("finnhub", quoted(12.5))

    assert price_of(app, "NEWCO")["price"] == 12.5
    assert app.shares.stock_by_ticker("NEWCO") is None


def test_three_processes_never_ask_finnhub_more_than_55_times_in_a_minute(new_app):
    clock = TestClock()
    shares = numbered_stocks(120)
    world = World.custom(stocks=shares, clock=clock, quotas={})

    def sleep(seconds: float) -> None:
        clock.forward(seconds=seconds)

    first = new_app(world=world, clock=clock, sleep=sleep)
    processes = [first, *(new_app(world=world, clock=clock, sleep=sleep, names=first.names) for _ in range(2))]
    for number, share in enumerate(shares):
        assert price_of(processes[number % 3], share.ticker)["price"]

    times = [call.at for call in world.calls("finnhub")]
    assert len(times) == 120
    most = max(sum(start <= at < start + timedelta(seconds=60) for at in times) for start in times)
    assert most <= 55


def test_no_two_of_many_simultaneous_callers_get_the_same_slot(new_app):
    first = new_app()
    processes = [first, *(new_app(names=first.names) for _ in range(2))]

    def acquire(number: int) -> int:
        slots = processes[number % 3].slots
        wait_ms: int | None = slots.acquire_slot(FINNHUB, step_ms=STEP_MS[FINNHUB], wait_ms=600_000)
        assert wait_ms is not None
        return wait_ms

    with ThreadPoolExecutor(6) as pool:
        waits = list(pool.map(acquire, range(30)))

    assert sorted(waits) == [STEP_MS[FINNHUB] * number for number in range(30)]


def test_when_no_slot_is_near_the_stored_price_is_told_at_once(new_app):
    app = new_app(world=world_of())
    store(app, CHANNEL, stocks=[Stock("AAPL", last_price=Decimal("190.25"), price_updated_at=TWO_DAYS_AGO)])
    for provider in ("finnhub", "yahoo"):
        app.slots.penalise_slot(provider, pause_ms=60_000)

    assert price_of(app, "AAPL")["price"] == 190.25
    assert provider_calls(app) == 0
    assert app.slept == []


def test_a_refused_provider_is_left_alone_until_its_pause_is_over(new_app):
    clock = TestClock()
    apple = standin.Stock(ticker="AAPL", name="Apple Inc.")
    app = new_app(world=world_of(apple, clock=clock), clock=clock)
    app.world.fail_next("finnhub", 429, '{"error":"API limit reached."}')

    price_of(app, "AAPL")
    price_of(app, "MSFT")
    assert len(app.world.calls("finnhub")) == 1
    clock.forward(seconds=90)
    price_of(app, "GOOG")

    assert len(app.world.calls("finnhub")) == 2


# ---- refresh -------------------------------------------------------------------------------------------------------


def channel_with_150_tickers(app: Applications) -> list[str]:
    """90 fresh prices, 40 stale ones, 20 none."""
    names = [share.ticker for share in numbered_stocks(150)]
    fresh, stale = timestamp(NOON - timedelta(minutes=5)), timestamp(NOON - timedelta(hours=2))
    stocks = [
        *(Stock(name, last_price=Decimal("10.5"), price_updated_at=fresh) for name in names[:90]),
        *(Stock(name, last_price=Decimal("9.5"), price_updated_at=stale) for name in names[90:130]),
        *(Stock(name) for name in names[130:]),
    ]
    video = video_of(CHANNEL, "video", "2024-06-03")
    for start in range(0, 150, 90):
        store(app, CHANNEL, videos=[video], mentions=[mention_in(video, name) for name in names[start : start + 90]])
    store(app, CHANNEL, stocks=stocks)
    return names


def test_a_refresh_answers_with_stored_prices_and_queues_the_rest(new_app):
    app = new_app(world=world_of())
    channel_with_150_tickers(app)

    started = time.monotonic()
    with app.counted() as requests:
        answer = app.api.post(f"/api/channels/{CHANNEL.id}/refresh-prices")
    took_seconds = time.monotonic() - started

    body = answer.json()
    assert answer.status_code == 200
    assert len(body["prices"]) == 130
    assert body["queued"] == 60
    assert body["updated_at"] == "2025-01-15T08:30:00.123Z"
    assert [len(sent.content["tickers"]) for sent in app.queue.of_type("prices")] == [25, 25, 10]
    assert {sent.queue_url for sent in app.queue.of_type("prices")} == {PRICE_QUEUE}
    assert requests == {"BatchGetItem": 3, "UpdateItem": 1}
    assert provider_calls(app) == 0
    assert took_seconds < 1


def test_a_refresh_queues_the_same_channel_once_in_ten_minutes(new_app):
    clock = TestClock()
    app = new_app(world=world_of(clock=clock), clock=clock)
    channel_with_150_tickers(app)

    def refresh() -> Any:
        return app.api.post(f"/api/channels/{CHANNEL.id}/refresh-prices").json()["queued"]

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(lambda _: refresh(), range(10))) == {60}
    assert len(app.queue.of_type("prices")) == 3
    clock.forward(seconds=601)
    assert refresh() == 60
    assert len(app.queue.of_type("prices")) == 6


def test_the_worker_fetches_what_a_refresh_queued(new_app):
    shares = numbered_stocks(150)
    app = new_app(world=World.custom(stocks=shares, clock=TestClock(), quotas={}))
    names = channel_with_150_tickers(app)
    app.api.post(f"/api/channels/{CHANNEL.id}/refresh-prices")

    app.drain()

    stocks = app.shares.stocks_by_tickers(names)
    fetched = Counter(stocks[name].price_updated_at == "2025-01-15T08:30:00.123Z" for name in names)
    assert fetched == {True: 60, False: 90}
    assert app.api.post(f"/api/channels/{CHANNEL.id}/refresh-prices").json()["queued"] == 0


def test_the_worker_skips_prices_that_somebody_else_just_fetched(new_app):
    app = new_app(world=world_of(standin.Stock(ticker="OLD", name="Old")))
    fourteen, sixteen = (timestamp(NOON - timedelta(minutes=minutes)) for minutes in (14, 16))
    price = Decimal("5.5")
    stocks = [
        Stock("NEW", last_price=price, price_updated_at=fourteen),
        Stock("OLD", last_price=price, price_updated_at=sixteen),
        Stock("BAD", listing="rejected", rejected_reason="not listed in the US"),
    ]
    store(app, CHANNEL, stocks=stocks)

    app.deliver(message(PricesMessage(channel_id=CHANNEL.id, tickers=("NEW", "OLD", "BAD", "NONE"))))

    assert [call.subject for call in app.world.calls("finnhub")] == ["OLD"]


def test_the_worker_asks_once_in_a_quarter_of_an_hour_for_a_price_that_nobody_has(new_app):
    clock = TestClock()
    app = new_app(world=world_of(clock=clock), clock=clock)
    store(app, CHANNEL, stocks=[Stock("GHOST")])
    asked = message(PricesMessage(channel_id=CHANNEL.id, tickers=("GHOST",)))

    app.world.answer_next("finnhub", UNKNOWN_AT_FINNHUB)
    app.deliver(asked)
    app.deliver(asked)
    assert provider_calls(app) == 2
    clock.forward(seconds=15 * 60 + 1)
    app.world.answer_next("finnhub", UNKNOWN_AT_FINNHUB)
    app.deliver(asked)

    assert provider_calls(app) == 4
    assert app.shares.stock_by_ticker("GHOST").last_price is None


def test_the_worker_asks_again_for_a_price_when_a_provider_was_away(new_app):
    app = new_app(world=world_of())
    store(app, CHANNEL, stocks=[Stock("AAPL")])
    asked = message(PricesMessage(channel_id=CHANNEL.id, tickers=("AAPL",)))
    app.slots.penalise_slot("yahoo", pause_ms=600_000)

    app.world.answer_next("finnhub", UNKNOWN_AT_FINNHUB)
    app.deliver(asked)
    app.world.answer_next("finnhub", quoted(195.5))
    app.deliver(asked)

    assert app.shares.stock_by_ticker("AAPL").last_price == Decimal("195.5")


def test_refreshing_an_unknown_channel_is_not_found(new_app):
    assert new_app().api.post("/api/channels/unknown/refresh-prices").status_code == 404
