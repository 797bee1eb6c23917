"""YouTube Data API v3: channels and their uploads. https://developers.google.com/youtube/v3/docs

A project has 10,000 quota units a day. Every call here costs 1, but `search.list` 100: 500 videos of a channel cost
1 + 10 + 10 = 21 units by way of its uploads playlist, and 1,101 by searching, which also ends at 500 results.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from operator import attrgetter
from typing import Final

from lambda_src.runtime.outside import Call
from lambda_src.services.stock_track_record.clients.decoded import Json, text_at
from lambda_src.services.stock_track_record.clients.transport import Answer, ApiKeys, Http, KeyedProvider
from lambda_src.services.stock_track_record.clients.youtube_answers import (
    Details,
    PlaylistEntry,
    YouTubeChannel,
    channel_of,
    details_of,
    entry_of,
    items_of,
    reasons_of,
)
from lambda_src.services.stock_track_record.rules.identity import ChannelIdentity, is_resolved

__all__ = ["ListedVideo", "Uploads", "YouTubeChannel", "YouTubeClient"]

_TIMEOUT_SECONDS: Final = 10.0
_PAGE_SIZE: Final = 50  # the most that the API gives
_MAX_PAGES: Final = 400  # a playlist holds 20,000 videos at most


@dataclass(frozen=True, slots=True)
class ListedVideo:
    """A video that can be analysed. title: 1-500 characters. published_at: its UTC date, `YYYY-MM-DD`."""

    youtube_video_id: str
    title: str
    published_at: str
    duration_seconds: int | None


@dataclass(frozen=True, slots=True)
class Uploads:
    """A channel's videos, newest first, each once. was_cut: there are more than were asked for."""

    videos: tuple[ListedVideo, ...]
    was_cut: bool


class YouTubeClient(KeyedProvider):
    """Asks YouTube for channels and videos.

    Every method raises ProviderDisabled (key missing or refused, access refused), QuotaExhausted, ProviderThrottled
    and ProviderUnavailable; a list that fails never looks like an empty one. Calls are repeated as Http says.
    """

    name = "YouTube"
    key_name = "youtube_api_key"
    key_header = "X-Goog-Api-Key"

    def __init__(self, http: Http, *, base_url: str, keys: ApiKeys, allow_search: bool = False) -> None:
        super().__init__(http, base_url=base_url, keys=keys)
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
        Costs 2 quota units per 50 videos, and 1 for a page that is too old.
        """
        entries, is_whole = self._entries(playlist_id, cutoff, limit)
        videos: list[ListedVideo] = []
        for group in batched(entries, _PAGE_SIZE, strict=False):
            if len(videos) >= limit:
                is_whole = False
                break
            videos += self._analysable(group)
        return Uploads(tuple(videos[:limit]), was_cut=not is_whole or len(videos) > limit)

    # ---- channels --------------------------------------------------------------------------------------------------

    def _channel(self, selector: Mapping[str, str]) -> YouTubeChannel | None:
        items = self._items("channels", {"part": "snippet,contentDetails", **selector})
        return channel_of(items[0]) if items else None

    def _searched(self, name: str) -> YouTubeChannel | None:
        items = self._items("search", {"part": "snippet", "type": "channel", "q": name, "maxResults": "1"})
        channel_id = text_at(items[0], "snippet", "channelId") if items else None
        return self.channel_by_id(channel_id) if channel_id is not None and is_resolved(channel_id) else None

    # ---- videos ----------------------------------------------------------------------------------------------------

    def _entries(self, playlist_id: str, cutoff: datetime, limit: int) -> tuple[Sequence[PlaylistEntry], bool]:
        """Entries since the cutoff, newest first, and whether these are all of them.

        The playlist is nearly, but not strictly, newest first. So reading ends after a whole page that is too old,
        and where the limit cuts, a page later than it could.
        """
        found: dict[str, PlaylistEntry] = {}
        is_whole = False
        for page, is_last in self._pages(playlist_id):
            had_enough = len(found) > limit
            recent = [entry for entry in page if entry.published_at >= cutoff]
            for entry in recent:
                found.setdefault(entry.youtube_video_id, entry)
            is_too_old = bool(page) and not recent
            is_whole = is_last or is_too_old
            if is_whole or had_enough:
                break
        return sorted(found.values(), key=attrgetter("published_at"), reverse=True), is_whole

    def _pages(self, playlist_id: str) -> Iterator[tuple[list[PlaylistEntry], bool]]:
        """The pages of a playlist, each with whether it is the last one."""
        token = ""
        for _ in range(_MAX_PAGES):
            entries, following = self._page(playlist_id, token)
            yield entries, following is None
            if following is None:
                return
            token = following

    def _page(self, playlist_id: str, token: str) -> tuple[list[PlaylistEntry], str | None]:
        params = {"part": "snippet,contentDetails", "playlistId": playlist_id, "maxResults": str(_PAGE_SIZE)}
        if token:
            params["pageToken"] = token
        return self._ask(Call("playlistItems", "/playlistItems", _TIMEOUT_SECONDS, params=params), _read_page)

    def _analysable(self, entries: Sequence[PlaylistEntry]) -> Iterator[ListedVideo]:
        """Entries with their details, without live ones and those that disappeared meanwhile. 1 quota unit."""
        ids = ",".join(entry.youtube_video_id for entry in entries)
        items = self._items("videos", {"part": "snippet,contentDetails", "id": ids})
        details: dict[str | None, Details] = {text_at(item, "id"): details_of(item) for item in items}
        for entry in entries:
            known = details.get(entry.youtube_video_id)
            if known is not None and not known.is_live:
                yield ListedVideo(
                    youtube_video_id=entry.youtube_video_id,
                    title=entry.title,
                    published_at=entry.published_at.date().isoformat(),
                    duration_seconds=known.duration_seconds,
                )

    def _items(self, resource: str, params: Mapping[str, str]) -> list[Json]:
        return self._ask(Call(resource, f"/{resource}", _TIMEOUT_SECONDS, params=params), items_of)


def _read_page(answer: Answer) -> tuple[list[PlaylistEntry], str | None]:
    if answer.status == 404 and "playlistNotFound" in reasons_of(answer):
        return [], None
    entries = [entry for item in items_of(answer) if (entry := entry_of(item)) is not None]
    return entries, text_at(answer.json(), "nextPageToken")
