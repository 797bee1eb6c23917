"""Prices of today and closes of the past: answered, refreshed, backfilled, at the pace the providers allow."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cdk_app.local.standins import World
from cdk_app.local.standins import models as standin
from cdk_app.local.standins.answers import json_answer
from lambda_src.services.stock_track_record.messages import BackfillMessage, PricesMessage
from lambda_src.services.stock_track_record.models import Channel, Mention, Stock, Video
from lambda_src.services.stock_track_record.rules.dates import timestamp
from lambda_src.services.stock_track_record.service.market import FINNHUB, STEP_MS
from tests.support.stock_track_record import ALL_KEYS, NOON, PRICE_QUEUE, Applications, Sent, TestClock
from tests.support.track_record_items import channel_named, mention_in, store, video_of
from tests.support.worlds import numbered_stocks

CHANNEL = channel_named("prices")
UNKNOWN_AT_FINNHUB = json_answer({"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0})
TWO_DAYS_AGO = timestamp(NOON - timedelta(days=2))


def quoted(price: float) -> Any:
    return json_answer({"c": price, "d": 1.2, "dp": 0.4, "h": 197, "l": 193, "o": 194, "pc": 194.3, "t": 1736929800})


def world_of(*stocks: standin.Stock, clock: TestClock | None = None) -> World:
    return World.custom(stocks=stocks, clock=clock or TestClock())


def price_of(app: Applications, ticker: str) -> dict[str, Any]:
    answer = app.api.get(f"/api/stocks/{ticker}/price")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert isinstance(body, dict)
    return body


def provider_calls(app: Applications) -> int:
    return sum(len(app.world.calls(service)) for service in ("finnhub", "yahoo", "alpha_vantage"))


# ---- the price of a stock now --------------------------------------------------------------------------------------


def test_a_price_comes_from_finnhub_and_is_remembered_for_five_minutes(house):
    app = house(world=world_of())
    store(app, CHANNEL, stocks=[Stock("AAPL")])
    app.world.answer_next("finnhub", quoted(195.5))
    expected = {"ticker": "AAPL", "price": 195.5, "updated_at": "2025-01-15T08:30:00.123Z", "error": None}

    assert price_of(app, "AAPL") == expected
    with app.counted() as requests:
        assert price_of(app, "aapl") == expected

    assert provider_calls(app) == 1
    assert not requests
    assert app.repository.stocks.stock_by_ticker("AAPL").last_price == Decimal("195.5")


def test_a_stored_price_younger_than_an_hour_needs_no_provider(house):
    app = house(world=world_of())
    fresh = timestamp(NOON - timedelta(minutes=59))
    store(app, CHANNEL, stocks=[Stock("AAPL", last_price=Decimal("190.25"), price_updated_at=fresh)])

    with app.counted() as requests:
        body = price_of(app, "AAPL")

    assert body == {"ticker": "AAPL", "price": 190.25, "updated_at": fresh, "error": None}
    assert requests == {"GetItem": 1}
    assert provider_calls(app) == 0


def test_without_a_price_anywhere_the_answer_tells_why(house):
    app = house(world=world_of())
    app.world.answer_next("finnhub", UNKNOWN_AT_FINNHUB)

    body = price_of(app, "GHOST")

    assert body["ticker"] == "GHOST"
    assert (body["price"], body["updated_at"]) == (None, None)
    assert "GHOST" in body["error"]
    assert [len(app.world.calls(service)) for service in ("finnhub", "yahoo")] == [1, 1]


def test_an_old_price_is_told_with_its_time_while_the_providers_are_away(house):
    app = house(world=world_of())
    store(app, CHANNEL, stocks=[Stock("AAPL", last_price=Decimal("190.25"), price_updated_at=TWO_DAYS_AGO)])
    app.world.fail_next("finnhub", 500)
    app.world.fail_next("yahoo", 502, "Bad Gateway")

    assert price_of(app, "AAPL") == {"ticker": "AAPL", "price": 190.25, "updated_at": TWO_DAYS_AGO, "error": None}


def test_yahoo_is_asked_when_finnhub_has_nothing_or_no_key(house):
    apple = standin.Stock(ticker="AAPL", name="Apple Inc.", closes={date(2025, 1, 14): 233.28})
    with_key = house(world=world_of(apple))
    without_key = house(world=world_of(apple), keys={**ALL_KEYS, "finnhub_api_key": ""})
    with_key.world.answer_next("finnhub", UNKNOWN_AT_FINNHUB)

    assert price_of(with_key, "AAPL")["price"] == 233.28
    assert price_of(without_key, "AAPL")["price"] == 233.28
    assert len(without_key.world.calls("finnhub")) == 0


def test_an_invalid_ticker_costs_nothing(house):
    app = house(world=world_of())

    with app.counted() as requests:
        body = price_of(app, "GOOGLEX")

    assert body["price"] is None
    assert body["error"]
    assert not requests
    assert provider_calls(app) == 0


def test_the_price_of_an_unknown_share_is_told_but_not_stored(house):
    app = house(world=world_of())
    app.world.answer_next("finnhub", quoted(12.5))

    assert price_of(app, "NEWCO")["price"] == 12.5
    assert app.repository.stocks.stock_by_ticker("NEWCO") is None


def test_three_processes_never_ask_finnhub_more_than_55_times_in_a_minute(house):
    clock = TestClock()
    shares = numbered_stocks(120)
    world = World.custom(stocks=shares, clock=clock, quotas={})

    def sleep(seconds: float) -> None:
        clock.forward(seconds=seconds)

    first = house(world=world, clock=clock, sleep=sleep)
    processes = [first, *(house(world=world, clock=clock, sleep=sleep, names=first.names) for _ in range(2))]
    for number, share in enumerate(shares):
        assert price_of(processes[number % 3], share.ticker)["price"]

    times = [call.at for call in world.calls("finnhub")]
    assert len(times) == 120
    most = max(sum(start <= at < start + timedelta(seconds=60) for at in times) for start in times)
    assert most <= 55


def test_no_two_of_many_simultaneous_callers_get_the_same_slot(house):
    first = house()
    processes = [first, *(house(names=first.names) for _ in range(2))]

    def acquire(number: int) -> int:
        slots = processes[number % 3].repository.slots
        wait_ms: int | None = slots.acquire_slot(FINNHUB, step_ms=STEP_MS[FINNHUB], wait_ms=600_000)
        assert wait_ms is not None
        return wait_ms

    with ThreadPoolExecutor(6) as pool:
        waits = list(pool.map(acquire, range(30)))

    assert sorted(waits) == [STEP_MS[FINNHUB] * number for number in range(30)]


def test_when_no_slot_is_near_the_stored_price_is_told_at_once(house):
    app = house(world=world_of())
    store(app, CHANNEL, stocks=[Stock("AAPL", last_price=Decimal("190.25"), price_updated_at=TWO_DAYS_AGO)])
    for provider in ("finnhub", "yahoo"):
        app.repository.slots.penalise_slot(provider, pause_ms=60_000)

    assert price_of(app, "AAPL")["price"] == 190.25
    assert provider_calls(app) == 0
    assert app.slept == []


def test_a_refused_provider_is_left_alone_until_its_pause_is_over(house):
    clock = TestClock()
    apple = standin.Stock(ticker="AAPL", name="Apple Inc.")
    app = house(world=world_of(apple, clock=clock), clock=clock)
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


def test_a_refresh_answers_with_stored_prices_and_queues_the_rest(house):
    app = house(world=world_of())
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
    assert requests == {"BatchGetItem": 3}
    assert provider_calls(app) == 0
    assert took_seconds < 1


def test_the_worker_fetches_what_a_refresh_queued(house):
    shares = numbered_stocks(150)
    app = house(world=World.custom(stocks=shares, clock=TestClock(), quotas={}))
    names = channel_with_150_tickers(app)
    app.api.post(f"/api/channels/{CHANNEL.id}/refresh-prices")

    app.drain()

    stocks = app.repository.stocks.stocks_by_tickers(names)
    fetched = Counter(stocks[name].price_updated_at == "2025-01-15T08:30:00.123Z" for name in names)
    assert fetched == {True: 60, False: 90}
    assert app.api.post(f"/api/channels/{CHANNEL.id}/refresh-prices").json()["queued"] == 0


def test_the_worker_skips_prices_that_somebody_else_just_fetched(house):
    app = house(world=world_of(standin.Stock(ticker="OLD", name="Old")))
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


def test_refreshing_an_unknown_channel_is_not_found(house):
    assert house().api.post("/api/channels/unknown/refresh-prices").status_code == 404


# ---- backfill ------------------------------------------------------------------------------------------------------


def message(content: BackfillMessage | PricesMessage) -> Sent:
    return Sent(PRICE_QUEUE, "message-of-the-test", content.text())


def backfill(app: Applications, channel: Channel = CHANNEL, **params: str) -> dict[str, Any]:
    answer = app.api.post(f"/api/channels/{channel.id}/backfill-prices", params=params)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert isinstance(body, dict)
    return body


def run_backfill(app: Applications) -> None:
    assert app.deliver(message(BackfillMessage(channel_id=CHANNEL.id))) == []


def both_of(app: Applications, mention: Mention) -> list[dict[str, Any]]:
    """Home and copy of a mention, home first."""
    found = [item for item in app.items() if item.get("id") == mention.id]
    return sorted(found, key=lambda item: str(item["entity_type"]), reverse=True)


def owing(app: Applications, *tickers: str, published_at: str = "2024-01-13") -> tuple[Video, list[Mention]]:
    video = video_of(CHANNEL, "owing", published_at)
    mentions = [mention_in(video, ticker) for ticker in tickers]
    store(app, CHANNEL, videos=[video], mentions=mentions, stocks=[Stock(ticker) for ticker in tickers])
    return video, mentions


def apple_on(closes: dict[date, float | None]) -> standin.Stock:
    return standin.Stock(ticker="AAPL", name="Apple Inc.", closes=closes)


def test_a_video_of_a_saturday_gets_the_close_of_friday(house):
    app = house(world=world_of(apple_on({date(2024, 1, 12): 185.92})))
    _, [mention] = owing(app, "AAPL", published_at="2024-01-13")

    assert backfill(app) == {"status": "started", "missing": 1, "updated": 0, "total": 1}
    app.drain()

    home, copy = both_of(app, mention)
    for item in (home, copy):
        assert item["price_at_mention"] == Decimal("185.92")
        assert item["price_date"] == "2024-01-12"
        assert "GSI2PK" not in item
    [stock] = app.api.get(f"/api/channels/{CHANNEL.id}/stocks").json()["stocks"]
    assert stock["price_at_first_mention"] == 185.92


def test_the_answer_that_brings_a_close_also_brings_name_and_exchange(house):
    app = house(world=world_of(apple_on({})))
    owing(app, "AAPL")

    run_backfill(app)

    stock = app.repository.stocks.stock_by_ticker("AAPL")
    assert (stock.name, stock.exchange, stock.listing) == ("Apple Inc.", "NASDAQ", "verified")


def test_ten_requests_at_once_start_one_backfill(house):
    app = house(world=world_of(apple_on({})))
    owing(app, "AAPL")

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: backfill(app), range(10)))

    assert {answer["status"] for answer in answers} == {"started"}
    assert len(app.queue.of_type("backfill")) == 1


def test_when_nothing_is_owed_a_request_reads_no_mention(house):
    app = house(world=world_of(apple_on({})))
    owing(app, "AAPL")
    backfill(app)
    app.drain()
    app.forward(minutes=11)

    with app.counted() as requests:
        body = backfill(app)

    assert body == {"status": "complete", "missing": 0, "updated": 0, "total": 0}
    assert requests == {"GetItem": 1, "Query": 2}  # of unpriced mentions, of one video
    assert not [item for item in app.items() if str(item.get("GSI2PK", "")).startswith("UNPRICED#")]
    assert len(app.queue.of_type("backfill")) == 1


def test_a_channel_without_videos_says_so(house):
    app = house()
    store(app, CHANNEL)

    assert backfill(app) == {"status": "no_videos", "updated": 0, "total": 0}
    assert app.queue.of_type("backfill") == []


def test_backfilling_an_unknown_channel_is_not_found(house):
    assert house().api.post("/api/channels/unknown/backfill-prices").status_code == 404


def test_a_delisted_ticker_is_given_up_after_three_days_without_data(house):
    clock = TestClock()
    gone = standin.Stock(ticker="GONE", name="Gone", delisted_on=date(2024, 6, 3))
    app = house(world=world_of(gone, clock=clock), clock=clock)
    _, [mention] = owing(app, "GONE")

    for day in range(1, 4):
        assert app.repository.mentions.count_unpriced(CHANNEL.id, checked_before="9999") == 1
        run_backfill(app)
        run_backfill(app)  # the same day: asked already
        assert len(app.world.calls("yahoo")) == day
        assert both_of(app, mention)[1]["price_attempts"] == day
        clock.forward(days=1)
    run_backfill(app)

    _, copy = both_of(app, mention)
    assert copy["price_status"] == "unavailable"
    assert "GSI2PK" not in copy
    assert len(app.world.calls("yahoo")) == 3
    assert backfill(app)["status"] == "complete"


def test_an_outage_of_the_providers_counts_as_no_attempt(house):
    clock = TestClock()
    app = house(world=world_of(apple_on({}), clock=clock), clock=clock)
    _, [mention] = owing(app, "AAPL")
    before = both_of(app, mention)

    for _ in range(4):
        app.world.fail_next("yahoo", 503, "unavailable")
        run_backfill(app)
        assert both_of(app, mention) == before
        clock.forward(hours=1)
    assert any("AAPL" in text for text in app.messages(CHANNEL.id))
    run_backfill(app)

    assert both_of(app, mention)[0]["price_at_mention"] > 0


def test_a_day_that_is_not_over_stays_owed_without_an_attempt(house):
    app = house(world=world_of(apple_on({})))
    _, [mention] = owing(app, "AAPL", published_at="2025-01-15")  # 03:30 in New York
    before = both_of(app, mention)

    run_backfill(app)

    assert both_of(app, mention) == before
    assert app.world.calls("yahoo") == ()


def test_alpha_vantage_closes_the_gap_that_yahoo_left(house):
    friday = date(2025, 1, 10)
    app = house(world=world_of(apple_on({friday: 236.85})))
    _, [mention] = owing(app, "AAPL", published_at=friday.isoformat())
    app.world.fail_next("yahoo", 503, "unavailable")

    run_backfill(app)

    assert both_of(app, mention)[0]["price_at_mention"] == Decimal("236.85")


def test_one_call_prices_every_mention_of_a_ticker(house):
    app = house(world=world_of(apple_on({})))
    videos = [video_of(CHANNEL, f"v{day:02}", f"2024-03-{day:02}") for day in range(1, 29)]
    mentions = [mention_in(video, "AAPL") for video in videos]
    store(app, CHANNEL, videos=videos, mentions=mentions, stocks=[Stock("AAPL", listing="verified")])

    with app.counted() as requests:
        run_backfill(app)

    assert len(app.world.calls("yahoo")) == 1
    assert requests["TransactWriteItems"] == 1
    copies = app.repository.mentions.mentions_of_channel(CHANNEL.id, consistent=True)
    assert all(copy.price_at_mention for copy in copies)


def test_force_prices_again_what_was_priced_before_a_split(house):
    app = house(world=world_of(apple_on({date(2024, 1, 12): 46.48})))
    video = video_of(CHANNEL, "video", "2024-01-12")
    mention = mention_in(video, "AAPL", price="185.92")
    store(app, CHANNEL, videos=[video], mentions=[mention], stocks=[Stock("AAPL")])

    assert backfill(app) == {"status": "complete", "missing": 0, "updated": 0, "total": 0}
    assert backfill(app, force="true") == {"status": "started", "missing": 0, "updated": 0, "total": 0}
    app.drain()

    assert [item["price_at_mention"] for item in both_of(app, mention)] == [Decimal("46.48")] * 2


@pytest.mark.parametrize("force", [False, True])
def test_a_backfill_that_runs_out_of_time_goes_on_with_the_next_message(house, force):
    shares = numbered_stocks(4)
    app = house(world=World.custom(stocks=shares, clock=TestClock(), quotas={}))
    _, mentions = owing(app, *(share.ticker for share in shares))
    late = message(BackfillMessage(channel_id=CHANNEL.id, force=force))

    assert app.deliver(late, milliseconds=30_000) == []  # less than the time kept for handing over
    parts = [sent.content["part"] for sent in app.queue.of_type("backfill")]
    app.drain()

    assert parts == [2]
    copies = app.repository.mentions.mentions_of_channel(CHANNEL.id, consistent=True)
    assert len(copies) == len(mentions)
    assert all(copy.price_at_mention for copy in copies)
