"""Yoto Smart Stream with a bucket: browsers that upload, events that come, and processes that die over them.

studio = ...                                           # fixture `new_studio`
ticket = studio.ticket(john, "a.mp3")                  # what the API answers
studio.upload(ticket)                                  # as a browser does
studio.announce(ticket)                                # the event reaches the worker
"""

import io
import json
import wave
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

import httpx

from lambda_src.runtime.objects import ObjectClient, ObjectHead
from lambda_src.runtime.worker import QueueWorker
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.messages import Message
from lambda_src.services.yoto_smart_stream.models import UserRecord
from tests.support.played import Sent, TestClock
from tests.support.stepping import SteppedQueue, Steps, stepped_client
from tests.support.yoto_smart_stream import QUEUE, Json, MakeHouse

MP3: Final = b"\xff\xfb\x90\x00" + bytes(4_000)
OTHER_MP3: Final = MP3 + b"another"
PDF: Final = b"%PDF-1.7\n" + bytes(1_000)


def recording(seconds: int) -> bytes:
    """A WAV file of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(1)
        written.setframerate(100)
        written.writeframes(bytes(100 * seconds))
    return file.getvalue()


def event_of(bucket: str, key: str, number: int = 1) -> Sent:
    """What EventBridge puts on the queue for an object.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    detail = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": {
            "key": key,
            "size": 5,
            "etag": "b1946ac92492d2347c6235b4d2611184",
            "sequencer": "00617F08299329D189",
        },
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "source-ip-address": "1.2.3.4",
        "reason": "PutObject",
    }
    envelope = {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2025-01-15T08:30:00Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": detail,
    }
    return Sent(QUEUE, f"event-{number}", json.dumps(envelope))


def send_form(ticket: Json, content: bytes, **changed: str) -> httpx.Response:
    """What S3 answers a browser that sends the form of a ticket."""
    form = ticket["upload"]
    fields = {**form["fields"], **changed}
    return httpx.post(form["url"], data=fields, files={"file": content}, trust_env=False)


class Studio:
    """The service with a bucket. In it, `house` is the service; objects have its clock."""

    def __init__(self, new_house: MakeHouse, bucket: ObjectClient, **options: Any) -> None:
        clock = TestClock()
        self.bucket = bucket
        self.objects = ObjectClient(bucket.bucket, bucket._s3, clock=clock)
        given = {"clock": clock, "objects": lambda _: self.objects, "s3_audio_bucket": bucket.bucket}
        self.house = new_house(**given | options)
        self.clock = clock

    def ticket(self, by: UserRecord, filename: str = "a.mp3", **asked: Any) -> Json:
        """A ticket that was granted."""
        answer = self.house.ask(
            "POST", "/api/audio/uploads", by=by, json={"filename": filename, "size": len(MP3)} | asked
        )
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        return found

    def upload(self, ticket: Json, content: bytes = MP3, **changed: str) -> httpx.Response:
        """What S3 answers a browser that sends the form."""
        return send_form(ticket, content, **changed)

    def announce(self, ticket: Json, **options: Any) -> list[str]:
        """One delivery of the event of an upload; the ids of what is to be delivered again."""
        return self.house.deliver(self.event(ticket), **options)

    def event(self, ticket: Json, number: int = 1) -> Sent:
        return event_of(self.bucket.bucket, ticket["upload"]["fields"]["key"], number)

    def brought(self, by: UserRecord, filename: str = "a.mp3", content: bytes = MP3, **asked: Any) -> Json:
        """A ticket whose upload was taken, or not, with all of its events."""
        ticket = self.ticket(by, filename, **asked)
        assert self.upload(ticket, content).status_code == 204
        assert self.announce(ticket) == []
        return ticket

    def standing(self, ticket: Json, by: UserRecord) -> Json:
        answer = self.house.ask("GET", f"/api/audio/uploads/{ticket['upload_id']}", by=by)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    # ---- what is there -----------------------------------------------------------------------------------------------

    def content(self, key: str) -> bytes | None:
        """The bytes of an object, None where there is none."""
        return self.objects.read(key, max_bytes=10**9) if key in self.keys() else None

    def keys(self, prefix: str = "") -> set[str]:
        return {each.key for each in self.objects.listed(prefix)}

    def uploaded(self, *tickets: Json) -> set[str]:
        """Keys of what these tickets wrote that is still there."""
        return self.keys(tables.UPLOADS) & {each["upload"]["fields"]["key"] for each in tickets}

    def jobs(self, kind: str) -> list[Json]:
        return [each for each in self.house.items() if each.get("entity") == "job" and each["kind"] == kind]

    # ---- processes that die ------------------------------------------------------------------------------------------

    @contextmanager
    def stepped_worker(self, steps: Steps) -> Iterator[QueueWorker[Message]]:
        """A worker in a process of its own, as far as anybody outside can tell."""
        client = self.house.metered(stepped_client(self.house.client, steps))
        yield self.house.another_worker(
            client=client,
            queue=SteppedQueue(self.house.queue, steps),
            objects=lambda name: SteppedObjects(name, self.bucket, self.clock, steps),
        )


class SteppedObjects(ObjectClient):
    """A bucket each of whose requests is a step, named by its method."""

    def __init__(self, name: str, bucket: ObjectClient, clock: TestClock, steps: Steps) -> None:
        super().__init__(name, bucket._s3, clock=clock)
        self._steps = steps

    def head(self, key: str) -> ObjectHead:
        self._steps.take("head")
        return super().head(key)

    def read_range(self, key: str, first: int, count: int, *, tag: str | None = None) -> bytes:
        self._steps.take("read_range")
        return super().read_range(key, first, count, tag=tag)

    def download(self, key: str, file: IO[bytes], **options: Any) -> int:
        self._steps.take("download")
        return super().download(key, file, **options)

    def copy(self, source: str, target: str, *, tag: str, content_type: str) -> str:
        self._steps.take("copy")
        return super().copy(source, target, tag=tag, content_type=content_type)

    def delete_several(self, keys: Iterable[str]) -> None:
        self._steps.take("delete_several")
        super().delete_several(keys)


type MakeStudio = Callable[..., Studio]
