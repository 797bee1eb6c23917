"""Uploads from the ticket to the file: the form, what S3 lets through, and what the worker makes of it."""

import json

import pytest

from lambda_src.services.yoto_smart_stream import tables
from tests.support.played import Sent
from tests.support.yoto_smart_stream import QUEUE
from tests.support.yoto_uploads import MP3, PDF, event_of, recording

NOW = "2025-01-15T08:30:00.123000Z"


def test_a_file_is_uploaded_past_the_api_and_found_by_its_composed_name(new_studio):
    studio = new_studio()
    house, john = studio.house, studio.house.user("john")
    with house.counted() as requests:
        ticket = studio.ticket(john, "E\u0301pisode #1 \U0001f419.mp3", size=5_242_880)

    upload_id, key = ticket["upload_id"], f"uploads/{ticket['upload_id']}.mp3"
    assert requests == {"GetItem": 2, "PutItem": 1}, "the caller, the name; the ticket"
    assert (ticket["filename"], ticket["max_bytes"]) == ("\u00c9pisode #1 \U0001f419.mp3", 209_715_200)
    assert ticket["expires_at"] == "2025-01-15T08:45:00.000000Z"
    assert (ticket["upload"]["method"], ticket["upload"]["headers"]) == ("POST", {})
    assert (ticket["upload"]["fields"]["key"], len(upload_id)) == (key, 32)
    assert studio.standing(ticket, john) == {
        "upload_id": upload_id, "filename": ticket["filename"], "state": "pending", "reason": None, "audio": None,
    }  # fmt: skip
    path = "/api/audio/%C3%89pisode%20%231%20%F0%9F%90%99.mp3"
    assert house.ask("GET", path, by=john).status_code == 404

    assert studio.upload(ticket).status_code == 204
    with house.counted() as requests:
        assert studio.announce(ticket) == []

    assert requests == {"GetItem": 3, "TransactWriteItems": 1}, "ticket, file and setting"
    stored = house.item(tables.AUDIO.key(filename="\u00c9pisode #1 \U0001f419.mp3"))
    assert stored is not None
    assert stored["PK"] == "AUDIO#\u00c9pisode %231 \U0001f419.mp3"
    assert studio.content(stored["object_key"]) == MP3
    assert studio.objects.head(stored["object_key"]).content_type == "audio/mpeg"
    assert not studio.uploaded(ticket)
    audio = house.ask("GET", path, by=john).json()
    assert audio == {
        "filename": "\u00c9pisode #1 \U0001f419.mp3", "size": len(MP3), "duration": 0,
        "content_type": "audio/mpeg", "uploaded_by": john.user_id, "has_audio": True, "has_play_link": False,
        "transcript_status": "pending", "transcript_error": None, "transcript_chars": None, "transcribed_at": None,
        "queued": True, "tts": None, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    with house.counted() as requests:
        assert studio.standing(ticket, john)["audio"] == audio
    assert requests == {"GetItem": 3}, "caller, ticket, file"
    [job] = studio.jobs("transcribe")
    assert job["job_id"] == stored["transcript_request_id"]
    assert (job["requested_by"], job["job_state"], job["filename"]) == (john.user_id, "queued", stored["filename"])
    [sent] = house.queue.take()
    assert sent.content == {"v": 1, "kind": "transcribe", "job_id": job["job_id"]}


# ---- what S3 refuses, and what the worker does -----------------------------------------------------------------------


def test_storage_refuses_what_the_form_does_not_allow_and_the_ticket_expires(new_studio):
    studio = new_studio(max_upload_bytes=5_000)
    john = studio.house.user("john")
    ticket = studio.ticket(john, size=1_000)

    answer = studio.upload(ticket, bytes(5_001))
    assert (answer.status_code, "EntityTooLarge" in answer.text) == (400, True)
    assert studio.upload(ticket, b"").status_code == 400
    for name, value in (
        ("key", "media/" + "0" * 32 + ".mp3"), ("key", "uploads/" + "0" * 32 + ".mp3"), ("Content-Type", "text/html"),
    ):  # fmt: skip
        assert studio.upload(ticket, MP3, **{name: value}).status_code == 403, value
    studio.clock.forward(seconds=900 + 3600 - 1)
    assert studio.standing(ticket, john)["state"] == "pending"
    studio.clock.forward(seconds=1)
    assert studio.standing(ticket, john) == {
        "upload_id": ticket["upload_id"], "filename": "a.mp3", "state": "expired", "reason": None, "audio": None,
    }  # fmt: skip
    assert studio.house.stored_file("a.mp3") is None
    studio.clock.forward(days=1)
    answer = studio.house.ask("GET", f"/api/audio/uploads/{ticket['upload_id']}", by=john)
    assert (answer.status_code, answer.json()["code"]) == (404, "upload_not_found")


@pytest.mark.parametrize(
    ("content", "limit", "reason"),
    [(PDF, 5_000, "not_audio"), (b"\xff\xfea\x00b\x00", 5_000, "not_audio"), (MP3, len(MP3) - 1, "too_large")],
    ids=["pdf", "text", "large"],
)
def test_what_is_no_audio_is_rejected_and_deleted(new_studio, content, limit, reason):
    studio = new_studio()
    john = studio.house.user("john")
    ticket = studio.ticket(john, "story.mp3")
    assert studio.upload(ticket, content).status_code == 204
    strict = studio.house.worker_settings.model_copy(update={"max_upload_bytes": limit})
    worker = studio.house._wiring.worker(strict, studio.house.resources)
    media = studio.keys(tables.MEDIA)

    with studio.house.counted() as requests:
        assert studio.announce(ticket, worker=worker) == []

    assert requests == {"GetItem": 1, "UpdateItem": 1}
    assert studio.house.metrics.counted == [("UploadRejected", {"reason": reason})]
    standing = studio.standing(ticket, john)
    assert (standing["state"], standing["reason"], standing["audio"]) == ("rejected", reason, None)
    assert not studio.uploaded(ticket)
    assert studio.keys(tables.MEDIA) == media
    assert studio.house.ask("GET", "/api/audio/story.mp3", by=john).status_code == 404
    assert not studio.house.queue.take()
    assert studio.announce(ticket, receive_count=2) == []
    assert studio.standing(ticket, john) == standing


def test_an_event_that_comes_twice_changes_the_library_once(new_studio):
    studio = new_studio()
    john = studio.house.user("john")
    ticket = studio.brought(john)
    before = studio.house.items()

    assert studio.announce(ticket) == []

    assert studio.house.items() == before
    assert [each.kind for each in studio.house.queue.take()] == ["transcribe"]
    assert len(studio.jobs("transcribe")) == 1


def test_one_broken_record_among_five_fails_alone(new_studio):
    studio = new_studio()
    john = studio.house.user("john")
    tickets = [studio.ticket(john, f"{number}.mp3") for number in range(4)]
    for ticket in tickets:
        assert studio.upload(ticket).status_code == 204
    events = [studio.event(ticket, number) for number, ticket in enumerate(tickets)]
    never_sent = studio.event(studio.ticket(john, "never.mp3"), 5)
    broken = Sent(QUEUE, "broken", json.dumps({"source": "aws.s3", "detail": {}}))

    assert studio.house.deliver(events[0], broken, events[1], never_sent, events[2], events[3]) == []

    assert {each["PK"] for each in studio.house.items() if each.get("entity") == "audio"} == {
        f"AUDIO#{number}.mp3" for number in range(4)
    }
    assert [(each.body, "reason" in each.attributes) for each in studio.house.queue.dead()] == [
        (broken.body, True), (never_sent.body, True),
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["uploads/x.mp3", "uploads/" + "0" * 32 + ".mp3", "media/{id}.mp3", "uploads/{id}.wav"])
def test_objects_of_no_ticket_stay_as_they_are(new_studio, key, caplog):
    studio = new_studio()
    ticket = studio.ticket(studio.house.user("john"))
    key = key.format(id=ticket["upload_id"])
    studio.objects.put(key, PDF, content_type="audio/mpeg")
    caplog.set_level("WARNING")

    assert studio.house.deliver(event_of(studio.bucket.bucket, key)) == []

    assert "unknown_object" in caplog.messages
    assert studio.content(key) == PDF
    assert studio.house.item(tables.UPLOAD.key(upload_id=ticket["upload_id"]))["upload_state"] == "pending"


def test_an_event_that_comes_after_its_ticket_is_forgotten_does_nothing(new_studio):
    studio = new_studio()
    ticket = studio.ticket(studio.house.user("john"))
    assert studio.upload(ticket).status_code == 204
    studio.clock.forward(seconds=900 + 86_400)

    assert studio.announce(ticket) == []
    assert studio.house.stored_file("a.mp3") is None


@pytest.mark.parametrize(
    ("declared", "stored"), [(12.48, 12), (12.5, 13), (0.3, 0), (86_400, 86_400), (None, 7), (5, 5)]
)
def test_a_duration_is_the_declared_one_or_measured(new_studio, declared, stored):
    studio = new_studio()
    john = studio.house.user("john")
    ticket = studio.brought(john, "a.wav", recording(7), duration=declared)
    assert studio.standing(ticket, john)["audio"]["duration"] == stored


@pytest.mark.parametrize("options", [{"transcription_enabled": False}, {"transcription_provider": "none"}], ids=str)
def test_with_transcription_switched_off_a_file_says_so(new_studio, options):
    studio = new_studio(**options)
    john = studio.house.user("john")
    audio = studio.standing(studio.brought(john), john)["audio"]

    assert (audio["transcript_status"], audio["queued"]) == ("disabled", False)
    assert audio["transcript_error"] == "Transcription was switched off when this file was added."
    assert not studio.jobs("transcribe")
    assert not studio.house.queue.take()


def test_tickets_are_shown_to_who_asked_for_them_and_to_administrators(new_studio):
    studio = new_studio()
    house, john = studio.house, studio.house.user("john")
    ticket = studio.ticket(john)
    path = f"/api/audio/uploads/{ticket['upload_id']}"

    assert house.ask("GET", path, by=house.admin()).json()["state"] == "pending"
    for by, asked, status in (
        (house.user("mary"), path, 404), (john, path.upper(), 404), (john, path[:-1], 404), (john, path + "%0A", 404),
        (john, "/api/audio/uploads/" + "0" * 32, 404), (None, path, 401),
    ):  # fmt: skip
        answer = house.ask("GET", asked, by=by)
        assert answer.status_code == status, asked
        assert status == 401 or answer.json()["code"] in {"upload_not_found", "not_found"}
    for method in ("PUT", "POST"):
        assert house.ask(method, f"{path}/content", by=john, content=b"x").status_code == 404
