"""Cursors: what was encoded comes back for the same list and scope, and nothing else does."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.cursor import CursorCodec, CursorKeys
from lambda_src.errors import InvalidCursor

steady = settings(derandomize=True, deadline=None)
OLD, NEW = b"o" * 32, b"n" * 32
CODEC = CursorCodec(lambda: CursorKeys(NEW, None))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
positions = st.dictionaries(texts.filter(lambda name: name not in {"v", "l"}), texts, max_size=4)


@steady
@given(texts, texts, positions)
def test_a_position_comes_back(list_name, scope, position):
    assert CODEC.decode(CODEC.encode(list_name, scope, position), list_name, scope) == position


def test_a_cursor_is_base64url_of_a_signature_and_the_documented_payload():
    text = CODEC.encode("channels", "", {"c": "2025-01-15T08:30:00.123Z", "i": "id"})
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert json.loads(raw[32:]) == {"v": 1, "l": "channels", "c": "2025-01-15T08:30:00.123Z", "i": "id"}
    assert "=" not in text


@steady
@given(st.data())
def test_a_changed_cursor_is_refused(data):
    text = CODEC.encode("channels", "scope", {"c": "2025", "i": "id"})
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \n\u00e9"))
    changed = text[:place] + other + text[place + 1 :]
    if changed != text:
        with pytest.raises(InvalidCursor):
            CODEC.decode(changed, "channels", "scope")


def test_every_other_ending_of_the_same_bytes_is_refused():
    text = CODEC.encode("l", "s", {"i": "1"})
    for more in ("=", "==", "A", "AA", "\n", "!", " "):
        with pytest.raises(InvalidCursor):
            CODEC.decode(text + more, "l", "s")


@steady
@given(st.text(max_size=80))
def test_any_other_text_is_refused(text):
    with pytest.raises(InvalidCursor):
        CODEC.decode(text, "channels", "")


@pytest.mark.parametrize(
    ("list_name", "scope"), [("timeline", "a"), ("channels", "b"), ("channels", ""), ('channels","a', ""), ("", "a")]
)
def test_a_cursor_of_another_list_or_scope_is_refused(list_name, scope):
    with pytest.raises(InvalidCursor):
        CODEC.decode(CODEC.encode("channels", "a", {"i": "1"}), list_name, scope)


def test_the_scope_cannot_be_read_from_a_cursor():
    text = CODEC.encode("channels", "secret-partition", {"i": "1"})
    assert b"secret-partition" not in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_cursor_survives_one_rotation_and_not_two():
    text = CursorCodec(lambda: CursorKeys(OLD)).encode("l", "s", {"i": "1"})
    assert CursorCodec(lambda: CursorKeys(NEW, OLD)).decode(text, "l", "s") == {"i": "1"}
    with pytest.raises(InvalidCursor):
        CODEC.decode(text, "l", "s")


def test_keys_are_asked_at_use_and_not_before():
    asked = []

    def keys():
        asked.append(1)
        return CursorKeys(NEW)

    codec = CursorCodec(keys)
    assert asked == []
    codec.decode(codec.encode("l", "s", {}), "l", "s")
    assert len(asked) == 2


def test_a_text_that_cannot_be_a_cursor_does_not_ask_for_keys():
    def keys():
        raise AssertionError

    for text in ("x" * 1025, "é", "a"):
        with pytest.raises(InvalidCursor):
            CursorCodec(keys).decode(text, "l", "s")


def test_a_cursor_of_another_version_is_refused(monkeypatch):
    text = CODEC.encode("l", "s", {"i": "1"})
    monkeypatch.setattr("lambda_src.dynamo.cursor._VERSION", 2)
    with pytest.raises(InvalidCursor):
        CODEC.decode(text, "l", "s")


@pytest.mark.parametrize("position", [{"v": "1"}, {"l": "x"}, {"i": "x" * 1000}])
def test_a_position_that_does_not_fit_is_refused(position):
    with pytest.raises(ValueError, match="cursor"):
        CODEC.encode("l", "s", position)


@pytest.mark.parametrize("keys", [(b"", None), (b"short", None), (NEW, b""), (NEW, b"short")])
def test_a_key_that_is_too_short_to_be_a_secret_is_refused(keys):
    with pytest.raises(ValueError, match="16 bytes"):
        CursorKeys(*keys)
