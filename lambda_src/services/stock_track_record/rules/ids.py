"""Ids that follow from what they name, so that writing something twice writes the same item."""

from uuid import NAMESPACE_URL, uuid5


def video_id(channel_id: str, youtube_video_id: str) -> str:
    """The id of a YouTube video in one channel: a UUIDv5, lower case."""
    return _derived(channel_id, youtube_video_id)


def mention_id(video_id: str, ticker: str) -> str:
    """The id of the one mention of a canonical ticker in a video: a UUIDv5, lower case."""
    return _derived(video_id, ticker)


def _derived(parent_id: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"stock-track-record/{parent_id}/{name}"))
