"""What request and answer bodies share."""

from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BaseModel, Field

from lambda_src.dynamo.store import Page
from lambda_src.runtime.bodies import Shape
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, TranscriptStatus, UserRecord

MAX_LIMIT: Final = 200

type Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
type Cursor = Annotated[str | None, Query(description="Of the page before")]
type Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]


def page_body(page: Page[Any], items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The envelope of a page. items: its entries as they are shown."""
    return {"items": items, "count": len(items), "next_cursor": page.next_cursor, **more}


# ---- files of the library --------------------------------------------------------------------------------------------


class SpokenBody(BaseModel):
    """What made the speech of a file that nobody recorded."""

    provider: str | None
    voice_id: str | None
    model: str | None


class AudioBody(BaseModel):
    """A file. `has_audio`, `has_play_link`, `queued` and `tts` are null in lists, which do not know them."""

    filename: str
    size: int = Field(description="Bytes")
    duration: int | None = Field(description="Whole seconds")
    content_type: str
    uploaded_by: int | None
    has_audio: bool | None
    has_play_link: bool | None
    transcript_status: TranscriptStatus
    transcript_error: str | None
    transcript_chars: int | None = Field(description="Characters of the text, where there is one")
    transcribed_at: Timestamp | None
    queued: bool | None = Field(description="Whether a transcription is queued or running")
    tts: SpokenBody | None
    created_at: Timestamp
    updated_at: Timestamp


def _speech(file: AudioFileRecord) -> dict[str, Any] | None:
    said = {"provider": file.tts_provider, "voice_id": file.tts_voice_id, "model": file.tts_model}
    return said if any(said.values()) else None


def _unknown(_: AudioFileRecord) -> None:
    return None


AUDIO_SHAPE: Final = Shape[AudioFileRecord](
    AudioBody,
    {
        "has_audio": lambda file: file.object_key is not None,
        "has_play_link": lambda file: file.play_token is not None,
        "queued": "is_in_flight",
        "tts": _speech,
    },
)
LISTED_SHAPE: Final = Shape[AudioFileRecord](
    AudioBody, {"has_audio": _unknown, "has_play_link": _unknown, "queued": _unknown, "tts": _unknown}
)


# ---- users -----------------------------------------------------------------------------------------------------------


class UserBody(BaseModel):
    id: int
    username: str
    email: str | None
    is_active: bool
    is_admin: bool
    must_change_password: bool
    created_at: Timestamp
    updated_at: Timestamp


USER_SHAPE: Final = Shape[UserRecord](UserBody)
