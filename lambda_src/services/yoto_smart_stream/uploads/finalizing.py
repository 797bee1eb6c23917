"""What becomes of an upload: checked, copied to where it is served from, and taken into the library.

    get the ticket --> already settled: delete what was uploaded, and that is all
      |  look at the object, and read enough of it to know that it is audio ----- no: reject, delete it
      |  read the file of its name -- somebody else's: reject, delete it
      |  copy, if the object still is the one that was looked at ---------------- no: look again
      |  ticket, file and jobs in one transaction -- file changed meanwhile: look again
      v                                           -- settled by another: delete what nobody serves
    send the jobs, delete the upload

Each line may be repeated, so a process that dies between two of them leaves nothing but an event that comes again. A
copy has its key by its content: no second upload through the same form ever touches what the first one plays.
"""

import logging
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any, Final

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import Store
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.objects import ObjectChanged, ObjectClient, ObjectHead, ObjectMissing
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.messages import JobMessage, stopping
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, Job, UploadIntent, new_id, timestamp
from lambda_src.services.yoto_smart_stream.names import content_type_of, extension_of
from lambda_src.services.yoto_smart_stream.preferences.service import Preferences
from lambda_src.services.yoto_smart_stream.settings import Counts
from lambda_src.services.yoto_smart_stream.uploads import audio
from lambda_src.services.yoto_smart_stream.uploads.repository import UploadRepository
from lambda_src.services.yoto_smart_stream.uploads.rules import (
    RejectReason,
    may_replace,
    media_key,
    served_key,
    upload_id_of,
)

logger = logging.getLogger(__name__)

SWITCHED_OFF: Final = "Transcription was switched off when this file was added."
_TRIES: Final = 3  # each lost to another upload through the same form, or to another change of the same file
_KEPT: Final = ("uploaded_by", "created_at", "play_token", "tts_provider", "tts_voice_id", "tts_model")


