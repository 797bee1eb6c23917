"""Routes of results, and their bodies. They write: reading a channel of the legacy application asks for its upgrade."""

from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import BaseModel

from lambda_src.runtime.bodies import Shape
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.stock_track_record.bodies import Date, Timestamp
from lambda_src.services.stock_track_record.models import Mention, yahoo_symbol
from lambda_src.services.stock_track_record.results.service import ChannelStock, ResultService

type TimelineCursor = Annotated[str | None, Query(description="`next_cursor` of the page before; overrides `page`")]
type TimelineLimit = Annotated[int | None, Query(ge=1, le=2000, description="Videos; without it all of them")]


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


STOCK_SHAPE: Final = Shape[ChannelStock](
    ChannelStockBody,
    {
        "name": lambda found: found.stock.name if found.stock else None,
        "first_mention_date": "first.published_at",
        "first_mention_video_id": "first.video_id",
        "first_mention_video_title": "first.video_title",
        "price_at_first_mention": "first.price_at_mention",
        "buy_count": lambda found: found.sentiments["buy"],
        "hold_count": lambda found: found.sentiments["hold"],
        "sell_count": lambda found: found.sentiments["sell"],
        "mentioned_count": lambda found: found.sentiments["mentioned"],
        "total_mentions": lambda found: found.sentiments.total(),
        "yahoo_finance_url": lambda found: f"https://finance.yahoo.com/quote/{yahoo_symbol(found.ticker)}",
    },
)
VIDEO_SHAPE: Final = Shape[Mention](
    VideoBody,
    {
        "id": "video_id",
        "title": "video_title",
        "url": "video_url",
        # mentions exist only after a successful analysis, so both statuses are known
        "transcript_status": lambda _: "fetched",
        "analysis_status": lambda _: "completed",
        "created_at": "video_created_at",
    },
)
MENTION_SHAPE: Final = Shape[Mention](MentionBody, {"video": lambda _: None})
MENTION_AND_VIDEO_SHAPE: Final = Shape[Mention](MentionBody, {"video": VIDEO_SHAPE})

router: Final = Router(tags=["results"])


@router.get("/api/channels/{channel_id}/stocks", writes=True, response_model=StockListBody)
def read_stocks(results: Given[ResultService], channel_id: str) -> dict[str, Any]:
    """Every stock the channel mentioned, and how it fared since."""
    return {"channel_id": channel_id, "stocks": [STOCK_SHAPE(stock) for stock in results.stocks(channel_id)]}


@router.get("/api/channels/{channel_id}/timeline", writes=True, response_model=TimelineBody)
def read_timeline(
    results: Given[ResultService], channel_id: str, limit: TimelineLimit = None, cursor: TimelineCursor = None
) -> dict[str, Any]:
    """Videos with their mentions, newest first."""
    page = results.timeline(channel_id, limit=limit, cursor=cursor)
    entries = [
        {"video": VIDEO_SHAPE(mentions[0]), "mentions": [MENTION_SHAPE(mention) for mention in mentions]}
        for mentions in page.items
    ]
    return {"timeline": entries, "next_cursor": page.next_cursor}


@router.get("/api/channels/{channel_id}/stocks/{ticker}", writes=True, response_model=StockDetailBody)
def read_stock(results: Given[ResultService], channel_id: str, ticker: str) -> dict[str, Any]:
    """The channel's mentions of one stock, oldest first."""
    normal, mentions = results.stock_in_channel(channel_id, ticker)
    found = [MENTION_AND_VIDEO_SHAPE(mention) for mention in mentions]
    return {"ticker": normal, "channel_id": channel_id, "mentions": found}
