"""Cursors: what was encoded comes back for the same list, and nothing else does."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.cursor import MAX_AGE_SECONDS, MAX_CLOCK_SKEW_SECONDS, MAX_CURSOR_CHARACTERS, CursorCodec
from lambda_src.errors import InvalidCursor
from lambda_src.signing import SigningKey

steady = settings(derandomize=True, deadline=None)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(texts | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=4)
positions = st.dictionaries(texts.filter(lambda name: name not in {"v", "k", "r", "t"}), values, max_size=4)
ISSUED = 1767225600
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \n\u00e9"


@dataclass
class Ring:
    """The first key signs; all are accepted."""

    keys: Mapping[str, bytes] = field(default_factory=lambda: {"new": b"n" * 32})
    asked: list[str] = field(default_factory=list)

    def current(self) -> SigningKey:
        self.asked.append("current")
        return SigningKey(*next(iter(self.keys.items())))

    def find(self, key_id: str) -> SigningKey | None:
        self.asked.append(key_id)
        return SigningKey(key_id, self.keys[key_id]) if key_id in self.keys else None


def codec(ring: Ring | None = None, *, at: float = ISSUED) -> CursorCodec:
    return CursorCodec(ring or Ring(), seconds=lambda: at)


@steady
@given(texts, positions)
def test_a_position_comes_back(scope, position):
    assert codec().decode(codec().encode(scope, position), scope) == position


def test_a_cursor_is_the_payload_and_half_of_its_hmac():
    key = bytes.fromhex("5c4056dd33b349369618d0243619e0375906b0c72f9b2ac5f9d27fafa3e714d9")
    position = {"c": "2025-01-01T12:00:00.000000Z", "i": "bbae9ac9-c94c-5056-ba6e-6b527d027741"}

    text = codec(Ring({"k1": key})).encode("nbhds", position)

    payload = json.dumps({**position, "k": "k1", "r": "nbhds", "t": ISSUED, "v": 1}, separators=(",", ":"))
    assert text == f"{base64.urlsafe_b64encode(payload.encode()).decode().rstrip('=')}.Vu6hghrhj13kLsZoVBnbbQ"


@steady
@given(st.data())
def test_a_changed_cursor_is_refused(data):
    text = codec().encode("channels", {"c": "2025", "i": "id"})
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from(ALPHABET)) + text[place + 1 :]
    if changed != text:
        with pytest.raises(InvalidCursor):
            codec().decode(changed, "channels")


def test_every_other_ending_of_the_same_bytes_is_refused():
    text = codec().encode("l", {"i": "1"})
    for more in ("=", "==", "A", "AA", "\n", "!", " ", "."):
        with pytest.raises(InvalidCursor):
            codec().decode(text + more, "l")


@steady
@given(st.text(max_size=80))
def test_any_other_text_is_refused(text):
    with pytest.raises(InvalidCursor):
        codec().decode(text, "channels")


@pytest.mark.parametrize("payload", [b"[]", b"1", b"null", b"{}", b"{", b"\xff", b"[" * 1_500])
def test_a_payload_that_is_no_cursor_is_refused(payload):
    text = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    with pytest.raises(InvalidCursor):
        codec().decode(f"{text}.{text}", "channels")


@pytest.mark.parametrize("scope", ["timeline:a", "channels:b", "channels", "channels:", ""])
def test_a_cursor_of_another_scope_is_refused(scope):
    with pytest.raises(InvalidCursor):
        codec().decode(codec().encode("channels:a", {"i": "1"}), scope)


@pytest.mark.parametrize(
    ("seconds", "is_accepted"),
    [
        (0, True),
        (MAX_AGE_SECONDS, True),
        (MAX_AGE_SECONDS + 1, False),
        (-MAX_CLOCK_SKEW_SECONDS, True),
        (-MAX_CLOCK_SKEW_SECONDS - 1, False),
    ],
)
def test_a_cursor_lives_for_a_day(seconds, is_accepted):
    text = codec().encode("l", {"i": "1"})
    later = codec(at=ISSUED + seconds)
    if is_accepted:
        assert later.decode(text, "l") == {"i": "1"}
    else:
        with pytest.raises(InvalidCursor):
            later.decode(text, "l")


def test_a_cursor_survives_until_its_key_is_taken_away():
    text = codec(Ring({"old": b"o" * 32})).encode("l", {"i": "1"})
    assert codec(Ring({"new": b"n" * 32, "old": b"o" * 32})).decode(text, "l") == {"i": "1"}
    with pytest.raises(InvalidCursor):
        codec(Ring({"new": b"n" * 32})).decode(text, "l")
    with pytest.raises(InvalidCursor):
        codec(Ring({"old": b"n" * 32})).decode(text, "l")


def test_keys_are_asked_at_use_and_not_before():
    ring = Ring()
    ours = codec(ring)
    assert ring.asked == []
    ours.decode(ours.encode("l", {}), "l")
    assert ring.asked == ["current", "new"]


def test_a_text_that_cannot_be_a_cursor_does_not_ask_for_keys():
    ring = Ring()
    for text in ("x" * (MAX_CURSOR_CHARACTERS + 1), "é", "a", "a.b", ".", "x" * 99):
        with pytest.raises(InvalidCursor):
            codec(ring).decode(text, "l")
    assert ring.asked == []


def test_a_cursor_of_another_version_is_refused(monkeypatch):
    text = codec().encode("l", {"i": "1"})
    monkeypatch.setattr("lambda_src.dynamo.cursor._VERSION", 2)
    with pytest.raises(InvalidCursor):
        codec().decode(text, "l")


@pytest.mark.parametrize("position", [{"v": "1"}, {"k": "x"}, {"r": "x"}, {"t": 1}, {"i": "x" * 2000}])
def test_a_position_that_does_not_fit_is_refused(position):
    with pytest.raises(ValueError, match="cursor"):
        codec().encode("l", position)


@pytest.mark.parametrize("length", [128, 129, 3000])
def test_a_scope_of_any_length_leaves_room_for_the_position(length):
    scope = "é" * length
    cursor = codec().encode(scope, {"name": "é" * 600})

    assert codec().decode(cursor, scope) == {"name": "é" * 600}
    for other in ("é" * (length + 1), "é" * (length - 1) + "e"):
        with pytest.raises(InvalidCursor):
            codec().decode(cursor, other)