@dataclass(frozen=True, slots=True)
class UploadFinalizer:
    store: Store
    uploads: UploadRepository
    objects: ObjectClient
    jobs: WorkQueue[JobMessage]
    preferences: Preferences
    metrics: Metrics
    max_bytes: int
    clock: Clock
    new_id: Callable[[], str] = new_id

    def finalize(self, key: str) -> None:
        """Take what was uploaded into the library, or say why not. key: of the object, as its event has it.

        Objects of no ticket stay as they are. Raises StoreUnavailable, ObjectMissing for a ticket that waits for it. 4
        requests, about 5 to S3 and up to 2 messages.
        """
        upload_id = upload_id_of(key)
        intent = None if upload_id is None else self.store.get(tables.UPLOAD_BY_ID, upload_id=upload_id)
        if intent is None or key != intent.object_key or self._is_over(intent):
            logger.warning("unknown_object", extra={"key": key})
            return
        if intent.upload_state == "pending":
            self._settle(intent, key)
        else:
            self._clear(intent, key)

    def _is_over(self, intent: UploadIntent) -> bool:
        return intent.expires_at <= self.clock().timestamp()

    def _settle(self, intent: UploadIntent, key: str) -> None:
        copies: set[str] = set()
        for _ in range(_TRIES):
            try:
                settled = self._try(intent, key, copies)
            except ObjectChanged:
                continue
            except ObjectMissing:
                settled = self._now(intent)
                if settled.upload_state == "pending":  # else it was deleted by who settled it
                    raise
            if settled is not None:
                self._clear(settled, key, copies)
                return
        raise StoreUnavailable("The upload, or the file of its name, keeps changing")

    def _try(self, intent: UploadIntent, key: str, copies: set[str]) -> UploadIntent | None:
        """Settle a ticket by the object as it is; None when that has to be done anew. copies: that were made."""
        head, extension = self.objects.head(key), extension_of(intent.filename)
        if head.size_bytes > self.max_bytes:
            return self._reject(intent, head, "too_large")
        if not audio.is_audio(extension, partial(self.objects.read_range, key, tag=head.tag)):
            return self._reject(intent, head, "not_audio")
        seen = self.store.get(tables.AUDIO_FILE, filename=intent.filename)
        if seen is not None and not may_replace(intent, seen):
            return self._reject(intent, head, "filename_taken")
        duration = intent.declared_duration
        if duration is None:
            duration = audio.measured_duration(extension, head.size_bytes, partial(self._download, key, head))
        target = media_key(intent, head.tag)
        copies.add(target)
        etag = self.objects.copy(key, target, tag=head.tag, content_type=content_type_of(intent.filename))
        file, jobs = self._planned(intent, seen, size=head.size_bytes, duration=duration, object_key=target, etag=etag)
        refusal = self.uploads.finalize_upload(intent, head.tag, file, replaced=seen, jobs=jobs)
        if refusal is not None:
            return self._now(intent) if refusal == "settled" else None
        logger.info("upload taken", extra={"upload_id": intent.upload_id, "size_bytes": head.size_bytes})
        messages = [JobMessage(kind=job.kind, job_id=job.job_id) for job in jobs]
        for message in [*messages, *([] if seen is None else stopping(seen))]:
            self.jobs.send_or_leave(message)
        return replace(intent, upload_state="completed", etag=head.tag)

    def _reject(self, intent: UploadIntent, head: ObjectHead, reason: RejectReason) -> UploadIntent:
        if not self.uploads.reject_upload(intent, reason, head.tag):
            return self._now(intent)
        logger.info("upload rejected", extra={"upload_id": intent.upload_id, "reason": reason})
        self.metrics.count(Counts.UPLOAD_REJECTED, reason=reason)
        return replace(intent, upload_state="rejected", reject_reason=reason, etag=head.tag)

    def _download(self, key: str, head: ObjectHead, file: IO[bytes]) -> None:
        self.objects.download(key, file, max_bytes=self.max_bytes, tag=head.tag)

    def _planned(
        self, intent: UploadIntent, seen: AudioFileRecord | None, **found: Any
    ) -> tuple[AudioFileRecord, list[Job]]:
        """The file as it is to be, and the work that follows. found: what is known of its audio. 1 request, or none."""
        now = timestamp(self.clock())
        job = partial(Job, filename=intent.filename, created_at=now)
        jobs = []
        if seen is not None and seen.object_key is not None:
            jobs.append(job(job_id=self.new_id(), kind="purge", object_keys=(seen.object_key,)))
        start: dict[str, Any] = {"transcript_status": "disabled", "transcript_error": SWITCHED_OFF}
        if self.preferences.has_transcription():
            jobs.append(job(job_id=self.new_id(), kind="transcribe", requested_by=intent.requested_by))
            start = {"transcript_status": "pending", "transcript_request_id": jobs[-1].job_id}
        # Link, owner and place in the list stay when a file is replaced, and so does what is known of a voice.
        kept: dict[str, Any] = (
            {} if seen is None else {name: getattr(seen, name) for name in _KEPT} | {"version": seen.version + 1}
        )
        said = {"uploaded_by": intent.requested_by, "created_at": now, **kept, **start, **found}
        content_type = content_type_of(intent.filename)
        return AudioFileRecord(filename=intent.filename, content_type=content_type, updated_at=now, **said), jobs

    def _now(self, intent: UploadIntent) -> UploadIntent:
        """The ticket as it is this instant; as it was if it is gone. 1 request."""
        return self.store.get(tables.UPLOAD_BY_ID, upload_id=intent.upload_id) or intent

    def _clear(self, intent: UploadIntent, key: str, copies: AbstractSet[str] = frozenset()) -> None:
        """Delete what was uploaded, and of the copies those that nobody serves. intent: settled, which is final."""
        if intent.upload_state == "rejected" and intent.etag:
            copies = {*copies, media_key(intent, intent.etag)}  # one of a process that died
        self.objects.delete_several([key, *sorted(copies - {served_key(intent)})])


@dataclass(frozen=True, slots=True)
class Purger:
    """Deletes objects that nobody needs any more, by jobs, which survive whatever happens to their messages."""

    store: Store
    objects: ObjectClient
    clock: Clock

    def purge(self, job_id: str) -> bool:
        """Delete the objects of a job and end it; False when there is nothing to do for it. It may come any number of
        times; objects that are missing count as deleted.

        2 requests and 1 to S3. Raises StoreUnavailable when some could not be deleted: the job stays then.
        """
        job = self.store.get(tables.JOB_BY_ID, job_id=job_id)
        if job is None or job.is_done or job.kind != "purge":
            return False
        self.objects.delete_several(job.object_keys)
        return applied(self.store.update, tables.FINISH_JOB, tables.ended_job(job_id, self.clock()))
