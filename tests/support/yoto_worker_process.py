"""Workers of Yoto Smart Stream as processes of their own that may be killed at any moment; see `worker_process`.

The bucket and the provider are where the environment says.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.resources import Resources, metered
from lambda_src.runtime.transcribe import TranscribeClient
from lambda_src.services.yoto_smart_stream import wiring
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


class YotoWorker(Worker):
    def __init__(self, plan: WorkerPlan, sqs: "SQSClient", client: "DynamoDBClient") -> None:
        self._plan = plan
        self._sqs = sqs
        settings = WorkerSettings(**plan.settings)
        self._queue_url = settings.transcription_queue_url
        resources = Resources(client=metered(Boto3Client(client), settings, Metrics()), queue=QueueClient(lambda: sqs))
        if plan.kind == "product":
            self._handler = replace(wiring.worker(settings, resources), grace_seconds=GRACE_SECONDS)
        else:
            store = resources.store(TABLES, settings)
            self._handler = NaiveWorker(store, TranscribeClient(), ObjectClient(settings.s3_audio_bucket))

    def subject_of(self, body: Mapping[str, Any]) -> str:
        """The id of the job that a message or an event is about."""
        name = str(body.get("job_id") or body.get("detail", {}).get("TranscriptionJobName", ""))
        found = _JOB.search(name)
        return found[0] if found else ""


class YotoSupervisor(Supervisor):
    worker = YotoWorker


if __name__ == "__main__":
    YotoSupervisor(WorkerPlan.from_json(sys.argv[1])).run()
