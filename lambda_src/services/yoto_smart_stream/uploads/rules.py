"""What a ticket writes, where that is served from, and what becomes of a ticket when."""

import hashlib
import re
from typing import Final, Literal

from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, UploadIntent
from lambda_src.services.yoto_smart_stream.names import CONTENT_TYPES, extension_of

type ShownState = Literal["pending", "completed", "rejected", "expired"]
type RejectReason = Literal["not_audio", "too_large", "filename_taken"]

TICKET_SECONDS: Final = 900
KEPT_SECONDS: Final = 86_400  # a ticket, after its form is void; what it wrote goes after a day, too
PATIENCE_SECONDS: Final = 3600  # after a ticket's end; what comes later still counts

_ID: Final = re.compile("[0-9a-f]{32}")
_UPLOAD: Final = re.compile(rf"{tables.UPLOADS}/({_ID.pattern})\.(?:{'|'.join(CONTENT_TYPES)})")


def upload_key(upload_id: str, filename: str) -> str:
    """What the ticket for a file of this valid name writes, and nothing else."""
    return f"{tables.UPLOADS}/{upload_id}.{extension_of(filename)}"


def upload_id_of(key: str) -> str | None:
    """The ticket that may have written an object; None for a key that no ticket has."""
    found = _UPLOAD.fullmatch(key)
    return None if found is None else found[1]


def is_upload_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def media_key(intent: UploadIntent, tag: str) -> str:
    """Where an upload with this tag is served from.

    Of each content of its own: a form can be sent again while it is good, and whoever copies a second upload meanwhile
    never touches what the first one is served from.
    """
    digest = hashlib.sha256(f"{intent.upload_id}\n{tag}".encode()).hexdigest()[:32]
    return f"{tables.MEDIA}/{digest}.{extension_of(intent.filename)}"


def served_key(intent: UploadIntent) -> str | None:
    """Where what a ticket brought is served from; None unless it brought something."""
    return media_key(intent, intent.etag) if intent.upload_state == "completed" and intent.etag else None


def may_replace(intent: UploadIntent, seen: AudioFileRecord) -> bool:
    """Whether a ticket may take the place of a file, whose owner may be another than when it was asked for."""
    return intent.replace and (intent.by_admin or seen.uploaded_by == intent.requested_by)


def shown_state(intent: UploadIntent, now: float) -> ShownState:
    """How a ticket stands for its owner. now: epoch seconds."""
    if intent.upload_state == "pending" and now > intent.ticket_ends + PATIENCE_SECONDS:
        return "expired"
    return intent.upload_state
