from datetime import UTC, datetime

import httpx
import pytest

from cdk_app.services.stock_track_record.stand_ins.models import Channel, Video
from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.worlds import channel_with

NEWEST = datetime(2025, 1, 14, 17, 0, 3, tzinfo=UTC)
KEY = {"X-Goog-Api-Key": "sample"}
YOUTUBE = "/youtube/youtube/v3"
PARTS = "snippet,contentDetails"
UPLOADS = "UUTestChannel___________"


@pytest.fixture
def youtube(serve):
    def start(*channels):
        client = serve(World.custom(channels=channels))

        def get(path, headers=KEY, **params):
            return client.get(f"{YOUTUBE}/{path}", params=params, headers=headers)

        return get

    return start


def reason(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["errors"][0]["reason"]


@pytest.mark.parametrize(
    "named",
    [
        {"forHandle": "@sampleSTOCKS"},
        {"forHandle": "SampleStocks"},
        {"forHandle": "@SampleStocksTV"},
        {"forUsername": "samplestocksofficial"},
        {"id": "UCSampleStocks0000000001"},
    ],
)
def test_every_name_of_the_sample_channel_leads_to_one_id(serve, named):
    client = serve(World.sample())
    answer = client.get(f"{YOUTUBE}/channels", params={"part": PARTS, **named}, headers=KEY).json()
    [item] = answer["items"]
    assert answer["pageInfo"]["totalResults"] == 1
    assert item["id"] == "UCSampleStocks0000000001"
    assert item["snippet"]["title"] == "Sample Stocks"
    assert item["snippet"]["thumbnails"]["default"]["url"].startswith("https://")
    assert item["contentDetails"]["relatedPlaylists"]["uploads"] == "UUSampleStocks0000000001"


def test_an_unknown_channel_is_an_answer_without_items(youtube):
    answer = youtube()("channels", part=PARTS, forHandle="@nobody")
    assert answer.status_code == 200
    assert answer.json()["pageInfo"]["totalResults"] == 0
    assert "items" not in answer.json()


def test_only_the_parts_asked_for_are_sent(youtube):
    [item] = youtube(channel_with(1, newest=NEWEST))("channels", part="snippet", forHandle="TestChannel").json()[
        "items"
    ]
    assert "snippet" in item
    assert "contentDetails" not in item


def test_uploads_come_in_pages_of_fifty(youtube):
    channel = channel_with(120, newest=NEWEST)
    get = youtube(channel)
    sizes, ids, token = [], [], ""
    for _ in range(3):
        page = get(
            "playlistItems",
            part=PARTS,
            playlistId=channel.uploads_playlist_id,
            maxResults=50,
            **({"pageToken": token} if token else {}),
        ).json()
        sizes.append(len(page["items"]))
        ids += [item["contentDetails"]["videoId"] for item in page["items"]]
        token = page.get("nextPageToken", "")
    assert sizes == [50, 50, 20]
    assert token == ""
    assert ids == [video.id for video in channel.videos]


def test_an_upload_tells_its_title_and_when_it_was_published(youtube):
    channel = channel_with(1, newest=NEWEST)
    [item] = youtube(channel)("playlistItems", part=PARTS, playlistId=channel.uploads_playlist_id).json()["items"]
    assert item["contentDetails"] == {"videoId": "video00000", "videoPublishedAt": "2025-01-14T17:00:03Z"}
    assert item["snippet"]["title"] == "TestChannel episode 0"
    assert item["snippet"]["resourceId"]["videoId"] == "video00000"


def test_a_private_video_is_listed_without_its_date_and_has_no_details(youtube):
    hidden = Video(id="hidden00000", title="Private video", published_at=None)
    channel = Channel(id="UC" + "a" * 22, title="A", handle="@a", videos=(hidden,))
    get = youtube(channel)
    [item] = get("playlistItems", part=PARTS, playlistId=channel.uploads_playlist_id).json()["items"]
    assert item["contentDetails"] == {"videoId": "hidden00000"}
    assert "items" not in get("videos", part=PARTS, id="hidden00000").json()


def test_details_tell_the_duration_and_whether_a_video_is_live(youtube):
    videos = (
        Video(id="short", title="", published_at=NEWEST, duration_seconds=843),
        Video(id="long", title="", published_at=NEWEST, duration_seconds=3 * 3600 + 5),
        Video(id="live", title="", published_at=NEWEST, broadcast="live"),
    )
    get = youtube(Channel(id="UC" + "a" * 22, title="A", handle="@a", videos=videos))
    items = get("videos", part=PARTS, id="short,long,live,unknown").json()["items"]
    told = {each["id"]: (each["contentDetails"]["duration"], each["snippet"]["liveBroadcastContent"]) for each in items}
    assert told == {"short": ("PT14M3S", "none"), "long": ("PT3H5S", "none"), "live": ("P0D", "live")}


def test_a_channel_without_videos_has_no_playlist(youtube):
    channel = Channel(id="UC" + "a" * 22, title="A", handle="@a")
    answer = youtube(channel)("playlistItems", part=PARTS, playlistId=channel.uploads_playlist_id)
    assert reason(answer) == (404, "playlistNotFound")


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("channels", {"forHandle": "@a"}, (400, "missingRequiredParameter")),
        ("channels", {"part": "snippet"}, (400, "missingRequiredParameter")),
        ("channels", {"part": "snipet", "forHandle": "@a"}, (400, "unknownPart")),
        ("channels", {"part": "id", "forHandle": "@a", "forUsername": "a"}, (400, "incompatibleParameters")),
        ("playlistItems", {"part": "id"}, (400, "missingRequiredParameter")),
        ("playlistItems", {"part": "id", "playlistId": UPLOADS, "maxResults": "51"}, (400, "invalidParameter")),
        ("playlistItems", {"part": "id", "playlistId": UPLOADS, "pageToken": "x"}, (400, "invalidPageToken")),
        ("videos", {"part": "id", "id": ",".join(f"v{number}" for number in range(51))}, (400, "invalidFilters")),
    ],
)
def test_a_request_the_service_would_refuse_is_refused(youtube, path, params, expected):
    assert reason(youtube(channel_with(1, newest=NEWEST))(path, **params)) == expected


def test_a_missing_and_a_bad_key_are_told_apart(youtube):
    get = youtube(channel_with(1, newest=NEWEST))
    assert reason(get("channels", headers={}, part=PARTS, forHandle="@a")) == (403, "forbidden")
    refused = get("channels", headers={"X-Goog-Api-Key": "bad-key"}, part=PARTS, forHandle="@a")
    assert reason(refused) == (400, "badRequest")
    assert refused.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_a_key_in_the_query_is_no_key(youtube):
    assert reason(youtube()("channels", headers={}, part=PARTS, forHandle="@a", key="sample")) == (403, "forbidden")


def test_a_search_finds_a_channel_by_words_of_its_title(youtube):
    get = youtube(channel_with(1, newest=NEWEST))
    answer = get("search", part="snippet", type="channel", q="testchan", maxResults=1).json()
    assert answer["items"][0]["snippet"]["channelId"] == "UCTestChannel___________"
