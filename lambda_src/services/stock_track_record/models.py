"""Models of Stock Track Record: plain frozen values. `from_item` reads a stored item, `to_item` writes one.

Times are 24-character UTC text (`2025-01-15T08:30:00.123Z`), dates `YYYY-MM-DD`; both sort as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal, NewType

from lambda_src.services.stock_track_record.rules.extraction import Sentiment

ChannelId = NewType("ChannelId", str)
VideoId = NewType("VideoId", str)
RunId = NewType("RunId", str)

ChannelStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]
AnalysisStatus = Literal["pending", "completed", "failed"]
TranscriptStatus = Literal["pending", "fetched", "failed"]
Listing = Literal["verified", "unverified", "rejected"]
LogLevel = Literal["info", "warning", "error"]
Exchange = Literal["NYSE", "NASDAQ"]

LAYOUT: Final = 2  # written on every channel; items of the reference carry none

Item = Mapping[str, Any]  # a stored item, as the table layer reads it


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel and its current or latest run."""

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

    @classmethod
    def from_item(cls, item: Item) -> "Channel":
        created_at = item.get("created_at", "1970-01-01T00:00:00.000Z")
        return cls(
            id=item["id"],
            youtube_channel_id=item["youtube_channel_id"],
            name=item["name"],
            url=item["url"],
            status=item.get("status", "pending"),
            time_range_months=item.get("time_range_months", 12),
            created_at=created_at,
            updated_at=item.get("updated_at", created_at),
            run_id=item.get("run_id", RunId("")),
            thumbnail_url=item.get("thumbnail_url"),
            video_count=item.get("video_count", 0),
            processed_video_count=item.get("processed_video_count", 0),
            failed_video_count=item.get("failed_video_count", 0),
            listed=item.get("listed", False),
            uploads_playlist_id=item.get("uploads_playlist_id"),
            claims=frozenset(item.get("claims", ())),
            layout=item.get("layout"),
            deleting=item.get("deleting", False),
            duplicate_of=item.get("duplicate_of"),
        )

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
class Video:
    """One video of a channel."""

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
    extraction: tuple[Item, ...] | None = None
    duration_seconds: int | None = None
    failure_reason: str | None = None

    @property
    def url(self) -> str:
        return f"https://www.youtube.com/watch?v={self.youtube_video_id}"

    @classmethod
    def from_item(cls, item: Item) -> "Video":
        extraction = item.get("extraction")
        return cls(
            id=item["id"],
            channel_id=item["channel_id"],
            youtube_video_id=item["youtube_video_id"],
            title=item.get("title") or item["youtube_video_id"],
            published_at=item["published_at"][:10],
            created_at=item.get("created_at", "1970-01-01T00:00:00.000Z"),
            transcript_status=item.get("transcript_status", "pending"),
            analysis_status=item.get("analysis_status", "pending"),
            run_id=item.get("run_id", RunId("")),
            attempts=item.get("attempts", 0),
            throttles=item.get("throttles", 0),
            lease_until=item.get("lease_until"),
            lease_by=item.get("lease_by"),
            extraction=None if extraction is None else tuple(extraction),
            duration_seconds=item.get("duration_seconds"),
            failure_reason=item.get("failure_reason"),
        )


