"""Routes of uploads."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.yoto_smart_stream.bodies import AUDIO_SHAPE
from lambda_src.services.yoto_smart_stream.models import timestamp
from lambda_src.services.yoto_smart_stream.principals import Member
from lambda_src.services.yoto_smart_stream.uploads.schemas import NewUpload, TicketBody, UploadBody
from lambda_src.services.yoto_smart_stream.uploads.service import Uploads

router: Final = Router(tags=["uploads"])


@router.post("/api/audio/uploads", status_code=201, response_model=TicketBody)
def create_upload(uploads: Given[Uploads], caller: Member, body: NewUpload) -> dict[str, Any]:
    """A form that puts one file into storage. Ask for the upload afterwards: it is checked in the background."""
    intent, form = uploads.ticket(body, caller)
    return {
        "upload_id": intent.upload_id,
        "filename": intent.filename,
        "expires_at": timestamp(form.expires_at),
        "max_bytes": uploads.max_bytes,
        "upload": {"method": "POST", "url": form.url, "fields": form.fields, "headers": {}},
    }


@router.get("/api/audio/uploads/{upload_id}", response_model=UploadBody)
def read_upload(uploads: Given[Uploads], caller: Member, upload_id: str) -> dict[str, Any]:
    """What became of an upload of yours."""
    intent, state, file = uploads.standing(upload_id, caller)
    return {
        "upload_id": intent.upload_id,
        "filename": intent.filename,
        "state": state,
        "reason": intent.reject_reason,
        "audio": None if file is None else AUDIO_SHAPE(file),
    }
