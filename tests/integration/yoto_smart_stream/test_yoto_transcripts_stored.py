"""What programs call: transcripts by the methods that were published, and what each of them leaves stored."""

from collections import Counter

import pytest

from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import (
    InFlight,
    InvalidStatus,
    StatusConflict,
    TranscriptExists,
    TranscriptTooLarge,
    VersionConflict,
)
from lambda_src.services.yoto_smart_stream.models import Job, timestamp
from lambda_src.services.yoto_smart_stream.transcripts.repository import TranscriptRepository
from lambda_src.services.yoto_smart_stream.transcripts.rules import Failed, Finished

ID, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def house(new_house):
    return new_house()


@pytest.fixture
def texts(house) -> TranscriptRepository:
    return TranscriptRepository(house.store, house.clock)


def job(house, job_id=ID) -> Job:
    return Job(job_id=job_id, kind="transcribe", filename="test.mp3", created_at=timestamp(house.clock()))


def in_flight(house, texts, job_id=ID) -> None:
    assert texts.request_transcription("test.mp3", job(house, job_id)) is True


def test_the_published_calls_in_their_order(house, texts):
    """From the file on."""
    file = house.file("test.mp3", size=1024000, duration=120)
    assert file.transcript_status == "pending"

    house.clock.forward(seconds=1)
    completed = texts.update_transcript("test.mp3", "This is a test transcript", "completed")
    assert completed is not None
    assert (completed.transcript_status, completed.transcribed_at) == ("completed", timestamp(house.clock()))
    assert (completed.transcript_chars, completed.duration) == (25, 120)

    house.clock.forward(seconds=1)
    failed = texts.update_transcript("test.mp3", None, "failed", "Transcription timeout")
    assert failed is not None
    assert (failed.transcript_status, failed.transcript_error) == ("failed", "Transcription timeout")
    assert (failed.version, failed.updated_at) == (3, timestamp(house.clock()))
    assert failed.created_at == file.created_at


def test_a_file_that_is_not_there_is_none_and_is_never_made(house, texts):
    assert texts.set_transcript_status("ghost.mp3", "failed", "x") is None
    assert texts.update_transcript("ghost.mp3", "text", "completed") is None
    assert texts.update_transcript("ghost.mp3", None, "completed", expect={"pending"}) is None
    assert texts.clear_transcript("ghost.mp3") is None
    assert texts.request_transcription("ghost.mp3", job(house)) is False
    assert texts.begin_transcription("ghost.mp3", ID, "fake") is False
    assert texts.finish_transcription("ghost.mp3", ID, Finished("text", None)) is False
    assert texts.cancel_transcription("ghost.mp3", ID) is False
    assert texts.finish_job(ID) is False
    assert house.items() == []


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "disabled"])
def test_a_terminal_status_ends_what_is_in_flight(house, texts, status):
    house.file("test.mp3")
    in_flight(house, texts)

    now = texts.set_transcript_status("test.mp3", status)

    assert now is not None
    assert (now.is_in_flight, now.transcribed_at is not None) == (False, status == "completed")
    assert texts.finish_transcription("test.mp3", ID, Finished("late", None)) is False


@pytest.mark.parametrize("status", ["pending", "processing"])
def test_a_status_that_is_none_of_an_end_leaves_it_in_flight(house, texts, status):
    house.file("test.mp3")
    in_flight(house, texts)

    now = texts.set_transcript_status("test.mp3", status)

    assert now is not None
    assert now.transcript_request_id == ID


def test_only_the_statuses_that_are_expected_are_left(house, texts):
    house.file("test.mp3", transcript_status="disabled", transcript_error="Why.")
    before = house.items()

    with pytest.raises(StatusConflict) as refused:
        texts.set_transcript_status("test.mp3", "failed", expect={"pending", "processing"})
    assert refused.value.current == "disabled"
    with pytest.raises(StatusConflict) as refused:
        texts.update_transcript("test.mp3", "text", "completed", expect={"pending"})
    assert refused.value.current == "disabled"
    assert house.items() == before

    now = texts.update_transcript("test.mp3", "text", "completed", expect={"pending", "disabled"})
    assert now is not None
    assert (now.transcript_status, now.transcript_error) == ("completed", None)


