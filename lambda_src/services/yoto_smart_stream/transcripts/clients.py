"""Amazon Transcribe as a provider: our jobs under its names, its answers in our words."""

import json
import logging
import re
from dataclasses import dataclass
from typing import Any, Final, cast

from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.objects import ObjectClient, ObjectMissing, ObjectTooLarge
from lambda_src.runtime.transcribe import (
    MediaFormat,
    MediaJob,
    TranscribeClient,
    TranscribeRefused,
    TranscribeUnavailable,
)
from lambda_src.services.yoto_smart_stream.names import extension_of
from lambda_src.services.yoto_smart_stream.tables import RAW_TRANSCRIPTS
from lambda_src.services.yoto_smart_stream.transcripts import rules
from lambda_src.services.yoto_smart_stream.transcripts.rules import Failed, Finished, Running, Started, Unknown, Work

logger = logging.getLogger(__name__)

# Each word has an entry of about 150 bytes, so that 1 MiB of text comes to 30 MB; more would not fit into the memory.
MAX_OUTPUT_BYTES: Final = 33_554_432
_SECOND: Final = "-2"
_JOB: Final = re.compile(rf"([0-9a-f]{{32}})(?:{_SECOND})?")
_UNIDENTIFIED: Final = re.compile("language identification", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AwsTranscribe:
    """beginning: of the names of all jobs of this deployment. objects: the audio, and the texts as they come."""

    transcribe: TranscribeClient
    objects: ObjectClient
    beginning: str
    name: str = "aws-transcribe"

    def start(self, work: Work) -> Started | Failed:
        """Raises TranscribeUnavailable, StoreUnavailable. 1 request, and 1 to S3 when it is refused."""
        if work.object_key is None:
            return Failed(rules.OBJECT_GONE)
        bucket = self.objects.bucket
        job = MediaJob(
            name=self._name(work.job_id, is_second=work.is_second),
            media_uri=f"s3://{bucket}/{work.object_key}",
            media_format=cast("MediaFormat", extension_of(work.filename)),  # they are called alike
            language=work.language,
            output_bucket=bucket,
            output_key=_output_key(work),
        )
        try:
            outcome = self.transcribe.start(job)
        except TranscribeRefused as exc:
            logger.warning("transcription refused", extra={"job_id": work.job_id, "reason": exc.detail})
            return self._explained(work, Failed(rules.REFUSED, "refused"))
        logger.info("transcription started", extra={"job_id": work.job_id, "outcome": outcome})
        return Started()

    def poll(self, work: Work) -> Running | Finished | Failed | Unknown:
        """Raises TranscribeUnavailable, StoreUnavailable. 1 request, and 1 to S3 when it has come to an end."""
        try:
            state = self.transcribe.get(self._name(work.job_id, is_second=work.is_second))
        except TranscribeRefused as exc:  # what was paid for is there still when our rights are mended
            logger.warning("transcription not shown", extra={"job_id": work.job_id, "reason": exc.detail})
            raise TranscribeUnavailable from exc
        match state.status:
            case "running":
                return Running()
            case "unknown":
                return Unknown()
            case "completed":
                return self._read(work, state.language)
            case "failed":
                is_unidentified = work.language == rules.AUTO and bool(_UNIDENTIFIED.search(state.reason))
                reason = state.reason or rules.NO_REASON
                return self._explained(work, Failed(reason, "unidentified" if is_unidentified else "ended"))

    def cancel(self, job_id: str, *, is_second: bool) -> None:
        """1 request."""
        self.transcribe.delete(self._name(job_id, is_second=is_second))

    def job_of(self, name: str) -> str | None:
        """`<beginning><job id>`, and `-2` behind it for a second try."""
        found = _JOB.fullmatch(name.removeprefix(self.beginning)) if name.startswith(self.beginning) else None
        return None if found is None else found[1]

    # ------------------------------------------------------------------------------------------------------------------

    def _name(self, job_id: str, *, is_second: bool) -> str:
        return f"{self.beginning}{job_id}{_SECOND if is_second else ''}"

    def _explained(self, work: Work, failed: Failed) -> Failed:
        """What Transcribe says of audio that is not there tells nobody that it is not there."""
        try:
            if work.object_key is not None:
                self.objects.head(work.object_key)
        except ObjectMissing:
            return Failed(rules.OBJECT_GONE)
        return failed

    def _read(self, work: Work, language: str | None) -> Finished | Failed:
        try:
            output = self.objects.read(_output_key(work), max_bytes=MAX_OUTPUT_BYTES)
        except ObjectTooLarge:
            return Failed(rules.TOO_LONG)
        except ObjectMissing as exc:  # it was written before the job was over, so it will be there
            raise StoreUnavailable("The output of a transcription is missing", retry_after_seconds=1) from exc
        text = _text_of(output)
        return Failed(rules.UNREADABLE) if text is None else Finished(text, language)


def _output_key(work: Work) -> str:
    return f"{RAW_TRANSCRIPTS}/{work.job_id}.json"


def _text_of(output: bytes) -> str | None:
    """https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html#how-it-works-output"""
    try:
        match json.loads(output, object_hook=_without_words):
            case {"results": {"transcripts": [{"transcript": str(text)}, *_]}}:
                text.encode()  # JSON can hold half a character, and a table cannot
                return text
    except (ValueError, RecursionError):
        pass
    return None


def _without_words(part: dict[str, Any]) -> dict[str, Any] | None:
    """Each word has a part of its own, with when it was said: ten times the memory of the text, for nothing."""
    return None if "alternatives" in part else part
