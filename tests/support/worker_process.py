"""Workers as processes of their own that may be killed at any moment, and the supervisor that replaces them.

    python -m tests.support.worker_process '<WorkerPlan as JSON>'

    supervisor -- forks --> worker: receive a message, call the handler with its event, delete what did not fail
      stdout  one JSON object per line: what a worker started, took, settled, and that it ended
      stdin   a process id per line: kill -9 that worker; at its end, so also when the test dies, everything ends

Forking from a process that has imported everything makes a new worker cost 20 ms instead of a second. Nobody is told
of a message twice by this program alone: `shown_twice` and `kept` add the duplicate deliveries that SQS may make.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from cdk_app.local.ministack import QUICK, local_session
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.queue import QueueClient, queue_name
from lambda_src.runtime.resources import Resources, metered
from lambda_src.services.stock_track_record import wiring
from lambda_src.services.stock_track_record.settings import WorkerSettings
from tests.support.naive_worker import NaiveWorker
from tests.support.played import HeldSecret, Invocation
from tests.support.stock_track_record import ALL_KEYS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

type Handler = Callable[[Mapping[str, Any], Invocation], Mapping[str, Any]]

LIFE_SECONDS: Final = 900.0  # longer than any trial; nothing outlives it
POLL_SECONDS: Final = 0.02
RECEIVE_WAIT_SECONDS: Final = 1
SHOWN_TWICE_PAUSE_SECONDS: Final = 0.05  # in which another worker receives the message as well
MODEL_PREFIX: Final = "gemini-"


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What the processes are to do.

    settings: fields of WorkerSettings. shown_twice: ids of videos whose message is visible to others while its first
    delivery is handled. kept: ids of videos whose message is not deleted after its first delivery.
    """

    kind: Literal["product", "naive"]
    processes: int
    sqs_endpoint: str
    settings: Mapping[str, Any]
    shown_twice: frozenset[str] = field(default_factory=frozenset)
    kept: frozenset[str] = field(default_factory=frozenset)

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"shown_twice": sorted(self.shown_twice), "kept": sorted(self.kept)})

    @classmethod
    def from_json(cls, text: str) -> "WorkerPlan":
        values = json.loads(text)
        return cls(**values | {name: frozenset(values[name]) for name in ("shown_twice", "kept")})


def model_of(process_id: int) -> str:
    """The model a worker asks for: it tells the stand-in which process is calling."""
    return f"{MODEL_PREFIX}{process_id}"


def caller_of(path: str) -> int:
    """The process id in the path of a call to Gemini."""
    return int(path.rsplit("/", 1)[-1].partition(":")[0].removeprefix(MODEL_PREFIX))


# ---- a worker ------------------------------------------------------------------------------------------------------


class Worker:
    """One process: an event source and the function behind it."""

    def __init__(self, plan: WorkerPlan, sqs: "SQSClient", client: "DynamoDBClient") -> None:
        self._plan = plan
        self._sqs = sqs
        self._settings = WorkerSettings(**plan.settings, gemini_model=model_of(os.getpid()))
        self._queue_url = self._settings.sqs_queue_url
        resources = Resources(
            client=metered(Boto3Client(client), self._settings, Metrics()),
            queue=QueueClient(lambda: sqs),
            secret=lambda _: HeldSecret(ALL_KEYS),
        )
        make = wiring.worker if plan.kind == "product" else NaiveWorker
        self._handler: Handler = make(self._settings, resources)

    def run(self, *, parent: int) -> None:
        """Work until the supervisor is gone."""
        ends_at = time.monotonic() + LIFE_SECONDS
        while os.getppid() == parent and time.monotonic() < ends_at:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=1,  # as the event source mapping has it
                WaitTimeSeconds=RECEIVE_WAIT_SECONDS,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                self._deliver(message)

    def _deliver(self, message: "MessageTypeDef") -> None:
        subject = self.subject_of(json.loads(message["Body"]))
        is_first = message["Attributes"]["ApproximateReceiveCount"] == "1"
        tell(event="took", process=os.getpid(), subject=subject)
        if is_first and subject in self._plan.shown_twice:
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
            time.sleep(SHOWN_TWICE_PAUSE_SECONDS)
        answer = self._handler({"Records": [self._record(message)]}, Invocation())
        is_done = not answer["batchItemFailures"]
        if is_done and not (is_first and subject in self._plan.kept):
            # Of a message that was received again meanwhile, SQS may ignore the older handle; the emulator refuses it.
            with contextlib.suppress(self._sqs.exceptions.ReceiptHandleIsInvalid):
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        tell(event="settled", process=os.getpid(), subject=subject, is_done=is_done)

    def subject_of(self, body: Mapping[str, Any]) -> str:
        """What a message is about, as the trial counts it; "" where it does not."""
        return str(body.get("video_id", ""))

    def _record(self, message: "MessageTypeDef") -> dict[str, Any]:
        """As Lambda hands a received message to a function."""
        attributes = message.get("MessageAttributes", {})
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {
                name: {"stringValue": value.get("StringValue"), "dataType": value["DataType"]}
                for name, value in attributes.items()
            },
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue_name(self._queue_url)}",
            "awsRegion": "us-east-1",
        }


def tell(**event: object) -> None:
    """One write of a short line: the lines of several processes never mix, and none is lost when one is killed."""
    os.write(sys.stdout.fileno(), (json.dumps(event) + "\n").encode())


# ---- the supervisor ------------------------------------------------------------------------------------------------


class Supervisor:
    """Keeps `plan.processes` workers alive and kills those it is told to."""

    worker: ClassVar[type[Worker]] = Worker

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._workers: set[int] = set()
        # Clients are made once, and connect only in the worker that uses them.
        self._sqs: SQSClient = local_session().client("sqs", endpoint_url=plan.sqs_endpoint, config=QUICK)
        endpoint = str(plan.settings["dynamodb_endpoint"])
        self._client = make_client(region="us-east-1", endpoint_url=endpoint, read_timeout_seconds=30)

    def run(self) -> None:
        ends_at = time.monotonic() + LIFE_SECONDS
        try:
            for wanted in commands(ends_at):
                if wanted in self._workers:
                    os.kill(wanted, signal.SIGKILL)
                self._report_ended()
                while len(self._workers) < self._plan.processes:
                    self._start()
        finally:
            for process in self._workers:  # none is reaped yet: these ids are still theirs
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)

    def _start(self) -> None:
        parent = os.getpid()
        process = os.fork()
        if process:
            self._workers.add(process)
            tell(event="started", process=process)
            return
        try:
            self.worker(self._plan, self._sqs, self._client).run(parent=parent)
        except BaseException:  # noqa: BLE001 -- whatever it was, this copy of the supervisor must not go on as one
            traceback.print_exc()
        finally:
            os._exit(1)

    def _report_ended(self) -> None:
        for process in list(self._workers):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                self._workers.discard(process)
                exit_code = os.waitstatus_to_exitcode(status)
                tell(event="ended", process=process, exit_code=exit_code)
                if exit_code != -signal.SIGKILL:
                    sys.exit("a worker ended by itself")


def commands(ends_at: float) -> Iterator[int | None]:
    """Process ids from stdin as they come, None every POLL_SECONDS without; until the end of stdin."""
    source = sys.stdin.fileno()
    rest = b""
    while time.monotonic() < ends_at:
        if not select.select([source], [], [], POLL_SECONDS)[0]:
            yield None
            continue
        data = os.read(source, 4096)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from map(int, lines)


if __name__ == "__main__":
    Supervisor(WorkerPlan.from_json(sys.argv[1])).run()
