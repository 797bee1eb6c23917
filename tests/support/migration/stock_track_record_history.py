"""A history of Stock Track Record lived through its API and worker, and the SQL rows that the same history left."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Pick, Sentiment
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.values import from_item
from lambda_src.migration.mapping import Row, Scalar
from tests.support.migration.jobs import items_of
from tests.support.played import TestClock
from tests.support.runs import begin_run
from tests.support.stock_track_record import Applications
from tests.support.worlds import channel_with, numbered_stocks

_SENTIMENTS: tuple[Sentiment, ...] = ("buy", "hold", "sell", "mentioned")


def make_world(clock: TestClock) -> World:
    """`@Finished` with eight videos, one without stocks and one that the model refuses, and `@Stopped` with three."""
    finished = channel_with(8, newest=clock() - timedelta(days=1), every=timedelta(days=3), handle="@Finished")
    stopped = channel_with(3, newest=clock() - timedelta(days=2), handle="@Stopped")
    stocks = numbered_stocks(6)
    answers = {}
    for index, video in enumerate(finished.videos[:-1]):
        chosen = [stocks[(index + step) % len(stocks)] for step in range(0 if index == 5 else 1 + index % 3)]
        picks = [Pick(stock.ticker, _SENTIMENTS[index % 4], f"Says of {stock.name}: “go”.") for stock in chosen]
        answers[video.id] = [gemini_answers.stocks(*picks)]
    answers[finished.videos[-1].id] = [gemini_answers.blocked()]
    return World.custom(channels=[finished, stopped], answers=answers, stocks=stocks, clock=clock, quotas={})


def live(app: Applications) -> dict[str, str]:
    """Channels that completed, were cancelled half-way and failed; their ids by what became of them."""
    finished = app.add("https://www.youtube.com/@Finished")
    app.drain()
    app.forward(minutes=1)
    stopped, videos = begin_run(app, handle="@Stopped")
    app.deliver(videos[0])
    assert app.api.post(f"/api/channels/{stopped}/cancel").status_code == 200
    app.drain()
    app.forward(minutes=1)
    failed = app.add("https://www.youtube.com/@Nobody", time_range_months=24)
    app.drain()
    return {"completed": finished, "cancelled": stopped, "failed": failed}


# ---- the same in SQL -----------------------------------------------------------------------------------------------


def sql_rows(app: Applications) -> dict[str, list[Row]]:
    """The rows a SQL database would hold after this history. Its log lines were numbered one after the other."""
    lines = sorted(app.items_of("ProcessingLog"), key=lambda line: (line["created_at"], line["SK"]))
    return {
        "channels": [_channel(item) for item in app.items_of("Channel")],
        "stocks": [_stock(item) for item in _stocks(app)],
        "videos": [_video(item) for item in app.items_of("Video")],
        "stock_mentions": [_mention(item) for item in app.items_of("StockMention")],
        "processing_logs": [
            {**_picked(line, "channel_id", "log_level", "message"), "id": number, "created_at": _time(line)}
            for number, line in enumerate(lines, start=1)
        ],
    }


def _channel(item: Mapping[str, Any]) -> Row:
    texts = _picked(item, "id", "youtube_channel_id", "name", "url", "thumbnail_url", "status")
    counts = _picked(item, "video_count", "processed_video_count", "time_range_months")
    return texts | counts | {"created_at": _time(item), "updated_at": _time(item, "updated_at")}


def _stock(item: Mapping[str, Any]) -> Row:
    return {
        **_picked(item, "ticker", "name", "exchange"),
        "last_price": _decimal(item, "last_price", 4),
        "price_updated_at": _time(item, "price_updated_at"),
    }


def _video(item: Mapping[str, Any]) -> Row:
    texts = _picked(item, "id", "channel_id", "youtube_video_id", "title", "url", "published_at")
    return texts | _picked(item, "transcript_status", "analysis_status") | {"created_at": _time(item)}


def _mention(item: Mapping[str, Any]) -> Row:
    return {
        **_picked(item, "id", "video_id", "ticker", "sentiment", "context_snippet"),
        "price_at_mention": _decimal(item, "price_at_mention", 4),
        "confidence_score": _decimal(item, "confidence_score", 2),
        "created_at": _time(item),
    }


def _stocks(app: Applications) -> list[dict[str, Any]]:
    """SQL kept no rows of what was found to be no share."""
    items = map(from_item, items_of(app.client, app.names["stocks"]).values())
    return [item for item in items if item["listing"] != "rejected"]


def _picked(item: Mapping[str, Any], *names: str) -> dict[str, Scalar]:
    return {name: item.get(name) for name in names}


def _time(item: Mapping[str, Any], name: str = "created_at") -> str | None:
    """`2025-01-15 08:30:00.123`, as a column of three decimals gives it."""
    text = item.get(name)
    return None if text is None else str(text).replace("T", " ").removesuffix("Z")


def _decimal(item: Mapping[str, Any], name: str, places: int) -> str | None:
    return None if item.get(name) is None else f"{item[name]:.{places}f}"
