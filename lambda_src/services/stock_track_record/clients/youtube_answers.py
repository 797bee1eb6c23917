"""What the answers of YouTube's API mean: values of ours, or the error that a refusal stands for."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lambda_src.errors import AppError
from lambda_src.services.stock_track_record.clients.decoded import Json, at, list_at, text_at
from lambda_src.services.stock_track_record.clients.transport import Answer
from lambda_src.services.stock_track_record.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExhausted,
)
from lambda_src.services.stock_track_record.rules.identity import is_resolved
from lambda_src.services.stock_track_record.rules.texts import clean_text

_TITLE_LIMIT: Final = 500
_THUMBNAIL_LIMIT: Final = 500
_VIDEO_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,20}")
_DURATION: Final = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,6})S)?)?",
    re.ASCII,
)
_SECONDS_OF: Final = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_BAD_KEY_REASONS: Final = frozenset({"badRequest", "keyInvalid"})
_QUOTA_REASONS: Final = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_PACE_REASONS: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})


@dataclass(frozen=True, slots=True)
class YouTubeChannel:
    """A channel as YouTube knows it. title: maybe empty. thumbnail_url: https, at most 500 characters."""

    id: str
    title: str
    thumbnail_url: str | None
    uploads_playlist_id: str


@dataclass(frozen=True, slots=True)
class PlaylistEntry:
    """A public video in a playlist."""

    youtube_video_id: str
    title: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Details:
    """What the playlist does not tell of a video. is_live: it is being streamed or only announced."""

    is_live: bool
    duration_seconds: int | None


def items_of(answer: Answer) -> list[Json]:
    """The items of a list answer; not found is an empty list. Raises what the refusal stands for."""
    if answer.status != 200:
        raise refusal(answer)
    body = answer.json()
    items = at(body, "items")
    if not isinstance(body, dict) or not isinstance(items, list | None):
        raise MalformedAnswer
    return items or []


def reasons_of(answer: Answer) -> frozenset[str]:
    """Why a call was refused, in YouTube's words: https://developers.google.com/youtube/v3/docs/errors."""
    errors = list_at(answer.json_or_none(), "error", "errors")
    return frozenset(reason for error in errors if (reason := text_at(error, "reason")) is not None)


def refusal(answer: Answer) -> AppError:
    """The error that a status other than 200 stands for."""
    reasons = reasons_of(answer)
    status = answer.status
    if status == 429 or (status == 403 and reasons & _PACE_REASONS):
        return ProviderThrottled("YouTube asks for fewer requests")
    if status == 403 and reasons & _QUOTA_REASONS:
        return QuotaExhausted("The daily quota of the YouTube API is used up; it is reset at midnight Pacific time")
    if status == 401 or (status == 400 and reasons & _BAD_KEY_REASONS):
        return KeyRejected("YouTube does not accept its API key")
    if status == 403:
        return ProviderDisabled(f"YouTube refuses access ({', '.join(sorted(reasons)) or 'no reason given'})"[:300])
    return ProviderUnavailable(f"YouTube answered with status {status}")


def channel_of(item: Json) -> YouTubeChannel:
    """A channel from an item of `channels`. Raises MalformedAnswer."""
    channel_id = text_at(item, "id")
    if channel_id is None or not is_resolved(channel_id):
        raise MalformedAnswer
    thumbnail = text_at(item, "snippet", "thumbnails", "default", "url")
    is_fit = thumbnail is not None and thumbnail.startswith("https://") and len(thumbnail) <= _THUMBNAIL_LIMIT
    uploads = text_at(item, "contentDetails", "relatedPlaylists", "uploads")
    return YouTubeChannel(
        id=channel_id,
        title=clean_text(text_at(item, "snippet", "title") or "", _TITLE_LIMIT),
        thumbnail_url=thumbnail if is_fit else None,
        uploads_playlist_id=uploads or f"UU{channel_id.removeprefix('UC')}",  # as YouTube derives it
    )


def entry_of(item: Json) -> PlaylistEntry | None:
    """A video from an item of `playlistItems`, None for a private or deleted one. Raises MalformedAnswer."""
    published = text_at(item, "contentDetails", "videoPublishedAt")
    if published is None:
        return None
    video_id = text_at(item, "contentDetails", "videoId") or text_at(item, "snippet", "resourceId", "videoId") or ""
    if _VIDEO_ID.fullmatch(video_id) is None:
        raise MalformedAnswer
    title = clean_text(text_at(item, "snippet", "title") or "", _TITLE_LIMIT)
    return PlaylistEntry(video_id, title or video_id, _moment(published))


def details_of(item: Json) -> Details:
    """Details from an item of `videos`."""
    broadcast = text_at(item, "snippet", "liveBroadcastContent")
    duration = text_at(item, "contentDetails", "duration")
    return Details(
        is_live=broadcast in ("live", "upcoming"),
        duration_seconds=None if duration is None else _duration_seconds(duration),
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise MalformedAnswer from exc


def _duration_seconds(text: str) -> int | None:
    """`PT14M3S` is 843; `P0D`, which running streams have, and anything unreadable is None."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    return sum(int(match[unit] or 0) * seconds for unit, seconds in _SECONDS_OF.items()) or None
