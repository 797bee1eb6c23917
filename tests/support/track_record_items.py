"""Channels, videos, mentions and shares put straight into the tables, as the service itself would have stored them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from lambda_src.services.stock_track_record.models import Channel, ChannelId, Mention, RunId, Stock, Video, VideoId
from lambda_src.services.stock_track_record.repository.channels import channel_item
from lambda_src.services.stock_track_record.repository.mentions import mention_puts, tickers_change
from lambda_src.services.stock_track_record.repository.videos import video_item
from lambda_src.services.stock_track_record.rules.extraction import Sentiment
from lambda_src.services.stock_track_record.rules.ids import mention_id, video_id
from lambda_src.services.stock_track_record.tables import MAIN, STOCKS
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
    puts = [put.item for mention in mentions for put in mention_puts(mention)]
    app.store.batch_write(MAIN, puts=[channel_item(channel), *map(video_item, videos), *puts])
    if mentions:
        app.store.transact([tickers_change(channel.id, {mention.ticker for mention in mentions})])
    app.store.batch_write(STOCKS, puts=[stock.to_item() for stock in stocks])
