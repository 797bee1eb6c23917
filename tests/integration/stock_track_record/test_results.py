"""What a channel said, as the client shows it, and how many requests each page costs."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice, product
from string import ascii_uppercase
from typing import Any

import pytest

from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.services.stock_track_record.models import Mention, Stock, Video
from lambda_src.services.stock_track_record.tables import CHANNEL_MENTION, PURGE_PAGE
from tests.support.stock_track_record import Applications
from tests.support.track_record_items import channel_named, mention_in, store, video_of

CHANNEL = channel_named("results")
APPLE = Stock("AAPL", name="Apple Inc.", last_price=Decimal("195.25"), listing="verified")


def ticker(number: int) -> str:
    """AAA, AAB, AAC, ..."""
    letters = next(islice(product(ascii_uppercase, repeat=3), number, None))
    return "".join(letters)


def of_channel(app: Applications, path: str, **params: object) -> dict[str, Any]:
    answer = app.api.get(f"/api/channels/{CHANNEL.id}/{path}", params={k: str(v) for k, v in params.items()})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert isinstance(body, dict)
    return body


# ---- stocks --------------------------------------------------------------------------------------------------------


def test_a_stock_is_told_by_its_first_mention_its_price_and_its_sentiments(new_app):
    app = new_app()
    first, second, third = (
        video_of(CHANNEL, f"apple-{day}", day, title=f"Apple on {day}")
        for day in ("2024-01-15", "2024-02-20", "2024-03-01")
    )
    mentions = [
        mention_in(third, "AAPL", "hold", price="179.66"),
        mention_in(first, "AAPL", "buy", price="185.50"),
        mention_in(second, "AAPL", "buy", price="181.56"),
    ]
    store(app, CHANNEL, videos=[first, second, third], mentions=mentions, stocks=[APPLE])

    with app.counted() as requests:
        body = of_channel(app, "stocks")

    assert body == {
        "channel_id": CHANNEL.id,
        "stocks": [
            {
                "ticker": "AAPL",
                "name": "Apple Inc.",
                "first_mention_date": "2024-01-15",
                "first_mention_video_id": first.id,
                "first_mention_video_title": "Apple on 2024-01-15",
                "price_at_first_mention": 185.5,
                "current_price": 195.25,
                "price_change_percent": 5.2561,
                "buy_count": 2,
                "hold_count": 1,
                "sell_count": 0,
                "mentioned_count": 0,
                "total_mentions": 3,
                "yahoo_finance_url": "https://finance.yahoo.com/quote/AAPL",
            }
        ],
    }
    assert requests == {"GetItem": 1, "Query": 1, "BatchGetItem": 1}


def test_of_two_mentions_on_one_day_the_lower_video_id_is_first(new_app):
    app = new_app()
    videos = [video_of(CHANNEL, name, "2024-01-15", title=name) for name in ("morning", "evening")]
    store(app, CHANNEL, videos=videos, mentions=[mention_in(video, "AAPL") for video in videos])

    [stock] = of_channel(app, "stocks")["stocks"]

    assert stock["first_mention_video_id"] == min(video.id for video in videos)


@pytest.mark.parametrize(("price", "stock"), [(None, APPLE), ("185.50", None), ("0", APPLE)])
def test_without_two_prices_above_zero_there_is_no_change(new_app, price, stock):
    app = new_app()
    video = video_of(CHANNEL, "apple", "2024-01-15")
    store(
        app, CHANNEL, videos=[video], mentions=[mention_in(video, "AAPL", price=price)], stocks=[stock] if stock else []
    )

    [found] = of_channel(app, "stocks")["stocks"]

    assert found["price_change_percent"] is None
    assert found["first_mention_date"] == "2024-01-15"


def test_a_share_class_links_to_the_spelling_of_yahoo(new_app):
    app = new_app()
    video = video_of(CHANNEL, "berkshire", "2024-01-15")
    store(app, CHANNEL, videos=[video], mentions=[mention_in(video, "BRK.B")])

    [found] = of_channel(app, "stocks")["stocks"]

    assert found["yahoo_finance_url"] == "https://finance.yahoo.com/quote/BRK-B"
    assert found["name"] is None


def test_a_channel_without_mentions_has_no_stocks_and_no_timeline(new_app):
    app = new_app()
    store(app, CHANNEL, videos=[video_of(CHANNEL, "silent", "2024-01-15")])

    assert of_channel(app, "stocks")["stocks"] == []
    assert of_channel(app, "timeline") == {"timeline": [], "next_cursor": None}


@pytest.mark.parametrize("path", ["stocks", "timeline", "stocks/AAPL", "logs"])
def test_results_of_an_unknown_channel_are_not_found(new_app, path):
    answer = new_app().api.get(f"/api/channels/unknown/{path}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "channel_not_found"


# ---- a large channel -----------------------------------------------------------------------------------------------

LARGE_VIDEOS, LARGE_TICKERS, LARGE_MENTIONS = 500, 150, 2_500
MENTION_BYTES = 800


@pytest.fixture
def large(new_app) -> Applications:
    """500 videos with 2,500 mentions of 0.8 KB on 150 shares: two pages of a Query."""
    app: Applications = new_app()
    newest = date(2025, 1, 10)
    videos = [
        video_of(CHANNEL, f"large-{number:03}", (newest - timedelta(days=number // 2)).isoformat())
        for number in range(LARGE_VIDEOS)
    ]
    mentions = list(large_mentions(videos))
    stocks = [Stock(ticker(number), last_price=Decimal(number + 1)) for number in range(LARGE_TICKERS)]
    store(app, CHANNEL, stocks=stocks)
    app.store.batch_write(PURGE_PAGE, puts=map(CHANNEL_MENTION.item, mentions))
    return app


def large_mentions(videos: list[Video]) -> Iterator[Mention]:
    share = LARGE_MENTIONS // LARGE_VIDEOS
    for number, video in enumerate(videos):
        for position in range(share):
            name = ticker((number * share + position) % LARGE_TICKERS)
            bare = CHANNEL_MENTION.item(mention_in(video, name, price="10", context="x"))
            text = "x" * (MENTION_BYTES - item_size_bytes(bare) + 1)
            yield mention_in(video, name, price="10", context=text)


def test_a_large_channel_is_answered_completely_in_few_requests_and_page_by_page(large):
    with large.counted() as for_stocks:
        stocks = of_channel(large, "stocks")["stocks"]
    with large.counted() as for_timeline:
        timeline = of_channel(large, "timeline")["timeline"]
    with large.counted() as for_one:
        mentions = of_channel(large, f"stocks/{ticker(7)}")["mentions"]

    assert len(stocks) == LARGE_TICKERS
    assert sum(stock["total_mentions"] for stock in stocks) == LARGE_MENTIONS
    assert for_stocks == {"GetItem": 1, "Query": 2, "BatchGetItem": 2}
    assert len(timeline) == LARGE_VIDEOS
    assert sum(len(entry["mentions"]) for entry in timeline) == LARGE_MENTIONS
    assert for_timeline == {"GetItem": 1, "Query": 2}
    assert len(mentions) == pytest.approx(LARGE_MENTIONS / LARGE_TICKERS, abs=1)
    assert for_one == {"GetItem": 1, "Query": 1}

    page = of_channel(large, "timeline", limit=150)
    pages = [page["timeline"]]
    while page["next_cursor"] and len(pages) < 9:
        page = of_channel(large, "timeline", limit=150, cursor=page["next_cursor"])
        pages.append(page["timeline"])

    assert [len(entries) for entries in pages] == [150, 150, 150, 50]
    assert [entry for entries in pages for entry in entries] == timeline


# ---- timeline ------------------------------------------------------------------------------------------------------


def test_the_timeline_goes_from_the_newest_video_down_and_orders_mentions_by_ticker(new_app):
    app = new_app()
    old = video_of(CHANNEL, "old", "2024-01-15", title="Old")
    twins = sorted((video_of(CHANNEL, name, "2024-06-01") for name in ("one", "two")), key=lambda video: video.id)
    mentions = [
        mention_in(old, "NVDA"),
        mention_in(old, "AAPL", "sell", price="185.5", context="Too expensive."),
        *(mention_in(video, "MSFT") for video in twins),
    ]
    store(app, CHANNEL, videos=[old, *twins, video_of(CHANNEL, "silent", "2024-07-01")], mentions=mentions)

    timeline = of_channel(app, "timeline")["timeline"]

    assert [entry["video"]["id"] for entry in timeline] == [*(video.id for video in twins), old.id]
    last = timeline[-1]
    assert last["video"] == {
        "id": old.id,
        "channel_id": CHANNEL.id,
        "youtube_video_id": "old",
        "title": "Old",
        "url": "https://www.youtube.com/watch?v=old",
        "published_at": "2024-01-15",
        "transcript_status": "fetched",
        "analysis_status": "completed",
        "created_at": old.created_at,
    }
    assert [mention["ticker"] for mention in last["mentions"]] == ["AAPL", "NVDA"]
    assert last["mentions"][0] == {
        "id": mentions[1].id,
        "video_id": old.id,
        "ticker": "AAPL",
        "sentiment": "sell",
        "price_at_mention": 185.5,
        "confidence_score": 0.8,
        "context_snippet": "Too expensive.",
        "created_at": mentions[1].created_at,
        "video": None,
    }


def test_a_page_that_ends_with_the_last_video_has_no_cursor(new_app):
    app = new_app()
    videos = [video_of(CHANNEL, f"v{number}", f"2024-01-0{number}") for number in (1, 2, 3)]
    store(app, CHANNEL, videos=videos, mentions=[mention_in(video, "AAPL") for video in videos])

    assert of_channel(app, "timeline", limit=3)["next_cursor"] is None
    assert of_channel(app, "timeline", limit=2)["next_cursor"] is not None


def test_a_video_added_between_two_pages_neither_repeats_nor_hides_another(new_app):
    app = new_app()
    videos = [video_of(CHANNEL, f"v{number}", f"2024-01-0{number}") for number in (1, 2, 3, 4)]
    store(app, CHANNEL, videos=videos, mentions=[mention_in(video, "AAPL") for video in videos])
    first = of_channel(app, "timeline", limit=2)
    newer = video_of(CHANNEL, "newer", "2024-02-01")
    store(app, CHANNEL, videos=[newer], mentions=[mention_in(newer, "AAPL")])

    second = of_channel(app, "timeline", limit=2, cursor=first["next_cursor"])

    seen = [entry["video"]["youtube_video_id"] for entry in (*first["timeline"], *second["timeline"])]
    assert seen == ["v4", "v3", "v2", "v1"]


def test_a_foreign_or_broken_cursor_is_refused_without_a_request(new_app):
    app = new_app()
    other = channel_named("other")
    videos = [video_of(other, f"v{number}", f"2024-01-0{number}") for number in (1, 2)]
    store(app, other, videos=videos, mentions=[mention_in(video, "AAPL") for video in videos])
    store(app, CHANNEL)
    of_other = app.api.get(f"/api/channels/{other.id}/timeline?limit=1").json()["next_cursor"]
    of_the_list = app.api.get("/api/channels?per_page=1").json()["next_cursor"]

    for cursor in ("abc", of_other, of_other[:-2], of_the_list):
        with app.counted() as requests:
            answer = app.api.get(f"/api/channels/{CHANNEL.id}/timeline", params={"cursor": cursor})
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_cursor"
        assert not requests


@pytest.mark.parametrize("limit", ["0", "2001", "many"])
def test_a_limit_out_of_range_is_refused(new_app, limit):
    app = new_app()
    store(app, CHANNEL)

    assert app.api.get(f"/api/channels/{CHANNEL.id}/timeline?limit={limit}").status_code == 422


@pytest.mark.parametrize("character", ["y", '"'])
def test_a_timeline_too_large_for_one_answer_goes_on_with_a_cursor(new_app, character):
    app = new_app()
    videos = [video_of(CHANNEL, f"v{number:02}", "2024-01-01") for number in range(40)]
    # the texts of migrated mentions have no limit
    mentions = [mention_in(video, "AAPL", context=character * 150_000) for video in videos]
    store(app, CHANNEL, videos=videos, mentions=mentions)

    first = of_channel(app, "timeline")
    rest: list[object] = []
    page = first
    for _ in range(5):
        if page["next_cursor"] is None:
            break
        page = of_channel(app, "timeline", cursor=page["next_cursor"])
        rest += page["timeline"]

    assert 0 < len(first["timeline"]) < len(videos)
    assert len(first["timeline"]) + len(rest) == len(videos)


# ---- one stock -----------------------------------------------------------------------------------------------------


def test_the_mentions_of_one_stock_come_oldest_first_with_their_videos(new_app):
    app = new_app()
    videos = [video_of(CHANNEL, day, day, title=f"On {day}") for day in ("2024-03-01", "2024-01-15", "2024-02-20")]
    mentions = [mention_in(video, "BRK.B") for video in videos]
    store(app, CHANNEL, videos=videos, mentions=[*mentions, mention_in(videos[0], "BRK.A")])

    with app.counted() as requests:
        body = of_channel(app, "stocks/brk-b")

    assert body["ticker"] == "BRK.B"
    assert body["channel_id"] == CHANNEL.id
    days = ["2024-01-15", "2024-02-20", "2024-03-01"]
    assert [mention["video"]["published_at"] for mention in body["mentions"]] == days
    assert [mention["video"]["title"] for mention in body["mentions"]] == [f"On {day}" for day in days]
    assert body["mentions"][0]["video"]["url"] == "https://www.youtube.com/watch?v=2024-01-15"
    assert requests == {"GetItem": 1, "Query": 1}


@pytest.mark.parametrize(
    ("asked", "normal"), [("ZZZZ", "ZZZZ"), ("zzzz", "ZZZZ"), ("ho.pa", "HO.PA"), ("googlex", "GOOGLEX")]
)
def test_an_unknown_or_invalid_ticker_has_no_mentions(new_app, asked, normal):
    app = new_app()
    video = video_of(CHANNEL, "video", "2024-01-15")
    store(app, CHANNEL, videos=[video], mentions=[mention_in(video, "ZZZZA")])

    assert of_channel(app, f"stocks/{asked}") == {"ticker": normal, "channel_id": CHANNEL.id, "mentions": []}


# ---- the list and the log ------------------------------------------------------------------------------------------


def test_a_page_of_the_list_costs_two_requests(new_app):
    app = new_app()
    for number in range(5):
        app.add(f"https://www.youtube.com/@channel{number}")
        app.forward(seconds=1)

    with app.counted() as first_requests:
        first = app.api.get("/api/channels?per_page=2").json()
    with app.counted() as next_requests:
        app.api.get("/api/channels", params={"per_page": 2, "cursor": first["next_cursor"]})
    with app.counted() as past_the_end:
        empty = app.api.get("/api/channels?page=4&per_page=2").json()

    assert first_requests == next_requests == {"GetItem": 1, "Query": 1}
    assert (empty["items"], empty["total"]) == ([], 5)
    assert past_the_end == {"GetItem": 1}


def test_the_newest_log_lines_and_those_since_cost_two_requests(new_app):
    app = new_app()
    store(app, CHANNEL)
    for number in range(30):
        app.log.append_log(CHANNEL.id, "info", f"line {number}")

    with app.counted() as newest_requests:
        newest = of_channel(app, "logs", limit=10)["logs"]
    with app.counted() as since_requests:
        since = of_channel(app, "logs", since="2025-01-15T08:30:00Z")["logs"]

    assert [line["message"] for line in newest] == [f"line {number}" for number in range(20, 30)]
    assert len(since) == 30
    assert newest_requests == since_requests == {"GetItem": 1, "Query": 1}