def test_a_status_there_is_not_and_a_text_that_is_too_long_are_refused_before_any_request(house, texts):
    house.file("test.mp3")

    with house.counted() as requests:
        for status in ("error", "done", ""):
            with pytest.raises(InvalidStatus):
                texts.set_transcript_status("test.mp3", status)
            with pytest.raises(InvalidStatus):
                texts.update_transcript("test.mp3", "text", status)
        with pytest.raises(TranscriptTooLarge):
            texts.update_transcript("test.mp3", "a" * 1_048_577, "completed")
    assert requests == {}


def test_a_text_is_written_over_what_was_seen_only(house, texts):
    seen = house.file("test.mp3")
    texts.set_transcript_status("test.mp3", "failed")

    with pytest.raises(VersionConflict):
        texts.update_transcript("test.mp3", "text", "completed", seen=seen)
    assert house.item(tables.TRANSCRIPT.key(filename="test.mp3")) is None


def test_nothing_to_write_is_a_status_alone(house, texts):
    house.file("test.mp3")
    texts.update_transcript("test.mp3", "text", "completed")

    now = texts.update_transcript("test.mp3", "", "failed")

    assert now is not None
    assert (now.transcript_chars, house.item(tables.TRANSCRIPT.key(filename="test.mp3"))["text"]) == (4, "text")


def test_of_two_wishes_the_second_hears_of_the_first(house, texts):
    house.file("test.mp3")
    in_flight(house, texts)

    with pytest.raises(InFlight) as refused:
        texts.request_transcription("test.mp3", job(house, OTHER), force=True)
    assert refused.value.request_id == ID
    assert house.item(tables.JOB.key(job_id=OTHER)) is None

    texts.finish_transcription("test.mp3", ID, Finished("text", None))
    with pytest.raises(TranscriptExists):
        texts.request_transcription("test.mp3", job(house, OTHER))
    assert texts.request_transcription("test.mp3", job(house, OTHER), force=True) is True


@pytest.mark.parametrize("outcome", [Finished("text", "en-US"), Failed("Why.")], ids=["a text", "a reason"])
def test_of_cancelling_and_finishing_one_wins(house, texts, outcome):
    for first, second in [("cancel", "finish"), ("finish", "cancel")]:
        filename = f"{first}.mp3"
        house.file(filename)
        assert texts.request_transcription(filename, job(house, first.encode().hex().rjust(32, "0")))
        job_id = house.stored_file(filename)["transcript_request_id"]
        ends = {
            "cancel": lambda name=filename, it=job_id: texts.cancel_transcription(name, it),
            "finish": lambda name=filename, it=job_id: texts.finish_transcription(name, it, outcome),
        }

        assert (ends[first](), ends[second]()) == (True, False)

        status = house.stored_file(filename)["transcript_status"]
        finished = "completed" if isinstance(outcome, Finished) else "failed"
        assert status == ("cancelled" if first == "cancel" else finished)
        has_text = house.item(tables.TRANSCRIPT.key(filename=filename)) is not None
        assert has_text == (status == "completed")


def test_cancelling_races_with_finishing_and_one_of_them_wins(house, texts):
    house.file("test.mp3")
    john = house.user("john")
    for round_number in range(10):
        job_id = f"{round_number:032x}"
        assert texts.request_transcription("test.mp3", job(house, job_id), force=True)
        finish = [lambda it=job_id: texts.finish_transcription("test.mp3", it, Finished(f"text of {it}", None))]
        cancel = lambda: house.ask("POST", "/api/audio/test.mp3/transcript/cancel", by=john)  # noqa: E731

        results = house.all_at_once(*finish, cancel, *finish, cancel, threads=4)

        finished = [each for each in results if isinstance(each, bool) and each]
        cancelled = [each for each in results if not isinstance(each, bool) and each.status_code == 200]
        assert len(finished) + len(cancelled) == 1
        stored = house.stored_file("test.mp3")
        assert stored["transcript_status"] == ("completed" if finished else "cancelled")
        assert "transcript_request_id" not in stored
        text = (house.item(tables.TRANSCRIPT.key(filename="test.mp3")) or {}).get("text")
        assert (text == f"text of {job_id}") == bool(finished)
        assert house.item(tables.JOB.key(job_id=job_id))["job_state"] == "done"


