"""What the worker does: messages, each by its use case, and what was lost on the way, by a schedule."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.messages import JobMessage, Message, ObjectCreated, ProviderAnswered
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, Job, timestamp
from lambda_src.services.yoto_smart_stream.settings import Counts
from lambda_src.services.yoto_smart_stream.transcripts.runner import TranscriptionRunner

logger = logging.getLogger(__name__)

_LEFT_ALONE: Final = timedelta(minutes=10)  # in which messages and answers come by themselves
_MAX_JOBS: Final = 100
_LONGEST_JOB_SECONDS: Final = 30  # of most; one that is cut off in a provider that never answers comes again


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Which use case a message belongs to, and what happens when its attempts run out.

    finalize: takes the upload of an object key in. purge: runs the purge job of an id.
    """

    runner: TranscriptionRunner
    finalize: Callable[[str], object]
    purge: Callable[[str], object]

    def handle(self, message: Message, _delivery: Delivery, _deadline: Deadline) -> None:
        """Do what the message asks for. Raises a retryable AppError to have it delivered again."""
        match message:
            case JobMessage(kind="transcribe"):
                self.runner.run(message.job_id)
            case JobMessage(kind="cancel"):
                self.runner.stop(message.job_id)
            case JobMessage():
                self.purge(message.job_id)
            case ProviderAnswered():
                self.runner.answered(message.name)
            case ObjectCreated():
                self.finalize(message.key)

    def exhausted(self, message: Message, _delivery: Delivery, error: Exception) -> bool:
        """The last attempt failed. A job that could not be started says so to whoever waits for it.

        False: every such message goes to the dead-letter queue with its reason, where an operator hears of it. Answers
        and purges are looked after by the sweep meanwhile.
        """
        if isinstance(message, JobMessage) and message.kind == "transcribe":
            self.runner.give_up(message.job_id, error)
        return False


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Work nobody waits for: jobs whose message or answer was lost, and the administrator of a new deployment.

    purge: runs the purge job of an id. bootstrap: makes the administrator where there is none.
    """

    store: Store
    runner: TranscriptionRunner
    jobs: WorkQueue[JobMessage]
    purge: Callable[[str], object]
    bootstrap: Callable[[], object]
    metrics: Metrics
    clock: Clock

    def sweep(self, deadline: Deadline) -> None:
        """Bring the oldest unfinished jobs forward, up to 100, each for itself; those of the last 10 minutes wait.

        1 request for the administrator, 1 Query, 1 BatchGetItem of jobs and 1 of their files, then 1 or 2 requests or a
        message for each job. What fails or is not reached in time comes first the next time.
        """
        self._alone("administrator", self.bootstrap)
        jobs = self._unfinished()
        keys = [tables.AUDIO.key(filename=job.filename) for job in jobs if job.kind == "transcribe"]
        files = {file.filename: file for file in self.store.batch_get(tables.AUDIO_FILES, keys)}
        for done, job in enumerate(jobs):
            if deadline.remaining_seconds() < _LONGEST_JOB_SECONDS:
                logger.warning("sweep out of time", extra={"done_count": done, "left_count": len(jobs) - done})
                return
            self._alone(job.job_id, self._sweep, job, files.get(job.filename))

    def _unfinished(self) -> list[Job]:
        """Jobs as they are this instant, oldest first. The index may show some that are done."""
        before = timestamp(self.clock() - _LEFT_ALONE)
        rows = self.store.rows(tables.UNFINISHED_JOBS, "PK", "GSI1SK", stop_after=_MAX_JOBS)
        keys = [tables.JOB.key(job_id=_job_id(str(row["PK"]))) for row in rows if str(row["GSI1SK"]) < before]
        found = {job.job_id: job for job in self.store.batch_get(tables.JOBS, keys)}
        return sorted((job for job in found.values() if not job.is_done), key=lambda job: (job.created_at, job.job_id))

    def _sweep(self, job: Job, file: AudioFileRecord | None) -> None:
        if job.kind == "purge":
            self.purge(job.job_id)
        elif self.runner.bring_forward(job, file):
            logger.warning("job sent again", extra={"job_id": job.job_id})
            self.metrics.count(Counts.JOB_RESENT)
            self.jobs.send(JobMessage(kind="transcribe", job_id=job.job_id))

    def _alone[**P](self, what: str, step: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """One step, whose failure costs the others nothing."""
        try:
            step(*args, **kwargs)
        except Exception:  # whatever it was, the others go on
            logger.exception("sweep failed for one", extra={"subject": what})
            self.metrics.count(Counts.SWEEP_FAILED)


def _job_id(partition: str) -> str:
    return partition.partition("#")[2]
