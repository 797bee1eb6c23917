from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambda_src.runtime.providers.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExhausted,
)
from lambda_src.services.stock_track_record.channels.rules import parse_channel_url
from lambda_src.services.stock_track_record.runs.clients import ListedVideo, YouTubeChannel, YouTubeClient

type Json = dict[str, Any]

CHANNEL_ID = "UC" + "a" * 22
PLAYLIST_ID = "UU" + "a" * 22
NEWEST = datetime(2025, 1, 14, 17, 0, 3, tzinfo=UTC)
CUTOFF = datetime(2024, 1, 15, tzinfo=UTC)
KNOWN = YouTubeChannel(CHANNEL_ID, "Test Channel", "https://yt3.ggpht.com/x=s88", PLAYLIST_ID)


def client(upstream: Any, keys: Any, *, repeats: int = 0, allow_search: bool = False) -> YouTubeClient:
    return YouTubeClient(
        upstream.access(keys, repeats=repeats),
        base_url="https://www.googleapis.com/youtube/v3",
        allow_search=allow_search,
    )


@pytest.fixture
def youtube(upstream, keys):
    return client(upstream, keys)


def channels(**changes: Any) -> Json:
    snippet = {
        "title": "Test Channel",
        "customUrl": "@testchannel",
        "thumbnails": {"default": {"url": "https://yt3.ggpht.com/x=s88"}},
    }
    item = {
        "id": CHANNEL_ID,
        "snippet": snippet | changes,
        "contentDetails": {"relatedPlaylists": {"uploads": PLAYLIST_ID}},
    }
    return {"pageInfo": {"totalResults": 1}, "items": [item]}


NOTHING = {"pageInfo": {"totalResults": 0}}


def entry(video_id: str, published_at: datetime | None, title: str = "A title") -> Json:
    content = {"videoId": video_id}
    if published_at is not None:
        content["videoPublishedAt"] = published_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"snippet": {"title": title, "resourceId": {"videoId": video_id}}, "contentDetails": content}


def page(entries: list[Json], following: str | None = None, total: int | None = None) -> Json:
    body: Json = {"items": entries} | ({} if total is None else {"pageInfo": {"totalResults": total}})
    return body if following is None else body | {"nextPageToken": following}


def details(video_id: str, broadcast: str = "none", duration: str | None = "PT14M3S") -> Json:
    return {
        "id": video_id,
        "snippet": {"liveBroadcastContent": broadcast},
        "contentDetails": {"duration": duration},
    }


def error(status: int, reason: str, message: str = "Refused", domain: str = "youtube.quota") -> Json:
    errors = [{"reason": reason, "domain": domain, "message": message}]
    return {"error": {"code": status, "message": message, "errors": errors}}


# ---- channels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "selector"),
    [
        ("youtube.com/@TestChannel", {"forHandle": "@TestChannel"}),
        ("youtube.com/user/TestChannel", {"forUsername": "TestChannel"}),
        (f"youtube.com/channel/{CHANNEL_ID}", {"id": CHANNEL_ID}),
        ("youtube.com/c/TestChannel", {"forHandle": "@TestChannel"}),
    ],
)
def test_a_channel_is_found_by_its_identity_for_one_unit(youtube, upstream, url, selector):
    upstream.will_answer(channels())
    assert youtube.find_channel(parse_channel_url(url)) == KNOWN
    assert upstream.paths == ["/youtube/v3/channels"]
    assert upstream.queries == [{"part": "snippet,contentDetails"} | selector]
    assert upstream.requests[0].headers["X-Goog-Api-Key"] == "key-one"
    assert "key-one" not in str(upstream.requests[0].url)


@pytest.mark.parametrize("url", ["youtube.com/@nobody", "youtube.com/user/nobody", f"youtube.com/channel/{CHANNEL_ID}"])
@pytest.mark.parametrize("body", [NOTHING, {"items": []}])
def test_an_unknown_channel_is_none(youtube, upstream, url, body):
    upstream.will_answer(body)
    assert youtube.find_channel(parse_channel_url(url)) is None


def test_an_id_that_has_no_ids_form_is_unknown_without_a_call(youtube, upstream):
    assert youtube.find_channel(parse_channel_url("youtube.com/channel/whatever")) is None
    assert upstream.requests == []


def test_a_custom_name_is_tried_as_handle_and_as_user_name(youtube, upstream):
    upstream.will_answer(NOTHING).will_answer(channels())
    assert youtube.find_channel(parse_channel_url("youtube.com/c/Name")) == KNOWN
    assert [set(query) - {"part"} for query in upstream.queries] == [{"forHandle"}, {"forUsername"}]


