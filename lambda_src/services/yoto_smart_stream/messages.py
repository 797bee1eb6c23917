"""What reaches the worker's queue: messages of our own, and events of S3 and Amazon Transcribe by EventBridge."""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from lambda_src.runtime.messages import Malformed, json_object, validated
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord

type Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class JobMessage(BaseModel):
    """A job is to be run. kind: as the job says, too; `cancel`: whoever works on it may stop."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1
    kind: Literal["transcribe", "purge", "cancel"]
    job_id: Hex

    def text(self) -> str:
        """The message as it travels: compact JSON, about 0.1 KB."""
        return self.model_dump_json()


class ObjectCreated(BaseModel):
    """An object was written below `uploads/`. key: as S3 has it, undecoded."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["uploaded"] = "uploaded"
    key: str = Field(min_length=1, max_length=1024)


class ProviderAnswered(BaseModel):
    """Amazon Transcribe has come to an end with a job. name: of its job."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["transcribed"] = "transcribed"
    name: str = Field(min_length=1, max_length=200)


Message = JobMessage | ObjectCreated | ProviderAnswered


_adapter = cache(TypeAdapter)  # made when the first message comes: an API only sends them


def stopping(seen: AudioFileRecord) -> list[JobMessage]:
    """What tells the worker that nobody waits any more for what a file was in flight with."""
    job_id = seen.transcript_request_id
    return [] if job_id is None else [JobMessage(kind="cancel", job_id=job_id)]


def parse_message(body: str) -> Message:
    """The message in a queue record's body. Raises Malformed."""
    value = json_object(body)
    match value:
        case {"source": "aws.s3", "detail": {"object": {"key": str(key)}}}:
            return _read(ObjectCreated, {"v": 1, "key": key})
        case {"source": "aws.transcribe", "detail": {"TranscriptionJobName": str(name)}}:
            return _read(ProviderAnswered, {"v": 1, "name": name})
        case {"source": _}:
            raise Malformed("an event of a kind that nobody waits for")
    return _read(JobMessage, value)


def _read[M: BaseModel](kind: type[M], value: dict[str, Any]) -> M:
    message: M = validated(_adapter(kind), value)
    return message
