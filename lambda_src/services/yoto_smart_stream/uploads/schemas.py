"""Bodies of uploads."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from lambda_src.runtime.bodies import RequestBody
from lambda_src.services.yoto_smart_stream.bodies import AudioBody, Timestamp
from lambda_src.services.yoto_smart_stream.uploads.audio import MAX_SECONDS
from lambda_src.services.yoto_smart_stream.uploads.rules import RejectReason, ShownState

type Size = Annotated[int, Field(ge=1, strict=True, description="Bytes")]
type Duration = Annotated[
    float | None,
    Field(
        gt=0, le=MAX_SECONDS, allow_inf_nan=False, strict=True, description="Seconds; found out where nobody says it"
    ),
]


class NewUpload(RequestBody):
    """What shall be uploaded. `replace`: in place of a file of this name that is yours."""

    filename: str
    size: Size
    content_type: str | None = Field(default=None, description="As the browser says it; empty where it knows none")
    duration: Duration = None
    replace: bool = Field(default=False, strict=True)


class FormBody(BaseModel):
    """POST the fields in their order to the URL as multipart/form-data, and the file as `file` after them."""

    method: Literal["POST"]
    url: str
    fields: dict[str, str]
    headers: dict[str, str]


class TicketBody(BaseModel):
    upload_id: str
    filename: str
    expires_at: Timestamp
    max_bytes: int
    upload: FormBody


class UploadBody(BaseModel):
    """`audio`: the file, as long as it is the one of this upload."""

    upload_id: str
    filename: str
    state: ShownState
    reason: RejectReason | None
    audio: AudioBody | None
