"""HTTP bodies of the API: pydantic models for the OpenAPI document, and the plain values that are answered.

Answers are built as dictionaries and not validated again on their way out: 2,500 mentions would take a second. A test
holds the two together.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from lambda_src.services.stock_track_record.models import Channel, LogLine, Mention
from lambda_src.services.stock_track_record.rules.tickers import yahoo_symbol
from lambda_src.services.stock_track_record.service.channels import ChannelPage
from lambda_src.services.stock_track_record.service.prices import Backfill, PriceAnswer, Refresh
from lambda_src.services.stock_track_record.service.results import ChannelStock, TimelinePage

type Json = dict[str, Any]

Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]


# ---- requests ------------------------------------------------------------------------------------------------------


class NewChannel(BaseModel):
    """A channel to be added."""

    url: str = Field(min_length=1, max_length=500, description="Address of a YouTube channel")
    time_range_months: int = Field(default=12, ge=1, le=36, strict=True, description="Months to look back")


# ---- answers, as documented ----------------------------------------------------------------------------------------


class ChannelBody(BaseModel):
    id: str
    youtube_channel_id: str
    name: str
    url: str
    thumbnail_url: str | None
    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    video_count: int
    processed_video_count: int
    time_range_months: int
    created_at: Timestamp
    updated_at: Timestamp


class ChannelListBody(BaseModel):
    items: list[ChannelBody]
    total: int
    page: int
    per_page: int
    next_cursor: str | None


class LogLineBody(BaseModel):
    id: int
    channel_id: str
    log_level: Literal["info", "warning", "error"]
    message: str
    created_at: Timestamp


class LogListBody(BaseModel):
    logs: list[LogLineBody]


class ChannelStockBody(BaseModel):
    ticker: str
    name: str | None
    first_mention_date: Date
    first_mention_video_id: str
    first_mention_video_title: str
    price_at_first_mention: float | None
    current_price: float | None
    price_change_percent: float | None
    buy_count: int
    hold_count: int
    sell_count: int
    mentioned_count: int
    total_mentions: int
    yahoo_finance_url: str


class StockListBody(BaseModel):
    channel_id: str
    stocks: list[ChannelStockBody]


class VideoBody(BaseModel):
    id: str
    channel_id: str
    youtube_video_id: str
    title: str
    url: str
    published_at: Date
    transcript_status: str
    analysis_status: str
    created_at: Timestamp


class MentionBody(BaseModel):
    id: str
    video_id: str
    ticker: str
    sentiment: Literal["buy", "hold", "sell", "mentioned"]
    price_at_mention: float | None
    confidence_score: float | None
    context_snippet: str | None
    created_at: Timestamp
    video: VideoBody | None


class TimelineEntryBody(BaseModel):
    video: VideoBody
    mentions: list[MentionBody]


class TimelineBody(BaseModel):
    timeline: list[TimelineEntryBody]
    next_cursor: str | None


class StockDetailBody(BaseModel):
    ticker: str
    channel_id: str
    mentions: list[MentionBody]


class RefreshBody(BaseModel):
    prices: dict[str, float]
    updated_at: Timestamp
    queued: int


class BackfillBody(BaseModel):
    status: Literal["no_videos", "complete", "started"]
    missing: int | None = None
    updated: int
    total: int


class PriceBody(BaseModel):
    ticker: str
    price: float | None
    updated_at: Timestamp | None
    error: str | None


# ---- answers, as they are sent -------------------------------------------------------------------------------------


def channel_json(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "youtube_channel_id": channel.youtube_channel_id,
        "name": channel.name,
        "url": channel.url,
        "thumbnail_url": channel.thumbnail_url,
        "status": channel.status,
        "video_count": channel.video_count,
        "processed_video_count": channel.processed_video_count,
        "time_range_months": channel.time_range_months,
        "created_at": channel.created_at,
        "updated_at": channel.updated_at,
    }


def channel_list_json(found: ChannelPage, *, page: int, per_page: int) -> Json:
    return {
        "items": [channel_json(channel) for channel in found.items],
        "total": found.total,
        "page": page,
        "per_page": per_page,
        "next_cursor": found.next_cursor,
    }


def log_json(line: LogLine) -> Json:
    return {
        "id": line.log_id,
        "channel_id": line.channel_id,
        "log_level": line.log_level,
        "message": line.message,
        "created_at": line.created_at,
    }


def stock_json(found: ChannelStock) -> Json:
    first = found.first
    return {
        "ticker": found.ticker,
        "name": found.stock.name if found.stock else None,
        "first_mention_date": first.published_at,
        "first_mention_video_id": first.video_id,
        "first_mention_video_title": first.video_title,
        "price_at_first_mention": _number(first.price_at_mention),
        "current_price": _number(found.stock.last_price if found.stock else None),
        "price_change_percent": _number(found.price_change_percent),
        "buy_count": found.sentiments["buy"],
        "hold_count": found.sentiments["hold"],
        "sell_count": found.sentiments["sell"],
        "mentioned_count": found.sentiments["mentioned"],
        "total_mentions": found.sentiments.total(),
        "yahoo_finance_url": f"https://finance.yahoo.com/quote/{yahoo_symbol(found.ticker)}",
    }


def timeline_json(page: TimelinePage) -> Json:
    return {
        "timeline": [
            {
                "video": _video_json(mentions[0]),
                "mentions": [mention_json(mention, with_video=False) for mention in mentions],
            }
            for mentions in page.videos
        ],
        "next_cursor": page.next_cursor,
    }


def mention_json(mention: Mention, *, with_video: bool) -> Json:
    return {
        "id": mention.id,
        "video_id": mention.video_id,
        "ticker": mention.ticker,
        "sentiment": mention.sentiment,
        "price_at_mention": _number(mention.price_at_mention),
        "confidence_score": _number(mention.confidence_score),
        "context_snippet": mention.context_snippet,
        "created_at": mention.created_at,
        "video": _video_json(mention) if with_video else None,
    }


def refresh_json(refresh: Refresh) -> Json:
    return {
        "prices": {ticker: float(price) for ticker, price in refresh.prices.items()},
        "updated_at": refresh.updated_at,
        "queued": refresh.queued,
    }


def backfill_json(backfill: Backfill) -> Json:
    body: Json = {"status": backfill.status, "updated": 0, "total": backfill.missing}
    return body if backfill.status == "no_videos" else body | {"missing": backfill.missing}


def price_json(answer: PriceAnswer) -> Json:
    return {
        "ticker": answer.ticker,
        "price": _number(answer.price),
        "updated_at": answer.updated_at,
        "error": answer.error,
    }


def _video_json(mention: Mention) -> Json:
    # mentions exist only after a successful analysis, so both statuses are known
    return {
        "id": mention.video_id,
        "channel_id": mention.channel_id,
        "youtube_video_id": mention.youtube_video_id,
        "title": mention.video_title,
        "url": mention.video_url,
        "published_at": mention.published_at,
        "transcript_status": "fetched",
        "analysis_status": "completed",
        "created_at": mention.video_created_at,
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
