"""The resources of YouTube's answers, each cut to the parts that were asked for."""

from collections.abc import Mapping
from datetime import datetime

from cdk_app.services.stand_ins.answers import Json
from cdk_app.services.stock_track_record.stand_ins.models import Channel, Video

FOUNDED_AT = "2019-03-02T09:00:00Z"


def channel_item(channel: Channel, parts: frozenset[str]) -> Json:
    return _with_parts(
        {"kind": "youtube#channel", "etag": "sample", "id": channel.id},
        parts,
        {
            "snippet": {
                "title": channel.title,
                "description": "",
                "customUrl": channel.handle.lower(),
                "publishedAt": FOUNDED_AT,
                "thumbnails": {"default": {"url": channel.thumbnail_url, "width": 88, "height": 88}},
            },
            "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": channel.uploads_playlist_id}},
        },
    )


def playlist_item(channel: Channel, position: int, parts: frozenset[str]) -> Json:
    """A private or deleted video keeps its place, without its title and without videoPublishedAt."""
    video = channel.videos[position]
    hidden = video.published_at is None
    details: dict[str, Json] = {"videoId": video.id}
    if video.published_at is not None:
        details["videoPublishedAt"] = _utc(video.published_at)
    return _with_parts(
        {"kind": "youtube#playlistItem", "etag": "sample", "id": f"{channel.uploads_playlist_id}.{video.id}"},
        parts,
        {
            "snippet": {
                "publishedAt": FOUNDED_AT if video.published_at is None else _utc(video.published_at),
                "channelId": channel.id,
                "title": video.title,
                "description": "This video is unavailable." if hidden else "",
                "thumbnails": {},
                "channelTitle": channel.title,
                "playlistId": channel.uploads_playlist_id,
                "position": position,
                "resourceId": {"kind": "youtube#video", "videoId": video.id},
            },
            "contentDetails": details,
            "status": {"privacyStatus": "privacyStatusUnspecified" if hidden else "public"},
        },
    )


def video_item(video: Video, parts: frozenset[str]) -> Json:
    """A public video; one that is live or upcoming has no length yet, which YouTube writes `P0D`."""
    duration = _duration(video.duration_seconds) if video.broadcast == "none" else "P0D"
    return _with_parts(
        {"kind": "youtube#video", "etag": "sample", "id": video.id},
        parts,
        {
            "snippet": {
                "publishedAt": "" if video.published_at is None else _utc(video.published_at),
                "title": video.title,
                "liveBroadcastContent": video.broadcast,
            },
            "contentDetails": {"duration": duration, "dimension": "2d", "definition": "hd", "caption": "false"},
        },
    )


def search_item(channel: Channel, parts: frozenset[str]) -> Json:
    return _with_parts(
        {
            "kind": "youtube#searchResult",
            "etag": "sample",
            "id": {"kind": "youtube#channel", "channelId": channel.id},
        },
        parts,
        {"snippet": {"channelId": channel.id, "title": channel.title, "channelTitle": channel.title}},
    )


def _with_parts(base: Mapping[str, Json], parts: frozenset[str], known: Mapping[str, Json]) -> Json:
    return {**base, **{name: value for name, value in known.items() if name in parts}}


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _duration(seconds: int) -> str:
    """ISO 8601 as YouTube writes it: `PT1H3S`, parts that are zero left out."""
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = "".join(f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if value)
    return f"PT{parts or '0S'}"
