"""Tickets for uploads: who gets one, for what, and what is refused before there is one."""

from urllib.parse import quote

import pytest

from tests.support.yoto_uploads import MP3


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("../x.mp3", "forbidden_character"), ("a\\b.mp3", "forbidden_character"), ("100%.mp3", "forbidden_character"),
        ("a/b.mp3", "forbidden_character"), ("..%2Fx.mp3", "forbidden_character"),
        ("a\x00.mp3", "forbidden_character"), ("a\n.mp3", "forbidden_character"),
        ("a\u202egnp.mp3", "forbidden_character"), ("a\u2066.mp3", "forbidden_character"),
        ("a\ufeff.mp3", "forbidden_character"), ("a\ue000.mp3", "forbidden_character"),
        ("a\u2028.mp3", "forbidden_character"), ("a\x7f.mp3", "forbidden_character"),
        (".x.mp3", "leading_dot"), (" .x.mp3", "leading_dot"),
        ("x" * 252 + ".mp3", "too_long"), ("\u00e9" * 126 + ".mp3", "too_long"), ("a" * 1_000_000, "too_long"),
        ("e\u0301\u0323" * 300_000 + ".mp3", "too_long"),
        ("notes.txt", "unsupported_extension"), ("mp3", "unsupported_extension"), ("a.mp3.", "unsupported_extension"),
        ("a.\uff4d\uff50\uff13", "unsupported_extension"),
        ("", "empty"), (" \u2003\n", "empty"),
    ],
    ids=lambda value: ascii(value)[:20],
)  # fmt: skip
def test_names_that_nothing_can_have(new_studio, filename, reason):
    studio = new_studio()
    john = studio.house.user("john")

    answer = studio.house.ask("POST", "/api/audio/uploads", by=john, json={"filename": filename, "size": 1})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_filename")
    assert answer.json()["errors"] == [{"field": "filename", "message": reason}]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" a.mp3\n", "a.mp3"), ("a.mp3\u3000", "a.mp3"), ("e\u0301.mp3", "\u00e9.mp3"), ("A.MP3", "A.MP3"),
        ("x" * 251 + ".mp3", "x" * 251 + ".mp3"), ("e\u0301" * 125 + ".mp3", "\u00e9" * 125 + ".mp3"),
        ("#.mp3", "#.mp3"), ("a.mp3.flac", "a.mp3.flac"),
    ],
    ids=lambda value: ascii(value)[:20],
)  # fmt: skip
def test_names_are_kept_in_one_form(new_studio, typed, kept):
    studio = new_studio()
    john = studio.house.user("john")
    kind = b"fLaC" + bytes(100) if kept.endswith("flac") else MP3

    ticket = studio.brought(john, typed, kind)

    assert (ticket["filename"], studio.standing(ticket, john)["state"]) == (kept, "completed")
    assert studio.house.ask("GET", f"/api/audio/{quote(kept)}", by=john).json()["filename"] == kept
    taken = studio.house.ask("POST", "/api/audio/uploads", by=john, json={"filename": typed, "size": 1})
    assert (taken.status_code, taken.json()["code"]) == (409, "audio_exists")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"size": 209_715_201}, 413, "upload_too_large"),
        ({"size": 10**400}, 413, "upload_too_large"),
        ({"size": 0}, 422, "validation_error"),
        ({"size": -1}, 422, "validation_error"),
        ({"size": 1.5}, 422, "validation_error"),
        ({"size": True}, 422, "validation_error"),
        ({"size": "1"}, 422, "validation_error"),
        ({"content_type": "text/html"}, 415, "unsupported_media_type"),
        ({"content_type": "audio/wav"}, 415, "unsupported_media_type"),
        ({"content_type": 5}, 422, "validation_error"),
        ({"duration": -1}, 422, "validation_error"),
        ({"duration": 0}, 422, "validation_error"),
        ({"duration": 86_401}, 422, "validation_error"),
        ({"duration": True}, 422, "validation_error"),
        ({"replace": "yes"}, 422, "validation_error"),
        ({"object_key": "media/x.mp3"}, 422, "validation_error"),
        ({"filename": None}, 422, "validation_error"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_what_is_said_of_a_file_has_to_make_sense(new_studio, asked, status, code):
    studio = new_studio()
    john = studio.house.user("john")

    answer = studio.house.ask("POST", "/api/audio/uploads", by=john, json={"filename": "a.mp3", "size": 1} | asked)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert not [each for each in studio.house.items() if each.get("entity") == "upload"]


@pytest.mark.parametrize(
    "text",
    [
        '{"filename": "a.mp3", "size": 1, "duration": NaN}', '{"filename": "a.mp3", "size": 1, "duration": 1e400}',
        '{"filename": "a.mp3", "size": 1e400}', '{"filename": "\\ud800.mp3", "size": 1}',
        '{"filename": "a.mp3", "size": ' + "9" * 5_000 + "}", '{"filename": "a.mp3", "size": 1',
    ],
    ids=["nan", "infinite", "infinite-size", "surrogate", "digits", "cut"],
)  # fmt: skip
def test_numbers_and_texts_that_json_alone_can_spell_are_refused(new_studio, text):
    house = new_studio().house

    answer = house.ask(
        "POST", "/api/audio/uploads", by=house.user("john"), content=text, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in {400, 422}, answer.text


@pytest.mark.parametrize("declared", [None, "", "audio/mpeg", "audio/mp3", "AUDIO/MPEG; codecs=mp3"])
def test_the_type_is_that_of_the_extension_whatever_browsers_call_it(new_studio, declared):
    studio = new_studio()
    ticket = studio.ticket(studio.house.user("john"), content_type=declared)
    assert ticket["upload"]["fields"]["Content-Type"] == "audio/mpeg"


def test_a_name_that_is_taken_is_free_to_nobody_but_its_owner_and_administrators(new_studio):
    studio = new_studio()
    house, john, mary = studio.house, studio.house.user("john"), studio.house.user("mary")
    house.file("a.mp3", john)
    house.file("old.mp3")
    for by, filename, replace, status, code in (
        (mary, "a.mp3", False, 409, "audio_exists"), (john, "a.mp3", False, 409, "audio_exists"),
        (mary, "a.mp3", True, 403, "not_owner"), (john, "old.mp3", True, 403, "not_owner"),
        (john, "a.mp3", True, 201, None), (house.admin(), "a.mp3", True, 201, None), (mary, "new.mp3", True, 201, None),
    ):  # fmt: skip
        asked = {"filename": filename, "size": 1, "replace": replace}
        answer = house.ask("POST", "/api/audio/uploads", by=by, json=asked)
        assert (answer.status_code, answer.json().get("code")) == (status, code), (by.username, filename, replace)


def test_without_a_bucket_there_are_no_uploads_and_no_addresses(new_house):
    house = new_house(s3_audio_bucket="")
    john = house.user("john")
    house.file("a.mp3", john)
    house.file("old.mp3", john, object_key=None)

    answer = house.ask("POST", "/api/audio/uploads", by=john, json={"filename": "b.mp3", "size": 1})
    assert (answer.status_code, answer.json()["code"]) == (503, "configuration_error")
    answer = house.ask("GET", "/api/audio/a.mp3/url", by=john)
    assert (answer.status_code, answer.json()["code"]) == (503, "configuration_error")
    answer = house.ask("GET", "/api/audio/old.mp3/url", by=john)
    assert (answer.status_code, answer.json()["code"]) == (409, "audio_object_missing")
