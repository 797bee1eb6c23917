"""Where nothing but a table is at hand: the fake provider answers at once, without queue, worker and audio."""

import pytest

from lambda_src.services.yoto_smart_stream import tables
from tests.support.engines import on_both_engines

pytestmark = on_both_engines


@pytest.fixture
def house(new_house):
    return new_house(
        transcription_provider="fake",
        fake_transcript=" What was heard. ",
        s3_audio_bucket="",
        transcription_queue_url="",
    )


def wish(house, filename, by):
    return house.ask("POST", f"/api/audio/{filename}/transcribe", by=by)


def test_a_wish_is_met_before_it_is_answered(house):
    john = house.user("john")
    house.file("song.mp3", john, object_key=None)

    answer = wish(house, "song.mp3", john)

    assert (answer.status_code, answer.json()["status"], answer.json()["already_queued"]) == (202, "pending", False)
    now = house.ask("GET", "/api/audio/song.mp3/transcript", by=john).json()
    assert (now["status"], now["transcript"], now["language"]) == ("completed", "What was heard.", "en-US")
    job = house.item(tables.JOB.key(job_id=answer.json()["request_id"]))
    assert (job["job_state"], job["provider"]) == ("done", "fake")
    assert house.queue.every == []


def test_a_name_may_ask_for_a_failure(house):
    john = house.user("john")
    house.file("fails.mp3", john, object_key=None)

    assert wish(house, "fails.mp3", john).status_code == 202

    now = house.ask("GET", "/api/audio/fails.mp3/transcript", by=john).json()
    assert (now["status"], now["error"]) == ("failed", "The name of the file asks for a failure.")
    assert wish(house, "fails.mp3", john).json()["already_queued"] is False
