import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.services.stock_track_record.channels.rules import ChannelIdentity, is_resolved, parse_channel_url
from lambda_src.services.stock_track_record.errors import InvalidChannelUrl

CHANNEL_ID = "UC" + "aB3_-" * 4 + "xy"


@pytest.mark.parametrize(
    ("url", "text", "name"),
    [
        ("https://www.youtube.com/@TestChannel", "handle:testchannel", "TestChannel"),
        ("https://www.youtube.com/@TestChannel/videos", "handle:testchannel", "TestChannel"),
        ("  http://m.youtube.com/@testchannel?si=abc#top ", "handle:testchannel", "testchannel"),
        ("youtube.com/@TestChannel", "handle:testchannel", "TestChannel"),
        ("HTTPS://Music.YouTube.COM/@TestChannel", "handle:testchannel", "TestChannel"),
        ("https://youtube.com/%40TestChannel", "handle:testchannel", "TestChannel"),
        (f"https://www.youtube.com/channel/{CHANNEL_ID}", CHANNEL_ID, CHANNEL_ID),
        (f"https://www.youtube.com/channel/{CHANNEL_ID}/about", CHANNEL_ID, CHANNEL_ID),
        ("https://www.youtube.com/channel/UCshort", "channel_id:UCshort", "UCshort"),
        ("https://www.youtube.com/c/My.Name", "custom:my.name", "My.Name"),
        ("https://www.youtube.com/user/Name_1", "user:name_1", "Name_1"),
        ("https://www.youtube.com/@Börse·Tipp", "handle:börse·tipp", "Börse·Tipp"),
        ("https://www.youtube.com/@B%C3%B6rse", "handle:börse", "Börse"),
        ("https://www.youtube.com/@Bo%CC%88rse", "handle:börse", "Börse"),
        ("https://www.youtube.com/@株式チャンネル", "handle:株式チャンネル", "株式チャンネル"),
        ("https://www.youtube.com/@शेयर", "handle:शेयर", "शेयर"),
        ("https://www.youtube.com/@STRASSE", "handle:strasse", "STRASSE"),
        ("https://www.youtube.com/@straße", "handle:strasse", "straße"),
    ],
)
def test_an_address_names_one_identity(url, text, name):
    identity = parse_channel_url(url)
    assert (identity.text, identity.name) == (text, name)
    assert identity.is_resolved == is_resolved(identity.text) == text.startswith("UC")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "TestChannel",
        "@TestChannel",
        "https://www.google.com/search",
        "https://evil.example/?u=youtube.com/@x",
        "https://evil.example/youtube.com/@x",
        "https://user@youtube.com/@x",
        "https://user:secret@youtube.com/@x",
        "https://youtube.com@evil.example/@x",
        "https://youtube.com:443/@x",
        "https://youtube.com./@x",
        "https://youtube.com.evil.example/@x",
        "https://notyoutube.com/@x",
        "https://www.m.youtube.com/@x",
        "https://evil.example\\youtube.com/@x",
        "https://you\ntube.com/@x",
        "ftp://youtube.com/@x",
        "//youtube.com/@x",
        "see https://youtube.com/@x",
        "https://youtube.com",
        "https://youtube.com/",
        "https://youtube.com/@",
        "https://youtube.com//@x",
        "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com/TestChannel",
        "https://youtube.com/channel",
        "https://youtube.com/channel/",
        "https://youtube.com/c//name",
        "https://youtube.com/@a%2Fb",
        "https://youtube.com/@a b",
        "https://youtube.com/@a%20b",
        "https://youtube.com/@a%23b",
        "https://youtube.com/@a%00b",
        "https://youtube.com/@a%0Ab",
        "https://youtube.com/@a%FFb",
        "https://youtube.com/@a%b",
        "https://youtube.com/@a\ud800",
        "https://youtube.com/@<script>",
        "https://youtube.com/@🚀",
        "https://youtube.com/@" + "x" * 101,
        "https://youtube.com/@" + "\ufb03" * 100,
    ],
)
def test_anything_else_is_no_channel(url):
    with pytest.raises(InvalidChannelUrl):
        parse_channel_url(url)


def test_a_name_may_have_a_hundred_characters():
    assert parse_channel_url("youtube.com/@" + "x" * 100).text == "handle:" + "x" * 100


@pytest.mark.parametrize(
    "text", ["UC" + "a" * 21, "UC" + "a" * 23, "uc" + "a" * 22, "UC" + "ä" * 22, "UC" + "a" * 22 + "\n"]
)
def test_only_youtubes_own_ids_are_resolved(text):
    assert not is_resolved(text)


@given(st.text(min_size=1, max_size=100))
def test_spellings_in_other_case_are_the_same_identity(name):
    try:
        identity = parse_channel_url(f"youtube.com/@{name}")
    except InvalidChannelUrl:
        return
    assert isinstance(identity, ChannelIdentity)
    assert 1 <= len(identity.text) <= 120
    assert identity.text == unicodedata.normalize("NFC", identity.text)
    assert "#" not in identity.text
    assert parse_channel_url(f"youtube.com/@{identity.name}/videos") == identity
