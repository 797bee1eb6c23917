"""Workers and wishes whose every step to the outside is counted, so that a test can end them there; see `stepping`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal
from uuid import uuid4

from lambda_src.dynamo.store import Put, Store, Update, UpdateItem
from lambda_src.runtime.objects import ObjectClient, ObjectHead
from lambda_src.runtime.transcribe import JobState, MediaJob, Start, TranscribeClient
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.messages import JobMessage
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, Job, Transcript
from lambda_src.services.yoto_smart_stream.preferences.service import Preferences
from lambda_src.services.yoto_smart_stream.transcripts.repository import TranscriptRepository
from lambda_src.services.yoto_smart_stream.transcripts.service import Transcripts
from tests.support.played import Invocation
from tests.support.stepping import SteppedQueue, Steps, stepped_client
from tests.support.yoto_smart_stream import QUEUE
from tests.support.yoto_transcripts import Speech

NAMES: Final = "yss-local-"


class SteppedTranscribe(TranscribeClient):
    def __init__(self, inner: TranscribeClient, steps: Steps) -> None:
        super().__init__()
        self._inner, self._steps = inner, steps

    def start(self, job: MediaJob) -> Start:
        self._steps.take("start")
        return self._inner.start(job)

    def get(self, name: str) -> JobState:
        self._steps.take("poll")
        return self._inner.get(name)

    def delete(self, name: str) -> None:
        self._steps.take("delete")
        self._inner.delete(name)


class SteppedObjects(ObjectClient):
    def __init__(self, inner: ObjectClient, steps: Steps) -> None:
        super().__init__(inner.bucket)
        self._inner, self._steps = inner, steps

    def head(self, key: str) -> ObjectHead:
        self._steps.take("head")
        return self._inner.head(key)

    def read(self, key: str, *, max_bytes: int, tag: str | None = None) -> bytes:
        self._steps.take("read")
        return self._inner.read(key, max_bytes=max_bytes, tag=tag)


type Kind = Literal["product", "naive"]


def stepped_worker(speech: Speech, steps: Steps, kind: Kind = "product") -> Any:
    """A worker in a process of its own, as far as anybody outside can tell."""
    house = speech.house
    changes: dict[str, Any] = {
        "client": house.metered(stepped_client(house.client, steps)),
        "queue": SteppedQueue(house.queue, steps),
        "transcribe": lambda: SteppedTranscribe(house.resources.transcribe(), steps),
        "objects": lambda name: SteppedObjects(house.resources.objects(name), steps),
    }
    if kind == "product":
        return house.another_worker(**changes)
    store = Store(changes["client"], house.names)
    return NaiveWorker(store, changes["transcribe"](), changes["objects"](""))


def stepped_wishes(speech: Speech, steps: Steps) -> Transcripts:
    """What the API does, in a process of its own."""
    house = speech.house
    store = Store(stepped_client(house.client, steps), house.names)
    return Transcripts(
        store,
        TranscriptRepository(store, house.clock),
        WorkQueue(SteppedQueue(house.queue, steps), QUEUE),
        Preferences(store, house.api_settings, house.clock),
        house.clock,
    )


class NaiveWorker:
    """The control: a worker as one writes it without thinking of repeats.

    It takes an upload in each time it hears of it, has the provider work under a name that it makes up, looks at
    nothing before it writes, and nobody sweeps.
    """

    def __init__(
        self,
        store: Store,
        transcribe: TranscribeClient,
        objects: ObjectClient,
        jobs: WorkQueue[JobMessage] | None = None,
    ) -> None:
        self._store, self._transcribe, self._objects, self._jobs = store, transcribe, objects, jobs

    def __call__(self, event: Mapping[str, Any], _context: Invocation) -> Mapping[str, Any]:
        for record in event.get("Records", ()):
            body = json.loads(record["body"])
            if "job_id" in body:
                self._start(body["job_id"])
            elif body["source"] == "aws.s3":
                self._take_in(body["detail"]["object"]["key"])
            else:
                self._finish(body["detail"]["TranscriptionJobName"])
        return {"batchItemFailures": []}

    def _take_in(self, key: str) -> None:
        intent = self._store.get(tables.UPLOAD_BY_ID, upload_id=key.rpartition("/")[2].partition(".")[0])
        assert intent is not None
        head, target = self._objects.head(key), f"{tables.MEDIA}/{uuid4().hex}.mp3"
        self._objects.copy(key, target, tag=head.tag, content_type="audio/mpeg")
        job = Job(job_id=uuid4().hex, kind="transcribe", filename=intent.filename, created_at=intent.created_at)
        file = AudioFileRecord(
            filename=intent.filename, size=head.size_bytes, content_type="audio/mpeg", object_key=target,
            created_at=intent.created_at, updated_at=intent.created_at, transcript_request_id=job.job_id,
        )  # fmt: skip
        self._store.put(tables.CREATE_UPLOAD, Put(tables.JOB, job))
        self._store.put(tables.CREATE_UPLOAD, Put(tables.AUDIO, file))
        assert self._jobs is not None
        self._jobs.send(JobMessage(kind="transcribe", job_id=job.job_id))

    def _start(self, job_id: str) -> None:
        job = self._store.get(tables.JOB_BY_ID, job_id=job_id)
        assert job is not None
        file = self._store.get(tables.AUDIO_FILE, filename=job.filename)
        assert file is not None
        name = f"{NAMES}{job_id}-{uuid4().hex}"
        bucket = self._objects.bucket
        self._transcribe.start(
            MediaJob(name, f"s3://{bucket}/{file.object_key}", "mp3", "en-US", bucket, f"transcripts/raw/{job_id}.json")
        )
        self._set(job.filename, transcript_status="processing")

    def _finish(self, name: str) -> None:
        job_id = name.removeprefix(NAMES).partition("-")[0]
        job = self._store.get(tables.JOB_BY_ID, job_id=job_id)
        assert job is not None
        output = self._objects.read(f"transcripts/raw/{job_id}.json", max_bytes=100_000)
        text = json.loads(output)["results"]["transcripts"][0]["transcript"]
        self._store.put(tables.WRITE_TRANSCRIPT, Put(tables.TRANSCRIPT, Transcript(job.filename, text)))
        self._set(job.filename, transcript_status="completed", transcript_chars=len(text), transcript_request_id=None)

    def _set(self, filename: str, **values: Any) -> None:
        update = Update().assign(values)
        self._store.update(tables.SET_TRANSCRIPT_STATUS, UpdateItem(tables.AUDIO.key(filename=filename), update))


# ---- the verdict ---------------------------------------------------------------------------------------------------


def faults(speech: Speech, texts: Mapping[str, str | None]) -> list[str]:
    """What is not as if each file had been listened to once, in words. texts: by file; None: there is a reason."""
    found = [fault for filename, text in texts.items() for fault in _of_file(speech, filename, text)]
    names = speech.started_names()
    for job in _jobs(speech):
        found += [] if job["job_state"] == "done" else [f"the job of {job['filename']} is not over"]
        starts = sum(job["job_id"] in name for name in names)
        found += [] if starts <= 1 else [f"{job['filename']} was listened to {starts} times"]
    return found


def _jobs(speech: Speech) -> Iterable[dict[str, Any]]:
    return (item for item in speech.house.items() if item["entity"] == "job")


def _of_file(speech: Speech, filename: str, text: str | None) -> list[str]:
    file = speech.house.stored_file(filename) or {}
    stored = speech.stored_text(filename)
    claims = {
        f"{filename} is {file.get('transcript_status')}": file.get("transcript_status")
        == ("failed" if text is None else "completed"),
        f"{filename} is in flight": "transcript_request_id" not in file,
        f"the text of {filename} is {stored!r}": stored == text,
        f"{filename} gives no reason": ("transcript_error" in file) == (text is None),
        f"{filename} was never completed": ("transcribed_at" in file) == (text is not None),
    }
    return [fault for fault, is_well in claims.items() if not is_well]
