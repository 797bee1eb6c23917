"""The sweep: what was lost is found, what is stuck ends, and each job is its own affair."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.transcribe import JobState, TranscribeClient, TranscribeUnavailable
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.yoto_smart_stream import tables, wiring
from lambda_src.services.yoto_smart_stream.models import Job, timestamp
from lambda_src.services.yoto_smart_stream.upkeep import Upkeep
from tests.support.played import NOON
from tests.support.transcribe_stand_in import Play
from tests.support.yoto_smart_stream import QUEUE
from tests.support.yoto_transcripts import Speech, name_of

TIMED_OUT = "Transcription timed out after 6 hours."
PLENTY = Deadline.after(100, monotonic=lambda: 0.0)


@pytest.fixture
def speech(new_speech) -> Speech:
    made: Speech = new_speech()
    return made


@pytest.fixture
def john(speech):
    return speech.house.user("john")


class Away(TranscribeClient):
    """A service that nobody reaches."""

    def get(self, name: str) -> JobState:
        raise TranscribeUnavailable(name)

    def delete(self, name: str) -> None:
        """Nobody hears it."""


def upkeep(speech, *, purge=lambda _: None, bootstrap=lambda: None) -> Upkeep:
    house = speech.house
    return Upkeep(
        house.store,
        wiring.runner(house.worker_settings, house.resources, house.store, house.resources.objects("audio")),
        WorkQueue(house.queue, QUEUE),
        purge,
        bootstrap,
        house.metrics,
        house.clock,
    )


def asked(speech, john, filename="song.mp3", play=None) -> str:
    """A file somebody wants to have transcribed."""
    speech.transcribe.play_in_order(play or Play(text="hello world", running_polls=None))
    speech.file(filename, john)
    return str(speech.request(filename, john))


def purge_job(number: int, created_at: datetime) -> Job:
    return Job(job_id=f"{number:032x}", kind="purge", filename="old.mp3", created_at=timestamp(created_at))


def sweep_later(speech, **by) -> None:
    speech.house.clock.forward(**by)
    speech.house.scheduled("sweep")


def outcome(speech, john, filename="song.mp3"):
    now = speech.read(filename, john)
    return now["status"], now["transcript"], now["error"]


def test_a_lost_message_is_sent_again(speech, john):
    job_id = asked(speech, john)
    speech.house.queue.take()  # and that was that

    sweep_later(speech, minutes=9)
    assert speech.house.queue.take() == []
    sweep_later(speech, minutes=2)

    [sent] = speech.house.queue.take()
    assert sent.content == {"v": 1, "kind": "transcribe", "job_id": job_id}
    assert ("JobResent", {}) in speech.house.metrics.counted
    speech.house.deliver(sent)
    speech.answer(job_id)
    assert outcome(speech, john) == ("completed", "hello world", None)
    assert speech.started_names() == [name_of(job_id)]


def test_a_lost_answer_is_asked_for(speech, john):
    job_id = asked(speech, john)
    speech.work()
    speech.ended(job_id)  # and the event gets lost

    sweep_later(speech, minutes=11)

    assert outcome(speech, john) == ("completed", "hello world", None)
    assert speech.job(job_id)["job_state"] == "done"
    assert speech.house.queue.every == speech.house.queue.of_type("transcribe")
    calls = len(speech.transcribe.calls)
    sweep_later(speech, minutes=11)
    assert len(speech.transcribe.calls) == calls


def test_silence_and_failures_are_found_as_well(speech, john):
    for filename, play in [("silent.mp3", Play(text="")), ("broken.mp3", Play(failed="Unsupported media format."))]:
        asked(speech, john, filename, play)
    speech.work()

    sweep_later(speech, minutes=11)

    assert outcome(speech, john, "silent.mp3") == ("failed", None, "No speech was recognised in this file.")
    assert outcome(speech, john, "broken.mp3") == ("failed", None, "Unsupported media format.")


def test_what_goes_on_is_left_alone_until_six_hours_are_over(speech, john):
    job_id = asked(speech, john)
    speech.work()

    sweep_later(speech, hours=5, minutes=59)
    assert outcome(speech, john) == ("processing", None, None)
    sweep_later(speech, minutes=1)

    assert outcome(speech, john) == ("failed", None, TIMED_OUT)
    assert speech.job(job_id)["job_state"] == "done"
    assert speech.transcribe.requests("DeleteTranscriptionJob") == [{"TranscriptionJobName": name_of(job_id)}]


def test_a_text_that_is_there_after_seven_hours_is_taken(speech, john):
    job_id = asked(speech, john)
    speech.work()
    speech.ended(job_id)

    sweep_later(speech, hours=7)

    assert outcome(speech, john) == ("completed", "hello world", None)


def test_a_job_that_never_began_ends_after_six_hours(speech, john):
    asked(speech, john)

    sweep_later(speech, hours=6)

    assert outcome(speech, john) == ("failed", None, TIMED_OUT)
    speech.work()  # the message comes after all
    assert speech.starts() == []


def test_a_provider_that_cannot_be_asked_keeps_nothing_in_flight_for_ever(speech, john):
    asked(speech, john)
    speech.work()
    speech.house.resources = replace(speech.house.resources, transcribe=Away)

    speech.house.clock.forward(hours=5)
    upkeep(speech).sweep(PLENTY)
    assert outcome(speech, john)[0] == "processing"
    assert ("SweepFailed", {}) in speech.house.metrics.counted
    speech.house.clock.forward(hours=1)
    upkeep(speech).sweep(PLENTY)

    assert outcome(speech, john) == ("failed", None, TIMED_OUT)


@pytest.mark.parametrize("lost_as", ["BadRequestException", "NotFoundException"])
def test_a_lost_start_is_made_up_for(speech, john, lost_as):
    """The provider does not know a job that was started."""
    job_id = asked(speech, john, play=Play(running_polls=None, lost_as=lost_as))
    speech.work()

    sweep_later(speech, minutes=11)

    assert outcome(speech, john)[0] == "processing"
    assert [start["TranscriptionJobName"] for start in speech.starts()] == [name_of(job_id)] * 2
    speech.answer(job_id)
    assert outcome(speech, john)[0] == "completed"


def test_a_job_whose_file_is_elsewhere_ends(speech, john):
    gone, cancelled, by_hand = (asked(speech, john, name) for name in ("gone.mp3", "stopped.mp3", "written.mp3"))
    speech.house.remove(tables.AUDIO.key(filename="gone.mp3"))
    speech.house.ask(
        "PATCH", "/api/audio/stopped.mp3/transcript", by=speech.house.admin(), json={"status": "cancelled"}
    )
    speech.house.ask("PUT", "/api/audio/written.mp3/transcript", by=john, json={"text": "by hand"})
    speech.house.queue.take()
    before = [item for item in speech.house.items() if item["entity"] != "job"]

    sweep_later(speech, minutes=11)

    assert {speech.job(job_id)["job_state"] for job_id in (gone, cancelled, by_hand)} == {"done"}
    assert [item for item in speech.house.items() if item["entity"] != "job"] == before
    assert speech.house.queue.take() == []
    assert speech.transcribe.calls == []


def test_each_failure_stays_its_own_and_the_administrator_comes_first(speech, john):
    first, second = asked(speech, john, "first.mp3"), asked(speech, john, "second.mp3")
    speech.house.queue.take()
    jobs = [purge_job(1, NOON - timedelta(days=1)), purge_job(2, NOON + timedelta(seconds=1))]
    speech.house.put_items(*map(tables.JOB.item, jobs))
    speech.house.clock.forward(minutes=11)
    done: list[str] = []

    def purge(job_id: str) -> None:
        done.append(job_id)
        raise ValueError("a bug, or a bucket that is away")

    def bootstrap() -> None:
        done.append("administrator")
        raise ValueError("no secret")

    upkeep(speech, purge=purge, bootstrap=bootstrap).sweep(PLENTY)

    assert done == ["administrator", jobs[0].job_id, jobs[1].job_id]
    assert {sent.content["job_id"] for sent in speech.house.queue.take()} == {first, second}
    assert Counter(name for name, _ in speech.house.metrics.counted) == Counter(SweepFailed=3, JobResent=2)


def test_the_oldest_hundred_are_looked_at_for_three_requests(speech):
    jobs = [purge_job(number, NOON - timedelta(seconds=number)) for number in range(103)]
    speech.house.put_items(*map(tables.JOB.item, jobs))
    speech.house.clock.forward(minutes=11)
    done: list[str] = []

    with speech.house.counted() as requests:
        upkeep(speech, purge=done.append).sweep(PLENTY)

    assert done == [job.job_id for job in jobs[:2:-1]]
    assert requests == Counter(Query=1, BatchGetItem=1)  # none for files: none of them has to do with one


def test_what_there_is_no_time_for_waits_for_the_next_sweep(speech):
    jobs = [purge_job(number, NOON + timedelta(seconds=number)) for number in range(3)]
    speech.house.put_items(*map(tables.JOB.item, jobs))
    speech.house.clock.forward(minutes=11)
    done: list[str] = []
    passed = 0.0

    def purge(job_id: str) -> None:
        nonlocal passed
        done.append(job_id)
        passed += 40

    upkeep(speech, purge=purge).sweep(Deadline.after(100, monotonic=lambda: passed))

    assert done == [job.job_id for job in jobs[:2]]


def test_a_job_that_the_index_shows_and_that_is_over_is_left_alone(speech, john):
    job_id = asked(speech, john)
    speech.work()
    speech.answer(job_id)
    item = speech.job(job_id) | {"GSI1PK": "JOB", "GSI1SK": f"2025-01-15T08:30:00.123000Z#{job_id}"}
    speech.house.put_items(item)  # as an index that lags shows it
    calls = len(speech.transcribe.calls)

    sweep_later(speech, minutes=11)

    assert speech.job(job_id) == item
    assert len(speech.transcribe.calls) == calls
    assert speech.house.metrics.counted == [("TranscriptionDone", {})]
