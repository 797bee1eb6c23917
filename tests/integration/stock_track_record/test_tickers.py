"""Which of the tickers that Gemini names become mentions, and what is remembered of the others."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Pick, Stock
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.services.stock_track_record.tables import STOCK
from tests.support.invariants import assert_invariants
from tests.support.runs import begin_run
from tests.support.stock_track_record import NOON, Applications, TestClock
from tests.support.worlds import channel_with, numbered_stocks

NVIDIA = Stock(ticker="NVDA", name="NVIDIA Corporation", typical_price=130.0)
SPDR = Stock(ticker="SPY", name="SPDR S&P 500", exchange_code="PCX", instrument_type="ETF")
LISTED = (
    NVIDIA,
    SPDR,
    Stock(ticker="BRK.B", name="Berkshire Hathaway Inc.", exchange_code="NYQ"),
    Stock(ticker="GOLD", name="A fund", exchange_code="PCX", instrument_type="ETF"),
    Stock(ticker="EURO", name="Paid in euros", currency="EUR"),
)

type Analyse = Callable[..., Applications]


@pytest.fixture
def analyse(new_app) -> Analyse:
    """`analyse([Pick, ...], [Pick, ...])`: one video for each list, analysed in that order."""

    def run(*answers: list[Pick], stocks: tuple[Stock, ...] = LISTED, **settings: Any) -> Applications:
        clock = TestClock()
        channel = channel_with(len(answers), newest=NOON - timedelta(hours=1))
        script = {
            video.id: [gemini_answers.stocks(*picks)] for video, picks in zip(channel.videos, answers, strict=True)
        }
        world = World.custom(channels=[channel], answers=script, stocks=stocks, clock=clock, quotas={})
        app: Applications = new_app(world=world, clock=clock, **settings)
        begin_and_deliver(app)
        return app

    return run


def begin_and_deliver(app: Applications) -> None:
    _, messages = begin_run(app)
    by_id = {video["id"]: video["youtube_video_id"] for video in app.items_of("Video")}
    for sent in sorted(messages, key=lambda sent: by_id[sent.content["video_id"]]):
        assert app.deliver(sent) == []
    assert_invariants(app)


def mentions(app: Applications) -> list[tuple[str, str]]:
    return sorted((copy["ticker"], copy["sentiment"]) for copy in app.items_of("ChannelMention"))


def warnings(app: Applications) -> list[str]:
    return [line["message"] for line in app.items_of("ProcessingLog") if line["log_level"] == "warning"]


def stock_row(app: Applications, ticker: str) -> dict[str, Any] | None:
    return app.item(STOCK.key(ticker=ticker))


def yahoo_calls(app: Applications, symbol: str) -> int:
    return sum(call.subject == symbol for call in app.world.calls("yahoo"))


def test_one_mention_remains_of_a_ticker_that_is_named_twice_among_others_that_are_no_us_shares(analyse):
    picks = [Pick("NVDA", "mentioned"), Pick("NVDA", "buy"), Pick("HO.PA"), Pick("SPY"), Pick("XYZQ")]
    app = analyse(picks, [Pick("XYZQ", "buy")])

    assert mentions(app) == [("NVDA", "buy")]
    first, second = warnings(app)
    assert all(ticker in first for ticker in ("HO.PA", "SPY", "XYZQ"))
    assert "NVDA" not in first
    assert "XYZQ" in second
    rejected = stock_row(app, "XYZQ")
    assert rejected is not None
    assert rejected["listing"] == "rejected"
    assert rejected["expires_at"] == int(NOON.timestamp()) + 30 * 86_400
    assert yahoo_calls(app, "XYZQ") == 1  # not asked again for the second video


def test_the_first_entry_that_is_not_mentioned_wins(analyse):
    picks = [Pick("NVDA", "mentioned"), Pick("$nvda", "sell"), Pick("NASDAQ:NVDA", "buy")]
    assert mentions(analyse(picks)) == [("NVDA", "sell")]


def test_a_share_seen_for_the_first_time_is_stored_with_its_name_price_and_exchange(analyse):
    app = analyse([Pick("NVDA", "buy"), Pick("brk-b", "hold")])

    assert mentions(app) == [("BRK.B", "hold"), ("NVDA", "buy")]
    nvidia, berkshire = stock_row(app, "NVDA"), stock_row(app, "BRK.B")
    assert nvidia is not None
    assert berkshire is not None
    assert (nvidia["name"], nvidia["exchange"], nvidia["listing"]) == ("NVIDIA Corporation", "NASDAQ", "verified")
    assert nvidia["last_price"] > 0
    assert nvidia["price_updated_at"] == "2025-01-15T08:30:00.123Z"
    assert berkshire["exchange"] == "NYSE"


def test_a_known_share_is_not_asked_about_again(analyse):
    app = analyse([Pick("NVDA", "buy")], [Pick("NVDA", "sell")])

    assert mentions(app) == [("NVDA", "buy"), ("NVDA", "sell")]
    assert yahoo_calls(app, "NVDA") == 1


@pytest.mark.parametrize("ticker", ["GOLD", "EURO"])
def test_a_fund_or_a_share_in_another_currency_is_rejected_for_ninety_days(analyse, ticker):
    app = analyse([Pick(ticker, "buy")])

    assert mentions(app) == []
    row = stock_row(app, ticker)
    assert row is not None
    assert row["listing"] == "rejected"
    assert row["expires_at"] == int(NOON.timestamp()) + 90 * 86_400


def test_a_rejected_ticker_is_asked_about_again_when_its_rejection_is_over(analyse):
    app = analyse([Pick("XYZQ", "buy")])
    assert yahoo_calls(app, "XYZQ") == 1
    (video,) = app.items_of("Video")
    app.clock.forward(days=31)

    other = gemini_answers.stocks(Pick("XYZQ", "buy"))
    app.world.answer_next("gemini", other)
    app.api.delete(f"/api/channels/{video['channel_id']}")
    app.drain()
    channel_id, messages = begin_run(app)
    app.deliver(*messages)
    app.drain()

    assert app.channel(channel_id)["status"] == "completed"
    assert yahoo_calls(app, "XYZQ") == 2


def test_a_share_that_yahoo_gives_no_answer_about_is_kept_as_unverified(new_app):
    clock = TestClock()
    channel = channel_with(1, newest=NOON - timedelta(hours=1))
    world = World.custom(
        channels=[channel], answers={"video00000": [gemini_answers.stocks(Pick("NVDA", "buy"))]}, clock=clock
    )
    app = new_app(world=world, clock=clock)
    world.fail_next("yahoo", 503, times=10)

    begin_and_deliver(app)

    assert mentions(app) == [("NVDA", "buy")]
    row = stock_row(app, "NVDA")
    assert row is not None
    assert row["listing"] == "unverified"


def test_only_twenty_new_shares_of_a_video_are_verified(analyse):
    stocks = numbered_stocks(25)
    app = analyse([Pick(stock.ticker, "buy") for stock in stocks], stocks=stocks)

    assert len(mentions(app)) == 25
    assert len(app.world.calls("yahoo")) == 20
    rows = [stock_row(app, stock.ticker) for stock in stocks]
    assert [row["listing"] for row in rows if row] == ["verified"] * 20 + ["unverified"] * 5


def test_no_share_is_verified_when_that_is_turned_off(analyse):
    app = analyse([Pick("NVDA", "buy"), Pick("XYZQ", "sell"), Pick("SPY", "buy")], ticker_verification=False)

    assert mentions(app) == [("NVDA", "buy"), ("XYZQ", "sell")]
    assert app.world.calls("yahoo") == ()
