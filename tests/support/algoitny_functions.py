"""A function of AlgoItny that hears of a table's changes, each invocation a process that may be killed at any moment.

    python -m tests.support.algoitny_functions '<FunctionPlan as JSON>'
      stdin   an invocation per line: {"event": {...}, "kill_after_seconds": 0.02 or null}
      stdout  what became of it: {"answer": {...}}, {"error": "..."} or {"killed": true}

Forking from a process that has imported everything makes an invocation cost 20 ms instead of a second.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self

from cdk_app.local.layout import ROOT
from cdk_app.local.ministack import QUICK, local_session
from cdk_app.local.streams.batches import Answer
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.resources import Resources, metered
from lambda_src.services.algoitny import wiring
from lambda_src.services.algoitny.settings import ArchiverSettings, StatsSettings
from tests.support.played import Invocation

PROGRAM: Final = "tests.support.algoitny_functions"
FIRST_KILL_SECONDS: Final = 0.1  # within which the first invocation is killed; later ones within what one took
STOP_SECONDS: Final = 10.0

type FunctionName = Literal["stats", "archiver"]
type Handler = Callable[[Mapping[str, Any], Invocation], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """name: of the function. cloud_url: of SQS and S3. settings: of its class,
    and perhaps of others."""

    name: FunctionName
    dynamodb_endpoint: str
    cloud_url: str
    settings: Mapping[str, Any]

    def handler(self) -> Handler:
        session = local_session()
        sqs = session.client("sqs", endpoint_url=self.cloud_url, config=QUICK)
        s3 = session.client("s3", endpoint_url=self.cloud_url, config=QUICK)
        client = make_client(region="us-east-1", endpoint_url=self.dynamodb_endpoint, read_timeout_seconds=30)
        of: Any = {"stats": StatsSettings, "archiver": ArchiverSettings}[self.name]
        settings = of(**{name: value for name, value in self.settings.items() if name in of.model_fields})
        resources = Resources(
            client=metered(Boto3Client(client), settings, Metrics()),
            queue=QueueClient(lambda: sqs),
            objects=lambda bucket: ObjectClient(bucket, lambda: s3),
        )
        made: Handler = getattr(wiring, self.name)(settings, resources)
        return made


@dataclass
class Function:
    """The function at work, until `stop`. kills: how many invocations are still to be killed, at random moments."""

    plan: FunctionPlan
    kills: int
    killed: int = 0
    invocations: int = 0
    _took_seconds: float = FIRST_KILL_SECONDS
    _random: random.Random = field(default_factory=lambda: random.Random(1))

    def start(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, json.dumps(asdict(self.plan))],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def stop(self) -> None:
        """End it with what it is doing."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def invoke(self, event: Mapping[str, Any]) -> Answer:
        """As Lambda answers: what the function returned, or that it did not come to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        is_hit = self.kills > self.killed and self._random.random() < 0.5
        asked = {
            "event": event,
            "kill_after_seconds": self._random.uniform(0, self._took_seconds) if is_hit else None,
        }
        began = time.monotonic()
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        self.invocations += 1
        if "answer" in said:
            self._took_seconds = time.monotonic() - began
            return Answer(said["answer"])
        self.killed += "killed" in said
        return Answer({"errorMessage": said.get("error", "killed")}, "Unhandled")


def invocation(handler: Handler, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Handle one event in a process of its own."""
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            said: dict[str, Any] = {"answer": handler(asked["event"], Invocation())}
        except Exception as error:  # noqa: BLE001 -- as Lambda tells whoever invokes
            said = {"error": repr(error)}
        os.write(writes, json.dumps(said).encode())
        os._exit(0)
    os.close(writes)
    wait_seconds = asked["kill_after_seconds"]
    if wait_seconds is not None and not select.select([reads], [], [], wait_seconds)[0]:
        os.kill(process, signal.SIGKILL)
    with os.fdopen(reads, "rb") as answer:
        text = answer.read()
    os.waitpid(process, 0)
    told: dict[str, Any] = json.loads(text) if text else {"killed": True}
    return told


def main(plan: FunctionPlan) -> None:
    handler = plan.handler()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(invocation(handler, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(FunctionPlan(**json.loads(sys.argv[1])))
