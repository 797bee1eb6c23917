"""Writes of transcripts. Those of a job happen only while the file is in flight with exactly this job.

METADATA never holds a text: that is an item beside it, written in the same transaction.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled, applied
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Condition, Delete, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import (
    InFlight,
    InvalidStatus,
    StatusConflict,
    TranscriptExists,
    VersionConflict,
)
from lambda_src.services.yoto_smart_stream.models import (
    RUNNING,
    STATUSES,
    TEXT_ATTRIBUTES,
    AudioFileRecord,
    Job,
    Transcript,
    TranscriptSource,
    TranscriptStatus,
    timestamp,
)
from lambda_src.services.yoto_smart_stream.transcripts.rules import Failed, Finished, check_text, cut

NOT_IN_FLIGHT: Final = Attr("transcript_request_id").not_exists()


@dataclass(frozen=True, slots=True)
class TranscriptRepository:
    """A file that does not exist is None or False, and is never made."""

    store: Store
    clock: Clock

    # ---- by hand -----------------------------------------------------------------------------------------------------

    def update_transcript(  # noqa: PLR0913 -- all but `seen` are published
        self,
        filename: str,
        transcript: str | None,
        status: TranscriptStatus,
        error: str | None = None,
        *,
        language: str | None = None,
        source: TranscriptSource | None = None,
        expect: Collection[TranscriptStatus] | None = None,
        seen: AudioFileRecord | None = None,
    ) -> AudioFileRecord | None:
        """Give a file a text, or without one only a status, and end what is in flight by a terminal one.

        expect: statuses it may have now, seen: as it was read, and must be. Raises InvalidStatus, TranscriptTooLarge,
        StatusConflict, VersionConflict. 2 requests, 1 without a text.
        """
        if not transcript:
            return self.set_transcript_status(filename, status, error, expect=expect)
        _check_status(status)
        check_text(transcript)
        said = self._standing(status, error) | _about(transcript, language, source)
        allowed = _expected(expect)
        if seen is not None:
            allowed &= tables.as_read(seen)
        write = UpdateItem(tables.AUDIO.key(filename=filename), self._changed(said), allowed, return_old=True)
        try:
            self.store.transact(
                tables.WRITE_TRANSCRIPT, [write, Put(tables.TRANSCRIPT, Transcript(filename, transcript))]
            )
        except TransactionCancelled as exc:
            now = exc.reasons[0].item
            if now is None:
                return None
            if seen is not None and (now["version"], now["created_at"]) != (seen.version, seen.created_at):
                raise VersionConflict from exc
            raise StatusConflict(now["transcript_status"]) from exc
        return self.store.get(tables.AUDIO_FILE, filename=filename)

    def set_transcript_status(
        self,
        filename: str,
        status: TranscriptStatus,
        error: str | None = None,
        *,
        expect: Collection[TranscriptStatus] | None = None,
        allowed: Condition | None = None,
    ) -> AudioFileRecord | None:
        """Say how a transcription stands, whatever the text. A terminal status ends what is in flight.

        expect: statuses it may have now, allowed: what else must hold. Raises InvalidStatus, StatusConflict. 1 request.
        """
        _check_status(status)
        change = self._changed(self._standing(status, error))
        condition = _expected(expect) if allowed is None else _expected(expect) & allowed
        write = UpdateItem(tables.AUDIO.key(filename=filename), change, condition, return_old=True)
        try:
            item = self.store.update(tables.SET_TRANSCRIPT_STATUS, write, returning="ALL_NEW")
        except ConditionFailed as exc:
            if exc.item is None:
                return None
            raise StatusConflict(exc.item["transcript_status"]) from exc
        return tables.AUDIO.model(item)

    def clear_transcript(self, filename: str, *, seen: AudioFileRecord | None = None) -> AudioFileRecord | None:
        """Remove the text of a file and all that is known of it.

        seen: as it was read, and must be. Raises InFlight, VersionConflict. 2 requests.
        """
        said = {"transcript_status": "pending", **dict.fromkeys(TEXT_ATTRIBUTES)}
        allowed = EXISTS & NOT_IN_FLIGHT if seen is None else NOT_IN_FLIGHT & tables.as_read(seen)
        actions: list[Action] = [
            UpdateItem(tables.AUDIO.key(filename=filename), self._changed(said), allowed, return_old=True),
            Delete(tables.TRANSCRIPT.key(filename=filename)),
        ]
        try:
            self.store.transact(tables.CLEAR_TRANSCRIPT, actions)
        except TransactionCancelled as exc:
            now = exc.reasons[0].item
            if now is None:
                return None
            if "transcript_request_id" not in now:
                raise VersionConflict from exc
            raise InFlight(now["transcript_request_id"]) from exc
        return self.store.get(tables.AUDIO_FILE, filename=filename)

    # ---- jobs --------------------------------------------------------------------------------------------------------

    def request_transcription(self, filename: str, job: Job, *, force: bool = False) -> bool:
        """Put a file in flight with a new job. force: though it has a transcript.

        Raises InFlight, TranscriptExists. 1 request.
        """
        allowed = EXISTS & NOT_IN_FLIGHT
        if not force:
            allowed &= Attr("transcript_status").ne("completed")
        said = {"transcript_status": "pending", "transcript_error": None, "transcript_request_id": job.job_id}
        write = UpdateItem(tables.AUDIO.key(filename=filename), self._changed(said), allowed, return_old=True)
        try:
            self.store.transact(tables.REQUEST_TRANSCRIPTION, [write, Put(tables.JOB, job, ABSENT)])
        except TransactionCancelled as exc:
            now = exc.reasons[0].item
            if now is None:
                return False
            if "transcript_request_id" in now:
                raise InFlight(now["transcript_request_id"]) from exc
            raise TranscriptExists from exc
        return True

    def begin_transcription(
        self, filename: str, job_id: str, provider: str, *, second_language: str | None = None
    ) -> bool:
        """Say that a provider works on this job, however often that is said; False when the file is elsewhere by now.

        second_language: what it is tried in after its language could not be identified. 1 request.
        """
        started = Update().set(job_state="started", provider=provider).add(attempts=1)
        if second_language is not None:
            started = started.set(second_language=second_language)
        return self._of_job(
            tables.BEGIN_TRANSCRIPTION,
            UpdateItem(
                tables.AUDIO.key(filename=filename),
                self._changed({"transcript_status": "processing"}),
                _in_flight_with(job_id),
            ),
            UpdateItem(tables.JOB.key(job_id=job_id), started, EXISTS),
        )

    def finish_transcription(self, filename: str, job_id: str, outcome: Finished | Failed) -> bool:
        """Write what came of this job, and end it; False when it comes too late. A failure leaves an older text alone.

        Raises TranscriptTooLarge. 1 request.
        """
        texts: list[Action] = []
        if isinstance(outcome, Finished):
            check_text(outcome.text)
            said = self._standing("completed", None) | _about(outcome.text, outcome.language, "speech")
            texts.append(Put(tables.TRANSCRIPT, Transcript(filename, outcome.text)))
        else:
            said = self._standing("failed", outcome.reason)
        write = UpdateItem(tables.AUDIO.key(filename=filename), self._changed(said), _in_flight_with(job_id))
        return self._of_job(tables.FINISH_TRANSCRIPTION, write, tables.ended_job(job_id, self.clock()), *texts)

    def cancel_transcription(self, filename: str, job_id: str) -> bool:
        """Stop this job; False when the file is no longer in flight with it. 1 request."""
        change = self._changed(self._standing("cancelled", None))
        write = UpdateItem(tables.AUDIO.key(filename=filename), change, _in_flight_with(job_id))
        return self._of_job(tables.CANCEL_TRANSCRIPTION, write, tables.ended_job(job_id, self.clock()))

    def finish_job(self, job_id: str) -> bool:
        """End a job whose file has nothing to do with it any more. 1 request."""
        return applied(self.store.update, tables.FINISH_JOB, tables.ended_job(job_id, self.clock()))

    # ------------------------------------------------------------------------------------------------------------------

    def _of_job(self, pattern: Any, *actions: Action) -> bool:
        return applied(self.store.transact, pattern, list(actions))

    def _changed(self, said: dict[str, Any]) -> Update:
        """Every write of a file. said: what it sets, and with None what it removes."""
        return Update().assign({**said, "updated_at": timestamp(self.clock())}).add(version=1)

    def _standing(self, status: TranscriptStatus, error: str | None) -> dict[str, Any]:
        said: dict[str, Any] = {"transcript_status": status, "transcript_error": cut(error)}
        if status == "completed":
            said["transcribed_at"] = timestamp(self.clock())
        return said if status in RUNNING else said | {"transcript_request_id": None}


def _about(text: str, language: str | None, source: TranscriptSource | None) -> dict[str, Any]:
    return {"transcript_chars": len(text), "transcript_language": language, "transcript_source": source}


def _in_flight_with(job_id: str) -> Condition:
    return Attr("transcript_request_id").eq(job_id)


def _expected(statuses: Collection[TranscriptStatus] | None) -> Condition:
    return EXISTS if statuses is None else EXISTS & Attr("transcript_status").is_in(sorted(statuses))


def _check_status(status: str) -> None:
    if status not in STATUSES:
        raise InvalidStatus
