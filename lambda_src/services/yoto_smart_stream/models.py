"""Models of Yoto Smart Stream: plain frozen values. How they are stored stands in `tables.py`.

Times are 27-character UTC text (`2025-01-15T08:30:00.123456Z`), which sorts as time; `..._at` of items that leave by
TTL are epoch seconds.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from lambda_src.dynamo.keys import escape
from lambda_src.runtime.accounts.passwords import NO_PASSWORD, folded
from lambda_src.runtime.accounts.refresh import SignIn
from lambda_src.runtime.clock import utc_text

type TranscriptStatus = Literal["pending", "processing", "completed", "failed", "cancelled", "disabled"]
type TranscriptSource = Literal["speech", "manual", "tts", "migrated"]
type UploadState = Literal["pending", "completed", "rejected"]
type JobKind = Literal["transcribe", "purge"]
type JobState = Literal["queued", "started", "done"]

STATUSES: Final[tuple[TranscriptStatus, ...]] = (
    "pending", "processing", "completed", "failed", "cancelled", "disabled",
)  # fmt: skip
RUNNING: Final[frozenset[str]] = frozenset({"pending", "processing"})
"""While in one of these a transcription may be under way; every other one ends it."""
TEXT_ATTRIBUTES: Final = (
    "transcript_chars", "transcript_language", "transcript_source", "transcript_error", "transcribed_at",
)  # fmt: skip
"""What is known of a text; it goes with the text."""
DIGEST_CHARACTERS: Final = 16


def new_id() -> str:
    """An id of an upload or a job: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def timestamp(instant: datetime) -> str:
    """A time as it is stored and answered."""
    return utc_text(instant, "microseconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """An account. hashed_password: a PHC string, `!` where nobody can sign in, empty in lists.

    token_version: raised by what shall void all tokens so far. version: raised by every write.
    """

    user_id: int
    username: str
    created_at: str
    updated_at: str
    email: str | None = None
    hashed_password: str = ""
    is_active: bool = True
    is_admin: bool = False
    must_change_password: bool = False
    token_version: int = 0
    version: int = 1

    @property
    def id(self) -> int:
        return self.user_id

    @property
    def username_key(self) -> str:
        """What the name is unique by; a name is ASCII."""
        return self.username.lower()

    @property
    def email_key(self) -> str | None:
        """What the address is unique by."""
        return None if self.email is None else folded(self.email)

    @property
    def counts_as_admin(self) -> bool:
        """Whether it is one of the administrators of whom the last one stays. One without a password is not."""
        return self.is_admin and self.is_active and self.hashed_password != NO_PASSWORD


@dataclass(frozen=True, slots=True)
class EmailClaim:
    """Whose an address is."""

    email_key: str
    user_id: int
    username_key: str


@dataclass(frozen=True, slots=True)
class UserIdClaim:
    """Whose an id is; it stays when the user goes, so that the id never comes back."""

    user_id: int
    username_key: str
    deleted_at: str | None = None


@dataclass(frozen=True, slots=True)
class IdCounter:
    """The newest id that was drawn."""

    last_id: int = 0


@dataclass(frozen=True, slots=True)
class AdminGuard:
    """How many administrators can sign in."""

    active_admins: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSignIn(SignIn):
    """A sign-in that lasts, and whose it is."""

    user_id: int
    username_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFileRecord:
    """A file of the library. Without its text in lists, where `version` and what only `get` shows are the defaults.

    size: bytes. duration: whole seconds. object_key: of its audio, None where that was never moved here.
    transcript_request_id: of the job that is under way, in which it is in flight. transcript_chars: of the text.
    transcript: the text, which is an item of its own.
    """

    filename: str
    size: int
    content_type: str
    created_at: str
    updated_at: str
    duration: int | None = None
    object_key: str | None = None
    etag: str | None = None
    uploaded_by: int | None = None
    play_token: str | None = None
    transcript: str | None = None
    transcript_chars: int | None = None
    transcript_language: str | None = None
    transcript_source: TranscriptSource | None = None
    transcript_status: TranscriptStatus = "pending"
    transcript_error: str | None = None
    transcript_request_id: str | None = None
    transcribed_at: str | None = None
    tts_provider: str | None = None
    tts_voice_id: str | None = None
    tts_model: str | None = None
    version: int = 1

    @property
    def name_key(self) -> str:
        """What the name is searched by."""
        return folded(self.filename)

    @property
    def name_sort(self) -> str:
        """Where the name stands in the list by name; two that differ in case alone stand apart."""
        digest = hashlib.sha256(self.filename.encode()).hexdigest()[:DIGEST_CHARACTERS]
        return f"{escape(self.name_key)}#{digest}"

    @property
    def is_in_flight(self) -> bool:
        """A transcription is queued or running."""
        return self.transcript_request_id is not None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text of a file. text: stored gzipped where it is long."""

    filename: str
    text: str


@dataclass(frozen=True, slots=True)
class PlayLink:
    """The file that a link plays."""

    play_token: str
    filename: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadIntent:
    """A ticket, and what became of it. object_key: what its form writes, which is never served; by_admin: who asked
    for it was one.

    ticket_ends: epoch seconds, when its form is void; expires_at: too. etag: of the object that settled it.
    """

    upload_id: str
    filename: str
    content_type: str
    declared_size: int
    object_key: str
    requested_by: int
    created_at: str
    ticket_ends: int
    expires_at: int
    replace: bool = False
    by_admin: bool = False
    declared_duration: int | None = None
    upload_state: UploadState = "pending"
    reject_reason: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work for the worker. expires_at: epoch seconds, only once it is done.

    object_keys: of a purge, objects to be deleted. attempts: starts of a transcription. language: that was asked for;
    second_language: of its second try, once its language could not be identified.
    """

    job_id: str
    kind: JobKind
    filename: str
    created_at: str
    job_state: JobState = "queued"
    provider: str | None = None
    object_keys: tuple[str, ...] = ()
    language: str | None = None
    second_language: str | None = None
    requested_by: int | None = None
    attempts: int = 0
    finished_at: str | None = None
    expires_at: int | None = None

    @property
    def is_done(self) -> bool:
        return self.job_state == "done"


@dataclass(frozen=True, slots=True)
class Setting:
    """What an administrator chose."""

    setting_key: str
    setting_value: str
    updated_at: str
    updated_by: int | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """An item that nobody has: asking for it shows that the table answers."""
