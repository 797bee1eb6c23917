"""YouTube Data API v3: channels and their uploads. https://developers.google.com/youtube/v3/docs

A project has 10,000 quota units a day. Every call here costs 1, but `search.list` 100: 500 videos of a channel cost
1 + 10 + 10 = 21 units by way of its uploads playlist, and 1,101 by searching, which also ends at 500 results.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from operator import attrgetter
from typing import Final, NamedTuple

from lambda_src.errors import AppError
from lambda_src.runtime.outside import Call
from lambda_src.runtime.providers.decoded import Json, at, clean_text, list_at, text_at
from lambda_src.runtime.providers.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExhausted,
)
from lambda_src.runtime.providers.provider import Access, Answer, KeyedProvider
from lambda_src.services.stock_track_record.channels.rules import ChannelIdentity, is_resolved
from lambda_src.services.stock_track_record.models import parse_timestamp

_TIMEOUT_SECONDS: Final = 10.0
_PAGE_SIZE: Final = 50  # the most that the API gives
_MAX_PAGES: Final = 400  # a playlist holds 20,000 videos at most
_READ_BEHIND: Final = 1_000  # uploads behind a page that is too old which are looked at all the same: 20 quota units

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
class ListedVideo:
    """A video that can be analysed. title: 1-500 characters. published_at: its UTC date, `YYYY-MM-DD`."""

    youtube_video_id: str
    title: str
    published_at: str
    duration_seconds: int | None


@dataclass(frozen=True, slots=True)
class Uploads:
    """A channel's videos, newest first, each once.

    was_cut: there are more than were asked for. doubt: why others may be missing, None when all uploads were looked at.
    """

    videos: tuple[ListedVideo, ...]
    was_cut: bool
    doubt: str | None = None


class _Page(NamedTuple):
    """A page of a playlist. size: items on it, also private ones. total: items of the playlist, None if not said."""

    entries: list[PlaylistEntry]
    following: str | None
    size: int = 0
    total: int | None = None


class YouTubeClient(KeyedProvider):
    """Asks YouTube for channels and videos.

    Every method raises ProviderDisabled (key missing or refused, access refused), QuotaExhausted, ProviderThrottled
    and ProviderUnavailable; a list that fails never looks like an empty one. Calls are repeated as `Access` says.
    """

    name = "YouTube"
    key_name = "youtube_api_key"
    key_header = "X-Goog-Api-Key"

    def __init__(self, access: Access, *, base_url: str, allow_search: bool = False) -> None:
        super().__init__(access, base_url=base_url)
        self._allow_search = allow_search

    def find_channel(self, identity: ChannelIdentity) -> YouTubeChannel | None:
        """The channel of that identity, None when YouTube knows none.

        1 quota unit; 2 for a custom name that is no handle, 103 where it has to be searched for.
        """
        match identity.kind:
            case "id":
                return self.channel_by_id(identity.value)
            case "handle":
                return self._channel({"forHandle": f"@{identity.name}"})
            case "user":
                return self._channel({"forUsername": identity.name})
            case "custom":
                return (
                    self._channel({"forHandle": f"@{identity.name}"})
                    or self._channel({"forUsername": identity.name})
                    or (self._searched(identity.name) if self._allow_search else None)
                )
            case "channel_id":  # does not have the form of an id, so no channel has it
                return None

    def channel_by_id(self, channel_id: str) -> YouTubeChannel | None:
        """The channel with that `UC...` id, None when there is none. 1 quota unit."""
        return self._channel({"id": channel_id})

    def uploads_since(self, playlist_id: str, cutoff: datetime, limit: int) -> Uploads:
        """The newest `limit` public videos of an uploads playlist that were published at `cutoff` or later.

        Private, deleted, live and announced videos are left out. A playlist that does not exist has no videos.
        Costs 2 quota units per 50 videos, and 1 for each page that is too old: the first one, and those behind it if
        they are not more than 20.
        """
        entries, is_whole, doubt = self._entries(playlist_id, cutoff, limit)
        videos: list[ListedVideo] = []
        for group in batched(entries, _PAGE_SIZE, strict=False):
            if len(videos) >= limit:
                is_whole = False
                break
            videos += self._analysable(group)
        return Uploads(tuple(videos[:limit]), was_cut=not is_whole or len(videos) > limit, doubt=doubt)

    def _channel(self, selector: Mapping[str, str]) -> YouTubeChannel | None:
        items = self._items("channels", {"part": "snippet,contentDetails", **selector})
        return _channel_of(items[0]) if items else None

    def _searched(self, name: str) -> YouTubeChannel | None:
        items = self._items("search", {"part": "snippet", "type": "channel", "q": name, "maxResults": "1"})
        channel_id = text_at(items[0], "snippet", "channelId") if items else None
        return self.channel_by_id(channel_id) if channel_id is not None and is_resolved(channel_id) else None

    def _entries(
        self, playlist_id: str, cutoff: datetime, limit: int
    ) -> tuple[Sequence[PlaylistEntry], bool, str | None]:
        """Entries since the cutoff, newest first; whether these are all of them; and why they may not be.

        The playlist is nearly, but not strictly, newest first: a video may have waited long to be published. So reading
        goes on behind a page that is too old while little is left, and where the limit cuts, a page longer than it
        could.
        """
        found: dict[str, PlaylistEntry] = {}
        is_whole, doubt, seen, behind = False, None, 0, 0
        for page in self._pages(playlist_id):
            had_enough = len(found) > limit
            recent = [entry for entry in page.entries if entry.published_at >= cutoff]
            for entry in recent:
                found.setdefault(entry.youtube_video_id, entry)
            seen += page.size
            left = None if page.total is None else page.total - seen
            is_last = page.following is None
            is_too_old = bool(page.entries) and not recent
            behind += page.size if is_too_old else 0
            is_far_enough = is_too_old and (left is None or max(left, behind) > _READ_BEHIND)
            is_whole = is_last or is_far_enough
            if is_last and left is not None and left >= _PAGE_SIZE:
                doubt = f"YouTube counts {left} more than it shows"
            elif is_far_enough and not is_last:
                uncounted = left is None or left <= 0  # YouTube's count may be too small
                doubt = f"{'some' if uncounted else left} uploads that follow older ones were not looked at"
            if is_whole or had_enough:
                break
        return sorted(found.values(), key=attrgetter("published_at"), reverse=True), is_whole, doubt

    def _pages(self, playlist_id: str) -> Iterator[_Page]:
        """The pages of a playlist."""
        params = {"part": "snippet,contentDetails", "playlistId": playlist_id, "maxResults": str(_PAGE_SIZE)}
        for _ in range(_MAX_PAGES):
            call = Call("playlistItems", "/playlistItems", _TIMEOUT_SECONDS, params=params)
            page = self._ask(call, _read_page)
            yield page
            if page.following is None:
                return
            params = {**params, "pageToken": page.following}

    def _analysable(self, entries: Sequence[PlaylistEntry]) -> Iterator[ListedVideo]:
        """Entries with their details, without live ones and those that disappeared meanwhile. 1 quota unit."""
        ids = ",".join(entry.youtube_video_id for entry in entries)
        items = self._items("videos", {"part": "snippet,contentDetails", "id": ids})
        details = {text_at(item, "id"): item for item in items}
        for entry in entries:
            known = details.get(entry.youtube_video_id)
            # of a video that is being streamed, or is only announced, there is nothing to watch yet
            if known is not None and text_at(known, "snippet", "liveBroadcastContent") not in ("live", "upcoming"):
                yield ListedVideo(
                    youtube_video_id=entry.youtube_video_id,
                    title=entry.title,
                    published_at=entry.published_at.date().isoformat(),
                    duration_seconds=_duration_seconds(text_at(known, "contentDetails", "duration") or ""),
                )

    def _items(self, resource: str, params: Mapping[str, str]) -> list[Json]:
        return self._ask(Call(resource, f"/{resource}", _TIMEOUT_SECONDS, params=params), _items_of)


def _read_page(answer: Answer) -> _Page:
    if answer.status == 404 and "playlistNotFound" in _reasons_of(answer):
        return _Page([], None)
    items, body = _items_of(answer), answer.json()
    entries = [entry for item in items if (entry := _entry_of(item)) is not None]
    total = at(body, "pageInfo", "totalResults")
    return _Page(entries, text_at(body, "nextPageToken"), len(items), total if isinstance(total, int) else None)


def _items_of(answer: Answer) -> list[Json]:
    """The items of a list answer; not found is an empty list. Raises what the _refusal stands for."""
    if answer.status != 200:
        raise _refusal(answer)
    body = answer.json()
    items = at(body, "items")
    if not isinstance(body, dict) or not isinstance(items, list | None):
        raise MalformedAnswer
    return items or []


def _reasons_of(answer: Answer) -> frozenset[str]:
    """Why a call was refused, in YouTube's words: https://developers.google.com/youtube/v3/docs/errors."""
    errors = list_at(answer.json_or_none(), "error", "errors")
    return frozenset(reason for error in errors if (reason := text_at(error, "reason")) is not None)


def _refusal(answer: Answer) -> AppError:
    """The error that a status other than 200 stands for."""
    reasons = _reasons_of(answer)
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


def _channel_of(item: Json) -> YouTubeChannel:
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


def _entry_of(item: Json) -> PlaylistEntry | None:
    """A video from an item of `playlistItems`, None for a private or deleted one. Raises MalformedAnswer."""
    published = text_at(item, "contentDetails", "videoPublishedAt")
    if published is None:
        return None
    video_id = text_at(item, "contentDetails", "videoId") or text_at(item, "snippet", "resourceId", "videoId") or ""
    if _VIDEO_ID.fullmatch(video_id) is None:
        raise MalformedAnswer
    title = clean_text(text_at(item, "snippet", "title") or "", _TITLE_LIMIT)
    try:
        return PlaylistEntry(video_id, title or video_id, parse_timestamp(published))
    except (ValueError, OverflowError) as exc:
        raise MalformedAnswer from exc


def _duration_seconds(text: str) -> int | None:
    """`PT14M3S` is 843; `P0D`, which running streams have, and anything unreadable is None."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    return sum(int(match[unit] or 0) * seconds for unit, seconds in _SECONDS_OF.items()) or None
