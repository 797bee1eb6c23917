"""Transcriptions from the wish to the text: the worker, with a provider that plays what is written for each job."""

import json
from collections import Counter

import pytest

from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.messages import JobMessage
from tests.support.played import Sent
from tests.support.transcribe_stand_in import THROTTLED, Play
from tests.support.yoto_smart_stream import QUEUE
from tests.support.yoto_transcripts import begun, event, name_of, outcome

REFUSED = "The transcription service refused the request. Ask an administrator to check the service configuration."
GONE = "The audio file is no longer in storage."


# ---- what a healthy job does -----------------------------------------------------------------------------------------


def test_a_wish_becomes_a_text(speech, john):
    file = speech.file("song.mp3", john)
    speech.transcribe.play_in_order(Play(text=" hello world\n", running_polls=None))
    job_id = speech.request("song.mp3", john)

    with speech.house.counted() as requests:
        assert speech.work() == []
    assert requests == Counter(GetItem=2, TransactWriteItems=1)

    assert speech.starts() == [
        {
            "TranscriptionJobName": f"yss-local-{job_id}",
            "Media": {"MediaFileUri": f"s3://{speech.objects.bucket}/{file.object_key}"},
            "MediaFormat": "mp3",
            "LanguageCode": "en-US",
            "OutputBucketName": speech.objects.bucket,
            "OutputKey": f"transcripts/raw/{job_id}.json",
        }
    ]
    assert (speech.read("song.mp3", john)["status"], speech.read("song.mp3", john)["queued"]) == ("processing", True)
    job = speech.job(job_id)
    assert (job["job_state"], job["provider"], job["attempts"]) == ("started", "aws-transcribe", 1)
    again = speech.house.ask("POST", "/api/audio/song.mp3/transcribe", by=john).json()
    assert again == {
        "filename": "song.mp3", "status": "processing", "request_id": job_id, "queued": True, "already_queued": True,
    }  # fmt: skip

    speech.house.clock.forward(seconds=40)
    with speech.house.counted() as requests:
        speech.answer(job_id)
    assert requests == Counter(GetItem=2, TransactWriteItems=1)

    assert speech.read("song.mp3", john) == {
        "filename": "song.mp3", "status": "completed", "transcript": "hello world", "error": None, "language": "en-US",
        "source": "speech", "chars": 11, "transcribed_at": "2025-01-15T08:30:40.123000Z", "queued": False,
    }  # fmt: skip
    stored = speech.house.stored_file("song.mp3")
    assert (stored["version"], "transcript_request_id" in stored) == (4, False)
    job = speech.job(job_id)
    assert (job["job_state"], job["finished_at"]) == ("done", "2025-01-15T08:30:40.123000Z")
    assert (job["expires_at"], "GSI1PK" in job, "GSI1SK" in job) == (1736929840 + 30 * 86_400, False, False)
    assert [name for name, _ in speech.house.metrics.counted] == ["TranscriptionDone"]
    assert len(speech.house.queue.every) == 1


@pytest.mark.parametrize(
    ("filename", "media_format"),
    [("a.MP3", "mp3"), ("b.m4a", "m4a"), ("c.wav", "wav"), ("d.ogg", "ogg"), ("e.flac", "flac"), ("f.webm", "webm")],
)
def test_every_kind_of_file_is_called_what_transcribe_calls_it(speech, john, filename, media_format):
    begun(speech, john, filename)

    assert [start["MediaFormat"] for start in speech.starts()] == [media_format]


def test_a_long_text_of_speech_is_stored_gzipped(speech, john):
    text = "Es war einmal ein kleines Mädchen. " * 5_000
    job_id = begun(speech, john, play=Play(text=text))

    speech.answer(job_id)

    assert outcome(speech, john) == ("completed", text.strip(), None)
    assert len(bytes(speech.stored_text("song.mp3"))) < 10_000


# ---- what comes late, twice, or for somebody else --------------------------------------------------------------------


