"""What a channel said: its stocks, its timeline, one stock in detail. All three read one partition in order."""

import re
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final

from lambda_src.dynamo.store import Page, Store
from lambda_src.errors import InvalidCursor
from lambda_src.runtime.clock import Clock
from lambda_src.services.stock_track_record import models, tables
from lambda_src.services.stock_track_record.bodies import fitting, text_bytes
from lambda_src.services.stock_track_record.channels.service import ChannelService
from lambda_src.services.stock_track_record.legacy import LegacyReader
from lambda_src.services.stock_track_record.market.service import Shares

_FRESH_SECONDS: Final = 60  # the client loads results once, right after it saw "completed"
_FOUR_PLACES: Final = Decimal("0.0001")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_VIDEO_BYTES: Final = 700  # a video of the timeline with every field but its texts
_MENTION_BYTES: Final = 400


@dataclass(frozen=True, slots=True)
class ChannelStock:
    """How one stock fared with a channel."""

    ticker: str
    stock: models.Stock | None
    first: models.Mention
    sentiments: Counter[str]

    @property
    def current_price(self) -> Decimal | None:
        return self.stock.last_price if self.stock else None

    @property
    def price_change_percent(self) -> Decimal | None:
        """From the first mention to the latest price, 4 decimals; None unless both prices are known and above 0."""
        first, current = self.first.price_at_mention, self.current_price
        if not first or not current or first <= 0 or current <= 0:
            return None
        return ((current - first) / first * 100).quantize(_FOUR_PLACES, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class ResultService:
    store: Store
    channels: ChannelService
    shares: Shares
    legacy: LegacyReader
    clock: Clock

    def stocks(self, channel_id: str) -> list[ChannelStock]:
        """Every stock of the channel, by ticker.

        1 GetItem, 1 Query per MB of mentions, 1 BatchGetItem per 100 stocks.
        """
        mentions = self._mentions(self.channels.channel(channel_id))
        groups = [list(group) for _, group in groupby(mentions, key=attrgetter("ticker"))]
        known = self.shares.stocks_by_tickers(group[0].ticker for group in groups)
        return [
            ChannelStock(
                ticker=group[0].ticker,
                stock=known.get(group[0].ticker),
                first=group[0],
                sentiments=Counter(mention.sentiment for mention in group),
            )
            for group in groups
        ]

    def timeline(self, channel_id: str, *, limit: int | None, cursor: str | None) -> Page[list[models.Mention]]:
        """Videos that mention something: date descending, then video id; each with its mentions by ticker.

        limit: videos, None for as many as fit into one answer. Raises ChannelNotFound, InvalidCursor.
        1 GetItem, 1 Query per MB of mentions.
        """
        after = self._position(cursor, channel_id)
        channel = self.channels.channel(channel_id)
        by_video: dict[str, list[models.Mention]] = {}
        for mention in self._mentions(channel):
            by_video.setdefault(mention.video_id, []).append(mention)
        videos = sorted(by_video.values(), key=lambda mentions: mentions[0].video_id)
        videos.sort(key=lambda mentions: mentions[0].published_at, reverse=True)  # stable: ids stay ascending
        if after is not None:
            videos = [mentions for mentions in videos if _is_after(mentions[0], after)]
        page = list(fitting(videos[:limit], _entry_bytes))
        if len(page) == len(videos):
            return Page(page, None)
        return Page(page, self.store.cursor(tables.MENTIONS_OF_CHANNEL, page[-1][0], channel_id=channel.id))

    def stock_in_channel(self, channel_id: str, ticker: str) -> tuple[str, list[models.Mention]]:
        """The normalised ticker and the channel's mentions of it, oldest first; none for an unknown or invalid one.

        1 GetItem, 1 Query.
        """
        channel = self.channels.channel(channel_id)
        normal = models.normalise_ticker(ticker)
        if not models.is_valid_ticker(normal, frozenset()):
            return normal, []
        if channel.layout is None:
            return normal, [mention for mention in self.legacy.mentions(channel) if mention.ticker == normal]
        return normal, self.store.items(tables.MENTIONS_OF_STOCK, channel_id=channel.id, ticker=normal)

    def _mentions(self, channel: models.Channel) -> list[models.Mention]:
        """Every mention, by ticker, then date, then video id."""
        if channel.layout is None:
            return self.legacy.mentions(channel)
        return self.store.items(tables.MENTIONS_OF_CHANNEL, channel_id=channel.id, consistent=self._is_fresh(channel))

    def _is_fresh(self, channel: models.Channel) -> bool:
        try:
            age = self.clock() - models.parse_timestamp(channel.updated_at)
        except ValueError:  # written by the legacy application in a form of its own
            return True
        return age.total_seconds() < _FRESH_SECONDS

    def _position(self, cursor: str | None, channel_id: str) -> tuple[str, str] | None:
        """Date and id of the video before."""
        position = self.store.position(tables.MENTIONS_OF_CHANNEL, cursor, channel_id=channel_id)
        if position is None:
            return None
        published_at, video_id = str(position["published_at"]), str(position["video_id"])
        if not (_DATE.fullmatch(published_at) and video_id):
            raise InvalidCursor
        return published_at, video_id


def _is_after(mention: models.Mention, position: tuple[str, str]) -> bool:
    published_at, video_id = position
    if mention.published_at == published_at:
        return mention.video_id > video_id
    return mention.published_at < published_at


def _entry_bytes(mentions: list[models.Mention]) -> int:
    snippets = sum(_MENTION_BYTES + text_bytes(mention.context_snippet or "") for mention in mentions)
    return _VIDEO_BYTES + text_bytes(mentions[0].video_title) + snippets
