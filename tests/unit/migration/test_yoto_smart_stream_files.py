"""What becomes of the files and settings of the earlier product, read from real files of SQLite."""

import json
import random
import string

import pytest

from lambda_src.migration.mappings.yoto_smart_stream.rows import NO_TEXT, TEXT_TOO_LONG
from tests.support.migration.yoto_smart_stream_files import CREATED_HERE, audio, setting
from tests.support.migration.yoto_smart_stream_moved import SERVICE

LETTERS = string.ascii_letters + string.digits


# ---- files -----------------------------------------------------------------------------------------------------------


def test_a_file_becomes_its_item_and_its_text(moved):
    row = audio(
        9, "E\u0301pisode #1 🐙.MP3", transcript="Es war einmal 🐙", transcript_status="completed",
        transcribed_at="2025-02-01 00:00:00", transcript_error="old", tts_provider="x" * 60, tts_voice_id="v",
    )  # fmt: skip
    found = moved(audio_files=[row])
    key = "AUDIO#Épisode %231 🐙.MP3"
    assert found.items[key, "TRANSCRIPT"] == {
        "PK": key, "SK": "TRANSCRIPT", "entity": "transcript", "text": "Es war einmal 🐙",
    }  # fmt: skip
    item = {name: value for name, value in found.items[key, "METADATA"].items() if "GSI" not in name}
    assert item == {
        "PK": key, "SK": "METADATA", "entity": "audio", "filename": "Épisode #1 🐙.MP3",
        "name_key": "épisode #1 🐙.mp3", "size": 1_024_000, "duration": 120, "content_type": "audio/mpeg",
        "transcript_chars": 15, "transcript_source": "tts", "transcript_status": "completed",
        "transcribed_at": "2025-02-01T00:00:00.000000Z", "tts_provider": "x" * 49 + "…", "tts_voice_id": "v",
        "created_at": CREATED_HERE, "updated_at": CREATED_HERE, "version": 1,
    }  # fmt: skip
    assert found.notes == ["text_cut"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"), ("  ", "empty"), ("../x.mp3", "forbidden_character"), ("a\\b.mp3", "forbidden_character"),
        ("100%.mp3", "forbidden_character"), ("a\u202eb.mp3", "forbidden_character"),
        ("a\nb.mp3", "forbidden_character"),
        (".x.mp3", "leading_dot"), ("é" * 126 + ".mp3", "too_long"), ("notes.txt", "unsupported_extension"),
        ("mp3", "unsupported_extension"), (12, "unsupported_extension"),
    ],
)  # fmt: skip
def test_a_name_that_no_file_can_have_is_rejected_with_the_reason_code(moved, name, reason):
    found = moved(audio_files=[audio(1, name, transcript="text"), audio(2, "b.mp3")])
    assert (found.kinds, found.keys) == ({reason: 1}, {"AUDIO#b.mp3"})


def test_names_that_are_one_here_keep_the_file_with_the_lower_id(moved):
    found = moved(audio_files=[audio(2, "e\u0301.mp3"), audio(1, " é.mp3", size=5), audio(3, "É.mp3")])
    assert (found.kinds, found.keys) == ({"duplicate_filename": 1}, {"AUDIO#é.mp3", "AUDIO#É.mp3"})
    assert found.file("é.mp3").size == 5


@pytest.mark.parametrize(
    ("status", "text", "expected", "error"),
    [
        ("completed", "text", "completed", None), ("completed", None, "failed", NO_TEXT),
        ("completed", "", "failed", NO_TEXT), ("completed", " \n", "failed", NO_TEXT),
        ("error", None, "failed", "why"), ("failed", None, "failed", "why"), ("error", "text", "failed", "why"),
        ("processing", None, "pending", "why"), ("pending", None, "pending", "why"), ("", None, "pending", "why"),
        ("cancelled", None, "cancelled", "why"), ("disabled", None, "disabled", "why"),
        ("Completed", "text", "failed", "Unknown status 'Completed' in the source."),
        ("queued", None, "failed", "Unknown status 'queued' in the source."),
        (7, None, "failed", "Unknown status '7' in the source."),
    ],
)  # fmt: skip
def test_statuses_become_those_of_here(moved, status, text, expected, error):
    row = audio(1, "a.mp3", transcript=text, transcript_status=status, transcript_error="why")
    file = moved(audio_files=[row]).file("a.mp3")
    assert (file.transcript_status, file.transcript_error, file.is_in_flight) == (expected, error, False)
    assert file.transcript_source == ("migrated" if text and text.strip() else None)
    assert file.transcript_chars == (4 if text == "text" else None)