def test_every_message_may_come_twice(speech, john):
    """As far as jobs go: one start, one text."""
    speech.file("song.mp3", john)
    job_id = speech.request("song.mp3", john)
    [sent] = speech.house.queue.take()

    assert [speech.house.deliver(sent), speech.house.deliver(sent)] == [[], []]
    assert speech.started_names() == [name_of(job_id)]
    ended = speech.ended(job_id)
    speech.house.deliver(ended)
    before = speech.house.items()
    assert [speech.house.deliver(ended), speech.house.deliver(sent)] == [[], []]

    assert speech.house.items() == before
    assert speech.started_names() == [name_of(job_id)]


def test_a_result_that_comes_after_a_cancellation_changes_nothing(speech, john):
    job_id = begun(speech, john)
    speech.house.ask("POST", "/api/audio/song.mp3/transcript/cancel", by=john)

    speech.answer(job_id)

    assert outcome(speech, john) == ("cancelled", None, None)
    assert speech.stored_text("song.mp3") is None
    assert speech.work() == []  # the message that lets the provider stop
    assert speech.transcribe.requests("DeleteTranscriptionJob") == [{"TranscriptionJobName": name_of(job_id)}]
    assert speech.started_names() == []


def test_a_result_that_comes_after_the_file_is_gone_makes_nothing(speech, john):
    job_id = begun(speech, john)
    speech.house.remove(tables.AUDIO.key(filename="song.mp3"))

    speech.answer(job_id)

    assert speech.house.stored_file("song.mp3") is None
    assert speech.stored_text("song.mp3") is None
    assert speech.job(job_id)["job_state"] == "done"


def test_a_result_that_comes_after_a_text_by_hand_changes_nothing(speech, john):
    job_id = begun(speech, john)
    speech.house.ask("PUT", "/api/audio/song.mp3/transcript", by=john, json={"text": "by hand"})
    before = speech.house.stored_file("song.mp3")

    speech.answer(job_id)

    assert speech.house.stored_file("song.mp3") == before
    assert outcome(speech, john) == ("completed", "by hand", None)


def test_a_result_of_an_earlier_job_is_not_taken_for_that_of_the_present_one(speech, john):
    first = begun(speech, john, play=Play(text="first", running_polls=None))
    speech.house.ask("POST", "/api/audio/song.mp3/transcript/cancel", by=john)
    second = speech.request("song.mp3", john)
    speech.house.deliver(*speech.house.queue.of_type("transcribe"))

    speech.answer(first)
    assert outcome(speech, john) == ("processing", None, None)

    speech.answer(second)
    assert outcome(speech, john) == ("completed", "Once upon a time.", None)


def test_nobody_stops_what_somebody_waits_for(speech, john):
    job_id = begun(speech, john)

    speech.house.deliver(Sent(QUEUE, "m", JobMessage(kind="cancel", job_id=job_id).text()))

    assert speech.transcribe.requests("DeleteTranscriptionJob") == []
    assert speech.started_names() == [name_of(job_id)]


@pytest.mark.parametrize(
    "name",
    [
        "yss-prod-" + "0" * 32, "somebody-elses-job", "yss-local-", "yss-local-" + "0" * 31,
        "yss-local-" + "0" * 32 + "-3", "yss-local-" + "0" * 32 + "\n",
    ],
)  # fmt: skip
def test_answers_to_somebody_else_are_acknowledged(speech, john, name):
    before = speech.house.items()

    content = {"source": "aws.transcribe", "detail": {"TranscriptionJobName": name}}
    assert speech.house.deliver(event(content)) == []

    assert speech.house.items() == before
    assert speech.transcribe.calls == []
    assert speech.house.queue.dead() == []


@pytest.mark.parametrize("kind", ["transcribe", "cancel"])
def test_a_message_of_no_job_is_acknowledged(speech, kind):
    assert speech.house.deliver(Sent(QUEUE, "m", JobMessage(kind=kind, job_id="0" * 32).text())) == []
    assert speech.house.queue.dead() == []
    assert speech.house.items() == []


