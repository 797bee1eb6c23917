"""Changes of tickets, and what they bring into the library."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lambda_src.dynamo.errors import TransactionCancelled, applied
from lambda_src.dynamo.store import ABSENT, Action, Attr, Delete, Put, Store, Update, UpdateItem
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, Job, UploadIntent
from lambda_src.services.yoto_smart_stream.uploads.rules import RejectReason

type Refusal = Literal["settled", "changed"]
"""Why an upload was not taken: its ticket is no longer pending, or the file of its name is not as it was read."""

_PENDING = Attr("upload_state").eq("pending")


@dataclass(frozen=True, slots=True)
class UploadRepository:
    store: Store

    def create_upload(self, intent: UploadIntent) -> None:
        """Keep a ticket of a new id. 1 request."""
        self.store.put(tables.CREATE_UPLOAD, Put(tables.UPLOAD, intent, ABSENT))

    def finalize_upload(
        self,
        intent: UploadIntent,
        tag: str,
        file: AudioFileRecord,
        *,
        replaced: AudioFileRecord | None,
        jobs: Iterable[Job],
    ) -> Refusal | None:
        """Take an upload into the library, once, with the work that follows; None when it was taken. 1 request.

        tag: of what was uploaded. file: as it is to be stored. replaced: the file of this name as it was read, which
        loses its text.
        """
        end = Update().set(upload_state="completed", etag=tag)
        as_seen = ABSENT if replaced is None else tables.as_read(replaced)
        actions: list[Action] = [
            UpdateItem(tables.UPLOAD.key(upload_id=intent.upload_id), end, _PENDING),
            Put(tables.AUDIO, file, as_seen),
        ]
        if replaced is not None:
            actions.append(Delete(tables.TRANSCRIPT.key(filename=file.filename)))
        actions += (Put(tables.JOB, job, ABSENT) for job in jobs)
        try:
            self.store.transact(tables.FINALIZE_UPLOAD, actions)
        except TransactionCancelled as exc:
            return "settled" if exc.failed(0) else "changed"
        return None

    def reject_upload(self, intent: UploadIntent, reason: RejectReason, tag: str) -> bool:
        """Say why an upload was not taken; False when its ticket is no longer pending. tag: its own. 1 request."""
        end = Update().set(upload_state="rejected", reject_reason=reason, etag=tag)
        write = UpdateItem(tables.UPLOAD.key(upload_id=intent.upload_id), end, _PENDING)
        return applied(self.store.update, tables.REJECT_UPLOAD, write)
