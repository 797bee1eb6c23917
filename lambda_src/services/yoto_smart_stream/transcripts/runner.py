"""Jobs of the worker: from a message to a text, or to a sentence that says why there is none.

    queued ---- begin ----> started ---- start ----> the provider works --+-- its event, or the sweep --> done
       |                       |                                          |
       +-- message lost: the   +-- died before `start`: whoever asks the  +-- answered at once -----------> done
           sweep sends it          provider hears that it knows of none,
                                   and starts it again

Every write is conditional on the file being in flight with this very job, and the provider knows a job by its id. So
whatever comes late, twice or in another order changes nothing.
"""

import logging
from dataclasses import dataclass
from typing import Final

from lambda_src.dynamo.store import Store
from lambda_src.errors import AppError
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.worker import MAX_RECEIVES
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import TranscriptTooLarge
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, Job, timestamp
from lambda_src.services.yoto_smart_stream.settings import Counts
from lambda_src.services.yoto_smart_stream.transcripts import rules
from lambda_src.services.yoto_smart_stream.transcripts.providers import TranscriptionProvider
from lambda_src.services.yoto_smart_stream.transcripts.repository import TranscriptRepository
from lambda_src.services.yoto_smart_stream.transcripts.rules import (
    AUTO,
    DEFAULT_LANGUAGE,
    Failed,
    Finished,
    Running,
    Started,
    Unknown,
    Work,
)

logger = logging.getLogger(__name__)

_TIMED_OUT: Final = Failed(rules.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class TranscriptionRunner:
    """language: of files for which none was asked for. Raises what the store and the provider raise."""

    store: Store
    repository: TranscriptRepository
    provider: TranscriptionProvider
    metrics: Metrics
    clock: Clock
    language: str

    def run(self, job_id: str) -> None:
        """Begin a job and start it with the provider, or start it again. 3 requests, and those of the provider."""
        found = self._under_way(job_id)
        if found is not None:
            self._start(*found)

    def answered(self, name: str) -> None:
        """The provider says that what it calls by this name is over. 3 requests, and those of the provider."""
        job_id = self.provider.job_of(name)
        if job_id is None:
            logger.warning("answer to nothing that was asked here")
            return
        found = self._under_way(job_id)
        if found is not None:
            self._follow(*found)

    def give_up(self, job_id: str, error: Exception) -> None:
        """The last attempt to start a job failed as well. 3 requests."""
        found = self._under_way(job_id)
        if found is not None:
            last = error.detail if isinstance(error, AppError) else rules.UNEXPECTED
            self._finish(found[0], Failed(rules.not_started(MAX_RECEIVES, last)))

    def stop(self, job_id: str) -> None:
        """Tell the provider that nobody waits for a job any more, unless somebody does. 3 requests, and 1 of it."""
        job = self.store.get(tables.JOB_BY_ID, job_id=job_id)
        if job is None or job.kind != "transcribe" or self._file_of(job) is not None:
            return
        if not job.is_done:
            self.repository.finish_job(job_id)
        self.provider.cancel(job_id, is_second=job.second_language is not None)

    def bring_forward(self, job: Job, file: AudioFileRecord | None) -> bool:
        """What the sweep does for a job that has been there for a while; True when its message has to be sent again.

        job, file: as they are this instant. 1 request, and those of the provider.
        """
        if file is None or file.transcript_request_id != job.job_id:
            self.repository.finish_job(job.job_id)
        elif job.job_state == "started":
            self._follow(job, file)
        elif self._is_overdue(job):
            self._finish(job, _TIMED_OUT)
        else:
            return True
        return False

    # ------------------------------------------------------------------------------------------------------------------

    def _under_way(self, job_id: str) -> tuple[Job, AudioFileRecord] | None:
        """A job with its file; None when there is nothing to be done for it, and then it is over. 2 requests."""
        job = self.store.get(tables.JOB_BY_ID, job_id=job_id)
        if job is None or job.is_done or job.kind != "transcribe":
            return None
        file = self._file_of(job)
        if file is None:
            self.repository.finish_job(job_id)
            return None
        return job, file

    def _file_of(self, job: Job) -> AudioFileRecord | None:
        """The file that is in flight with a job. 1 request."""
        file = self.store.get(tables.AUDIO_FILE, filename=job.filename)
        return file if file is not None and file.transcript_request_id == job.job_id else None

    def _start(self, job: Job, file: AudioFileRecord, *, second_language: str | None = None) -> None:
        second = second_language or job.second_language
        if not self.repository.begin_transcription(
            job.filename, job.job_id, self.provider.name, second_language=second_language
        ):
            return  # cancelled, replaced or given a text a moment ago
        answer = self.provider.start(self._work(job, file, second))
        if not isinstance(answer, Started):
            self._finish(job, answer)

    def _follow(self, job: Job, file: AudioFileRecord) -> None:
        """Ask the provider, and do what follows."""
        work = self._work(job, file, job.second_language)
        try:
            answer = self.provider.poll(work)
        except AppError:
            if not self._is_overdue(job):
                raise
            logger.exception("transcription given up unseen", extra={"job_id": job.job_id})
            answer = Running()
        match answer:
            case Running() | Unknown() if self._is_overdue(job):
                self._finish(job, _TIMED_OUT)
                self.provider.cancel(job.job_id, is_second=work.is_second)
            case Unknown():
                logger.warning("transcription is not known to the provider", extra={"job_id": job.job_id})
                self._start(job, file)
            case Failed(kind="unidentified") if not work.is_second:
                language = DEFAULT_LANGUAGE if self.language == AUTO else self.language
                logger.info("language not identified", extra={"job_id": job.job_id, "language": language})
                self._start(job, file, second_language=language)
            case Failed(kind="unidentified"):
                self._finish(job, Failed(rules.UNIDENTIFIED))
            case Finished() | Failed():
                self._finish(job, answer)

    def _work(self, job: Job, file: AudioFileRecord, second_language: str | None) -> Work:
        return Work(
            job_id=job.job_id,
            filename=job.filename,
            object_key=file.object_key,
            language=second_language or job.language or self.language,
            is_second=second_language is not None,
        )

    def _finish(self, job: Job, outcome: Finished | Failed) -> None:
        outcome = _storable(outcome)
        try:
            is_written = self.repository.finish_transcription(job.filename, job.job_id, outcome)
        except TranscriptTooLarge as exc:
            outcome = Failed(exc.detail)
            is_written = self.repository.finish_transcription(job.filename, job.job_id, outcome)
        if not is_written:
            logger.info("late result dropped", extra={"job_id": job.job_id})
            return
        if isinstance(outcome, Finished):
            logger.info("transcription done", extra={"job_id": job.job_id, "characters": len(outcome.text)})
            self.metrics.count(Counts.TRANSCRIPTION_DONE)
            return
        logger.warning("transcription failed", extra={"job_id": job.job_id, "kind": outcome.kind})
        self.metrics.count(Counts.TRANSCRIPTION_FAILED)
        if outcome.kind == "refused":
            self.metrics.count(Counts.TRANSCRIPTION_REFUSED)

    def _is_overdue(self, job: Job) -> bool:
        return job.created_at <= timestamp(self.clock() - rules.OVERDUE_AFTER)


def _storable(outcome: Finished | Failed) -> Finished | Failed:
    """A text without white space around it, and silence as the failure that it is."""
    if isinstance(outcome, Failed):
        return outcome
    text = outcome.text.strip()
    return Finished(text, outcome.language) if text else Failed(rules.NO_SPEECH)