@pytest.mark.parametrize(
    "body",
    [
        "nonsense", "[]", "{}", '{"v":2,"kind":"transcribe","job_id":"' + "0" * 32 + '"}',
        '{"v":1,"kind":"sweep"}', '{"v":1,"kind":"transcribe","job_id":"x"}', '{"source":"aws.ec2","detail":{}}',
        '{"source":"aws.transcribe","detail":{}}', '{"source":"aws.s3","detail":{"object":{}}}',
    ],
)  # fmt: skip
def test_a_message_that_nobody_understands_fails_alone(speech, john, body):
    """It goes to the dead-letter queue with its reason, and its neighbours go on."""
    speech.file("song.mp3", john)
    speech.request("song.mp3", john)

    assert speech.house.deliver(Sent(QUEUE, "broken", body), *speech.house.queue.take()) == []

    [dead] = speech.house.queue.dead()
    assert dead.body == body
    assert dead.attributes["reason"]
    assert speech.read("song.mp3", john)["status"] == "processing"


# ---- failures --------------------------------------------------------------------------------------------------------


def test_what_the_provider_says_is_stored_and_the_next_wish_is_a_new_one(speech, john):
    first = begun(speech, john, play=Play(failed="Unsupported media format."))

    speech.answer(first)
    assert outcome(speech, john) == ("failed", None, "Unsupported media format.")
    assert speech.house.metrics.counted == [("TranscriptionFailed", {})]

    second = speech.request("song.mp3", john)
    assert second != first
    speech.work()
    speech.answer(second)
    assert outcome(speech, john) == ("completed", "Once upon a time.", None)
    assert "transcript_error" not in speech.house.stored_file("song.mp3")


@pytest.mark.parametrize(
    ("play", "error"),
    [
        (Play(text=" \n "), "No speech was recognised in this file."),
        (Play(failed=""), "The transcription service gave no reason."),
        (Play(failed="x" * 2_000), "x" * 999 + "…"),
        (Play(text="a" * 1_048_577), "The transcript is too long to store (limit 1 MiB)."),
    ],
    ids=["silence", "no reason", "a long reason", "a long text"],
)
def test_why_there_is_no_text(speech, john, play, error):
    """Silence."""
    job_id = begun(speech, john, play=play)

    speech.answer(job_id)

    assert outcome(speech, john) == ("failed", None, error)
    assert speech.job(job_id)["job_state"] == "done"
    assert speech.stored_text("song.mp3") is None


@pytest.mark.parametrize(
    "output",
    [b"", b"nonsense", b"[]", b'{"results":{"transcripts":[]}}', b"[" * 100_000,
     b'{"results":{"transcripts":[{"transcript":"half a letter: \\ud800"}]}}'],
)  # fmt: skip
def test_a_result_that_cannot_be_read_is_a_failure(speech, john, output):
    job_id = begun(speech, john)
    ended = speech.ended(job_id)
    speech.objects.put(f"transcripts/raw/{job_id}.json", output, content_type="application/json")

    assert speech.house.deliver(ended) == []

    assert outcome(speech, john) == ("failed", None, "The transcription service gave no result that can be read.")


def test_a_result_that_is_not_there_yet_is_asked_for_again(speech, john):
    job_id = begun(speech, john)
    ended = speech.ended(job_id)
    text = speech.objects.read(f"transcripts/raw/{job_id}.json", max_bytes=10_000)
    speech.objects.delete(f"transcripts/raw/{job_id}.json")

    assert speech.house.deliver(ended) == [ended.message_id]
    speech.objects.put(f"transcripts/raw/{job_id}.json", text, content_type="application/json")
    assert speech.house.deliver(ended, receive_count=2) == []

    assert outcome(speech, john) == ("completed", "hello world", None)


