"""Times, DIDs, parts of the list, and what people write."""

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.services.nbhd_city import bodies as texts
from lambda_src.services.nbhd_city.errors import InvalidText
from lambda_src.services.nbhd_city.models import TIMESTAMP, is_did, timestamp
from lambda_src.services.nbhd_city.neighborhoods.rules import list_partition, list_partitions

INSTANTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


def test_a_whole_second_keeps_its_six_digits():
    assert timestamp(datetime(2025, 1, 1, 12, tzinfo=UTC)) == "2025-01-01T12:00:00.000000Z"
    east = timezone(timedelta(hours=2))
    assert timestamp(datetime(2025, 1, 1, 12, 0, 0, 5, tzinfo=east)) == "2025-01-01T10:00:00.000005Z"


@given(INSTANTS, INSTANTS)
def test_the_order_of_texts_is_the_order_of_times(one, other):
    assert TIMESTAMP.fullmatch(timestamp(one))
    assert (timestamp(one) < timestamp(other)) == (one < other)


@pytest.mark.parametrize(
    "text", ["did:plc:alice", "did:web:example.com", "did:web:localhost%3A3000", "did:plc:" + "a" * 247]
)
def test_dids(text):
    assert is_did(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "did:plc:",
        "did:PLC:alice",
        "did:plc:alice:",
        "did:plc:a b",
        "did:plc:alice\n",
        "did:plc:" + "a" * 248,
    ],
)
def test_what_is_no_did(text):
    assert not is_did(text)


def test_one_shard_is_the_plain_partition():
    assert list_partition("bbae9ac9-c94c-5056-ba6e-6b527d027741", 1) == "neighborhood"
    assert list_partitions(1) == list_partitions(1, with_unsharded=True) == ("neighborhood",)


def test_shards_follow_the_digest_of_the_id():

    nbhd_id = "bbae9ac9-c94c-5056-ba6e-6b527d027741"
    expected = int(hashlib.sha256(nbhd_id.encode()).hexdigest()[:8], 16) % 16
    assert list_partition(nbhd_id, 16) == f"neighborhood#{expected:02d}"


def test_shards_share_the_list_evenly():
    spread = Counter(list_partition(f"{number:08x}-0000-4000-8000-000000000000", 8) for number in range(8_000))
    assert set(spread) == set(list_partitions(8))
    assert min(spread.values()) > 850
    assert list_partitions(8, with_unsharded=True) == (*list_partitions(8), "neighborhood")


def test_a_description_is_trimmed_at_its_end_only():
    assert texts.description("  Ours\n and theirs \n\n") == "  Ours\n and theirs"
    assert texts.description(None) == texts.description(" \n") == ""
    assert texts.description("e\u0301" * 1000) == "é" * 1000
    with pytest.raises(InvalidText):
        texts.description("x" * 1001)


@pytest.mark.parametrize("rule", [texts.display_name, texts.bio, texts.location, texts.avatar, texts.email])
def test_empty_texts_are_welcome_and_half_characters_are_not(rule):
    assert rule("") == rule("  ") == ""
    with pytest.raises(InvalidText):
        rule("https://example.com/\ud800")


@pytest.mark.parametrize("rule", [texts.description, texts.display_name, texts.bio, texts.location, texts.avatar])
@pytest.mark.parametrize("text", ["\0", "before\0after", "at its end\0", "\0 e\u0301"])
def test_no_text_holds_what_an_export_could_not(rule, text):
    with pytest.raises(InvalidText):
        rule(text)


@pytest.mark.parametrize("address", ["al@example.com", "a.b+c@sub.example.co", "x@xn--bcher-kva.example"])
def test_addresses(address):
    assert texts.email(address) == address


@pytest.mark.parametrize(
    "address", ["al", "al@", "@example.com", "al@example", "al@-example.com", "a@b@example.com", "al@example.com\x00"]
)
def test_what_is_no_address(address):
    with pytest.raises(InvalidText):
        texts.email(address)


@pytest.mark.parametrize(
    ("pasted", "cleaned"),
    [
        ("@alice.bsky.social", "alice.bsky.social"),
        ("\u202aalice.bsky.social\u202c", "alice.bsky.social"),
        (" \u2068@Alice.Example.COM\u2069\n", "alice.example.com"),
        ("\ufeffalice.xn--bcher-kva.example", "alice.xn--bcher-kva.example"),
        ("alice.bsky\u200b.social\u200e", "alice.bsky.social"),
        ("did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
        ("did:web:alice.example", "did:web:alice.example"),
        ("\u202a@\u202c", ""),
        ("", ""),
    ],
)
def test_a_pasted_handle_is_cleaned(pasted, cleaned):
    assert texts.handle(pasted) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "alice",
        "@@alice.bsky.social",
        "alice@bsky.social",
        "https://bsky.app/profile/alice.bsky.social",
        "alice..social",
        "-alice.bsky.social",
        "alice.bsky.social.",
        "alice.bsky.1social",
        "ålice.bsky.social",
        "alice.bs\u212ay.social",
        "alice.bsky.social\0",
        "al ice.bsky.social",
        "a" * 64 + ".bsky.social",
        "did:plc:alice",
        "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
    ],
)
def test_what_no_authorization_server_takes_for_an_account_is_no_handle(text):
    with pytest.raises(InvalidText):
        texts.handle(text)