def test_a_custom_name_is_not_searched_for_unless_allowed(youtube, upstream):
    upstream.will_answer(NOTHING).will_answer(NOTHING)
    assert youtube.find_channel(parse_channel_url("youtube.com/c/Name")) is None


def test_a_custom_name_may_be_searched_for(upstream, keys):
    upstream.will_answer(NOTHING).will_answer(NOTHING)
    upstream.will_answer({"items": [{"snippet": {"channelId": CHANNEL_ID}}]}).will_answer(channels())
    found = client(upstream, keys, allow_search=True).find_channel(parse_channel_url("youtube.com/c/Name"))
    assert found == KNOWN
    assert upstream.paths[2:] == ["/youtube/v3/search", "/youtube/v3/channels"]
    assert upstream.queries[2] == {"part": "snippet", "type": "channel", "q": "Name", "maxResults": "1"}


def test_a_search_that_finds_nothing_is_none(upstream, keys):
    upstream.will_answer(NOTHING).will_answer(NOTHING).will_answer({"items": []})
    assert client(upstream, keys, allow_search=True).find_channel(parse_channel_url("youtube.com/c/Name")) is None


@pytest.mark.parametrize("url", ["http://plain.example/x.jpg", "https://x.example/" + "x" * 500, None, 7])
def test_a_thumbnail_that_cannot_be_shown_is_left_out(youtube, upstream, url):
    upstream.will_answer(channels(thumbnails={"default": {"url": url}}))
    assert youtube.channel_by_id(CHANNEL_ID).thumbnail_url is None


def test_a_channel_without_a_named_playlist_has_the_derived_one(youtube, upstream):
    body = channels()
    del body["items"][0]["contentDetails"]
    upstream.will_answer(body)
    assert youtube.channel_by_id(CHANNEL_ID).uploads_playlist_id == PLAYLIST_ID


@pytest.mark.parametrize(
    "body", [[], "channels", None, {"items": 7}, {"items": [None]}, {"items": [{"id": "x", "snippet": {}}]}]
)
def test_a_channel_answer_of_another_shape_is_malformed(youtube, upstream, body):
    upstream.will_answer(body)
    with pytest.raises(MalformedAnswer):
        youtube.channel_by_id(CHANNEL_ID)


# ---- uploads ---------------------------------------------------------------------------------------------------------


def test_uploads_carry_their_date_and_duration(youtube, upstream):
    upstream.will_answer(page([entry("dQw4w9WgXcQ", NEWEST, " A\ntitle ")])).will_answer(
        {"items": [details("dQw4w9WgXcQ")]}
    )
    uploads = youtube.uploads_since(PLAYLIST_ID, CUTOFF, 2000)
    assert uploads.videos == (ListedVideo("dQw4w9WgXcQ", "A title", "2025-01-14", 843),)
    assert not uploads.was_cut
    part = {"part": "snippet,contentDetails"}
    assert upstream.paths == ["/youtube/v3/playlistItems", "/youtube/v3/videos"]
    assert upstream.queries == [part | {"playlistId": PLAYLIST_ID, "maxResults": "50"}, part | {"id": "dQw4w9WgXcQ"}]


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("PT1H2M3S", 3723),
        ("PT45S", 45),
        ("P1DT1S", 86_401),
        ("P1W", 604_800),
        ("P0D", None),
        ("14:03", None),
        (None, None),
    ],
)
def test_durations_are_read_in_seconds(youtube, upstream, duration, seconds):
    upstream.will_answer(page([entry("v", NEWEST)])).will_answer({"items": [details("v", duration=duration)]})
    assert youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10).videos[0].duration_seconds == seconds


def test_a_title_is_cut_and_an_empty_one_becomes_the_id(youtube, upstream):
    upstream.will_answer(page([entry("v1", NEWEST, "x" * 501), entry("v2", NEWEST, " \x00")]))
    upstream.will_answer({"items": [details("v1"), details("v2")]})
    assert [video.title for video in youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10).videos] == ["x" * 500, "v2"]


def test_private_deleted_live_and_announced_videos_are_left_out(youtube, upstream):
    entries = [entry("private", None), *(entry(name, NEWEST) for name in ("live", "soon", "gone", "fine"))]
    upstream.will_answer(page(entries))
    upstream.will_answer({"items": [details("live", "live"), details("soon", "upcoming"), details("fine")]})
    assert [video.youtube_video_id for video in youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10).videos] == ["fine"]
    assert upstream.queries[1]["id"] == "live,soon,gone,fine"


def test_an_empty_playlist_has_no_videos(youtube, upstream):
    upstream.will_answer({})
    uploads = youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10)
    assert (uploads.videos, uploads.was_cut) == ((), False)


