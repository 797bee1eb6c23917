"""Models of Stock Track Record: plain frozen values, and what a valid ticker is. `tables.py` says how they are stored.

Times are 24-character UTC text (`2025-01-15T08:30:00.123Z`), dates `YYYY-MM-DD`; both sort as text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, NewType
from uuid import NAMESPACE_URL, uuid5

from lambda_src.runtime.clock import utc_text

ChannelId = NewType("ChannelId", str)
VideoId = NewType("VideoId", str)
RunId = NewType("RunId", str)

ChannelStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]
AnalysisStatus = Literal["pending", "completed", "failed"]
TranscriptStatus = Literal["pending", "fetched", "failed"]
Listing = Literal["verified", "unverified", "rejected"]
LogLevel = Literal["info", "warning", "error"]
Exchange = Literal["NYSE", "NASDAQ"]
Sentiment = Literal["buy", "hold", "sell", "mentioned"]

LAYOUT: Final = 2  # written on every channel; items of the legacy application carry none


def timestamp(moment: datetime) -> str:
    """A time as it is stored and answered, floored to the millisecond. Raises ValueError for one without a zone."""
    return utc_text(moment, "milliseconds")


def parse_timestamp(text: str) -> datetime:
    """A stored time as an aware time in UTC; one without a zone is taken as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def video_id(channel_id: str, youtube_video_id: str) -> str:
    """The id of a YouTube video in one channel: a UUIDv5, lower case."""
    return _derived(channel_id, youtube_video_id)


def mention_id(video_id: str, ticker: str) -> str:
    """The id of the one mention of a canonical ticker in a video: a UUIDv5, lower case."""
    return _derived(video_id, ticker)


def _derived(parent_id: str, name: str) -> str:
    """An id that follows from what it names, so that writing something twice writes the same item."""
    return str(uuid5(NAMESPACE_URL, f"stock-track-record/{parent_id}/{name}"))


# ---- tickers: the same rules serve extraction, paths, price jobs and migration ---------------------------------------

DEFAULT_EXCLUDED: Final[frozenset[str]] = frozenset(
    (  # noqa: SIM905 -- 31 lines as a list
        "SPY VOO IVV VTI VT QQQ QQQM DIA IWM ARKK SCHD VYM VUG VGT XLK XLF XLE XLV SMH SOXL TQQQ SQQQ JEPI GLD SLV "
        "TLT IBIT BTC ETH XRP DOGE"
    ).split()
)
"""Funds and coins that videos often name beside shares."""

_EXCHANGE_PREFIXES: Final = ("NYSE:", "NASDAQ:", "NYSEAMERICAN:")
_CLASS_LETTER: Final = re.compile(r"([A-Z]+)[-/ ]([A-Z])")
_VALID: Final = re.compile(r"[A-Z]{1,5}|[A-Z]{1,4}\.[A-Z]")

# str.upper() would turn letters of other scripts into ASCII ones, and "ß" into the valid ticker "SS".
_ASCII_UPPER: Final = {ord(small): ord(small) - 32 for small in "abcdefghijklmnopqrstuvwxyz"}


def normalise_ticker(text: str) -> str:
    """The canonical spelling of a ticker as somebody wrote it: `brk-b`, `$BRK/B` and `NYSE:BRK.B` are `BRK.B`.

    Text that is no ticker comes back trimmed, its ASCII letters in upper case; `is_valid_ticker` tells.
    """
    ticker = text.strip().translate(_ASCII_UPPER).removeprefix("$").lstrip()
    for prefix in _EXCHANGE_PREFIXES:
        if ticker.startswith(prefix):
            ticker = ticker.removeprefix(prefix).lstrip()
            break
    with_class = _CLASS_LETTER.fullmatch(ticker)
    return f"{with_class[1]}.{with_class[2]}" if with_class else ticker


def excluded_in(text: str) -> frozenset[str]:
    """The tickers of a list, with blanks or commas between them."""
    return frozenset(text.replace(",", " ").upper().split())


def is_valid_ticker(ticker: str, excluded: frozenset[str] = DEFAULT_EXCLUDED) -> bool:
    """Whether a normalised ticker has the shape of a US share's and is not excluded."""
    return _VALID.fullmatch(ticker) is not None and ticker not in excluded


def valid_ticker(text: str, excluded: frozenset[str] = DEFAULT_EXCLUDED) -> str | None:
    """The canonical ticker that the text stands for, None when it stands for none that we keep."""
    ticker = normalise_ticker(text)
    return ticker if is_valid_ticker(ticker, excluded) else None


def yahoo_symbol(ticker: str) -> str:
    """How Yahoo and Alpha Vantage spell a canonical ticker: `BRK.B` is `BRK-B` there."""
    return ticker.replace(".", "-")


# ---- what is stored --------------------------------------------------------------------------------------------------


