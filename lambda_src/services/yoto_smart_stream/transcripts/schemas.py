"""Bodies of requests and answers about transcripts."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from lambda_src.runtime.bodies import RequestBody, Shape
from lambda_src.services.yoto_smart_stream.bodies import Timestamp
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, TranscriptSource, TranscriptStatus

# https://www.rfc-editor.org/rfc/bcp/bcp47.txt, as far as texts and Transcribe have need of it
_TAG: Final = "[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"

type Language = Annotated[str, Field(pattern=f"^{_TAG}$", max_length=20, description="BCP 47, such as `en-GB`")]
type AskedLanguage = Annotated[
    str, Field(pattern=f"^(auto|{_TAG})$", max_length=20, description="As Transcribe has it; `auto`: that is heard")
]


class TranscriptBody(BaseModel):
    filename: str
    status: TranscriptStatus
    transcript: str | None = Field(description="The text, where there is one")
    error: str | None = Field(description="Why there is none")
    language: str | None
    source: TranscriptSource | None
    chars: int | None
    transcribed_at: Timestamp | None
    queued: bool = Field(description="Whether a transcription is queued or running")


class NewTranscript(RequestBody):
    text: str = Field(min_length=1, description="At most 1 MiB")
    language: Language | None = None


class NewStatus(RequestBody):
    status: TranscriptStatus = Field(description="`completed` comes with a text, `processing` from the provider")
    error: str | None = Field(default=None, min_length=0)  # whatever the limit, one lets no half of a pair pass


class Wish(RequestBody):
    force: bool = Field(default=False, description="Also where there is a transcript")
    language: AskedLanguage | None = None


class WishBody(BaseModel):
    filename: str
    status: TranscriptStatus
    request_id: str
    queued: Literal[True]
    already_queued: bool


class CancelledBody(BaseModel):
    filename: str
    status: Literal["cancelled"]


TRANSCRIPT_SHAPE: Final = Shape[AudioFileRecord](
    TranscriptBody,
    {
        "status": "transcript_status",
        "error": "transcript_error",
        "language": "transcript_language",
        "source": "transcript_source",
        "chars": "transcript_chars",
        "queued": "is_in_flight",
    },
)