@dataclass(frozen=True, slots=True)
class Mention:
    """One ticker in one video, with the video's facts: the channel's copy of it."""

    id: str
    channel_id: ChannelId
    video_id: VideoId
    ticker: str
    sentiment: Sentiment
    published_at: str
    created_at: str
    youtube_video_id: str
    video_title: str
    video_created_at: str
    price_at_mention: Decimal | None = None
    confidence_score: Decimal | None = None
    context_snippet: str | None = None
    price_date: str | None = None
    price_attempts: int = 0
    price_checked_at: str | None = None
    price_status: str | None = None

    @property
    def video_url(self) -> str:
        return f"https://www.youtube.com/watch?v={self.youtube_video_id}"

    @classmethod
    def from_item(cls, item: Item) -> "Mention":
        return cls(
            id=item["id"],
            channel_id=item["channel_id"],
            video_id=item["video_id"],
            ticker=item["ticker"],
            sentiment=item.get("sentiment", "mentioned"),
            published_at=item["published_at"][:10],
            created_at=item.get("created_at", "1970-01-01T00:00:00.000Z"),
            youtube_video_id=item["youtube_video_id"],
            video_title=item["video_title"],
            video_created_at=item.get("video_created_at", "1970-01-01T00:00:00.000Z"),
            price_at_mention=_decimal(item.get("price_at_mention")),
            confidence_score=_decimal(item.get("confidence_score")),
            context_snippet=item.get("context_snippet"),
            price_date=item.get("price_date"),
            price_attempts=item.get("price_attempts", 0),
            price_checked_at=item.get("price_checked_at"),
            price_status=item.get("price_status"),
        )

    @classmethod
    def of_video(cls, video: Video, home: Item) -> "Mention":
        """The copy that belongs to a home item, from the home and its video."""
        return cls(
            id=home["id"],
            channel_id=video.channel_id,
            video_id=video.id,
            ticker=home["ticker"],
            sentiment=home.get("sentiment", "mentioned"),
            published_at=video.published_at,
            created_at=home.get("created_at", video.created_at),
            youtube_video_id=video.youtube_video_id,
            video_title=video.title,
            video_created_at=video.created_at,
            price_at_mention=_decimal(home.get("price_at_mention")),
            confidence_score=_decimal(home.get("confidence_score")),
            context_snippet=home.get("context_snippet"),
        )

    def home_attributes(self) -> dict[str, object]:
        """What the home item stores, beside its keys."""
        return {
            "entity_type": "StockMention",
            "id": self.id,
            "video_id": self.video_id,
            "ticker": self.ticker,
            "sentiment": self.sentiment,
            "price_at_mention": self.price_at_mention,
            "confidence_score": self.confidence_score,
            "context_snippet": self.context_snippet,
            "created_at": self.created_at,
            "published_at": self.published_at,
        }

    def copy_attributes(self) -> dict[str, object]:
        """What the channel's copy stores, beside its keys."""
        return self.home_attributes() | {
            "entity_type": "ChannelMention",
            "channel_id": self.channel_id,
            "youtube_video_id": self.youtube_video_id,
            "video_title": self.video_title,
            "video_url": self.video_url,
            "video_created_at": self.video_created_at,
            "price_attempts": self.price_attempts,
        }


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a channel's processing log."""

    log_id: int
    channel_id: ChannelId
    log_level: LogLevel
    message: str
    created_at: str

    @classmethod
    def from_item(cls, item: Item) -> "LogLine":
        return cls(
            log_id=item["log_id"],
            channel_id=item["channel_id"],
            log_level=item.get("log_level", "info"),
            message=item["message"],
            created_at=item["created_at"],
        )


@dataclass(frozen=True, slots=True)
class Stock:
    """A share."""

    ticker: str
    name: str | None = None
    exchange: Exchange = "NYSE"
    last_price: Decimal | None = None
    price_updated_at: str | None = None
    price_checked_at: str | None = None  # when the providers last had no price
    listing: Listing = "unverified"
    rejected_reason: str | None = None
    expires_at: int | None = None  # epoch seconds; only on rejected rows

    @classmethod
    def from_item(cls, item: Item) -> "Stock":
        return cls(
            ticker=item["ticker"],
            name=item.get("name"),
            exchange=item.get("exchange", "NYSE"),
            last_price=_decimal(item.get("last_price")),
            price_updated_at=item.get("price_updated_at"),
            price_checked_at=item.get("price_checked_at"),
            listing=item.get("listing", "unverified"),
            rejected_reason=item.get("rejected_reason"),
            expires_at=item.get("expires_at"),
        )

    def to_item(self) -> dict[str, object]:
        return {
            "entity_type": "Stock",
            "ticker": self.ticker,
            "name": self.name,
            "exchange": self.exchange,
            "last_price": self.last_price,
            "price_updated_at": self.price_updated_at,
            "price_checked_at": self.price_checked_at,
            "listing": self.listing,
            "rejected_reason": self.rejected_reason,
            "expires_at": self.expires_at,
        }


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

    @classmethod
    def from_item(cls, item: Item) -> "ActiveRun":
        return cls(
            channel_id=item["channel_id"],
            run_id=item["run_id"],
            requested_at=item["requested_at"],
            touched_at=item.get("touched_at"),
            resent_at=item.get("resent_at"),
            resends=item.get("resends", 0),
            lease_by=item.get("lease_by"),
        )


@dataclass(frozen=True, slots=True)
class PendingPurge:
    """A deleted channel whose items are still being removed."""

    channel_id: ChannelId
    not_before: str
    pass_number: int = 1
    resent_at: str | None = None

    @classmethod
    def from_item(cls, item: Item) -> "PendingPurge":
        return cls(
            channel_id=item["channel_id"],
            not_before=item["not_before"],
            pass_number=item.get("pass", 1),
            resent_at=item.get("resent_at"),
        )


@dataclass(frozen=True, slots=True)
class VideoOutcome:
    """How the analysis of a video ended."""

    analysis_status: AnalysisStatus
    transcript_status: TranscriptStatus
    mentions: tuple[Mention, ...] = field(default=())
    failure_reason: str | None = None


def _decimal(value: int | Decimal | None) -> Decimal | None:
    # the table layer reads whole numbers as int
    return None if value is None else Decimal(value)
