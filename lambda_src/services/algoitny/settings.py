"""What AlgoItny reads from its environment, which the stack fills through the same classes; what it counts."""

from enum import StrEnum
from typing import ClassVar, Final, Self

from pydantic import Field, model_validator

from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.settings import ServiceSettings

DAY_SECONDS: Final = 86_400
LIMIT_HEADERS: Final = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


class Settings(ServiceSettings):
    """Variables of all functions. A function does not start without its table's name."""

    database_timeout_seconds: ClassVar[float] = 5.0
    conflict_metric: ClassVar[str | None] = "TransactionConflict"

    algoitny_table_name: str = Field(min_length=1, description="Physical name of the table")


class TimelineSettings(Settings):
    """Variables of the functions that write or read runs and their public timeline."""

    algoitny_content_bucket: str = Field(default="", description="Bucket of long results")
    public_timeline_shards: int = Field(default=8, ge=1, le=64, description="Partitions of the public timeline")
    public_timeline_read_shards: int = Field(
        default=0, ge=0, le=64, description="Partitions that are read, while their number changes; 0: as many"
    )
    public_timeline_read_legacy: bool = Field(default=False, description="Also read the one of a timeline not spread")

    @property
    def read_shards(self) -> int:
        return self.public_timeline_read_shards or self.public_timeline_shards

    @model_validator(mode="after")
    def _check_shards(self) -> Self:
        if self.read_shards < self.public_timeline_shards:
            raise ValueError("PUBLIC_TIMELINE_READ_SHARDS is below PUBLIC_TIMELINE_SHARDS: runs would not be seen")
        return self


class ApiSettings(TimelineSettings):
    """Variables of the API function. From the stack, secrets travel as their names, never as their values."""

    algoitny_job_queue_url: str = Field(default="", description="Queue of the worker")
    app_secret_arn: str = Field(default="", description="Secret with keys of tokens and of Google, and administrators")
    google_client_ids: str = Field(
        default="", description="Client ids that Google tokens are for, by commas; the first exchanges codes"
    )
    google_redirect_uris: str = Field(
        default="", description="Addresses that a sign-in by code may name, separated by commas; `postmessage` is one"
    )
    google_token_url: str = Field("https://oauth2.googleapis.com/token", description="Where Google exchanges codes")
    google_jwks_url: str = Field("https://www.googleapis.com/oauth2/v3/certs", description="Where Google has its keys")
    cors_allowed_origins: str = Field(default="", description="Origins whose pages may call the API, by commas")
    access_token_minutes: int = Field(default=60, ge=1, le=24 * 60, description="Lifetime of an access token")
    refresh_token_days: int = Field(default=30, ge=1, le=365, description="Days that a sign-in lasts unused")

    @property
    def cors(self) -> CorsRules:
        return CorsRules(
            origins=listed(self.cors_allowed_origins),
            methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
            request_headers=("Authorization", "Content-Type", "Idempotency-Key"),
            exposed_headers=("X-Request-Id", "Retry-After", *LIMIT_HEADERS),
        )

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        _ = self.cors  # refuses a wildcard
        return self


class WorkerSettings(TimelineSettings):
    """Variables of the worker."""

    algoitny_job_queue_url: str = Field(default="", description="Queue of the worker")
    algoitny_job_dlq_url: str = Field(default="", description="Dead-letter queue behind ALGOITNY_JOB_QUEUE_URL")
    job_budget_seconds: float = Field(default=120, gt=0, description="Time one delivery of a message may take")
    retry_base_seconds: float = Field(default=30, gt=0, description="Pause before the second try; doubles with each")


class StatsSettings(Settings):
    """Variables of the function that counts what happened."""

    algoitny_stats_dlq_url: str = Field(default="", description="Where records go that cannot be counted")


class ArchiverSettings(Settings):
    """Variables of the function that archives expired usage logs."""

    algoitny_archive_bucket: str = Field(default="", description="Bucket of the archive")
    algoitny_archive_dlq_url: str = Field(default="", description="Where records go that cannot be archived")


def listed(text: str) -> tuple[str, ...]:
    """The values of a variable that holds several, separated by commas."""
    return tuple(part for each in text.split(",") if (part := each.strip()))


class Counts(StrEnum):
    """Metrics in the words of the service: its dashboard draws them, and alarms read some."""

    SIGN_IN_FAILURE = "SignInFailure"
    LIMIT_REACHED = "LimitReached"
    RUN_RECORDED = "RunRecorded"
    LOG_ARCHIVED = "LogArchived"
    TASK_RESENT = "TaskResent"
    SWEEP_FAILED = "SweepFailed"
