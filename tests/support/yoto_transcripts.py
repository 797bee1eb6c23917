"""Files of Yoto Smart Stream that are listened to: a bucket of the emulator, and a provider that plays what is written.

speech = ...                                              # fixture `new_speech`
song = speech.file("song.mp3", john)                      # with its audio in the bucket
speech.transcribe.play_in_order(Play(text="hello world"))
speech.work(speech.request("song.mp3", john))             # the worker starts it
speech.work(speech.ended(job_id))                         # the provider's event arrives
"""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, Final

from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.transcribe import TranscribeClient
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, UserRecord
from tests.support.played import Sent
from tests.support.transcribe_stand_in import Play, TranscribeStandIn
from tests.support.yoto_smart_stream import QUEUE, Json, PlayedHouse

AUDIO: Final = b"ID3 as good as any for who hears nothing"


class Speech:
    """house: the service. transcribe: the provider. objects: the bucket, which several of these may share."""

    _numbers = count(1)

    def __init__(
        self,
        house: PlayedHouse,
        transcribe: TranscribeStandIn,
        client: Callable[[], TranscribeClient],
        objects: ObjectClient,
    ) -> None:
        self.house = house
        self.transcribe = transcribe
        self.objects = objects
        house.resources = replace(house.resources, transcribe=client, objects=lambda _: objects)

    # ---- what people do ----------------------------------------------------------------------------------------------

    def file(self, filename: str, by: UserRecord | None = None, **fields: Any) -> AudioFileRecord:
        """A file of the library, with its audio in the bucket."""
        key = f"{tables.MEDIA}/{next(self._numbers):032x}.mp3"
        self.objects.put(key, AUDIO, content_type="audio/mpeg")
        return self.house.file(filename, by, object_key=key, **fields)

    def request(self, filename: str, by: UserRecord, **wish: Any) -> str:
        """Ask for a transcription, and return the id of its job."""
        answer = self.house.ask("POST", f"/api/audio/{filename}/transcribe", by=by, json=wish)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["request_id"])

    def read(self, filename: str, by: UserRecord) -> Json:
        answer = self.house.ask("GET", f"/api/audio/{filename}/transcript", by=by)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    # ---- what the worker does ----------------------------------------------------------------------------------------

    def work(self, *, receive_count: int = 1) -> list[str]:
        """Deliver what waits; returns the ids of what is to be delivered again."""
        return self.house.deliver(*self.house.queue.take(), receive_count=receive_count)

    def ended(self, job_id: str, *, is_second: bool = False) -> Sent:
        """The provider comes to an end with a job; what EventBridge puts on the queue for it."""
        return event(self.transcribe.finish(name_of(job_id, is_second=is_second)))

    def answer(self, job_id: str, *, is_second: bool = False) -> None:
        """The same, delivered."""
        assert self.house.deliver(self.ended(job_id, is_second=is_second)) == []

    # ---- what a test looks at ----------------------------------------------------------------------------------------

    def job(self, job_id: str) -> Json:
        item = self.house.item(tables.JOB.key(job_id=job_id))
        assert item is not None
        return item

    def stored_text(self, filename: str) -> Any:
        """The text of a file as it is stored, None when there is none."""
        return (self.house.item(tables.TRANSCRIPT.key(filename=filename)) or {}).get("text")

    def started_names(self) -> list[str]:
        """Names of the jobs that the provider took, one for each start that it took as a new one."""
        return list(self.transcribe.jobs)

    def starts(self) -> list[Json]:
        return self.transcribe.requests("StartTranscriptionJob")


def name_of(job_id: str, *, is_second: bool = False) -> str:
    return f"yss-local-{job_id}{'-2' if is_second else ''}"


def event(content: Json) -> Sent:
    """A message with an event of EventBridge in it."""
    return Sent(QUEUE, f"event-of-{content['detail']['TranscriptionJobName']}", json.dumps(content))


type MakeSpeech = Callable[..., Speech]


def begun(speech: Speech, john: UserRecord, filename: str = "song.mp3", play: Play | None = None, **fields: Any) -> str:
    """A file that the provider works on; returns the id of its job."""
    wish = {"language": fields.pop("language")} if "language" in fields else {}
    speech.transcribe.play_in_order(play or Play(text="hello world", running_polls=None))
    speech.file(filename, john, **fields)
    job_id = speech.request(filename, john, **wish)
    assert speech.work() == []
    return str(job_id)


def outcome(speech: Speech, john: UserRecord, filename: str = "song.mp3") -> tuple[str, str | None, str | None]:
    now = speech.read(filename, john)
    return now["status"], now["transcript"], now["error"]