def test_a_playlist_that_does_not_exist_has_no_videos(youtube, upstream):
    upstream.will_answer(error(404, "playlistNotFound"), status=404)
    assert youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10).videos == ()


class Playlist:
    """Answers for a playlist of `count` videos an hour apart, in the given order. total: as YouTube counts them."""

    def __init__(
        self, count: int, *, order: Sequence[int] | None = None, size: int = 50, total: int | None = None
    ) -> None:
        self.entries = [entry(f"v{n}", NEWEST - n * timedelta(hours=1)) for n in (order or range(count))]
        self.size, self.total = size, total

    def queue(self, upstream: Any, *, pages: int, batches: Iterable[Iterable[int]]) -> None:
        for number in range(pages):
            start = number * self.size
            is_last = start + self.size >= len(self.entries)
            upstream.will_answer(
                page(self.entries[start : start + self.size], None if is_last else f"token-{number + 1}", self.total)
            )
        for batch in batches:
            upstream.will_answer({"items": [details(f"v{n}") for n in batch]})


def test_five_hundred_videos_cost_twenty_units(youtube, upstream):
    Playlist(500).queue(upstream, pages=10, batches=[range(n, n + 50) for n in range(0, 500, 50)])
    uploads = youtube.uploads_since(PLAYLIST_ID, CUTOFF, 2000)
    assert [video.youtube_video_id for video in uploads.videos] == [f"v{n}" for n in range(500)]
    assert not uploads.was_cut
    assert len(upstream.requests) == 20
    assert [query.get("pageToken") for query in upstream.queries[:3]] == [None, "token-1", "token-2"]


def test_videos_at_the_cutoff_count_and_older_ones_do_not(youtube, upstream):
    Playlist(4).queue(upstream, pages=1, batches=[range(3)])
    uploads = youtube.uploads_since(PLAYLIST_ID, NEWEST - timedelta(hours=2), 10)
    assert [video.youtube_video_id for video in uploads.videos] == ["v0", "v1", "v2"]


def test_reading_ends_after_a_whole_page_that_is_too_old(youtube, upstream):
    # the first old video does not end it, because a newer one comes later
    playlist = Playlist(0, order=[0, 9, 1, 2, 8, 3, 7, 6, 5, 4], size=2)
    playlist.queue(upstream, pages=4, batches=[range(4)])
    uploads = youtube.uploads_since(PLAYLIST_ID, NEWEST - timedelta(hours=3), 10)
    assert [video.youtube_video_id for video in uploads.videos] == ["v0", "v1", "v2", "v3"]
    assert not uploads.was_cut


def test_a_video_published_yesterday_behind_older_uploads_is_found(youtube, upstream):
    order = [*range(10), *range(1_000, 1_120), 10]
    Playlist(0, order=order, total=131).queue(upstream, pages=3, batches=[range(11)])
    uploads = youtube.uploads_since(PLAYLIST_ID, NEWEST - timedelta(hours=10), 2000)
    assert [video.youtube_video_id for video in uploads.videos] == [f"v{n}" for n in range(11)]
    assert (uploads.was_cut, uploads.doubt) == (False, None)


@pytest.mark.parametrize(
    ("total", "doubt"),
    [(None, "some uploads"), (1_151, "1001 uploads"), (100_000, "99850 uploads")],
)
def test_where_too_many_older_uploads_follow_the_list_is_in_doubt(youtube, upstream, total, doubt):
    order = [*range(100), *range(1_000, 2_000)]
    Playlist(0, order=order, total=total).queue(upstream, pages=3, batches=[range(50), range(50, 100)])
    uploads = youtube.uploads_since(PLAYLIST_ID, NEWEST - timedelta(hours=100), 2000)
    assert (len(uploads.videos), uploads.was_cut) == (100, False)
    assert uploads.doubt is not None
    assert uploads.doubt.startswith(doubt)


def test_a_count_that_is_too_small_does_not_let_it_read_on_and_on(youtube, upstream):
    order = [*range(100), *range(1_000, 4_000)]
    Playlist(0, order=order, total=150).queue(upstream, pages=23, batches=[range(50), range(50, 100)])
    uploads = youtube.uploads_since(PLAYLIST_ID, NEWEST - timedelta(hours=100), 2000)
    assert (len(uploads.videos), uploads.doubt) == (100, "some uploads that follow older ones were not looked at")
    assert len(upstream.requests) == 2 + 21 + 2


@pytest.mark.parametrize(("total", "doubt"), [(53, None), (54, "YouTube counts 50 more than it shows")])
def test_a_list_that_ends_long_before_its_count_is_in_doubt(youtube, upstream, total, doubt):
    Playlist(4, total=total).queue(upstream, pages=1, batches=[range(4)])
    assert youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10).doubt == doubt


