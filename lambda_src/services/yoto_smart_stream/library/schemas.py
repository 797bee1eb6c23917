"""Bodies of lists and links of the library."""

from typing import Literal

from pydantic import BaseModel

from lambda_src.services.yoto_smart_stream.bodies import AudioBody, Timestamp

type Match = Literal["contains", "prefix"]


class AudioPageBody(BaseModel):
    items: list[AudioBody]
    count: int
    next_cursor: str | None


class SearchPageBody(AudioPageBody):
    """A page may hold fewer than there are, even none, and have a cursor: go on until it is null."""

    query: str
    match: Match


class UrlBody(BaseModel):
    url: str
    expires_at: Timestamp


class PlayLinkBody(BaseModel):
    play_url: str
