"""The example channel of the capacity figures: 500 analysed videos, 2,500 mentions of 150 tickers, 1,000 log lines."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from string import ascii_uppercase
from typing import Final

from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.dynamo.store import Store
from lambda_src.services.stock_track_record.models import (
    Channel,
    ChannelId,
    ChannelIndex,
    Counter,
    Mention,
    Stock,
    Video,
    VideoId,
    mention_id,
    timestamp,
    video_id,
)
from lambda_src.services.stock_track_record.processing_log import Line, LogLines
from lambda_src.services.stock_track_record.tables import (
    CHANNEL,
    CHANNEL_INDEX,
    CHANNEL_MENTION,
    COUNTER,
    PROCESSING_LOG,
    PURGE_PAGE,
    STOCK,
    STOCK_MENTION,
    STOCKS_BY_TICKERS,
    VIDEO,
)
from tests.support.stock_track_record import NOON

VIDEOS: Final = 500
MENTIONS_PER_VIDEO: Final = 5
TICKERS: Final = tuple(f"Q{a}{b}" for a, b in product(ascii_uppercase, repeat=2))[:150]
UNPRICED: Final = 40
LOG_LINES: Final = 1_000
CHANNELS: Final = 100
CHANNEL_ID: Final = ChannelId("00000000-0000-4000-8000-000000000000")
SNIPPET: Final = (
    "He says that the company grows faster than its market and is cheap for what it earns, that he would buy more below"
    " 120 dollars, and that he has held the share for three years without selling any of it."
)
SEEDED_AT: Final = NOON - timedelta(hours=2)  # older than a minute: reads may be eventually consistent


def write(store: Store) -> None:
    """Fill empty tables: the example channel, the others that are listed with it, and the stocks."""
    videos = list(_videos())
    mentions = [mention for number, video in enumerate(videos) for mention in _mentions(number, video)]
    homes_and_copies = [entity.item(each) for each in mentions for entity in (STOCK_MENTION, CHANNEL_MENTION)]
    index = ChannelIndex(CHANNEL_ID, frozenset(TICKERS))
    store.batch_write(PURGE_PAGE, puts=[CHANNEL.item(_channel(number)) for number in range(CHANNELS)])
    store.batch_write(PURGE_PAGE, puts=[VIDEO.item(video) for video in videos])
    store.batch_write(PURGE_PAGE, puts=homes_and_copies)
    store.batch_write(PURGE_PAGE, puts=_log_items())
    store.batch_write(PURGE_PAGE, puts=[COUNTER.item(Counter(CHANNELS)), CHANNEL_INDEX.item(index)])
    store.batch_write(STOCKS_BY_TICKERS, puts=[STOCK.item(_stock(ticker)) for ticker in TICKERS])


def mean_copy_bytes() -> float:
    """Mean size of a mention's copy beside its channel, as DynamoDB counts it."""
    mentions = [mention for number, video in enumerate(_videos()) for mention in _mentions(number, video)]
    return sum(item_size_bytes(CHANNEL_MENTION.item(mention)) for mention in mentions) / len(mentions)


def _channel(number: int) -> Channel:
    seconds = timedelta(seconds=number)
    return Channel(
        id=ChannelId(f"00000000-0000-4000-8000-{number:012}"),
        youtube_channel_id=f"UC{number:022}",
        name=f"Example Channel {number}",
        url=f"https://www.youtube.com/channel/UC{number:022}",
        status="completed",
        time_range_months=12,
        created_at=timestamp(SEEDED_AT - seconds),
        updated_at=timestamp(SEEDED_AT),
        thumbnail_url=f"https://yt3.ggpht.com/{'a' * 90}{number}",
        video_count=VIDEOS,
        processed_video_count=VIDEOS,
        listed=True,
        claims=frozenset({f"UC{number:022}", f"handle:examplechannel{number}"}),
        layout=2,
    )


def _videos() -> Iterator[Video]:
    for number in range(VIDEOS):
        youtube_video_id = f"video{number:06}"
        yield Video(
            id=VideoId(video_id(CHANNEL_ID, youtube_video_id)),
            channel_id=CHANNEL_ID,
            youtube_video_id=youtube_video_id,
            title=f"Five stocks I would buy today, episode {number}",
            published_at=(date(2025, 1, 10) - timedelta(days=number)).isoformat(),
            created_at=timestamp(SEEDED_AT),
            analysis_status="completed",
            duration_seconds=900,
        )


def _mentions(number: int, video: Video) -> Iterator[Mention]:
    """Five tickers a video, spread evenly over all of them; only the newest mentions owe a price."""
    for position in range(MENTIONS_PER_VIDEO):
        rank = number * MENTIONS_PER_VIDEO + position
        ticker = TICKERS[rank % len(TICKERS)]
        is_priced = rank >= UNPRICED
        yield Mention(
            id=mention_id(video.id, ticker),
            channel_id=CHANNEL_ID,
            video_id=video.id,
            ticker=ticker,
            sentiment="buy",
            published_at=video.published_at,
            created_at=timestamp(SEEDED_AT),
            youtube_video_id=video.youtube_video_id,
            video_title=video.title,
            video_created_at=video.created_at,
            price_at_mention=Decimal("123.45") if is_priced else None,
            confidence_score=Decimal("0.9"),
            context_snippet=SNIPPET,
        )


def _stock(ticker: str) -> Stock:
    return Stock(
        ticker=ticker,
        name=f"Example Corporation {ticker}",
        exchange="NASDAQ",
        last_price=Decimal("130.25"),
        price_updated_at=timestamp(NOON - timedelta(minutes=5)),
        listing="verified",
    )


def _log_items() -> Iterator[dict[str, object]]:
    numbers = iter(range(LOG_LINES))
    lines = LogLines(clock=lambda: SEEDED_AT, pick=lambda limit: next(numbers) % limit, retention_days=90)
    for number in range(LOG_LINES):
        put = lines.put(CHANNEL_ID, Line("info", f"Analysed video {number} of {LOG_LINES}"))
        yield PROCESSING_LOG.item(put.model)