FAILURE_LIMIT: Final = 350  # characters of a reason that the channel's item keeps; the log has all of it


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel and its current or latest run. failure: why that failed, for people."""

    id: ChannelId
    youtube_channel_id: str
    name: str
    url: str
    status: ChannelStatus
    time_range_months: int
    created_at: str
    updated_at: str
    run_id: RunId = RunId("")
    thumbnail_url: str | None = None
    video_count: int = 0
    processed_video_count: int = 0
    failed_video_count: int = 0
    listed: bool = False
    uploads_playlist_id: str | None = None
    claims: frozenset[str] = frozenset()
    layout: int | None = None
    deleting: bool = False
    duplicate_of: ChannelId | None = None
    failure: str | None = None

    @property
    def is_active(self) -> bool:
        """A run of this channel is waiting or under way."""
        return self.status in ("pending", "processing") and not self.deleting

    def is_in_run(self, run_id: str) -> bool:
        """Work of this run still counts."""
        return self.status == "processing" and self.run_id == run_id and not self.deleting

    @property
    def is_finished_listing(self) -> bool:
        """Every listed video of the run has been counted."""
        return self.listed and self.processed_video_count >= self.video_count


@dataclass(frozen=True, slots=True)
class UniqueClaim:
    """The channel that owns a YouTube identity."""

    identity: str
    channel_id: ChannelId
    created_at: str


@dataclass(frozen=True, slots=True)
class ChannelIndex:
    """Every ticker a channel ever mentioned; the locks beside them are only ever asked by conditions."""

    channel_id: ChannelId
    tickers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Counter:
    """How many channels are listed."""

    value: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a channel's processing log. id: a UUID, whose first 8 digits are those of its key."""

    log_id: int
    channel_id: ChannelId
    log_level: LogLevel
    message: str
    created_at: str
    id: str = ""
    expires_at: int | None = None  # epoch seconds

    @property
    def suffix(self) -> str:
        return self.id[:8]


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that is pending or processing, as the sweep sees it."""

    channel_id: ChannelId
    run_id: RunId
    requested_at: str
    touched_at: str | None = None
    resent_at: str | None = None
    resends: int = 0
    lease_by: str | None = None


@dataclass(frozen=True, slots=True)
class PendingPurge:
    """A deleted channel whose items are still being removed."""

    channel_id: ChannelId
    not_before: str
    pass_number: int = 1
    resent_at: str | None = None


@dataclass(frozen=True, slots=True)
class RateSlot:
    """The earliest next call to a provider, in epoch milliseconds."""

    provider: str
    next_at: int


@dataclass(frozen=True, slots=True)
class Video:
    id: VideoId
    channel_id: ChannelId
    youtube_video_id: str
    title: str
    published_at: str
    created_at: str
    transcript_status: TranscriptStatus = "pending"
    analysis_status: AnalysisStatus = "pending"
    run_id: RunId = RunId("")
    attempts: int = 0
    throttles: int = 0
    lease_until: int | None = None  # epoch milliseconds
    lease_by: str | None = None
    extraction: tuple[Mapping[str, Any], ...] | None = None
    duration_seconds: int | None = None
    failure_reason: str | None = None

    @property
    def url(self) -> str:
        return f"https://www.youtube.com/watch?v={self.youtube_video_id}"


@dataclass(frozen=True, slots=True)
class VideoClaim:
    """The channel has this YouTube video."""

    channel_id: ChannelId
    youtube_video_id: str
    video_id: VideoId
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMention:
    """One ticker in one video: the home of a mention, which is all that the legacy application stored."""

    id: str
    video_id: VideoId
    ticker: str
    sentiment: Sentiment = "mentioned"
    published_at: str = ""
    created_at: str = ""
    price_at_mention: Decimal | None = None
    confidence_score: Decimal | None = None
    context_snippet: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention(StockMention):
    """The same with the video's facts: the channel's copy of it."""

    channel_id: ChannelId
    youtube_video_id: str
    video_title: str
    video_created_at: str
    price_date: str | None = None
    price_attempts: int = 0
    price_checked_at: str | None = None
    price_status: str | None = None

    @property
    def video_url(self) -> str:
        return f"https://www.youtube.com/watch?v={self.youtube_video_id}"

    @classmethod
    def of_video(cls, video: Video, home: StockMention) -> "Mention":
        """The copy that belongs to a home item, from the home and its video."""
        said: dict[str, Any] = {field.name: getattr(home, field.name) for field in fields(StockMention)}
        said |= {"published_at": video.published_at, "created_at": home.created_at or video.created_at}
        return cls(
            **said,
            channel_id=video.channel_id,
            youtube_video_id=video.youtube_video_id,
            video_title=video.title,
            video_created_at=video.created_at,
        )


@dataclass(frozen=True, slots=True)
class Stock:
    ticker: str
    name: str | None = None
    exchange: Exchange = "NYSE"
    last_price: Decimal | None = None
    price_updated_at: str | None = None
    price_checked_at: str | None = None  # when the providers last had no price
    listing: Listing = "unverified"
    rejected_reason: str | None = None
    expires_at: int | None = None  # epoch seconds; only on rejected rows