@pytest.mark.parametrize("play", [Play(refused="The S3 URI cannot be accessed."), Play(failed="No such object.")])
def test_audio_that_is_gone_is_said_to_be_gone(speech, john, play):
    file = speech.file("song.mp3", john)
    speech.transcribe.play_in_order(play)
    speech.objects.delete(file.object_key)
    job_id = speech.request("song.mp3", john)
    speech.work()

    if play.failed:
        speech.answer(job_id)

    assert outcome(speech, john) == ("failed", None, GONE)
    assert [name for name, _ in speech.house.metrics.counted] == ["TranscriptionFailed"]


@pytest.mark.parametrize("play", [Play(refused="1 validation error detected"), Play(is_forbidden=True)])
def test_a_refusal_is_for_an_administrator_and_its_words_for_the_log(speech, john, play, caplog):
    job_id = begun(speech, john, play=play)

    assert outcome(speech, john) == ("failed", None, REFUSED)
    assert speech.job(job_id)["job_state"] == "done"
    assert [name for name, _ in speech.house.metrics.counted] == ["TranscriptionFailed", "TranscriptionRefused"]
    assert [record.reason for record in caplog.records if record.message == "transcription refused"] == [
        play.refused or "The transcription service refused the request"
    ]
    assert speech.house.queue.dead() == []


def test_a_failure_leaves_the_text_of_before(speech, john):
    first = begun(speech, john)
    speech.answer(first)
    speech.transcribe.play_in_order(Play(failed="Too quiet."))
    second = speech.request("song.mp3", john, force=True)
    speech.work()

    speech.answer(second)

    assert outcome(speech, john) == ("failed", "hello world", "Too quiet.")


def test_a_start_that_is_throttled_four_times_is_accepted_at_last(speech, john):
    speech.file("song.mp3", john)
    speech.transcribe.play_in_order(Play(throttled=4))
    job_id = speech.request("song.mp3", john)
    [sent] = speech.house.queue.take()

    for receive_count in range(1, 5):
        assert speech.house.deliver(sent, receive_count=receive_count) == [sent.message_id]
    assert speech.house.deliver(sent, receive_count=5) == []

    speech.answer(job_id)
    assert outcome(speech, john)[0] == "completed"
    assert speech.started_names() == [name_of(job_id)]
    assert speech.job(job_id)["attempts"] == 5
    assert speech.house.queue.dead() == []


def test_a_start_that_is_throttled_five_times_fails_and_leaves_a_dead_letter(speech, john):
    speech.file("song.mp3", john)
    speech.transcribe.play_in_order(Play(throttled=5))
    job_id = speech.request("song.mp3", john)
    [sent] = speech.house.queue.take()

    for receive_count in range(1, 5):
        assert speech.house.deliver(sent, receive_count=receive_count) == [sent.message_id]
    assert speech.house.deliver(sent, receive_count=5) == []

    reason = "The transcription service cannot be reached"
    assert outcome(speech, john) == (
        "failed", None, f"Transcription could not be started after 5 attempts: {reason}",
    )  # fmt: skip
    assert THROTTLED not in json.dumps(speech.read("song.mp3", john))
    [dead] = speech.house.queue.dead()
    assert json.loads(dead.body) == {"v": 1, "kind": "transcribe", "job_id": job_id}
    assert dead.attributes["reason"] == "TranscribeUnavailable on receive 5 of 5"
    assert speech.job(job_id)["job_state"] == "done"
    assert speech.house.deliver(sent, receive_count=1) == []  # the dead letter, put back
    assert len(speech.starts()) == 5


def test_an_answer_that_cannot_be_asked_for_goes_to_the_dead_letters_and_its_job_stays(speech, john):
    job_id = begun(speech, john)
    ended = speech.ended(job_id)
    speech.objects.delete(f"transcripts/raw/{job_id}.json")

    assert speech.house.deliver(ended, receive_count=5) == []

    assert [sent.body for sent in speech.house.queue.dead()] == [ended.body]
    assert speech.job(job_id)["job_state"] == "started"
    assert outcome(speech, john)[0] == "processing"
