"""Workers are killed with kill -9 between an upload and its text; each file is taken in and listened to once.

Real processes, SQS and S3 of the emulator, DynamoDB Local; the provider answers from the test process, slowly enough
to be killed over it, and hears what is in the object. Events of S3 come in any order, some twice; of the messages and
of the provider's events one in ten gets lost, and one in ten comes twice, late. Every tenth file is silent, another one
is no audio, and another one is sent twice through its form. The sweep runs all the time, on a clock that is eleven
minutes ahead, so that it meets work that is still going on. Beside the product a naive worker goes through the same.
"""

import asyncio
import json
import random
import time
from collections import Counter
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
from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.transcribe import TranscribeClient
from lambda_src.services.yoto_smart_stream import tables
from tests.support.killing import MAX_KILLS_PER_VIDEO, Observed, Strikes, Trial, messages_left
from tests.support.played import PlayedQueue
from tests.support.transcribe_stand_in import Play, TranscribeStandIn
from tests.support.worker_process import WorkerPlan
from tests.support.yoto_smart_stream import Json
from tests.support.yoto_steps import faults
from tests.support.yoto_transcripts import Speech
from tests.support.yoto_uploads import MP3, PDF, event_of, send_form
from tests.support.yoto_worker_process import PROGRAM, ForgetfulQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

ANSWER_SECONDS: Final = 0.05  # in which a worker that waits for the provider may be killed
BUDGET_SECONDS: Final = 1
HIDDEN_SECONDS: Final = 2
SWEEP_SECONDS: Final = 1.5  # what is 10 min in production
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Size:
    files: int
    kills: int
    processes: int
    timeout_seconds: float


SMALL: Final = Size(files=20, kills=5, processes=3, timeout_seconds=90)
CONTROL: Final = Size(files=10, kills=2, processes=3, timeout_seconds=90)
LARGE: Final = Size(files=200, kills=50, processes=5, timeout_seconds=400)


class SlowProvider(TranscribeStandIn):
    """Hears what stands at the end of an object; does what it is asked at once, and says so later."""

    def __init__(self, objects: ObjectClient) -> None:
        def put(_bucket: str, key: str, content: bytes) -> None:
            objects.put(key, content, content_type="application/json")

        super().__init__(put)
        self._objects = objects

    def _start(self, said: dict[str, Any]) -> dict[str, Any]:
        key = said["Media"]["MediaFileUri"].removeprefix(f"s3://{self._objects.bucket}/")
        heard = self._objects.read(key, max_bytes=1_000_000).rpartition(b"\0")[2].decode()
        self.play(said["TranscriptionJobName"], Play(text=heard, running_polls=None))
        return super()._start(said)

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
    """What the sweep sends goes to SQS, as far as it gets there."""

    def __init__(self, sqs: "SQSClient") -> None:
        super().__init__()
        self._real = ForgetfulQueue(lambda: sqs, SEED)

    def send(self, queue_url: str, body: str, **options: Any) -> str:
        return self._real.send(queue_url, body, **options)


@dataclass
class Uploads:
    """What was sent. texts: by file, None where nobody speaks; refused: tickets of what is no audio."""

    texts: dict[str, str | None] = field(default_factory=dict)
    refused: list[Json] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)


