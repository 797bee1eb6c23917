"""Texts that are stored, errors that are cut, outputs of Transcribe, and names of its jobs."""

import json
from typing import Any

import pytest

from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.transcribe import TranscribeClient
from lambda_src.services.yoto_smart_stream.errors import TranscriptTooLarge
from lambda_src.services.yoto_smart_stream.transcripts import clients, rules
from lambda_src.services.yoto_smart_stream.transcripts.clients import AwsTranscribe
from lambda_src.services.yoto_smart_stream.transcripts.providers import FakeProvider, NoProvider, TranscriptionProvider
from lambda_src.services.yoto_smart_stream.transcripts.rules import Failed, Finished, Unknown, Work

JOB = "0123456789abcdef" * 2
AWS = AwsTranscribe(TranscribeClient(), ObjectClient("audio"), "yss-dev-")
PROVIDERS: dict[str, TranscriptionProvider] = {
    "aws-transcribe": AWS, "fake": FakeProvider("heard"), "none": NoProvider(),
}  # fmt: skip


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (None, None),
        ("", ""),
        ("e" * 1_000, "e" * 1_000),
        ("e" * 1_001, "e" * 999 + "…"),
        ("ü" * 2_000, "ü" * 999 + "…"),
    ],
)
def test_an_error_has_at_most_a_thousand_characters(error, stored):
    assert rules.cut(error) == stored


@pytest.mark.parametrize("text", ["a", "a" * 1_048_576, "ü" * 524_288, "ab" * 51_200])
def test_a_text_that_fits(text):
    rules.check_text(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a" * 1_048_577, rules.TOO_LONG),
        ("ü" * 524_288 + "a", rules.TOO_LONG),
        ("".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(300_000)), rules.TOO_DENSE),
    ],
    ids=["bytes", "bytes of two", "dense"],
)
def test_a_text_that_does_not_fit(text, why):
    with pytest.raises(TranscriptTooLarge) as refused:
        rules.check_text(text)
    assert refused.value.detail == why


def output(text: str, words: int = 3) -> dict[str, Any]:
    items = [{"type": "pronunciation", "alternatives": [{"confidence": "0.9", "content": "w"}]}] * words
    return {"jobName": "x", "results": {"transcripts": [{"transcript": text}], "items": items}, "status": "COMPLETED"}


@pytest.mark.parametrize("text", ["", "hello", 'a "transcript": b', "ü\n\u2028"])
def test_the_text_of_an_output(text):
    assert clients._text_of(json.dumps(output(text)).encode()) == text


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b'{"results": []}', b'{"results": {"transcripts": [{}]}}', b"\xff\xfe", b"[" * 99_999,
     b'{"results": {"transcripts": [{"transcript": 1}]}}'],
)  # fmt: skip
def test_what_is_no_output(content):
    assert clients._text_of(content) is None


@pytest.mark.parametrize("name", [f"yss-dev-{JOB}", f"yss-dev-{JOB}-2"])
def test_the_job_of_a_name(name):
    assert AWS.job_of(name) == JOB
    assert [PROVIDERS[other].job_of(name) for other in ("fake", "none")] == [None, None]


@pytest.mark.parametrize(
    "name",
    [
        "",
        JOB,
        f"yss-prod-{JOB}",
        f"yss-dev-yss-dev-{JOB}",
        f"yss-dev-{JOB}-3",
        f"yss-dev-{JOB}\n",
        f"yss-dev-{JOB[1:]}",
    ],
)
def test_a_name_of_somebody_else(name):
    assert AWS.job_of(name) is None


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_goes_by_the_name_that_settings_give_it(name):
    assert PROVIDERS[name].name == name


def test_the_fake_hears_the_same_in_every_file_but_those_that_ask_for_a_failure():
    fake, none = FakeProvider("heard"), NoProvider()
    work = Work(JOB, "song.mp3", None, "auto")

    assert fake.start(work) == Finished("heard", "en-US")
    assert fake.start(Work(JOB, "song.mp3", None, "de-DE")) == Finished("heard", "de-DE")
    assert isinstance(fake.start(Work(JOB, "fails.mp3", None, "de-DE")), Failed)
    assert none.start(work) == Failed("Transcription is switched off.")
    assert [fake.poll(work), none.poll(work)] == [Unknown(), Unknown()]


def test_work_without_audio_is_never_sent_away():
    assert AWS.start(Work(JOB, "song.mp3", None, "en-US")) == Failed(rules.OBJECT_GONE)