def test_an_error_is_cut_to_what_is_kept_of_one(moved):
    file = moved(audio_files=[audio(1, "a.mp3", transcript_status="error", transcript_error="é" * 2_000)]).file("a.mp3")
    assert file.transcript_error == "é" * 999 + "…"


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, None), (0, None), (-3, None), (1, 1), (12.5, 13), ("7", 7), (86_400, 86_400), (86_401, None),
        ("long", None), (9e999, None),
    ],
)  # fmt: skip
def test_durations_are_whole_seconds_within_a_day(moved, stored, expected):
    found = moved(audio_files=[audio(1, "a.mp3", duration=stored)])
    assert found.file("a.mp3").duration == expected
    assert found.notes == (["duration_not_kept"] if stored in (86_401, "long", 9e999) else [])


def test_a_size_that_is_none_is_rejected_and_an_empty_file_is_not(moved):
    rows = [audio(n, f"{n}.mp3", size=size) for n, size in enumerate((0, -1, "big", 2**40, 5.0))]
    found = moved(audio_files=rows)
    assert found.keys == {"AUDIO#0.mp3", "AUDIO#3.mp3", "AUDIO#4.mp3"}
    assert (found.kinds, found.notes, found.file("3.mp3").size) == ({"invalid_size": 2}, ["size_zero"], 2**40)


def test_a_long_text_is_stored_small_and_read_whole(moved):
    text = "Es war einmal ein König. 🐙\n" * 30_000
    found = moved(audio_files=[audio(1, "a.mp3", transcript=text, transcript_status="completed")])
    assert isinstance(found.items["AUDIO#a.mp3", "TRANSCRIPT"]["text"], bytes)
    assert found.text("a.mp3") == text
    assert found.file("a.mp3").transcript_chars == len(text)


@pytest.mark.parametrize("characters", [600_000, 1_048_577])
def test_a_text_that_does_not_fit_makes_the_file_failed_with_a_note(moved, characters):
    text = "a" * characters if characters > 1_048_576 else "".join(random.Random(1).choices(LETTERS, k=characters))
    found = moved(audio_files=[audio(1, "a.mp3", transcript=text, transcript_status="completed")])
    file = found.file("a.mp3")
    assert (file.transcript_status, file.transcript_error, file.transcript_chars) == ("failed", TEXT_TOO_LONG, None)
    assert found.notes == ["transcript_too_long"]
    assert ("AUDIO#a.mp3", "TRANSCRIPT") not in found.items


# ---- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("1", "true"), ("TRUE", "true"), ("yes", "true"), (" On ", "true"), (0, "false"), ("False", "false"),
        ("no", "false"), ("off", "false"),
    ],
)  # fmt: skip
def test_the_setting_is_read_in_every_spelling(moved, stored, expected):
    found = moved(settings=[setting(3, "transcription_enabled", stored)])
    assert found.items == {
        ("SETTING#transcription_enabled", "VALUE"): {
            "PK": "SETTING#transcription_enabled", "SK": "VALUE", "entity": "setting",
            "setting_key": "transcription_enabled", "setting_value": expected, "updated_at": CREATED_HERE,
        }
    }  # fmt: skip


def test_other_settings_stay_behind_and_are_named_without_their_values(moved):
    rows = [setting(1, "openai_api_key", "sk-s3cret"), setting(2, "transcription_enabled", "maybe")]
    found = moved(settings=rows)
    assert (found.items, found.kinds) == ({}, {"unknown_setting": 1, "invalid_setting": 1})
    kept = json.dumps([rejected.as_json() for rejected in found.snapshot.rejected()])
    assert "openai_api_key" in kept
    assert "s3cret" not in kept
    assert SERVICE.stays_behind >= {"unknown_setting", "invalid_setting", "kept"}
