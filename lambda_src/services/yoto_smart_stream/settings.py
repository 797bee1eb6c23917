"""What Yoto Smart Stream reads from its environment, which the stack fills through the same classes; what it counts."""

from enum import StrEnum
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.settings import ServiceSettings

DEFAULT_UPLOAD_BYTES: Final = 209_715_200
LARGEST_UPLOAD_BYTES: Final = 419_430_400
MEDIA_HEADERS: Final = ("Content-Range", "Accept-Ranges", "Content-Length", "ETag")
"""What a page that fetches audio has to see of the answer, and of the redirection before it."""

type Provider = Literal["aws-transcribe", "fake", "none"]


class Settings(ServiceSettings):
    """Variables of both functions."""

    database_timeout_seconds: ClassVar[float] = 5.0

    dynamodb_table: str = Field(default="", description="Physical name of the table; without it nothing is served")
    is_on_sqlite: bool = Field(default=False, description="The table is in a SQLite file; never on Lambda")
    s3_audio_bucket: str = Field(default="", description="Bucket of the audio files; empty: no uploads")
    transcription_queue_url: str = Field(default="", description="Queue of the worker")
    transcription_provider: Provider = Field(default="aws-transcribe", description="Who turns speech into text")
    fake_transcript: str = Field(
        default="This is what the fake provider hears.", description="Text of every file where the provider is `fake`"
    )
    transcription_enabled: bool | None = Field(
        default=None, description="Whether speech is turned into text, whatever an administrator chose"
    )
    transcribe_language: str = Field(
        default="en-US", description="Language of the files; `auto`: found by the provider, file by file"
    )
    max_upload_bytes: int = Field(
        default=DEFAULT_UPLOAD_BYTES, ge=1, le=LARGEST_UPLOAD_BYTES, description="Size of the largest file"
    )
    bootstrap_admin_secret_arn: str = Field(
        default="", description="Secret with name and password of the first administrator"
    )


class ApiSettings(Settings):
    """Variables of the API function. From the stack, secrets travel as their names, never as their values."""

    jwt_secret_arn: str = Field(default="", description="Secret with the keys of tokens and cursors")
    public_url: str = Field(
        default="http://localhost:8003", description="Address that play links begin with, without a slash at its end"
    )
    cors_origins: str = Field(default="", description="Origins whose pages may call the API, separated by commas")
    media_base_url: str = Field(default="", description="Address of the distribution; empty: files come from S3 itself")
    cloudfront_key_pair_id: str = Field(default="", description="Id of the public key that the distribution trusts")
    cloudfront_private_key_secret_arn: str = Field(
        default="", description="Secret with the private key of the distribution's signed addresses"
    )

    @property
    def cors(self) -> CorsRules:
        return CorsRules(
            origins=tuple(text for part in self.cors_origins.split(",") if (text := part.strip())),
            methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
            request_headers=("Authorization", "Content-Type", "Range"),
            exposed_headers=("X-Request-Id", "Retry-After", "Location", *MEDIA_HEADERS),
        )

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        if self.public_url.endswith("/"):
            raise ValueError("PUBLIC_URL ends with a slash")
        if bool(self.media_base_url) != bool(self.cloudfront_private_key_secret_arn and self.cloudfront_key_pair_id):
            raise ValueError("MEDIA_BASE_URL and the two variables of its key go together")
        _ = self.cors  # refuses a wildcard
        return self


class WorkerSettings(Settings):
    transcription_dlq_url: str = Field(default="", description="Dead-letter queue behind TRANSCRIPTION_QUEUE_URL")
    job_budget_seconds: float = Field(default=60, gt=0, description="Time one delivery of a message may take")
    retry_base_seconds: float = Field(
        default=30, gt=0, description="Pause before a failed message is tried again; doubles with each attempt"
    )


class Counts(StrEnum):
    """Metrics in the words of the service: its dashboard draws them, and alarms read some."""

    SIGN_IN_FAILURE = "SignInFailure"
    UPLOAD_REJECTED = "UploadRejected"  # by its dimension `reason`
    TRANSCRIPTION_DONE = "TranscriptionDone"
    TRANSCRIPTION_FAILED = "TranscriptionFailed"  # for whatever reason
    TRANSCRIPTION_REFUSED = "TranscriptionRefused"  # of those: the provider wants a deployment that is set up right
    JOB_RESENT = "JobResent"  # its message was lost, or waits for long
    SWEEP_FAILED = "SweepFailed"  # a job that the sweep could not bring forward
