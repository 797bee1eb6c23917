"""The frozen facts that the stand-ins tell: channels with their videos, and listed shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

type Service = Literal["youtube", "gemini", "finnhub", "yahoo", "alpha_vantage"]
type Sentiment = Literal["buy", "hold", "sell", "mentioned"]
type Broadcast = Literal["none", "live", "upcoming"]

# The codes Yahoo uses for the three tiers of NASDAQ, for NYSE and for NYSE American.
US_EXCHANGE_CODES = frozenset({"NMS", "NGM", "NCM", "NYQ", "ASE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video of a channel. published_at is None for a private or deleted one, which YouTube still lists."""

    id: str
    title: str
    published_at: datetime | None
    duration_seconds: int = 720
    broadcast: Broadcast = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel and the names it answers to.

    id: `UC` and 22 characters. handle: with its `@`. old_handles: still resolve to this channel. usernames: legacy
    `/user/` names. videos: in the order of the uploads playlist; a channel without videos has no playlist.
    """

    id: str
    title: str
    handle: str
    old_handles: tuple[str, ...] = ()
    usernames: tuple[str, ...] = ()
    videos: tuple[Video, ...] = ()
    thumbnail_url: str = "https://yt3.ggpht.com/sample=s88-c-k-c0x00ffffff-no-rj"

    @property
    def uploads_playlist_id(self) -> str:
        return "UU" + self.id[2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A listed security. Its daily prices are a walk around `typical_price`, the same on every machine.

    ticker: `BRK.B` for a share class. listed_on: it has prices from that day on. delisted_on: from then on no service
    knows it, nor what it cost before.
    closes: fixed closes that replace the walk on their days; None is a day without a close. has_gaps: about one
    day in 25 has no close. splits: by their day, how many shares became of one, less than 1 for a reverse split; from
    that day on every price of before is told divided by it.
    """

    ticker: str
    name: str
    exchange_code: str = "NMS"
    instrument_type: str = "EQUITY"
    currency: str = "USD"
    timezone: str = "America/New_York"
    typical_price: float = 100.0
    listed_on: date | None = None
    delisted_on: date | None = None
    closes: Mapping[date, float | None] = field(default_factory=dict[date, float | None])
    has_gaps: bool = False
    splits: Mapping[date, float] = field(default_factory=dict[date, float])

    @property
    def yahoo_symbol(self) -> str:
        """Yahoo and Alpha Vantage write a US share class with a dash; foreign suffixes keep their dot."""
        return self.ticker.replace(".", "-") if self.exchange_code in US_EXCHANGE_CODES else self.ticker


@dataclass(frozen=True, slots=True)
class Pick:
    """One stock in an answer of the video model; the ticker is sent as written, valid or not."""

    ticker: str
    sentiment: Sentiment = "mentioned"
    context: str = ""
    confidence: float | None = 0.8