@dataclass
class Fire:
    """One kind of worker at work: its service, its queue, and what is to come of the uploads. late: events."""

    kind: Literal["product", "naive"]
    speech: Speech
    queue_url: str
    uploads: Uploads
    trial: Trial
    told: set[str] = field(default_factory=set)
    late: list[str] = field(default_factory=list)
    order: random.Random = field(default_factory=lambda: random.Random(SEED))

    @property
    def observed(self) -> Observed:
        return self.trial.observed

    def tell_of_ends(self, sqs: "SQSClient") -> None:
        """Events of jobs that are new, half of them later: one in ten gets lost, one in ten comes again, late."""
        again, self.late = self.late, []
        fresh = [each for each in self.speech.started_names() if each not in self.told]
        self.order.shuffle(fresh)
        for name in fresh[: len(fresh) // 2 + 1]:
            self.told.add(name)
            content = json.dumps(self.speech.transcribe.finish(name))
            again += [content] * (len(self.told) % 10 != 0)
            self.late += [content] * (len(self.told) % 10 == 1)
        for content in again:
            sqs.send_message(QueueUrl=self.queue_url, MessageBody=content)

    def faults(self) -> list[str]:
        """What is not as if each upload had been taken in and listened to once, in words."""
        found, items = faults(self.speech, self.uploads.texts), self.speech.house.items()
        files = {item["filename"]: item for item in items if item["entity"] == "audio"}
        jobs = Counter(item["filename"] for item in items if item["entity"] == "job")
        states = {
            (item["upload_id"], item["upload_state"], item.get("reject_reason"))
            for item in items
            if item["entity"] == "upload" and item["upload_state"] != "completed"
        }
        refused = {(each["upload_id"], "rejected", "not_audio") for each in self.uploads.refused}
        keys = [each.key for each in self.speech.objects.listed("")]
        claims = {
            f"there are {len(files)} files": files.keys() == self.uploads.texts.keys(),
            f"there is more than one job of {[name for name in jobs if jobs[name] > 1]}": max(jobs.values(), default=0)
            == 1,
            f"tickets are {states ^ refused}": states == refused,
            "there is other audio than what is played": sorted(each for each in keys if each.startswith(tables.MEDIA))
            == sorted(file["object_key"] for file in files.values()),
            "uploads are left": not [each for each in keys if each.startswith(tables.UPLOADS)],
        }
        return found + [fault for fault, is_well in claims.items() if not is_well]


@pytest.fixture(autouse=True)
def _on_an_engine_for_processes(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--engine") == "sqlite":
        pytest.skip("workers are processes of their own, which SQLite in memory knows nothing of")


@pytest.fixture(scope="module")
def sqs(cloud: MiniStack) -> "Iterator[SQSClient]":
    client = cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK)
    yield client
    client.close()


@pytest.fixture
def new_fire(new_house, bucket, cloud, sqs, dynamodb_endpoint, monkeypatch, tmp_path):
    """`new_fire(kind, size)`: workers of this kind under fire, with all that they are to do before them."""

    @contextmanager
    def make(kind: Literal["product", "naive"], size: Size) -> Iterator[Fire]:
        name = f"kills-{kind}-{uuid4()}"
        urls = [
            sqs.create_queue(QueueName=f"{name}{end}", Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)})[
                "QueueUrl"
            ]
            for end in ("", "-dlq")
        ]
        objects = ObjectClient(name, bucket._s3)
        objects._s3().create_bucket(Bucket=name)
        clock = AheadClock()
        with SlowProvider(objects) as provider:
            transcribe = cloud.session.client("transcribe", endpoint_url=provider.url)
            house = new_house(
                clock=clock,
                queue=LossyQueue(sqs),
                objects=lambda _: objects,
                transcription_queue_url=urls[0],
                transcription_dlq_url=urls[1],
                s3_audio_bucket=name,
                job_budget_seconds=BUDGET_SECONDS,
            )
            speech = Speech(house, provider, lambda: TranscribeClient(lambda: transcribe), objects)
            uploads = sent(speech, size)
            for content in uploads.events:
                sqs.send_message(QueueUrl=urls[0], MessageBody=content)
            clock.ahead = timedelta(minutes=11)
            settings = house.worker_settings.model_copy(update={"dynamodb_endpoint": dynamodb_endpoint})
            plan = WorkerPlan(kind, size.processes, cloud.url, settings.model_dump(mode="json"))
            for variable, value in environment(cloud, provider).items():
                monkeypatch.setenv(variable, value)
            trial = Trial(
                plan,
                Strikes({}, size.kills),
                world=None,
                video_ids={each: each for each in (*uploads.ids, *(f"job of {upload}" for upload in uploads.ids))},
                log_path=tmp_path / f"{kind}.log",
                program=PROGRAM,
            )
            with trial:
                yield Fire(kind, speech, urls[0], uploads, trial)
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


def sent(speech: Speech, size: Size) -> Uploads:
    """Uploads of all kinds, and their events, in any order."""
    house, made = speech.house, Uploads()
    john = house.user("john")
    for number in range(size.files):
        filename, text = f"song {number}.mp3", f"What is said in number {number}."
        answer = house.ask("POST", "/api/audio/uploads", by=john, json={"filename": filename, "size": 1, "duration": 3})
        assert answer.status_code == 201, answer.text
        ticket = answer.json()
        made.ids.append(ticket["upload_id"])
        match number % 10:
            case 7:  # the form is sent again, before anybody has looked
                contents = [MP3 + b"Nobody hears this.", MP3 + text.encode()]
            case 8:
                contents = [PDF]
            case 9:
                contents = [MP3]
            case _:
                contents = [MP3 + text.encode()]
        for content in contents:
            assert send_form(ticket, content).status_code == 204
        if number % 10 == 8:
            made.refused.append(ticket)
        else:
            made.texts[filename] = None if number % 10 == 9 else text
        event = event_of(speech.objects.bucket, ticket["upload"]["fields"]["key"]).body
        made.events += [event] * (len(contents) + (number % 10 == 0))
    random.Random(SEED).shuffle(made.events)
    return made


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
        is_quiet = not fire.late and not messages_left(sqs, fire.queue_url) and not fire.observed.working
        if is_quiet and fire.kind == "naive":  # whose work may be over before all are killed
            return
        if is_quiet and fire.observed.kill_count >= size.kills and not fire.faults():
            return
        assert time.monotonic() < ends_at, (fire.observed.kill_count, fire.faults()[:5])
        time.sleep(0.2)


def check(new_fire: Callable[..., Any], sqs: "SQSClient", size: Size) -> None:
    with ExitStack() as stack:
        product, naive = (
            stack.enter_context(new_fire(kind, its)) for kind, its in (("product", size), ("naive", CONTROL))
        )
        run_to_the_end(product, sqs, size)
        assert product.faults() == []
        assert product.observed.kill_count == size.kills
        assert max(product.observed.kills.values()) <= MAX_KILLS_PER_VIDEO
        assert len(product.speech.started_names()) == len(product.uploads.texts)
        run_to_the_end(naive, sqs, CONTROL)
        found = naive.faults()
        assert any("was listened to" in fault or "more than one job" in fault for fault in found), found


@pytest.mark.long
def test_five_killed_workers_cost_no_upload_its_text(new_fire, sqs):
    check(new_fire, sqs, SMALL)


@pytest.mark.soak
def test_fifty_killed_workers_cost_no_upload_its_text(new_fire, sqs):
    check(new_fire, sqs, LARGE)
