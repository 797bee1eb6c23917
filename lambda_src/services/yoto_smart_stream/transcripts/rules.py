"""What a transcript may be, what can become of a transcription, and the sentences that say why there is no text."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import TranscriptTooLarge

MAX_TEXT_BYTES: Final = 1_048_576
MAX_STORED_BYTES: Final = 389_120  # 380 KB; an item holds 400, its keys and the rest of it included
MAX_ERROR_CHARACTERS: Final = 1000
OVERDUE_AFTER: Final = timedelta(hours=6)
DEFAULT_LANGUAGE: Final = "en-US"
AUTO: Final = "auto"  # instead of a language: the provider listens which one it is

NO_SPEECH: Final = "No speech was recognised in this file."
OBJECT_GONE: Final = "The audio file is no longer in storage."
TOO_LONG: Final = "The transcript is too long to store (limit 1 MiB)."
TOO_DENSE: Final = "The transcript is too long to store, compressed too (limit 380 KB)."
TIMED_OUT: Final = "Transcription timed out after 6 hours."
REFUSED: Final = (
    "The transcription service refused the request. Ask an administrator to check the service configuration."
)
UNIDENTIFIED: Final = "The language of this file could not be recognised."
UNREADABLE: Final = "The transcription service gave no result that can be read."
NO_REASON: Final = "The transcription service gave no reason."
SWITCHED_OFF: Final = "Transcription is switched off."
UNEXPECTED: Final = "an unexpected error"


@dataclass(frozen=True, slots=True)
class Work:
    """A file to be turned into text. language: a tag such as `en-US`, or AUTO.

    is_second: a second try, after the language could not be identified; for a provider it is other work.
    """

    job_id: str
    filename: str
    object_key: str | None
    language: str
    is_second: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """The provider works on it, and says later what came of it."""


@dataclass(frozen=True, slots=True)
class Running:
    """The provider has not come to an end."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The provider has no such work: it was never started, or was forgotten."""


@dataclass(frozen=True, slots=True)
class Finished:
    """language: None where the provider does not say."""

    text: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """reason: for people. kind: `unidentified` asks for a try in a given language, `refused` for an administrator."""

    reason: str
    kind: Literal["ended", "unidentified", "refused"] = "ended"


def cut(error: str | None) -> str | None:
    """An error as it is stored."""
    if error is None or len(error) <= MAX_ERROR_CHARACTERS:
        return error
    return error[: MAX_ERROR_CHARACTERS - 1] + "…"


def check_text(text: str) -> None:
    """Raises TranscriptTooLarge, whose detail can be stored as the reason, too. A long text is gzipped: 30 ms a MiB."""
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise TranscriptTooLarge(TOO_LONG)
    if len(tables.stored_text(text)) > MAX_STORED_BYTES:  # characters only where there are few
        raise TranscriptTooLarge(TOO_DENSE)


def not_started(attempts: int, last: str) -> str:
    """Why a transcription failed that never began. last: what the last attempt failed for."""
    return f"Transcription could not be started after {attempts} attempts: {last}"
