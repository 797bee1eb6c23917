"""Channels, videos, mentions and shares put straight into the tables, as the service itself would have stored them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from lambda_src.dynamo.store import Update, UpdateItem
from lambda_src.services.stock_track_record.models import (
    Channel,
    ChannelId,
    Mention,
    RunId,
    Sentiment,
    Stock,
    Video,
    VideoId,
    mention_id,
    video_id,
)
from lambda_src.services.stock_track_record.tables import (
    CHANNEL,
    CHANNEL_INDEX,
    CHANNEL_MENTION,
    FINISH_VIDEO,
    PURGE_PAGE,
    STOCK,
    STOCK_MENTION,
    VIDEO,
)
from tests.support.stock_track_record import Applications

CREATED = "2024-12-01T10:00:00.000Z"


def channel_named(name: str, *, created_at: str = CREATED) -> Channel:
    """A channel whose run completed long ago."""
    return Channel(
        id=ChannelId(f"channel-{name}"),
        youtube_channel_id=f"handle:{name}",
        name=name,
        url=f"https://www.youtube.com/@{name}",
        status="completed",
        time_range_months=12,
        created_at=created_at,
        updated_at=created_at,
        run_id=RunId("run-1"),
        listed=True,
        claims=frozenset({f"handle:{name}"}),
        layout=2,
    )


def video_of(channel: Channel, youtube_video_id: str, published_at: str, *, title: str = "A video") -> Video:
    """An analysed video. published_at: a date."""
    return Video(
        id=VideoId(video_id(channel.id, youtube_video_id)),
        channel_id=channel.id,
        youtube_video_id=youtube_video_id,
        title=title,
        published_at=published_at,
        created_at=CREATED,
        transcript_status="fetched",
        analysis_status="completed",
        run_id=channel.run_id,
    )


def mention_in(
    video: Video, ticker: str, sentiment: Sentiment = "buy", *, price: str | None = None, context: str | None = None
) -> Mention:
    """A mention; without a price it owes one."""
    return Mention(
        id=mention_id(video.id, ticker),
        channel_id=video.channel_id,
        video_id=video.id,
        ticker=ticker,
        sentiment=sentiment,
        published_at=video.published_at,
        created_at=CREATED,
        youtube_video_id=video.youtube_video_id,
        video_title=video.title,
        video_created_at=video.created_at,
        price_at_mention=None if price is None else Decimal(price),
        confidence_score=Decimal("0.8"),
        context_snippet=context,
    )


def store(
    app: Applications,
    channel: Channel,
    *,
    videos: Iterable[Video] = (),
    mentions: Sequence[Mention] = (),
    stocks: Iterable[Stock] = (),
) -> None:
    """Write all of them, the mentions at home and beside their channel, and the tickers of the channel."""
    copies = [entity.item(mention) for mention in mentions for entity in (STOCK_MENTION, CHANNEL_MENTION)]
    app.store.batch_write(PURGE_PAGE, puts=[CHANNEL.item(channel), *map(VIDEO.item, videos), *copies])
    if mentions:
        add_tickers(app, channel.id, {mention.ticker for mention in mentions})
    app.put_items(*map(STOCK.item, stocks), table="stocks")


def add_tickers(app: Applications, channel_id: ChannelId, tickers: set[str]) -> None:
    """Add tickers to the channel's index."""
    update = Update().set(entity_type=CHANNEL_INDEX.name).add(tickers=tickers)
    app.store.update(FINISH_VIDEO, UpdateItem(CHANNEL_INDEX.key(channel_id=channel_id), update))
