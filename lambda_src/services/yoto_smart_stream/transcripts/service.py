"""What people do with transcripts: read, write and remove them, have files transcribed, and think better of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import (
    AudioNotFound,
    InFlight,
    NotInFlight,
    ObjectGone,
    StatusConflict,
    TranscriptExists,
    TranscriptionDisabled,
    VersionConflict,
)
from lambda_src.services.yoto_smart_stream.messages import JobMessage, stopping
from lambda_src.services.yoto_smart_stream.models import (
    AudioFileRecord,
    Job,
    Transcript,
    TranscriptStatus,
    UserRecord,
    new_id,
    timestamp,
)
from lambda_src.services.yoto_smart_stream.names import found_filename
from lambda_src.services.yoto_smart_stream.preferences.service import Preferences
from lambda_src.services.yoto_smart_stream.principals import refuse_others
from lambda_src.services.yoto_smart_stream.transcripts.repository import NOT_IN_FLIGHT, TranscriptRepository

if TYPE_CHECKING:  # which the API has no use for where there is a worker
    from lambda_src.services.yoto_smart_stream.transcripts.runner import TranscriptionRunner

_TRIES: Final = 3  # each lost to another change of the same file
_OF_OTHERS: Final = frozenset({"completed", "processing"})  # statuses that come with a text, and from the provider


def file_with_text(store: Store, filename: str) -> AudioFileRecord | None:
    """A file with its text, None where there is no such file. filename: a valid one.

    1 request; 1 RRU, and 1 per 4 KB of stored text. More where a text is written at this moment.
    """
    keys = [tables.AUDIO.key(filename=filename), tables.TRANSCRIPT.key(filename=filename)]
    for _ in range(_TRIES):
        found = store.batch_get(tables.AUDIO_AND_TEXT, keys)
        file = next((each for each in found if isinstance(each, AudioFileRecord)), None)
        text = next((each.text for each in found if isinstance(each, Transcript)), None)
        # Two items of a batch are not of one instant: a text may be written between them.
        if file is None or file.transcript_chars == (None if text is None else len(text)):
            break
    return None if file is None else replace(file, transcript=text)


class Asked(NamedTuple):
    """A transcription that is under way. was_in_flight: it was before somebody asked for it."""

    filename: str
    status: TranscriptStatus
    request_id: str
    was_in_flight: bool


@dataclass(frozen=True, slots=True)
class Transcripts:
    """Every method takes a file name as a path has it, and raises AudioNotFound.

    inline: runs jobs at once, with a provider that needs no object and no worker; None: the worker runs them.
    """

    store: Store
    repository: TranscriptRepository
    jobs: WorkQueue[JobMessage]
    preferences: Preferences
    clock: Clock
    inline: "TranscriptionRunner | None" = None
    new_id: Callable[[], str] = new_id

    def get(self, filename: str) -> AudioFileRecord:
        """A file with its text. 1 request."""
        found = file_with_text(self.store, _known(filename))
        if found is None:
            raise AudioNotFound
        return found

    def write(self, filename: str, caller: UserRecord, text: str, language: str | None) -> AudioFileRecord:
        """Give a file its text by hand, and end what is in flight.

        Raises NotOwner, TranscriptTooLarge, VersionConflict. 3 requests, and a message where something was in flight.
        """
        for _ in range(_TRIES):
            seen = self._owned(filename, caller)
            try:
                written = self.repository.update_transcript(
                    seen.filename, text, "completed", language=language, source="manual", seen=seen
                )
            except VersionConflict:
                continue
            if written is None:
                raise AudioNotFound
            self._let_stop(seen)
            return replace(written, transcript=text)
        raise VersionConflict

    def set_status(self, filename: str, status: TranscriptStatus, error: str | None) -> AudioFileRecord:
        """Say how a transcription stands: anything while none is in flight, else `cancelled`.

        Raises StatusConflict. 3 requests, and a message where something was in flight.
        """
        seen = self._file(filename)
        if status in _OF_OTHERS:
            raise StatusConflict(seen.transcript_status)
        allowed = None if status == "cancelled" else NOT_IN_FLIGHT
        if self.repository.set_transcript_status(seen.filename, status, error, allowed=allowed) is None:
            raise AudioNotFound
        self._let_stop(seen)
        return self.get(seen.filename)

    def clear(self, filename: str, caller: UserRecord) -> AudioFileRecord:
        """Remove the text of a file. Raises NotOwner, InFlight, VersionConflict. 3 requests."""
        for _ in range(_TRIES):
            seen = self._owned(filename, caller)
            try:
                cleared = self.repository.clear_transcript(seen.filename, seen=seen)
            except VersionConflict:
                continue
            if cleared is None:
                raise AudioNotFound
            return cleared
        raise VersionConflict

    def request(self, filename: str, caller: UserRecord, *, force: bool, language: str | None) -> Asked:
        """Have a file transcribed, unless that is under way. force: though it has a transcript.

        Raises TranscriptionDisabled, ObjectGone, TranscriptExists. 3 requests and 1 message; a lost message is sent by
        the sweep.
        """
        seen = self._file(filename)
        if seen.transcript_request_id is not None:
            return _under_way(seen, seen.transcript_request_id)
        self._check_request(seen, force=force)
        job = Job(
            job_id=self.new_id(),
            kind="transcribe",
            filename=seen.filename,
            created_at=timestamp(self.clock()),
            language=language,
            requested_by=caller.user_id,
        )
        try:
            if not self.repository.request_transcription(seen.filename, job, force=force):
                raise AudioNotFound
        except InFlight as exc:  # somebody else asked at the same time
            return _under_way(seen, exc.request_id)
        if self.inline is None:
            self.jobs.send_or_leave(JobMessage(kind="transcribe", job_id=job.job_id))
        else:
            self.inline.run(job.job_id)
        return Asked(seen.filename, "pending", job.job_id, was_in_flight=False)

    def cancel(self, filename: str) -> str:
        """Stop what is in flight, and return the name of its file. Raises NotInFlight, VersionConflict. 2 requests."""
        for _ in range(_TRIES):
            seen = self._file(filename)
            if seen.transcript_request_id is None:
                raise NotInFlight
            if self.repository.cancel_transcription(seen.filename, seen.transcript_request_id):
                self._let_stop(seen)
                return seen.filename
        raise VersionConflict

    # ------------------------------------------------------------------------------------------------------------------

    def _file(self, filename: str) -> AudioFileRecord:
        found = self.store.get(tables.AUDIO_FILE, filename=_known(filename))
        if found is None:
            raise AudioNotFound
        return found

    def _owned(self, filename: str, caller: UserRecord) -> AudioFileRecord:
        found = self._file(filename)
        refuse_others(caller, found)
        return found

    def _check_request(self, seen: AudioFileRecord, *, force: bool) -> None:
        if not self.preferences.has_transcription():
            raise TranscriptionDisabled
        if seen.transcript_status == "completed" and not force:
            raise TranscriptExists
        if seen.object_key is None and self.inline is None:
            raise ObjectGone

    def _let_stop(self, seen: AudioFileRecord) -> None:
        """Whoever works on it need not go on. Nothing is lost but money where this message is."""
        for message in stopping(seen) if self.inline is None else ():
            self.jobs.send_or_leave(message)


def _known(filename: str) -> str:
    known = found_filename(filename)
    if known is None:
        raise AudioNotFound
    return known


def _under_way(seen: AudioFileRecord, request_id: str) -> Asked:
    status: TranscriptStatus = "processing" if seen.transcript_status == "processing" else "pending"
    return Asked(seen.filename, status, request_id, was_in_flight=True)
