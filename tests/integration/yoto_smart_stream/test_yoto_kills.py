"""Workers are killed with kill -9 while they turn files into text; each file ends with one text, listened to once.

Real processes, SQS and S3 of the emulator, DynamoDB Local; the provider answers from the test process, slowly enough
to be killed over it. Of the messages and of the events one in ten gets lost, and one in ten comes twice. The sweep
runs all the time, on a clock that is eleven minutes ahead, so that it meets work that is still going on. After the
product a naive worker goes through the same.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

import pytest
from starlette.types import Message, Receive, Scope, Send

from cdk_app.local.ministack import QUICK, MiniStack
from cdk_app.local.running import CREDENTIALS
from lambda_src.runtime.clock import utc_now
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.transcribe import TranscribeClient
from tests.support.killing import MAX_KILLS_PER_VIDEO, Observed, Strikes, Trial, messages_left
from tests.support.played import PlayedQueue
from tests.support.transcribe_stand_in import Play, TranscribeStandIn
from tests.support.worker_process import WorkerPlan
from tests.support.yoto_steps import faults
from tests.support.yoto_transcripts import Speech
from tests.support.yoto_worker_process import PROGRAM

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

ANSWER_SECONDS: Final = 0.05  # in which a worker that waits for the provider may be killed
BUDGET_SECONDS: Final = 3
HIDDEN_SECONDS: Final = 6
SWEEP_SECONDS: Final = 3.0  # what is 10 min in production


@dataclass(frozen=True, slots=True)
class Size:
    files: int
    kills: int
    processes: int
    timeout_seconds: float


SMALL: Final = Size(files=20, kills=6, processes=3, timeout_seconds=90)
LARGE: Final = Size(files=200, kills=50, processes=5, timeout_seconds=400)


class SlowProvider(TranscribeStandIn):
    """Does what it is asked at once, and says so later."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(ANSWER_SECONDS)
            await send(message)

        await super().__call__(scope, receive, send_late)


