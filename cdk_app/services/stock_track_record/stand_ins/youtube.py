"""YouTube Data API v3: https://developers.google.com/youtube/v3/docs, the four lists a reader of channels needs."""

from collections.abc import Mapping, Sequence

from starlette.applications import Starlette

from cdk_app.services.stand_ins.answers import Answer, Json, json_answer
from cdk_app.services.stock_track_record.stand_ins.wire import Inbound, Rules, service_route
from cdk_app.services.stock_track_record.stand_ins.world import World
from cdk_app.services.stock_track_record.stand_ins.youtube_items import (
    channel_item,
    playlist_item,
    search_item,
    video_item,
)
from cdk_app.services.stock_track_record.stand_ins.youtube_requests import (
    DEFAULT_PAGE_SIZE,
    RefusedError,
    check_key,
    check_parts,
    ids_of,
    no_filter,
    offset_of,
    page_size_of,
    page_token,
    parts_of,
    refused,
)


def youtube_app(world: World) -> Starlette:
    """`/channels`, `/playlistItems`, `/videos` and `/search`, to be mounted at `.../youtube/v3`."""
    lists: Mapping[str, tuple[Rules, frozenset[str]]] = {
        "/channels": (_channels, frozenset({"id", "snippet", "contentDetails"})),
        "/playlistItems": (_playlist_items, frozenset({"id", "snippet", "contentDetails", "status"})),
        "/videos": (_videos, frozenset({"id", "snippet", "contentDetails"})),
        "/search": (_search, frozenset({"id", "snippet"})),
    }
    return Starlette(
        routes=[
            service_route(world, "youtube", path, _checked(rules, parts), subject_of=_subject)
            for path, (rules, parts) in lists.items()
        ]
    )


def _subject(inbound: Inbound) -> str:
    names = ("forHandle", "forUsername", "id", "playlistId", "q")
    return next((inbound.params[name] for name in names if name in inbound.params), "")


def _checked(rules: Rules, parts: frozenset[str]) -> Rules:
    """The rules of one list behind the checks that all lists share."""

    def checked(world: World, inbound: Inbound) -> Answer:
        try:
            check_key(inbound)
            check_parts(inbound, parts)
            return rules(world, inbound)
        except RefusedError as error:
            return error.answer

    return checked


def _channels(world: World, inbound: Inbound) -> Answer:
    given = [name for name in ("id", "forHandle", "forUsername") if inbound.params.get(name)]
    if not given:
        raise no_filter("id, forHandle, forUsername")
    if len(given) > 1:
        message = f"Incompatible parameters specified in the request: {', '.join(given)}"
        raise refused(400, message, reason="incompatibleParameters", domain="youtube.parameter")
    if given == ["id"]:
        ids = ids_of(inbound)
        found = [channel for channel in world.channels if channel.id in ids]
    else:
        params = inbound.params
        named = world.channel_named(handle=params.get("forHandle"), username=params.get("forUsername"))
        found = [] if named is None else [named]
    return _list("channel", [channel_item(channel, parts_of(inbound)) for channel in found])


def _playlist_items(world: World, inbound: Inbound) -> Answer:
    playlist_id = inbound.params.get("playlistId", "")
    if not playlist_id:
        raise no_filter("id, playlistId")
    channel = next((each for each in world.channels if each.uploads_playlist_id == playlist_id and each.videos), None)
    if channel is None:
        message = "The playlist identified with the request's <code>playlistId</code> parameter cannot be found."
        raise refused(404, message, reason="playlistNotFound", domain="youtube.playlistItem", location="playlistId")
    size, total = page_size_of(inbound), len(channel.videos)
    start = offset_of(inbound.params.get("pageToken", ""), below=total)
    tokens: dict[str, Json] = {}
    if start:
        tokens["prevPageToken"] = page_token(max(0, start - size))
    if start + size < total:
        tokens["nextPageToken"] = page_token(start + size)
    items = [playlist_item(channel, position, parts_of(inbound)) for position in range(start, min(start + size, total))]
    return _list("playlistItem", items, total=total, page_size=size, tokens=tokens)


def _videos(world: World, inbound: Inbound) -> Answer:
    if not inbound.params.get("id"):
        raise no_filter("chart, id, myRating")
    known = [world.video(video_id) for video_id in ids_of(inbound)]
    public = [video for video in known if video is not None and video.published_at is not None]
    return _list("video", [video_item(video, parts_of(inbound)) for video in public])


def _search(world: World, inbound: Inbound) -> Answer:
    """Channels whose title or handle holds the words; 100 units of quota with the real service."""
    if inbound.params.get("type") != "channel":
        raise refused(400, "Only type=channel is known here.", reason="invalidSearchFilter", domain="youtube.search")
    wanted = inbound.params.get("q", "").casefold()
    found = [each for each in world.channels if wanted in f"{each.title} {each.handle}".casefold()]
    items = [search_item(channel, parts_of(inbound)) for channel in found[: page_size_of(inbound)]]
    return _list("searchResult", items, total=len(found))


def _list(
    kind: str,
    items: Sequence[Json],
    *,
    total: int | None = None,
    page_size: int = DEFAULT_PAGE_SIZE,
    tokens: Mapping[str, Json] | None = None,
) -> Answer:
    """A list answer; as with the real service, `items` is missing when nothing was found."""
    page_info: Json = {"totalResults": len(items) if total is None else total, "resultsPerPage": page_size}
    body: dict[str, Json] = {"kind": f"youtube#{kind}ListResponse", "etag": "sample", **(tokens or {})}
    body["pageInfo"] = page_info
    if items:
        body["items"] = items
    return json_answer(body)
