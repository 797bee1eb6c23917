"""Starts that were lost, languages that were not known, providers that went, and what nobody may see."""

import json

import pytest

from tests.support.transcribe_stand_in import NOT_FOUND, TOO_SHORT_TO_IDENTIFY, Play
from tests.support.yoto_transcripts import begun, event, name_of, outcome

REFUSED = "The transcription service refused the request. Ask an administrator to check the service configuration."
GONE = "The audio file is no longer in storage."


# ---- starts that were lost, and languages ----------------------------------------------------------------------------


@pytest.mark.parametrize("lost_as", ["BadRequestException", "NotFoundException"])
def test_a_job_that_the_provider_does_not_know_is_started_again(speech, john, lost_as):
    job_id = begun(speech, john, play=Play(text="at last", running_polls=None, lost_as=lost_as))
    content = {"source": "aws.transcribe", "detail": {"TranscriptionJobName": name_of(job_id)}}

    assert speech.house.deliver(event(content)) == []

    assert NOT_FOUND not in json.dumps(speech.read("song.mp3", john))
    assert outcome(speech, john)[0] == "processing"
    assert [start["TranscriptionJobName"] for start in speech.starts()] == [name_of(job_id)] * 2
    speech.answer(job_id)
    assert outcome(speech, john) == ("completed", "at last", None)


def test_a_language_may_be_asked_for(speech, john):
    job_id = begun(speech, john, language="de-AT")

    speech.answer(job_id)

    assert speech.starts()[0]["LanguageCode"] == "de-AT"
    assert speech.read("song.mp3", john)["language"] == "de-AT"


def test_auto_is_no_language_and_the_one_that_is_heard_is_stored(speech, john):
    job_id = begun(speech, john, play=Play(text="hoi", language="nl-NL"), language="auto")

    speech.answer(job_id)

    assert (speech.starts()[0]["IdentifyLanguage"], "LanguageCode" in speech.starts()[0]) == (True, False)
    assert (speech.read("song.mp3", john)["language"], outcome(speech, john)[1]) == ("nl-NL", "hoi")


@pytest.mark.parametrize(
    ("configured", "asked", "second"), [("auto", {}, "en-US"), ("de-DE", {"language": "auto"}, "de-DE")]
)
def test_too_little_speech_to_know_its_language_is_tried_once_more_in_the_usual_one(
    new_speech, configured, asked, second
):
    speech = new_speech(transcribe_language=configured)
    john = speech.house.user("john")
    job_id = begun(speech, john, play=Play(failed=TOO_SHORT_TO_IDENTIFY), **asked)
    speech.transcribe.play_in_order(Play(text="ahoy"))

    ended = speech.ended(job_id)
    assert [speech.house.deliver(ended), speech.house.deliver(ended)] == [[], []]

    assert [start["TranscriptionJobName"] for start in speech.starts()] == [
        name_of(job_id),
        name_of(job_id, is_second=True),
    ]
    assert (speech.starts()[1]["LanguageCode"], "IdentifyLanguage" in speech.starts()[1]) == (second, False)
    assert speech.job(job_id)["second_language"] == second
    assert outcome(speech, john) == ("completed", "ahoy", None)
    assert speech.read("song.mp3", john)["language"] == second


def test_a_second_try_that_fails_is_the_last(new_speech):
    speech = new_speech(transcribe_language="auto")
    john = speech.house.user("john")
    job_id = begun(speech, john, play=Play(failed=TOO_SHORT_TO_IDENTIFY))
    speech.transcribe.play_in_order(Play(failed="Nothing but wind.", running_polls=None))
    speech.answer(job_id)
    assert outcome(speech, john)[0] == "processing"

    speech.answer(job_id, is_second=True)

    assert outcome(speech, john) == ("failed", None, "Nothing but wind.")
    assert len(speech.starts()) == 2


def test_a_second_try_that_was_lost_is_started_again_as_the_second(new_speech):
    speech = new_speech(transcribe_language="auto")
    john = speech.house.user("john")
    job_id = begun(speech, john, play=Play(failed=TOO_SHORT_TO_IDENTIFY))
    speech.transcribe.play_in_order(Play(throttled=1, text="ahoy"))
    ended = speech.ended(job_id)

    assert speech.house.deliver(ended) == [ended.message_id]
    assert speech.house.deliver(ended, receive_count=2) == []
    speech.answer(job_id, is_second=True)

    assert outcome(speech, john) == ("completed", "ahoy", None)
    assert speech.started_names() == [name_of(job_id), name_of(job_id, is_second=True)]


# ---- other providers -------------------------------------------------------------------------------------------------


def test_a_job_of_before_the_provider_went_says_so(new_speech, speech, john):
    speech.file("song.mp3", john)
    speech.request("song.mp3", john)
    other = new_speech(names=speech.house.names, transcription_provider="none")

    assert other.house.deliver(*speech.house.queue.take()) == []

    assert outcome(speech, john) == ("failed", None, "Transcription is switched off.")


# ---- what nobody may see ---------------------------------------------------------------------------------------------


def test_no_text_and_no_name_of_a_file_gets_into_a_log(speech, john, caplog):
    caplog.set_level("DEBUG", logger="lambda_src")
    text, name = "canary-in-the-text " * 20, "canary-in-the-name.mp3"
    path = f"/api/audio/{name}/transcript"
    first = begun(speech, john, name, play=Play(text=text))
    speech.answer(first)
    speech.house.ask("PUT", path, by=john, json={"text": text + "x" * 1_048_576})
    speech.house.ask("PUT", path, by=john, json={"text": text})
    speech.house.ask("DELETE", path, by=john)
    for play in (Play(failed="x"), Play(refused="x"), Play(is_forbidden=True), Play(text=""), Play(throttled=1)):
        speech.transcribe.play_in_order(play)
        job_id = speech.request(name, john)
        speech.work(receive_count=5)
        if name_of(job_id) in speech.transcribe.jobs:
            speech.answer(job_id)
    speech.request(name, john)
    speech.house.ask("POST", f"{path}/cancel", by=john)
    speech.house.queue.is_down = True
    speech.request(name, john)
    speech.house.scheduled("sweep")

    written = json.dumps([{key: str(value) for key, value in vars(each).items()} for each in caplog.records])
    told = [record for record in caplog.records if record.name.startswith("lambda_src.services.yoto_smart_stream")]
    assert {"transcription done", "transcription failed", "transcription refused"} <= {each.message for each in told}
    assert "canary" not in written
