"""Whoever turns speech into text: what is asked of it, and the two of whom nothing has to be known."""

from dataclasses import dataclass
from typing import Final, Protocol

from lambda_src.services.yoto_smart_stream.transcripts.rules import (
    AUTO,
    DEFAULT_LANGUAGE,
    SWITCHED_OFF,
    Failed,
    Finished,
    Running,
    Started,
    Unknown,
    Work,
)

FAILS_WITH: Final = "fail"  # in the name of a file
FAKE_FAILURE: Final = "The name of the file asks for a failure."


class TranscriptionProvider(Protocol):
    """`start` and `poll` raise a retryable AppError when they may succeed later, and return every other failure."""

    @property
    def name(self) -> str: ...

    def start(self, work: Work) -> Started | Finished | Failed:
        """Have a file transcribed. Work that was started before goes on as it is."""

    def poll(self, work: Work) -> Running | Finished | Failed | Unknown:
        """How it is."""

    def cancel(self, job_id: str, *, is_second: bool) -> None:
        """Stop it if that can be done. Never fails."""

    def job_of(self, name: str) -> str | None:
        """The id of the job that the provider's events call by this name; None for one of somebody else."""


@dataclass(frozen=True, slots=True)
class FakeProvider:
    """Has heard the same in every file, at once. It needs no object, so that it serves where there is no bucket."""

    text: str
    name: str = "fake"

    def start(self, work: Work) -> Finished | Failed:
        if FAILS_WITH in work.filename:
            return Failed(FAKE_FAILURE)
        return Finished(self.text, DEFAULT_LANGUAGE if work.language == AUTO else work.language)

    def poll(self, work: Work) -> Unknown:  # noqa: ARG002 -- it keeps nothing
        return Unknown()

    def cancel(self, job_id: str, *, is_second: bool) -> None:
        """Nothing to be stopped."""

    def job_of(self, name: str) -> None:  # noqa: ARG002 -- it sends no events
        return None


@dataclass(frozen=True, slots=True)
class NoProvider:
    """Fails what was asked for before there was none."""

    name: str = "none"

    def start(self, work: Work) -> Failed:  # noqa: ARG002 -- whatever it is
        return Failed(SWITCHED_OFF)

    def poll(self, work: Work) -> Unknown:  # noqa: ARG002
        return Unknown()

    def cancel(self, job_id: str, *, is_second: bool) -> None:
        """Nothing to be stopped."""

    def job_of(self, name: str) -> None:  # noqa: ARG002
        return None
