"""What a channel said: its stocks, its timeline, one stock in detail. All three read one partition in order."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final

from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.errors import InvalidCursor
from lambda_src.runtime.clock import Clock
from lambda_src.services.stock_track_record.models import Channel, ChannelId, Mention, Stock
from lambda_src.services.stock_track_record.repository import Repository
from lambda_src.services.stock_track_record.rules.dates import parse_timestamp
from lambda_src.services.stock_track_record.rules.tickers import is_valid_ticker, normalise_ticker
from lambda_src.services.stock_track_record.service.channels import living_channel
from lambda_src.services.stock_track_record.service.reference import ReferenceReader

CURSOR_SCOPE: Final = "timeline:"
_FRESH_SECONDS: Final = 60  # the client loads results once, right after it saw "completed"
_FOUR_PLACES: Final = Decimal("0.0001")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MAX_BODY_BYTES: Final = 5_000_000  # Lambda answers at most 6 MB
_VIDEO_BYTES: Final = 700  # a video of the timeline with every field but its texts
_MENTION_BYTES: Final = 400


@dataclass(frozen=True, slots=True)
class ChannelStock:
    """How one stock fared with a channel."""

    ticker: str
    stock: Stock | None
    first: Mention
    sentiments: Counter[str]

    @property
    def price_change_percent(self) -> Decimal | None:
        """From the first mention to the latest price, 4 decimals; None unless both prices are known and above 0."""
        first = self.first.price_at_mention
        current = self.stock.last_price if self.stock else None
        if not first or not current or first <= 0 or current <= 0:
            return None
        return ((current - first) / first * 100).quantize(_FOUR_PLACES, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Videos with their mentions, newest video first."""

    videos: list[list[Mention]]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ResultService:
    """Use cases that read results."""

    repository: Repository
    reference: ReferenceReader
    cursors: CursorCodec
    clock: Clock

    def stocks(self, channel_id: str) -> list[ChannelStock]:
        """Every stock of the channel, by ticker.

        1 GetItem, 1 Query per MB of mentions, 1 BatchGetItem per 100 stocks.
        """
        channel = living_channel(self.repository, channel_id)
        groups = [list(group) for _, group in groupby(self._mentions(channel), key=attrgetter("ticker"))]
        known = self.repository.stocks.stocks_by_tickers(group[0].ticker for group in groups)
        return [
            ChannelStock(
                ticker=group[0].ticker,
                stock=known.get(group[0].ticker),
                first=group[0],
                sentiments=Counter(mention.sentiment for mention in group),
            )
            for group in groups
        ]

    def timeline(self, channel_id: str, *, limit: int | None, cursor: str | None) -> TimelinePage:
        """Videos that mention something: date descending, then video id; each with its mentions by ticker.

        limit: videos, None for as many as fit into one answer. Raises ChannelNotFound, InvalidCursor.
        1 GetItem, 1 Query per MB of mentions.
        """
        after = None if cursor is None else self._position(cursor, channel_id)
        channel = living_channel(self.repository, channel_id)
        by_video: dict[str, list[Mention]] = {}
        for mention in self._mentions(channel):
            by_video.setdefault(mention.video_id, []).append(mention)
        videos = sorted(by_video.values(), key=lambda mentions: mentions[0].video_id)
        videos.sort(key=lambda mentions: mentions[0].published_at, reverse=True)  # stable: ids stay ascending
        if after is not None:
            videos = [mentions for mentions in videos if _is_after(mentions[0], after)]
        page = list(_fitting(videos[:limit]))
        has_more = len(page) < len(videos)
        return TimelinePage(page, self._cursor(page[-1][0], channel.id) if has_more else None)

    def stock_in_channel(self, channel_id: str, ticker: str) -> tuple[str, list[Mention]]:
        """The normalised ticker and the channel's mentions of it, oldest first; none for an unknown or invalid one.

        1 GetItem, 1 Query.
        """
        channel = living_channel(self.repository, channel_id)
        normal = normalise_ticker(ticker)
        if not is_valid_ticker(normal, frozenset()):
            return normal, []
        if channel.layout is None:
            return normal, [mention for mention in self.reference.mentions(channel) if mention.ticker == normal]
        return normal, self.repository.mentions.mentions_of_stock(channel.id, normal)

    # ---- parts -----------------------------------------------------------------------------------------------------

    def _mentions(self, channel: Channel) -> list[Mention]:
        if channel.layout is None:
            return self.reference.mentions(channel)
        return self.repository.mentions.mentions_of_channel(channel.id, consistent=self._is_fresh(channel))

    def _is_fresh(self, channel: Channel) -> bool:
        try:
            age = self.clock() - parse_timestamp(channel.updated_at)
        except ValueError:  # written by the reference in a form of its own
            return True
        return age.total_seconds() < _FRESH_SECONDS

    def _cursor(self, last: Mention, channel_id: ChannelId) -> str:
        return self.cursors.encode(CURSOR_SCOPE + channel_id, {"c": last.published_at, "i": last.video_id})

    def _position(self, cursor: str, channel_id: str) -> tuple[str, str]:
        position = self.cursors.decode(cursor, CURSOR_SCOPE + channel_id)
        published_at, video_id = str(position.get("c", "")), str(position.get("i", ""))
        if not (_DATE.fullmatch(published_at) and video_id):
            raise InvalidCursor
        return published_at, video_id


def _is_after(mention: Mention, position: tuple[str, str]) -> bool:
    published_at, video_id = position
    if mention.published_at == published_at:
        return mention.video_id > video_id
    return mention.published_at < published_at


def _fitting(videos: Iterable[list[Mention]]) -> Iterator[list[Mention]]:
    """The first videos whose JSON fits into one answer; at least one."""
    size = 0
    for number, mentions in enumerate(videos):
        size += _VIDEO_BYTES + _json_bytes(mentions[0].video_title) + sum(map(_mention_bytes, mentions))
        if number and size > _MAX_BODY_BYTES:
            return
        yield mentions


def _mention_bytes(mention: Mention) -> int:
    return _MENTION_BYTES + _json_bytes(mention.context_snippet or "")


def _json_bytes(text: str) -> int:
    # JSON may escape a control character or quote to up to six bytes; UTF-8 needs at most four
    return 2 * len(text.encode())