class AheadClock:
    """Of the sweep, once what it is to find is there."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


class LossyQueue(PlayedQueue):
    """Sends to SQS, loses every tenth message without a word, and sends every other tenth one twice."""

    def __init__(self, sqs: "SQSClient") -> None:
        super().__init__()
        self._real = QueueClient(lambda: sqs)
        self._count = 0

    def send(self, queue_url: str, body: str, **options: Any) -> str:
        self._count += 1
        for _ in range({0: 0, 5: 2}.get(self._count % 10, 1)):
            self._real.send(queue_url, body, **options)
        return str(self._count)


@dataclass
class Fire:
    """One kind of worker at work: its service, its queue, and the texts that are to come of it."""

    kind: Literal["product", "naive"]
    speech: Speech
    queue_url: str
    texts: dict[str, str | None]
    trial: Trial
    told: set[str] = field(default_factory=set)

    @property
    def observed(self) -> Observed:
        return self.trial.observed

    def tell_of_ends(self, sqs: "SQSClient") -> None:
        """Events of the jobs that are new: one in ten gets lost, one in ten comes twice."""
        for name in [each for each in self.speech.started_names() if each not in self.told]:
            self.told.add(name)
            content = json.dumps(self.speech.transcribe.finish(name))
            for _ in range({0: 0, 1: 2}.get(len(self.told) % 10, 1)):
                sqs.send_message(QueueUrl=self.queue_url, MessageBody=content)


@pytest.fixture(scope="module")
def sqs(cloud: MiniStack) -> "Iterator[SQSClient]":
    client = cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK)
    yield client
    client.close()


@pytest.fixture
def new_fire(new_house, bucket, cloud, sqs, dynamodb_endpoint, monkeypatch, tmp_path):
    """`new_fire(kind, size)`: workers of this kind under fire, with all that they are to do before them."""

    def store_output(_bucket: str, key: str, content: bytes) -> None:
        bucket.put(key, content, content_type="application/json")

    @contextmanager
    def make(kind: Literal["product", "naive"], size: Size) -> Iterator[Fire]:
        name = f"kills-{kind}-{uuid4()}"
        urls = [
            sqs.create_queue(QueueName=f"{name}{end}", Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)})[
                "QueueUrl"
            ]
            for end in ("", "-dlq")
        ]
        clock = AheadClock()
        with SlowProvider(store_output) as provider:
            transcribe = cloud.session.client("transcribe", endpoint_url=provider.url)
            house = new_house(
                clock=clock,
                queue=LossyQueue(sqs),
                transcription_queue_url=urls[0],
                transcription_dlq_url=urls[1],
                s3_audio_bucket=bucket.bucket,
                job_budget_seconds=BUDGET_SECONDS,
            )
            speech = Speech(house, provider, lambda: TranscribeClient(lambda: transcribe), bucket)
            texts, jobs = asked_for(speech, size)
            clock.ahead = timedelta(minutes=11)
            settings = house.worker_settings.model_copy(update={"dynamodb_endpoint": dynamodb_endpoint})
            plan = WorkerPlan(kind, size.processes, cloud.url, settings.model_dump(mode="json"))
            for variable, value in environment(cloud, provider).items():
                monkeypatch.setenv(variable, value)
            trial = Trial(
                plan,
                Strikes({}, size.kills),
                world=None,
                video_ids=dict(zip(jobs, jobs, strict=True)),
                log_path=tmp_path / f"{kind}.log",
                program=PROGRAM,
            )
            with trial:
                yield Fire(kind, speech, urls[0], texts, trial)
            transcribe.close()

    return make


def environment(cloud: MiniStack, provider: TranscribeStandIn) -> dict[str, str]:
    """Where processes of their own find what they need."""
    return {
        "AWS_ENDPOINT_URL_S3": cloud.url,
        "AWS_ENDPOINT_URL_TRANSCRIBE": provider.url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        **{name.upper(): value for name, value in CREDENTIALS.items()},
    }


def asked_for(speech: Speech, size: Size) -> tuple[dict[str, str | None], list[str]]:
    """Texts by file, and the jobs that are to find them out. Every tenth file is silent."""
    john = speech.house.user("john")
    texts: dict[str, str | None] = {}
    jobs = []
    for number in range(size.files):
        filename = f"song {number}.mp3"
        texts[filename] = None if number % 10 == 9 else f"What is said in number {number}."
        speech.file(filename, john)
        job_id = speech.request(filename, john)
        jobs.append(job_id)
        speech.transcribe.play(f"yss-local-{job_id}", Play(text=texts[filename] or "", running_polls=None))
    return texts, jobs


def run_to_the_end(fire: Fire, sqs: "SQSClient", size: Size) -> None:
    """Until nothing is on the queue, and, of the product, all are killed that are to be and nothing is at fault."""
    ends_at = time.monotonic() + size.timeout_seconds
    next_sweep = 0.0
    while True:
        fire.tell_of_ends(sqs)
        if fire.kind == "product" and time.monotonic() > next_sweep:
            fire.speech.house.scheduled("sweep")
            next_sweep = time.monotonic() + SWEEP_SECONDS
        assert not fire.observed.crashes, f"workers ended by themselves: {fire.observed.crashes}"
        is_quiet = not messages_left(sqs, fire.queue_url) and not fire.observed.working
        is_over = not faults(fire.speech, fire.texts) and fire.observed.kill_count >= size.kills
        if is_quiet and (is_over or fire.kind == "naive"):  # whose work may be over before all are killed
            return
        assert time.monotonic() < ends_at, (fire.observed.kill_count, faults(fire.speech, fire.texts)[:5])
        time.sleep(0.3)


def check(new_fire: Callable[..., Any], sqs: "SQSClient", size: Size) -> None:
    with ExitStack() as stack:
        product = stack.enter_context(new_fire("product", size))
        run_to_the_end(product, sqs, size)
        assert faults(product.speech, product.texts) == []
        assert product.observed.kill_count == size.kills
        assert max(product.observed.kills.values()) <= MAX_KILLS_PER_VIDEO
        assert len(product.speech.started_names()) == size.files
    naive_size = SMALL
    with new_fire("naive", naive_size) as naive:
        run_to_the_end(naive, sqs, naive_size)
        assert any("was listened to" in fault for fault in faults(naive.speech, naive.texts))


@pytest.mark.long
def test_six_killed_workers_cost_no_file_its_text(new_fire, sqs):
    check(new_fire, sqs, SMALL)


@pytest.mark.soak
def test_fifty_killed_workers_cost_no_file_its_text(new_fire, sqs):
    check(new_fire, sqs, LARGE)