def test_beginning_again_and_again_is_said_each_time_and_only_for_the_job_that_is_in_flight(house, texts):
    house.file("test.mp3")
    in_flight(house, texts)

    assert texts.begin_transcription("test.mp3", OTHER, "fake") is False
    assert [texts.begin_transcription("test.mp3", ID, "fake") for _ in range(3)] == [True] * 3

    stored = house.item(tables.JOB.key(job_id=ID))
    assert (stored["attempts"], stored["job_state"], stored["provider"]) == (3, "started", "fake")
    assert house.stored_file("test.mp3")["transcript_status"] == "processing"
    assert texts.finish_transcription("test.mp3", OTHER, Failed("x")) is False
    assert texts.cancel_transcription("test.mp3", OTHER) is False


def test_a_job_of_the_same_file_that_is_not_the_present_one_writes_nothing(house, texts):
    house.file("test.mp3")
    in_flight(house, texts, OTHER)
    texts.set_transcript_status("test.mp3", "cancelled")  # which leaves its job as it is
    in_flight(house, texts)
    before = house.items()

    assert texts.begin_transcription("test.mp3", OTHER, "fake") is False
    assert texts.finish_transcription("test.mp3", OTHER, Finished("late", None)) is False
    assert texts.finish_transcription("test.mp3", OTHER, Failed("late")) is False
    assert texts.cancel_transcription("test.mp3", OTHER) is False
    assert house.items() == before


def test_every_write_raises_the_version_by_one_and_keeps_the_rest(house, texts):
    before = house.file("test.mp3", duration=12, play_token="t" * 32, tts_model="m")
    steps = [
        lambda: texts.request_transcription("test.mp3", job(house)),
        lambda: texts.begin_transcription("test.mp3", ID, "fake"),
        lambda: texts.finish_transcription("test.mp3", ID, Finished("text", "en-US")),
        lambda: texts.set_transcript_status("test.mp3", "failed", "Why."),
        lambda: texts.update_transcript("test.mp3", "more", "completed"),
        lambda: texts.clear_transcript("test.mp3"),
    ]
    for number, step in enumerate(steps, start=2):
        house.clock.forward(seconds=1)
        assert step()
        stored = house.stored_file("test.mp3")
        assert (stored["version"], stored["updated_at"]) == (number, timestamp(house.clock()))
    untouched = {"version", "updated_at"}
    assert {name: value for name, value in stored.items() if name not in untouched} == {
        name: value for name, value in tables.AUDIO.item(before).items() if name not in untouched
    }


def test_what_each_of_them_asks_of_the_table(house, texts):
    house.file("test.mp3")
    calls = [
        (lambda: texts.request_transcription("test.mp3", job(house)), {"TransactWriteItems": 1}),
        (lambda: texts.begin_transcription("test.mp3", ID, "fake"), {"TransactWriteItems": 1}),
        (lambda: texts.cancel_transcription("test.mp3", OTHER), {"TransactWriteItems": 1}),
        (lambda: texts.finish_transcription("test.mp3", ID, Failed("Why.")), {"TransactWriteItems": 1}),
        (lambda: texts.set_transcript_status("test.mp3", "pending"), {"UpdateItem": 1}),
        (lambda: texts.update_transcript("test.mp3", None, "failed"), {"UpdateItem": 1}),
        (lambda: texts.update_transcript("test.mp3", "text", "completed"), {"TransactWriteItems": 1, "GetItem": 1}),
        (lambda: texts.clear_transcript("test.mp3"), {"TransactWriteItems": 1, "GetItem": 1}),
        (lambda: texts.finish_job(ID), {"UpdateItem": 1}),
    ]
    for call, expected in calls:
        with house.counted() as requests:
            call()
        assert requests == Counter(expected)
