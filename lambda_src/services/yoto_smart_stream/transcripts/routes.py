"""Routes of transcripts."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.yoto_smart_stream.principals import Admin, Member
from lambda_src.services.yoto_smart_stream.transcripts import schemas
from lambda_src.services.yoto_smart_stream.transcripts.schemas import TRANSCRIPT_SHAPE
from lambda_src.services.yoto_smart_stream.transcripts.service import Transcripts

PATH: Final = "/api/audio/{filename}/transcript"

router: Final = Router(tags=["transcripts"])


@router.get(PATH, response_model=schemas.TranscriptBody)
def read_transcript(
    transcripts: Given[Transcripts],
    caller: Member,  # noqa: ARG001 -- is asked for
    filename: str,
) -> dict[str, Any]:
    """What is said in a file, or how it stands with that."""
    return TRANSCRIPT_SHAPE(transcripts.get(filename))


@router.put(PATH, response_model=schemas.TranscriptBody)
def write_transcript(
    transcripts: Given[Transcripts], caller: Member, filename: str, body: schemas.NewTranscript
) -> dict[str, Any]:
    """Write down what is said in a file. It ends a transcription that is under way."""
    return TRANSCRIPT_SHAPE(transcripts.write(filename, caller, body.text, body.language))


@router.patch(PATH, response_model=schemas.TranscriptBody)
def set_transcript_status(
    transcripts: Given[Transcripts],
    caller: Admin,  # noqa: ARG001 -- is asked for
    filename: str,
    body: schemas.NewStatus,
) -> dict[str, Any]:
    """Say how a transcription stands. While it is under way it can only be cancelled."""
    return TRANSCRIPT_SHAPE(transcripts.set_status(filename, body.status, body.error))


@router.delete(PATH, response_model=schemas.TranscriptBody)
def clear_transcript(transcripts: Given[Transcripts], caller: Member, filename: str) -> dict[str, Any]:
    """Remove the text of a file."""
    return TRANSCRIPT_SHAPE(transcripts.clear(filename, caller))


@router.post("/api/audio/{filename}/transcribe", status_code=202, response_model=schemas.WishBody)
def request_transcription(
    transcripts: Given[Transcripts], caller: Member, filename: str, body: schemas.Wish | None = None
) -> dict[str, Any]:
    """Have a file transcribed. A second wish before the first is met changes nothing."""
    wish = body or schemas.Wish()
    asked = transcripts.request(filename, caller, force=wish.force, language=wish.language)
    said = {"filename": asked.filename, "status": asked.status, "request_id": asked.request_id}
    return {**said, "queued": True, "already_queued": asked.was_in_flight}


@router.post(f"{PATH}/cancel", response_model=schemas.CancelledBody)
def cancel_transcription(
    transcripts: Given[Transcripts],
    caller: Member,  # noqa: ARG001 -- is asked for
    filename: str,
) -> dict[str, Any]:
    """Stop a transcription that is under way."""
    return {"filename": transcripts.cancel(filename), "status": "cancelled"}
