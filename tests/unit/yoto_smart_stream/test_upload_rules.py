"""Keys of uploads, names of files, and how a ticket stands."""

import time
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.services.yoto_smart_stream.errors import InvalidFilename
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, UploadIntent
from lambda_src.services.yoto_smart_stream.names import CONTENT_TYPES, extension_of, found_filename, valid_filename
from lambda_src.services.yoto_smart_stream.uploads import rules

ID = "0123456789abcdef" * 2
INTENT = UploadIntent(
    upload_id=ID, filename="a.MP3", content_type="audio/mpeg", declared_size=1, object_key=f"uploads/{ID}.mp3",
    requested_by=7, created_at="2025-01-15T08:30:00.123000Z", ticket_ends=1_000, expires_at=90_000,
)  # fmt: skip
FILE = AudioFileRecord(filename="a.MP3", size=1, content_type="audio/mpeg", created_at="", updated_at="", uploaded_by=7)


def test_a_ticket_writes_one_key_which_tells_the_ticket():
    assert rules.upload_key(ID, "a.MP3") == INTENT.object_key
    assert rules.upload_id_of(INTENT.object_key) == ID


@pytest.mark.parametrize(
    "key",
    [
        f"media/{ID}.mp3", f"uploads/{ID}", f"uploads/{ID}.exe", f"uploads/{ID}.mp3\n", f"uploads/{ID.upper()}.mp3",
        f"uploads/{ID}0.mp3", f"/uploads/{ID}.mp3", f"uploads/x/{ID}.mp3", f"uploads/{ID}.mp3.mp3", f"uploads/{ID}xmp3",
        f"uploads%2F{ID}.mp3", "uploads/\u0660" + ID[1:] + ".mp3", "",
    ],
)  # fmt: skip
def test_other_keys_are_of_no_ticket(key):
    assert rules.upload_id_of(key) is None


def test_every_content_of_every_ticket_is_served_from_a_key_of_its_own():
    keys = {
        rules.media_key(replace(INTENT, upload_id=upload_id), tag)
        for upload_id in (ID, ID[::-1])
        for tag in ("a", "b", "a-2", "")
    }
    assert len(keys) == 8
    [key] = {rules.media_key(INTENT, "a") for _ in range(3)}
    assert (len(key), key[:6], key[-4:]) == (42, "media/", ".mp3")


def test_a_ticket_serves_something_only_once_it_is_completed():
    assert rules.served_key(INTENT) is None
    assert rules.served_key(replace(INTENT, upload_state="rejected", etag="a")) is None
    assert rules.served_key(replace(INTENT, upload_state="completed", etag="a")) == rules.media_key(INTENT, "a")


@pytest.mark.parametrize(
    ("asked", "uploaded_by", "may"),
    [
        ({}, 7, False), ({"replace": True}, 7, True), ({"replace": True}, 8, False), ({"replace": True}, None, False),
        ({"replace": True, "by_admin": True}, 8, True), ({"replace": True, "by_admin": True}, None, True),
        ({"by_admin": True}, 7, False),
    ],
)  # fmt: skip
def test_who_may_replace_what(asked, uploaded_by, may):
    assert rules.may_replace(replace(INTENT, **asked), replace(FILE, uploaded_by=uploaded_by)) is may


@pytest.mark.parametrize(
    ("state", "now", "shown"),
    [
        ("pending", 0, "pending"), ("pending", 4_600, "pending"), ("pending", 4_600.1, "expired"),
        ("completed", 9_000, "completed"), ("rejected", 9_000, "rejected"),
    ],
)  # fmt: skip
def test_a_ticket_expires_an_hour_after_its_end_unless_something_came(state, now, shown):
    assert rules.shown_state(replace(INTENT, upload_state=state), now) == shown


# ---- names -----------------------------------------------------------------------------------------------------------


@given(st.text(max_size=80), st.sampled_from(sorted(CONTENT_TYPES)))
def test_a_valid_name_is_short_composed_and_found_as_it_is(text, extension):
    try:
        name = valid_filename(f"{text}.{extension}")
    except InvalidFilename:
        return
    assert name == unicodedata.normalize("NFC", name) == valid_filename(name) == found_filename(name)
    assert found_filename(unicodedata.normalize("NFD", name)) == name
    assert len(name.encode()) <= 255
    assert not set("/\\%\n\x00") & set(name)
    assert extension_of(name) == extension


def test_a_name_of_many_marks_is_refused_at_once():
    started = time.process_time()
    with pytest.raises(InvalidFilename) as caught:
        valid_filename("e\u0301\u0323" * 300_000 + ".mp3")
    assert caught.value.reason == "too_long"
    assert time.process_time() - started < 0.5
