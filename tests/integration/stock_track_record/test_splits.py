"""Prices that were stored before a split: noticed by the provider's history of the same day, and replaced."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins import models as standin
from lambda_src.errors import StoreUnavailable
from lambda_src.services.stock_track_record.market.service import Market
from lambda_src.services.stock_track_record.messages import BackfillMessage, PricesMessage
from lambda_src.services.stock_track_record.models import Stock
from tests.support.price_calls import CHANNEL, message, price_of, world_of
from tests.support.stock_track_record import Applications, TestClock
from tests.support.track_record_items import mention_in, store, video_of

MONDAY, TUESDAY, SPLIT = date(2025, 1, 13), date(2025, 1, 14), date(2025, 1, 16)
REPLACED = "Prices of before a split were replaced: QAA"


def backfill(app: Applications) -> None:
    assert app.deliver(message(BackfillMessage(channel_id=CHANNEL.id))) == []


def shown(app: Applications) -> dict[str, Any]:
    [stock] = app.api.get(f"/api/channels/{CHANNEL.id}/stocks").json()["stocks"]
    return dict(stock)


@pytest.fixture
def with_share(new_app):
    """`with_share("100", last_price="100", closes=...)`: QAA, which Monday's video mentions; it was priced then."""

    def make(price: str | None, last_price: str | None = None, owed: date | None = None, **facts: Any) -> Applications:
        clock = TestClock()
        share = standin.Stock(ticker="QAA", name="QAA Corporation", **facts)
        app: Applications = new_app(world=world_of(share, clock=clock), clock=clock)
        videos = [video_of(CHANNEL, f"video-{day}", day.isoformat()) for day in (MONDAY, owed) if day is not None]
        mentions = [mention_in(videos[0], "QAA", price=price), *(mention_in(video, "QAA") for video in videos[1:])]
        last = None if last_price is None else Decimal(last_price)
        stock = Stock("QAA", listing="verified", last_price=last, price_updated_at="2025-01-13T21:00:00.000Z")
        store(app, CHANNEL, videos=videos, mentions=mentions, stocks=[stock])
        return app

    return make


def split_after_it_was_priced(with_share: Any, ratio: float) -> Applications:
    app: Applications = with_share(None, splits={SPLIT: ratio})
    backfill(app)
    assert app.deliver(message(PricesMessage(channel_id=CHANNEL.id, tickers=("QAA",)))) == []
    app.forward(days=3)
    return app


@pytest.mark.parametrize("ratio", [10.0, 2.0, 0.1, 0.05])
def test_a_price_of_before_a_split_is_replaced_by_the_backfill(with_share, ratio):
    app = split_after_it_was_priced(with_share, ratio)
    before = shown(app)["price_at_first_mention"]
    price_of(app, "QAA")
    assert shown(app)["price_change_percent"] == pytest.approx((1 / ratio - 1) * 100, abs=20 / min(ratio, 1))

    backfill(app)

    after = shown(app)
    assert after["price_at_first_mention"] == pytest.approx(before / ratio, rel=1e-4)
    assert after["price_change_percent"] == pytest.approx(0, abs=20)
    assert REPLACED in app.messages(CHANNEL.id)
    [home] = app.items_of("StockMention")
    assert home["price_at_mention"] == Decimal(str(after["price_at_first_mention"]))


def test_a_refresh_that_sees_the_price_jump_asks_for_the_backfill(with_share):
    app = split_after_it_was_priced(with_share, 10.0)

    assert app.api.post(f"/api/channels/{CHANNEL.id}/refresh-prices").status_code == 200
    app.drain()

    assert shown(app)["price_change_percent"] == pytest.approx(0, abs=20)
    assert len(app.queue.of_type("backfill")) == 1


def test_a_price_that_jumped_is_doubted_also_when_the_refresh_fails_after_it(with_share, monkeypatch):
    app = split_after_it_was_priced(with_share, 10.0)
    store(app, CHANNEL, stocks=[Stock("QZZ", listing="verified")])
    ask = Market.current_price

    def fail_at_the_second(market: Market, ticker: str, **options: Any) -> Any:
        if ticker == "QZZ":
            raise StoreUnavailable
        return ask(market, ticker, **options)

    monkeypatch.setattr(Market, "current_price", fail_at_the_second)
    failed = app.deliver(message(PricesMessage(channel_id=CHANNEL.id, tickers=("QAA", "QZZ"))))

    assert len(failed) == 1
    assert len(app.queue.of_type("backfill")) == 1


def test_what_a_run_waits_for_is_asked_before_what_is_only_in_doubt(new_app):
    clock = TestClock()
    shares = [standin.Stock(ticker=ticker, name=f"{ticker} Corporation") for ticker in ("AAB", "QAA")]
    app = new_app(world=world_of(*shares, clock=clock), clock=clock)
    video = video_of(CHANNEL, "video", MONDAY.isoformat())
    stocks = [Stock("AAB", listing="verified", last_price=Decimal(1)), Stock("QAA", listing="verified")]
    mentions = [mention_in(video, "AAB", price="1000"), mention_in(video, "QAA")]
    store(app, CHANNEL, videos=[video], mentions=mentions, stocks=stocks)

    backfill(app)

    asked = [call.path.rpartition("/")[2] for call in app.world.calls("yahoo") if "/chart/" in call.path]
    assert asked == ["QAA", "AAB"]


def test_a_split_that_the_market_made_up_for_is_noticed_with_the_next_mention(with_share):
    closes = {MONDAY: 50.0, TUESDAY: 100.0}
    app = with_share("100", "100", owed=TUESDAY, closes=closes)

    backfill(app)

    assert [copy.price_at_mention for copy in app.mentions(CHANNEL.id)] == [50, 100]
    assert REPLACED in app.messages(CHANNEL.id)


def test_a_price_that_really_fell_is_looked_at_and_stays(with_share):
    app = with_share("100", "10.1", closes={MONDAY: 100.0, TUESDAY: 10.1})

    backfill(app)

    assert len(app.world.calls("yahoo")) == 1
    assert shown(app)["price_change_percent"] == -89.9
    assert app.messages(CHANNEL.id) == []


def test_a_last_price_of_before_a_split_is_replaced_as_well(with_share):
    app = with_share("10", "100", closes={MONDAY: 10.0, TUESDAY: 10.2})

    backfill(app)

    assert (shown(app)["price_at_first_mention"], shown(app)["current_price"]) == (10, 10.2)


def test_without_doubt_nobody_is_asked(with_share):
    app = with_share("100", "130")

    with app.counted() as requests:
        backfill(app)

    assert app.world.calls("yahoo") == ()
    assert requests == {"GetItem": 1, "UpdateItem": 2, "Query": 2, "BatchGetItem": 1}


def test_a_provider_without_an_answer_leaves_a_doubtful_price(with_share):
    app = with_share("100", "10.1")
    app.world.fail_next("yahoo", 503)

    backfill(app)

    assert shown(app)["price_at_first_mention"] == 100
    assert app.messages(CHANNEL.id) == []
