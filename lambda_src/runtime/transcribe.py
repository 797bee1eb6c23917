"""Amazon Transcribe: starting a job, asking how it is, and deleting it.

A job has the name that its caller gives it, and a name belongs to one job: whoever starts one twice by the same name
has one job. https://docs.aws.amazon.com/transcribe/latest/APIReference/API_StartTranscriptionJob.html
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lambda_src.errors import AppError, UpstreamFailed
from lambda_src.runtime.aws_calls import client_config, reason_of

if TYPE_CHECKING:
    from mypy_boto3_transcribe import TranscribeServiceClient
    from mypy_boto3_transcribe.type_defs import TranscriptionJobTypeDef

logger = logging.getLogger(__name__)

type MediaFormat = Literal["mp3", "mp4", "wav", "flac", "ogg", "amr", "webm", "m4a"]
type Start = Literal["started", "exists"]
type JobStatus = Literal["running", "completed", "failed", "unknown"]

AUTO: Final = "auto"  # instead of a language: Transcribe listens which one it is
READ_TIMEOUT_SECONDS: Final = 5.0

_REFUSALS: Final = frozenset({"BadRequestException", "ValidationException"})
_FORBIDDEN: Final = frozenset({"AccessDeniedException", "AccessDenied"})
# As NotFoundException, or as a BadRequestException with this message.
_NOT_FOUND: Final = re.compile(r"could(n['\u2019]t| not) be found", re.IGNORECASE)


class TranscribeUnavailable(UpstreamFailed):
    """Transcribe cannot be reached, has too much to do, or failed: try again."""

    code = "transcribe_unavailable"
    default_detail = "The transcription service cannot be reached"


class TranscribeRefused(AppError):
    """Transcribe says that the request is wrong, as it will when it is asked again. detail: what it says, verbatim."""

    code = "transcribe_refused"
    default_detail = "The transcription service refused the request"


class TranscribeForbidden(TranscribeRefused):
    """Our role may not do this. Its detail names roles and resources and is for logs alone, so it is left out here."""

    code = "transcribe_forbidden"


@dataclass(frozen=True, slots=True)
class MediaJob:
    """What is to be transcribed, and where to.

    name: 1-200 of letters, digits and `._-`. media_uri: `s3://<bucket>/<key>`. language: such as `en-US`, or AUTO.
    output_bucket, output_key: where Transcribe puts the JSON with the text; our role must be able to read the one and
    write the other.
    """

    name: str
    media_uri: str
    media_format: MediaFormat
    language: str
    output_bucket: str
    output_key: str


@dataclass(frozen=True, slots=True)
class JobState:
    """How a job is. `unknown`: Transcribe has none of that name; it was never started, or is long over.

    language: of a completed job, given or identified. reason: why it failed, in Transcribe's words; may be empty.
    """

    status: JobStatus
    language: str | None = None
    reason: str = ""


def transcribe_client() -> "TranscribeServiceClient":
    """A client with timeouts far below a function's: at most about 25 s for a call that never gets an answer."""
    import boto3  # noqa: PLC0415 -- a function that starts nothing does not pay for it

    return boto3.client("transcribe", config=client_config(READ_TIMEOUT_SECONDS))


class TranscribeClient:
    """Jobs of one account and region. The Transcribe client is created at the first call.

    `start` and `get` raise TranscribeUnavailable (retryable), TranscribeRefused and TranscribeForbidden (for good).
    """

    def __init__(self, client: "Callable[[], TranscribeServiceClient]" = transcribe_client) -> None:
        self._transcribe = cache(client)

    def start(self, job: MediaJob) -> Start:
        """Start a job, unless one of that name exists, whatever it is for. One request."""
        said: Any = {"IdentifyLanguage": True} if job.language == AUTO else {"LanguageCode": job.language}
        try:
            self._transcribe().start_transcription_job(
                TranscriptionJobName=job.name,
                Media={"MediaFileUri": job.media_uri},
                MediaFormat=job.media_format,
                OutputBucketName=job.output_bucket,
                OutputKey=job.output_key,
                **said,
            )
        except (BotoCoreError, ClientError) as error:
            if reason_of(error) == "ConflictException":
                return "exists"
            raise _failure(error) from error
        return "started"

    def get(self, name: str) -> JobState:
        """How a job is. One request."""
        try:
            return _state_of(self._transcribe().get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"])
        except KeyError as error:  # an answer that is not of Transcribe
            raise TranscribeUnavailable from error
        except (BotoCoreError, ClientError) as error:
            if _is_not_found(error):
                return JobState("unknown")
            raise _failure(error) from error

    def delete(self, name: str) -> None:
        """Delete a job if that can be done, also one that runs. Never fails: a failure is logged. One request."""
        try:
            self._transcribe().delete_transcription_job(TranscriptionJobName=name)
        except (BotoCoreError, ClientError) as error:
            if not _is_not_found(error):
                logger.warning("transcription job not deleted", extra={"reason": reason_of(error)})


def _state_of(job: "TranscriptionJobTypeDef") -> JobState:
    match job["TranscriptionJobStatus"]:
        case "COMPLETED":
            return JobState("completed", language=job.get("LanguageCode"))
        case "FAILED":
            return JobState("failed", reason=job.get("FailureReason", ""))
        case _:  # QUEUED, IN_PROGRESS
            return JobState("running")


def _is_not_found(error: Exception) -> bool:
    reason = reason_of(error)
    return reason == "NotFoundException" or (reason in _REFUSALS and bool(_NOT_FOUND.search(_message_of(error))))


def _failure(error: Exception) -> AppError:
    reason = reason_of(error)
    logger.warning("transcription request failed", extra={"reason": reason})
    if reason in _FORBIDDEN:
        return TranscribeForbidden()
    if reason in _REFUSALS or isinstance(error, ParamValidationError):  # the latter never left this machine
        return TranscribeRefused(_message_of(error))
    return TranscribeUnavailable(retry_after_seconds=1)


def _message_of(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Message") or error)
