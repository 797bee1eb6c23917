"""The client of Amazon Transcribe against a stand-in that plays what is written for each job, and against worse."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config

from lambda_src.runtime.transcribe import (
    AUTO,
    JobState,
    MediaJob,
    TranscribeClient,
    TranscribeForbidden,
    TranscribeRefused,
    TranscribeUnavailable,
    transcribe_client,
)
from tests.support.answering_server import AnsweringServer, Written
from tests.support.transcribe_stand_in import NOT_FOUND, TOO_SHORT_TO_IDENTIFY, Play, TranscribeStandIn

NAME: Final = "sample-0123.a_b"
JOB: Final = MediaJob(
    name=NAME,
    media_uri="s3://sample-media/media/0123.mp3",
    media_format="mp3",
    language="en-US",
    output_bucket="sample-output",
    output_key="transcripts/raw/0123.json",
)
type Stored = dict[tuple[str, str], Any]


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")


def client_at(url: str, session: boto3.Session, *, read_timeout: float = 10) -> TranscribeClient:
    config = Config(read_timeout=read_timeout, retries={"total_max_attempts": 1})
    return TranscribeClient(lambda: session.client("transcribe", endpoint_url=url, config=config))


@pytest.fixture
def stored() -> Stored:
    return {}


@pytest.fixture
def service(stored: Stored) -> Iterator[TranscribeStandIn]:
    def put(bucket: str, key: str, content: bytes) -> None:
        stored[bucket, key] = json.loads(content)

    with TranscribeStandIn(put) as made:
        yield made


@pytest.fixture
def client(service: TranscribeStandIn, session: boto3.Session) -> TranscribeClient:
    return client_at(service.url, session)


def test_nothing_is_created_before_the_first_call():
    TranscribeClient(lambda: pytest.fail("no client is needed yet"))


def test_a_job_is_started_with_all_that_it_needs(client, service):
    assert client.start(JOB) == "started"
    assert service.requests("StartTranscriptionJob") == [
        {
            "TranscriptionJobName": NAME,
            "Media": {"MediaFileUri": "s3://sample-media/media/0123.mp3"},
            "MediaFormat": "mp3",
            "LanguageCode": "en-US",
            "OutputBucketName": "sample-output",
            "OutputKey": "transcripts/raw/0123.json",
        }
    ]


def test_a_language_that_is_to_be_found_out_is_not_named(client, service):
    service.play(NAME, Play(language="nl-NL"))
    assert client.start(replace(JOB, language=AUTO)) == "started"
    [request] = service.requests("StartTranscriptionJob")
    assert (request["IdentifyLanguage"], "LanguageCode" in request) == (True, False)
    assert client.get(NAME) == JobState("completed", language="nl-NL")


def test_a_job_that_was_started_before_exists_and_stays_what_it_was(client, service):
    assert [client.start(JOB), client.start(replace(JOB, language="de-DE"))] == ["started", "exists"]
    assert service.jobs[NAME].language == "en-US"


def test_a_job_runs_and_ends_with_a_text_where_it_was_told_to(client, service, stored):
    service.play(NAME, Play(text="Once upon a time.", running_polls=2))
    client.start(JOB)
    assert [client.get(NAME).status for _ in range(2)] == ["running", "running"]
    assert stored == {}
    assert [client.get(NAME) for _ in range(2)] == [JobState("completed", language="en-US")] * 2
    [(place, output)] = stored.items()
    assert place == ("sample-output", "transcripts/raw/0123.json")
    assert output["results"]["transcripts"] == [{"transcript": "Once upon a time."}]


def test_silence_ends_with_an_empty_text(client, service, stored):
    service.play(NAME, Play(text=""))
    client.start(JOB)
    assert client.get(NAME).status == "completed"
    [output] = stored.values()
    assert output["results"] == {"transcripts": [{"transcript": ""}], "items": []}


def test_a_job_fails_for_the_reason_that_transcribe_gives(client, service, stored):
    service.play(NAME, Play(failed=TOO_SHORT_TO_IDENTIFY))
    client.start(JOB)
    assert client.get(NAME) == JobState("failed", reason=TOO_SHORT_TO_IDENTIFY)
    assert stored == {}


def test_a_job_may_never_end_until_the_test_lets_it(client, service, stored):
    service.play(NAME, Play(running_polls=None))
    client.start(JOB)
    assert {client.get(NAME).status for _ in range(5)} == {"running"}
    event = service.finish(NAME)
    assert event["source"] == "aws.transcribe"
    assert event["detail"] == {"TranscriptionJobName": NAME, "TranscriptionJobStatus": "COMPLETED"}
    assert client.get(NAME).status == "completed"
    assert len(stored) == 1


def test_the_event_of_a_failed_job_says_why(client, service):
    service.play(NAME, Play(failed="No media", running_polls=None))
    client.start(JOB)
    said = {"TranscriptionJobName": NAME, "TranscriptionJobStatus": "FAILED", "FailureReason": "No media"}
    assert service.finish(NAME)["detail"] == said


@pytest.mark.parametrize("code", ["BadRequestException", "NotFoundException"])
def test_a_job_that_was_never_started_or_was_lost_is_unknown_and_can_be_started_again(client, service, code):
    service.play(NAME, Play(lost_as=code))
    client.start(JOB)
    assert client.get(NAME) == JobState("unknown")
    assert client.start(JOB) == "started"
    assert client.get(NAME).status == "completed"
    assert client.get("another") == JobState("unknown")


def test_a_throttled_start_is_worth_another_try(client, service):
    service.play_in_order(Play(throttled=2))
    for _ in range(2):
        with pytest.raises(TranscribeUnavailable) as caught:
            client.start(JOB)
        assert (caught.value.retryable, caught.value.retry_after_seconds) == (True, 1)
    assert client.start(JOB) == "started"


def test_a_refusal_is_for_good_and_says_why(client, service):
    service.play_in_order(Play(refused="The S3 URI that you provided can't be accessed."))
    with pytest.raises(TranscribeRefused, match=r"^The S3 URI that you provided can't be accessed\.$") as caught:
        client.start(JOB)
    assert not caught.value.retryable


def test_a_right_that_is_missing_is_for_good_and_says_nothing_of_roles(client, service):
    service.play_in_order(Play(is_forbidden=True))
    with pytest.raises(TranscribeForbidden) as caught:
        client.start(JOB)
    assert (caught.value.retryable, "arn" in caught.value.detail) == (False, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a b"},
        {"name": "a" * 201},
        {"media_uri": "https://sample-media.s3.amazonaws.com/a"},
        {"media_format": "opus"},
        {"language": "english"},
        {"output_key": "transcripts/ü.json"},
        {"output_bucket": "Sample"},
    ],
    ids=lambda wrong: f"{next(iter(wrong))} of {len(next(iter(wrong.values())))}",
)
def test_the_stand_in_takes_nothing_that_transcribe_would_not(client, service, wrong):
    with pytest.raises(TranscribeRefused):
        client.start(replace(JOB, **wrong))
    assert service.jobs == {}


@pytest.mark.parametrize(
    "languages", [{}, {"LanguageCode": "en-US", "IdentifyLanguage": True}], ids=["neither", "both"]
)
def test_the_stand_in_takes_either_a_language_or_the_wish_to_have_it_identified(service, session, languages):
    raw = session.client("transcribe", endpoint_url=service.url, config=Config(retries={"total_max_attempts": 1}))
    output = {"OutputBucketName": "sample-output", "OutputKey": "a.json"}
    with pytest.raises(raw.exceptions.BadRequestException, match="either LanguageCode"):
        raw.start_transcription_job(
            TranscriptionJobName=NAME, Media={"MediaFileUri": JOB.media_uri}, MediaFormat="mp3", **output, **languages
        )
    raw.close()


def test_a_deleted_job_is_unknown_and_can_be_deleted_again(client, caplog):
    client.start(JOB)
    client.delete(NAME)
    client.delete(NAME)
    assert client.get(NAME) == JobState("unknown")
    assert caplog.records == []


def refusal(code: str, status: int = 400, message: str = "No") -> Written:
    body = json.dumps({"__type": code, "Message": message}).encode()
    return Written(status, body, {"content-type": "application/x-amz-json-1.1"})


@pytest.fixture
def broken(session: boto3.Session) -> Iterator[tuple[AnsweringServer, TranscribeClient]]:
    with AnsweringServer() as server:
        yield server, client_at(server.url, session)


BROKEN: Final = {
    "limit": refusal("LimitExceededException", 429),
    "throttling": refusal("ThrottlingException"),
    "failure": refusal("InternalFailureException", 500),
    "unavailable": refusal("ServiceUnavailable", 503),
    "expired": refusal("ExpiredTokenException"),
    "page": Written(502, b"<html>Bad gateway</html>"),
}


@pytest.mark.parametrize("answer", BROKEN)
def test_what_fails_for_now_is_worth_another_try(broken, answer, caplog):
    server, client = broken
    server.answer = BROKEN[answer]
    for call in (lambda: client.start(JOB), lambda: client.get(NAME)):
        with pytest.raises(TranscribeUnavailable):
            call()
    caplog.clear()
    client.delete(NAME)
    assert [record.message for record in caplog.records] == ["transcription job not deleted"]


def test_an_answer_that_never_comes_is_worth_another_try(broken, session):
    server, _ = broken
    server.answer = Written(promised_bytes=5, is_held=True)
    client = client_at(server.url, session, read_timeout=0.2)
    with pytest.raises(TranscribeUnavailable):
        client.start(JOB)
    with pytest.raises(TranscribeUnavailable):
        client.get(NAME)
    client.delete(NAME)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("BadRequestException", message="Bad name"), TranscribeRefused),
        (refusal("ValidationException"), TranscribeRefused),
        (refusal("AccessDeniedException"), TranscribeForbidden),
    ],
    ids=["bad request", "validation", "forbidden"],
)
def test_what_is_refused_for_good_is_not_tried_again(broken, answer, error):
    server, client = broken
    server.answer = answer
    for call in (lambda: client.start(JOB), lambda: client.get(NAME)):
        with pytest.raises(error) as caught:
            call()
        assert type(caught.value) is error


@pytest.mark.parametrize(
    "message",
    [NOT_FOUND, NOT_FOUND.replace("'", "\u2019"), "It could not be found"],
    ids=["apostrophe", "quotation mark", "not"],
)
def test_a_job_that_cannot_be_found_is_unknown_however_it_is_written(broken, message):
    server, client = broken
    server.answer = refusal("BadRequestException", message=message)
    assert client.get(NAME) == JobState("unknown")
    with pytest.raises(TranscribeRefused):
        client.start(JOB)


def test_a_request_that_cannot_be_sent_is_refused_for_good(broken):
    server, client = broken
    with pytest.raises(TranscribeRefused):
        client.start(replace(JOB, name=""))
    assert server.asked == []


def test_an_answer_that_is_not_of_transcribe_is_worth_another_try(broken):
    server, client = broken
    server.answer = Written(body=b"{}")
    with pytest.raises(TranscribeUnavailable):
        client.get(NAME)


def test_a_client_waits_and_repeats_within_bounds(monkeypatch, session):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client: Any = transcribe_client()
    config = client.meta.config
    assert (client.meta.endpoint_url, config.read_timeout) == ("https://transcribe.us-east-1.amazonaws.com", 5.0)
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}
