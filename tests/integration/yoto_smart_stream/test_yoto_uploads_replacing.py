"""Uploads of one name, and forms that are sent again: who has the name, and what a listener hears."""

from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import Transcript
from tests.support.yoto_uploads import MP3, OTHER_MP3, PDF

NOW = "2025-01-15T08:30:00.123000Z"


def test_the_first_upload_has_the_name_and_its_owner_may_replace_it(new_studio):
    studio = new_studio()
    house, john = studio.house, studio.house.user("john")
    tickets = [studio.ticket(john) for _ in range(2)]
    for ticket, content in zip(tickets, (MP3, OTHER_MP3), strict=True):
        assert studio.upload(ticket, content).status_code == 204
        assert studio.announce(ticket) == []
    assert [studio.standing(each, john)["state"] for each in tickets] == ["completed", "rejected"]
    assert studio.standing(tickets[1], john)["reason"] == "filename_taken"
    first = house.stored_file("a.mp3")
    assert first is not None
    assert studio.content(first["object_key"]) == MP3
    assert not studio.uploaded(*tickets)

    url = house.ask("POST", "/api/audio/a.mp3/play-link", by=john).json()["play_url"]
    house.put_items(tables.TRANSCRIPT.item(Transcript("a.mp3", "once upon a time")))
    house.queue.take()
    studio.clock.forward(minutes=1)
    third = studio.brought(john, "a.mp3", OTHER_MP3, replace=True)

    assert studio.standing(third, john)["state"] == "completed"
    assert studio.standing(tickets[0], john)["audio"] is None, "the file is another one"
    second = house.stored_file("a.mp3")
    assert second is not None
    assert studio.content(second["object_key"]) == OTHER_MP3
    assert second["play_token"] == url.rsplit("/", 1)[1]
    assert (second["created_at"], second["updated_at"]) == (NOW, "2025-01-15T08:31:00.123000Z")
    assert (second["transcript_status"], "transcript_chars" in second) == ("pending", False)
    assert second["transcript_request_id"] != first["transcript_request_id"]
    assert house.item(tables.TRANSCRIPT.key(filename="a.mp3")) is None
    messages = house.queue.take()
    assert sorted(each.kind for each in messages) == ["cancel", "purge", "transcribe"]
    assert studio.content(first["object_key"]) == MP3, "until the job has run"
    assert house.deliver(*(each for each in messages if each.kind == "purge")) == []
    assert studio.content(first["object_key"]) is None
    answer = house.ask("GET", url.removeprefix("https://api.yoto.test"), follow_redirects=False)
    assert (answer.status_code, second["object_key"] in answer.headers["Location"]) == (307, True)


def test_a_replacement_keeps_owner_voice_and_place_and_ends_what_is_in_flight(new_studio):
    studio = new_studio()
    house, john = studio.house, studio.house.user("john")
    house.file(
        "a.mp3", john, version=7, tts_provider="x", tts_model="m", transcript_status="processing",
        transcript_request_id="f" * 32, transcript_chars=5, transcript_language="en-US", transcript_source="speech",
        transcribed_at=NOW, transcript_error="e", duration=99, object_key=None,
    )  # fmt: skip

    studio.brought(house.admin(), "a.mp3", replace=True)

    stored = house.stored_file("a.mp3")
    assert stored is not None
    [job] = studio.jobs("transcribe")
    assert stored["transcript_request_id"] == job["job_id"] != "f" * 32
    assert (stored["version"], stored["uploaded_by"], stored["tts_provider"], stored["tts_model"]) == (
        8, john.user_id, "x", "m",
    )  # fmt: skip
    gone = {"transcript_chars", "transcript_language", "transcript_source", "transcribed_at", "transcript_error"}
    assert not gone & stored.keys()
    assert stored["duration"] == 0, "of one frame"
    assert not studio.jobs("purge"), "there was no object"
    sent = [each.content for each in house.queue.take()]
    assert [each["kind"] for each in sent] == ["transcribe", "cancel"]
    assert sent[1]["job_id"] == "f" * 32


def test_a_ticket_does_not_replace_the_file_of_somebody_who_came_first(new_studio):
    studio = new_studio()
    house, john, mary = studio.house, studio.house.user("john"), studio.house.user("mary")
    ticket = studio.ticket(mary, replace=True)
    assert studio.upload(ticket, OTHER_MP3).status_code == 204
    studio.brought(john)

    assert studio.announce(ticket) == []

    assert studio.standing(ticket, mary)["reason"] == "filename_taken"
    stored = house.stored_file("a.mp3")
    assert stored is not None
    assert (stored["uploaded_by"], studio.content(stored["object_key"])) == (john.user_id, MP3)


def test_a_form_that_is_sent_again_changes_nothing_that_a_listener_hears(new_studio):
    studio = new_studio()
    house, john = studio.house, studio.house.user("john")
    ticket = studio.brought(john)
    stored, media = house.stored_file("a.mp3"), studio.keys(tables.MEDIA)
    assert stored is not None
    for content in (PDF, OTHER_MP3, MP3):
        assert studio.upload(ticket, content).status_code == 204
        assert studio.content(stored["object_key"]) == MP3
        with house.counted() as requests:
            assert studio.announce(ticket) == []
        assert requests == {"GetItem": 1}
        assert house.stored_file("a.mp3") == stored
        assert (studio.content(stored["object_key"]), studio.keys(tables.MEDIA)) == (MP3, media)
        assert not studio.uploaded(ticket)
    assert house.ask("DELETE", "/api/audio/a.mp3", by=john).status_code == 204
    assert studio.upload(ticket, OTHER_MP3).status_code == 204
    assert studio.announce(ticket) == []
    assert house.stored_file("a.mp3") is None