def test_a_page_of_private_videos_does_not_end_the_reading(youtube, upstream):
    upstream.will_answer(page([entry("a", None), entry("b", None)], "token-1"))
    upstream.will_answer(page([entry("v0", NEWEST)])).will_answer({"items": [details("v0")]})
    assert len(youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10).videos) == 1


def test_a_video_listed_twice_counts_once(youtube, upstream):
    upstream.will_answer(page([entry("v0", NEWEST)], "token-1")).will_answer(page([entry("v0", NEWEST)]))
    upstream.will_answer({"items": [details("v0")]})
    assert len(youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10).videos) == 1


def test_the_newest_are_kept_when_there_are_more_than_the_limit(youtube, upstream):
    Playlist(500).queue(upstream, pages=4, batches=[range(50), range(50, 100)])
    uploads = youtube.uploads_since(PLAYLIST_ID, CUTOFF, 100)
    assert [video.youtube_video_id for video in uploads.videos] == [f"v{n}" for n in range(100)]
    assert uploads.was_cut


def test_a_limit_inside_a_page_cuts_as_well(youtube, upstream):
    Playlist(10).queue(upstream, pages=1, batches=[range(10)])
    uploads = youtube.uploads_since(PLAYLIST_ID, CUTOFF, 3)
    assert [video.youtube_video_id for video in uploads.videos] == ["v0", "v1", "v2"]
    assert uploads.was_cut


def test_exactly_the_limit_is_not_cut(youtube, upstream):
    Playlist(100).queue(upstream, pages=2, batches=[range(50), range(50, 100)])
    uploads = youtube.uploads_since(PLAYLIST_ID, CUTOFF, 100)
    assert (len(uploads.videos), uploads.was_cut) == (100, False)


@pytest.mark.parametrize(
    "item",
    [
        entry("bad#id", NEWEST),
        entry("x" * 21, NEWEST),
        {"contentDetails": {"videoId": "v", "videoPublishedAt": "yesterday"}},
        {"contentDetails": {"videoPublishedAt": "2025-01-14T17:00:03Z"}},
    ],
)
def test_a_playlist_entry_of_another_shape_is_malformed(youtube, upstream, item):
    upstream.will_answer(page([item]))
    with pytest.raises(MalformedAnswer):
        youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10)


# ---- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (400, "badRequest", KeyRejected),
        (400, "keyInvalid", KeyRejected),
        (401, "authError", KeyRejected),
        (403, "accessNotConfigured", ProviderDisabled),
        (403, "forbidden", ProviderDisabled),
        (403, "quotaExceeded", QuotaExhausted),
        (403, "dailyLimitExceeded", QuotaExhausted),
        (403, "rateLimitExceeded", ProviderThrottled),
        (429, "rateLimitExceeded", ProviderThrottled),
        (400, "invalidPageToken", ProviderUnavailable),
        (404, "channelNotFound", ProviderUnavailable),
        (500, "backendError", ProviderUnavailable),
        (503, "backendError", ProviderUnavailable),
    ],
)
@pytest.mark.parametrize(
    "ask",
    [lambda youtube: youtube.channel_by_id(CHANNEL_ID), lambda youtube: youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10)],
    ids=["channel", "uploads"],
)
def test_a_refusal_is_never_an_empty_list(youtube, upstream, ask, status, reason, expected):
    upstream.will_answer(error(status, reason), status=status)
    with pytest.raises((ProviderDisabled, ProviderUnavailable)) as caught:
        ask(youtube)
    assert type(caught.value) is expected


def test_details_that_are_refused_fail_the_listing(youtube, upstream):
    upstream.will_answer(page([entry("v0", NEWEST)])).will_answer(error(403, "quotaExceeded"), status=403)
    with pytest.raises(QuotaExhausted, match="midnight Pacific"):
        youtube.uploads_since(PLAYLIST_ID, CUTOFF, 10)


def test_a_refusal_that_is_no_json_is_read_by_its_status(youtube, upstream):
    upstream.will_answer(text="<html>Forbidden</html>", status=403)
    with pytest.raises(ProviderDisabled, match="no reason given"):
        youtube.channel_by_id(CHANNEL_ID)


def test_in_the_worker_a_server_error_is_tried_again(upstream, keys):
    upstream.will_answer(status=500).will_answer(status=503).will_answer(channels())
    assert client(upstream, keys, repeats=2).channel_by_id(CHANNEL_ID) == KNOWN
    assert upstream.slept == [1.0, 2.0]
