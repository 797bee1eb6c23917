"""Workers of Yoto Smart Stream as processes of their own that may be killed at any moment; see `worker_process`.

The bucket and the provider are where the environment says.
"""

import os
import random
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.resources import Resources, metered
from lambda_src.runtime.transcribe import TranscribeClient
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.yoto_smart_stream import wiring
from lambda_src.services.yoto_smart_stream.messages import JobMessage
from lambda_src.services.yoto_smart_stream.settings import WorkerSettings
from lambda_src.services.yoto_smart_stream.tables import TABLES
from tests.support.worker_process import Supervisor, Worker, WorkerPlan
from tests.support.yoto_steps import NaiveWorker

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_sqs.client import SQSClient

PROGRAM: Final = "tests.support.yoto_worker_process"
GRACE_SECONDS: Final = 1.0  # what is 30 s in production: so soon is the message of a dead worker shown again
_JOB: Final = re.compile("[0-9a-f]{32}")


class ForgetfulQueue(QueueClient):
    """Sends to SQS, but loses one message in ten without a word, and sends another one twice."""

    def __init__(self, client: "Callable[[], SQSClient]", seed: int) -> None:
        super().__init__(client)
        self._random = random.Random(seed)

    def send(self, queue_url: str, body: str, **options: Any) -> str:
        message_id = ""
        for _ in range({0: 0, 1: 2}.get(self._random.randrange(10), 1)):
            message_id = super().send(queue_url, body, **options)
        return message_id


class YotoWorker(Worker):
    def __init__(self, plan: WorkerPlan, sqs: "SQSClient", client: "DynamoDBClient") -> None:
        self._plan = plan
        self._sqs = sqs
        settings = WorkerSettings(**plan.settings)
        self._queue_url = settings.transcription_queue_url
        queue = ForgetfulQueue(lambda: sqs, seed=os.getpid())
        resources = Resources(client=metered(Boto3Client(client), settings, Metrics()), queue=queue)
        if plan.kind == "product":
            self._handler = replace(wiring.worker(settings, resources), grace_seconds=GRACE_SECONDS)
        else:
            store = resources.store(TABLES, settings)
            jobs = WorkQueue[JobMessage](queue, settings.transcription_queue_url)
            self._handler = NaiveWorker(store, TranscribeClient(), ObjectClient(settings.s3_audio_bucket), jobs)

    def subject_of(self, body: Mapping[str, Any]) -> str:
        """The id of the ticket or of the job that a message or an event is about."""
        detail = body.get("detail", {})
        name = body.get("job_id") or detail.get("TranscriptionJobName") or detail.get("object", {}).get("key", "")
        found = _JOB.search(name)
        return found[0] if found else ""


class YotoSupervisor(Supervisor):
    worker = YotoWorker


if __name__ == "__main__":
    YotoSupervisor(WorkerPlan.from_json(sys.argv[1])).run()
