"""Routes of the library, and of the links that players follow."""

from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from lambda_src.runtime.middleware import asked_method
from lambda_src.runtime.objects import Method
from lambda_src.runtime.routing import FromRequest, Given, Router
from lambda_src.services.yoto_smart_stream.bodies import (
    AUDIO_SHAPE,
    LISTED_SHAPE,
    AudioBody,
    Cursor,
    Limit,
    Timestamp,
    page_body,
)
from lambda_src.services.yoto_smart_stream.library.service import Library, Match, Playback
from lambda_src.services.yoto_smart_stream.models import timestamp
from lambda_src.services.yoto_smart_stream.principals import Member
from lambda_src.services.yoto_smart_stream.settings import MEDIA_HEADERS, ApiSettings

DEFAULT_LIMIT: Final = 50

type SearchText = Annotated[str, Query(description="At most 255 bytes; nothing finds all files, newest first")]


def _method(request: Request, _provided: object) -> Method:
    return "HEAD" if asked_method(request.scope) == "HEAD" else "GET"


type AskedMethod = Annotated[Method, FromRequest(_method)]


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


router: Final = Router(tags=["library"])


@router.get("/api/audio", response_model=AudioPageBody)
def list_audio(
    library: Given[Library],
    caller: Member,  # noqa: ARG001 -- is asked for
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Every file, newest first."""
    page = library.page(limit=limit, cursor=cursor)
    return page_body(page, [LISTED_SHAPE(each) for each in page.items])


@router.get("/api/audio/search", response_model=SearchPageBody)
def search_audio(
    library: Given[Library],
    caller: Member,  # noqa: ARG001 -- is asked for
    q: SearchText = "",
    match: Match = "contains",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Files by a part of their name, in any case. A page may be short, or empty, before the last one."""
    page = library.search(q, match=match, limit=limit, cursor=cursor)
    return page_body(page, [LISTED_SHAPE(each) for each in page.items], query=q, match=match)


@router.get("/api/audio/{filename}", response_model=AudioBody)
def read_audio(library: Given[Library], caller: Member, filename: str) -> dict[str, Any]:  # noqa: ARG001
    """One file."""
    return AUDIO_SHAPE(library.file(filename))


@router.delete("/api/audio/{filename}", status_code=204)
def delete_audio(library: Given[Library], caller: Member, filename: str) -> None:
    """Remove a file; its audio is deleted soon after."""
    library.delete(filename, caller)


@router.get("/api/audio/{filename}/url", response_model=UrlBody)
def read_url(
    library: Given[Library],
    playback: Given[Playback],
    caller: Member,  # noqa: ARG001 -- is asked for
    filename: str,
) -> dict[str, Any]:
    """Where the audio is, for an hour. Ranges can be asked for."""
    signed = playback.signed(library.file(filename))
    return {"url": signed.url, "expires_at": timestamp(signed.expires_at)}


@router.post("/api/audio/{filename}/play-link", status_code=201, response_model=PlayLinkBody)
def make_play_link(
    library: Given[Library], settings: Given[ApiSettings], caller: Member, filename: str
) -> dict[str, Any]:
    """A link for players, in place of the one before."""
    return _play_link(settings, library.renew_link(filename, caller))


@router.get("/api/audio/{filename}/play-link", response_model=PlayLinkBody)
def read_play_link(
    library: Given[Library],
    settings: Given[ApiSettings],
    caller: Member,  # noqa: ARG001 -- is asked for
    filename: str,
) -> dict[str, Any]:
    """The link for players."""
    return _play_link(settings, library.link(filename))


@router.delete("/api/audio/{filename}/play-link", status_code=204)
def end_play_link(library: Given[Library], caller: Member, filename: str) -> None:
    """From here on the link leads nowhere."""
    library.end_link(filename, caller)


@router.get("/play/{token}", status_code=307, response_class=Response)
def play(library: Given[Library], playback: Given[Playback], method: AskedMethod, token: str) -> Response:
    """To the audio, for an hour and the method that was asked with. Nobody has to sign in."""
    signed = playback.signed(library.linked_file(token), method=method)
    # Whoever has a link may follow it from any page: it asks for no credentials, and tells nothing but where it leads.
    # Behind the redirection a page's origin is null.
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": ", ".join(MEDIA_HEADERS)}
    return Response(
        status_code=307,
        headers={"Location": signed.url, "Cache-Control": "no-store", "Vary": "Origin", **headers},
    )


def _play_link(settings: ApiSettings, token: str) -> dict[str, Any]:
    return {"play_url": f"{settings.public_url}/play/{token}"}
