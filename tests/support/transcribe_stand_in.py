"""Amazon Transcribe as a program that plays what a test has written down for each job, on a free loopback port.

It speaks JSON 1.1 as https://docs.aws.amazon.com/transcribe/latest/APIReference/ describes, checks what it receives as
far as that says what is wrong, and hears nothing: the text is the test's.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final, Literal, Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.support.http_server import ThreadedServer

type NotFound = Literal["BadRequestException", "NotFoundException"]
type Put = Callable[[str, str, bytes], object]
"""Stores an output: bucket, key, content."""

NAME: Final = re.compile(r"[0-9a-zA-Z._-]{1,200}")
MEDIA: Final = re.compile(r"s3://[a-z0-9][.a-z0-9-]{1,61}[a-z0-9]/.{1,1024}")
BUCKET: Final = re.compile(r"[a-z0-9][.a-z0-9-]{1,61}[a-z0-9]")
OUTPUT_KEY: Final = re.compile(r"[a-zA-Z0-9_.!*'()/-]{1,1024}")
LANGUAGE: Final = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
FORMATS: Final = frozenset({"mp3", "mp4", "wav", "flac", "ogg", "amr", "webm", "m4a"})
NOT_FOUND: Final = "The requested job couldn't be found. Check the job name and try your request again."
TAKEN: Final = "A job with the specified name already exists. Choose a different name and try again."
THROTTLED: Final = "You've sent too many requests or have too many jobs. Wait and try again."
# What a job fails with whose language was to be identified from too little speech.
TOO_SHORT_TO_IDENTIFY: Final = (
    "Your audio file must have a speech segment long enough in duration to perform automatic language identification. "
    "Provide an audio file with someone speaking for a longer period of time and try your request again."
)


@dataclass(frozen=True, slots=True)
class Play:
    """What happens to one job.

    throttled: how many of its starts are. refused: message of the refusal of every start; is_forbidden: that we have no
    right. text: what it ends with, "" for silence; failed: the reason it ends with instead. language: that is heard
    where it is to be identified. running_polls: how often it is running still; None: for ever. lost_as: nobody knows it
    after it was started, until it is started again; how that is said, of the two ways there are.
    """

    throttled: int = 0
    refused: str | None = None
    is_forbidden: bool = False
    text: str = "Once upon a time."
    failed: str | None = None
    language: str = "de-DE"
    running_polls: int | None = 0
    lost_as: NotFound | None = None


@dataclass(slots=True)
class Job:
    """A job that was started. request: as it came."""

    request: Mapping[str, Any]
    play: Play
    status: str = "IN_PROGRESS"
    polls: int = 0

    @property
    def language(self) -> str:
        return str(self.request.get("LanguageCode") or self.play.language)


class _Refusal(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class TranscribeStandIn:
    """Serves from construction until `stop()`; also a context manager.

    url: where it is. put: stores what a job ends with. calls: (operation, request) of all that came, also of those that
    were refused. jobs: by name.
    """

    def __init__(self, put: Put) -> None:
        self._put = put
        self._by_name: dict[str, Play] = {}
        self._in_order: deque[Play] = deque()
        self._lock = Lock()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.jobs: dict[str, Job] = {}
        self._server = ThreadedServer(self)
        self.url = self._server.url

    def play(self, name: str, play: Play) -> None:
        """What happens to the job of this name."""
        self._by_name[name] = play

    def play_in_order(self, *plays: Play) -> None:
        """What happens to the next jobs whose names say nothing else; after them every job ends with a text."""
        self._in_order.extend(plays)

    def finish(self, name: str) -> dict[str, Any]:
        """Let a job end now, also one that would run for ever, and return the event that EventBridge has of it."""
        with self._lock:
            job = self.jobs[name]
            self._end(job)
        return {
            "version": "0",
            "id": "999cccaa-eaaa-0000-1111-123456789012",
            "detail-type": "Transcribe Job State Change",
            "source": "aws.transcribe",
            "account": "123456789012",
            "time": "2026-12-01T10:30:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": {
                "TranscriptionJobName": name,
                "TranscriptionJobStatus": job.status,
                **({} if job.play.failed is None else {"FailureReason": job.play.failed}),
            },
        }

    def requests(self, operation: str) -> list[dict[str, Any]]:
        """What came for one operation, such as `StartTranscriptionJob`."""
        return [request for name, request in self.calls if name == operation]

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    # ------------------------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        target, _, operation = request.headers.get("x-amz-target", "").partition(".")
        assert target == "Transcribe", "a request of another service, or by another protocol"
        said = json.loads(await request.body())
        try:
            with self._lock:
                status, answer = 200, self._answer(operation, said)
        except _Refusal as refusal:
            status, answer = refusal.status, {"__type": refusal.code, "Message": refusal.message}
        content = json.dumps(answer).encode()
        await Response(content, status, media_type="application/x-amz-json-1.1")(scope, receive, send)

    def _answer(self, operation: str, said: dict[str, Any]) -> dict[str, Any]:
        does = {
            "StartTranscriptionJob": self._start,
            "GetTranscriptionJob": self._get,
            "DeleteTranscriptionJob": self._delete,
        }
        self.calls.append((operation, said))
        _check("transcriptionJobName", NAME, said.get("TranscriptionJobName"))
        return does[operation](said)

    def _start(self, said: dict[str, Any]) -> dict[str, Any]:
        _check_start(said)
        name = said["TranscriptionJobName"]
        if name not in self._by_name:
            self._by_name[name] = self._in_order.popleft() if self._in_order else Play()
        play = self._by_name[name]
        if play.throttled:
            self._by_name[name] = replace(play, throttled=play.throttled - 1)
            raise _Refusal("LimitExceededException", THROTTLED, 429)
        if play.is_forbidden:
            raise _Refusal("AccessDeniedException", f"User: arn:aws:sts::123456789012:x is not authorized on {name}")
        if play.refused is not None:
            raise _Refusal("BadRequestException", play.refused)
        if name in self.jobs:
            raise _Refusal("ConflictException", TAKEN, 409)
        self.jobs[name] = Job(said, play)
        return {"TranscriptionJob": _shown(self.jobs[name])}

    def _get(self, said: dict[str, Any]) -> dict[str, Any]:
        job = self._job(said["TranscriptionJobName"])
        if job.play.running_polls is not None and job.polls >= job.play.running_polls:
            self._end(job)
        job.polls += 1
        return {"TranscriptionJob": _shown(job)}

    def _delete(self, said: dict[str, Any]) -> dict[str, Any]:
        self._job(said["TranscriptionJobName"])
        del self.jobs[said["TranscriptionJobName"]]
        return {}

    def _job(self, name: str) -> Job:
        job = self.jobs.get(name)
        if job is not None and job.play.lost_as is None:
            return job
        code: NotFound = "BadRequestException"
        if job is not None and job.play.lost_as is not None:
            code = job.play.lost_as
            self._by_name[name] = replace(job.play, lost_as=None)
            del self.jobs[name]
        raise _Refusal(code, NOT_FOUND, 404 if code == "NotFoundException" else 400)

    def _end(self, job: Job) -> None:
        if job.status != "IN_PROGRESS":
            return
        job.status = "COMPLETED" if job.play.failed is None else "FAILED"
        if job.play.failed is None:
            self._put(job.request["OutputBucketName"], job.request["OutputKey"], _output(job))


def _check_start(said: Mapping[str, Any]) -> None:
    _check("media.mediaFileUri", MEDIA, said.get("Media", {}).get("MediaFileUri"))
    _check("outputBucketName", BUCKET, said.get("OutputBucketName"))
    _check("outputKey", OUTPUT_KEY, said.get("OutputKey"))
    if said.get("MediaFormat") not in FORMATS:
        raise _Refusal("BadRequestException", f"{said.get('MediaFormat')} is no media format")
    if ("LanguageCode" in said) == bool(said.get("IdentifyLanguage")):
        raise _Refusal("BadRequestException", "Specify either LanguageCode or IdentifyLanguage, not both or neither.")
    if "LanguageCode" in said:
        _check("languageCode", LANGUAGE, said["LanguageCode"])


def _check(name: str, pattern: re.Pattern[str], value: object) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        message = f"1 validation error detected: Value at '{name}' failed to satisfy constraint: {pattern.pattern}"
        raise _Refusal("BadRequestException", message)


def _shown(job: Job) -> dict[str, Any]:
    """A job as Transcribe shows it: the language of one that is to identify it when it is over."""
    names = ("TranscriptionJobName", "Media", "MediaFormat", "LanguageCode", "IdentifyLanguage")
    shown = {name: job.request[name] for name in names if name in job.request}
    shown["TranscriptionJobStatus"] = job.status
    if job.status == "COMPLETED":
        shown |= {"LanguageCode": job.language, "Transcript": {"TranscriptFileUri": "https://s3.example/output"}}
    if job.status == "FAILED" and job.play.failed:
        shown["FailureReason"] = job.play.failed
    return shown


def _output(job: Job) -> bytes:
    """https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html#how-it-works-output"""
    items = [
        {"type": "pronunciation", "alternatives": [{"confidence": "0.99", "content": word}]}
        for word in job.play.text.split()
    ]
    results = {"transcripts": [{"transcript": job.play.text}], "items": items}
    said = {"jobName": job.request["TranscriptionJobName"], "accountId": "123456789012", "status": "COMPLETED"}
    return json.dumps({**said, "results": results}).encode()
