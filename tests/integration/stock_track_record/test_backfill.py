"""Closing prices of mentions: asked for by the API, fetched by the worker."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins import models as standin
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.services.stock_track_record.messages import BackfillMessage
from lambda_src.services.stock_track_record.models import Channel, Mention, Stock, Video
from lambda_src.services.stock_track_record.tables import COUNT_UNPRICED
from tests.support.price_calls import CHANNEL, message, world_of
from tests.support.stock_track_record import Applications, TestClock
from tests.support.track_record_items import mention_in, store, video_of
from tests.support.worlds import numbered_stocks


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


def test_a_video_of_a_saturday_gets_the_close_of_friday(new_app):
    app = new_app(world=world_of(apple_on({date(2024, 1, 12): 185.92})))
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


def test_the_answer_that_brings_a_close_also_brings_name_and_exchange(new_app):
    app = new_app(world=world_of(apple_on({})))
    owing(app, "AAPL")

    run_backfill(app)

    stock = app.shares.stock_by_ticker("AAPL")
    assert (stock.name, stock.exchange, stock.listing) == ("Apple Inc.", "NASDAQ", "verified")


def test_ten_requests_at_once_start_one_backfill(new_app):
    app = new_app(world=world_of(apple_on({})))
    owing(app, "AAPL")

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: backfill(app), range(10)))

    assert {answer["status"] for answer in answers} == {"started"}
    assert len(app.queue.of_type("backfill")) == 1


def test_when_nothing_is_owed_a_request_reads_no_mention(new_app):
    app = new_app(world=world_of(apple_on({})))
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


def test_a_channel_without_videos_says_so(new_app):
    app = new_app()
    store(app, CHANNEL)

    assert backfill(app) == {"status": "no_videos", "updated": 0, "total": 0}
    assert app.queue.of_type("backfill") == []


def test_backfilling_an_unknown_channel_is_not_found(new_app):
    assert new_app().api.post("/api/channels/unknown/backfill-prices").status_code == 404


def test_a_delisted_ticker_is_given_up_after_three_days_without_data(new_app):
    clock = TestClock()
    gone = standin.Stock(ticker="GONE", name="Gone", delisted_on=date(2024, 6, 3))
    app = new_app(world=world_of(gone, clock=clock), clock=clock)
    _, [mention] = owing(app, "GONE")

    for day in range(1, 4):
        assert app.store.count(COUNT_UNPRICED, channel_id=CHANNEL.id) == 1
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


def test_an_outage_of_the_providers_counts_as_no_attempt(new_app):
    clock = TestClock()
    app = new_app(world=world_of(apple_on({}), clock=clock), clock=clock)
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


def test_a_day_that_is_not_over_stays_owed_without_an_attempt(new_app):
    app = new_app(world=world_of(apple_on({})))
    _, [mention] = owing(app, "AAPL", published_at="2025-01-15")  # 03:30 in New York
    before = both_of(app, mention)

    run_backfill(app)

    assert both_of(app, mention) == before
    assert app.world.calls("yahoo") == ()


def test_alpha_vantage_closes_the_gap_that_yahoo_left(new_app):
    friday = date(2025, 1, 10)
    app = new_app(world=world_of(apple_on({friday: 236.85})))
    _, [mention] = owing(app, "AAPL", published_at=friday.isoformat())
    app.world.fail_next("yahoo", 503, "unavailable")

    run_backfill(app)

    assert both_of(app, mention)[0]["price_at_mention"] == Decimal("236.85")


def test_one_call_prices_every_mention_of_a_ticker(new_app):
    app = new_app(world=world_of(apple_on({})))
    videos = [video_of(CHANNEL, f"v{day:02}", f"2024-03-{day:02}") for day in range(1, 29)]
    mentions = [mention_in(video, "AAPL") for video in videos]
    store(app, CHANNEL, videos=videos, mentions=mentions, stocks=[Stock("AAPL", listing="verified")])

    with app.counted() as requests:
        run_backfill(app)

    assert len(app.world.calls("yahoo")) == 1
    assert requests["TransactWriteItems"] == 1
    copies = app.mentions(CHANNEL.id)
    assert all(copy.price_at_mention for copy in copies)


def test_force_prices_again_what_was_priced_before_a_split(new_app):
    app = new_app(world=world_of(apple_on({date(2024, 1, 12): 46.48})))
    video = video_of(CHANNEL, "video", "2024-01-12")
    mention = mention_in(video, "AAPL", price="185.92")
    store(app, CHANNEL, videos=[video], mentions=[mention], stocks=[Stock("AAPL")])

    assert backfill(app) == {"status": "complete", "missing": 0, "updated": 0, "total": 0}
    assert backfill(app, force="true") == {"status": "started", "missing": 0, "updated": 0, "total": 0}
    app.drain()

    assert [item["price_at_mention"] for item in both_of(app, mention)] == [Decimal("46.48")] * 2


@pytest.mark.parametrize("force", [False, True])
def test_a_backfill_that_runs_out_of_time_goes_on_with_the_next_message(new_app, force):
    shares = numbered_stocks(4)
    app = new_app(world=World.custom(stocks=shares, clock=TestClock(), quotas={}))
    _, mentions = owing(app, *(share.ticker for share in shares))
    late = message(BackfillMessage(channel_id=CHANNEL.id, force=force))

    assert app.deliver(late, milliseconds=30_000) == []  # less than the time kept for handing over
    parts = [sent.content["part"] for sent in app.queue.of_type("backfill")]
    app.drain()

    assert parts == [2]
    copies = app.mentions(CHANNEL.id)
    assert len(copies) == len(mentions)
    assert all(copy.price_at_mention for copy in copies)
