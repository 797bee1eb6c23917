"""Which use case a message of the worker belongs to, and what happens when its attempts run out."""

from collections.abc import Callable
from dataclasses import dataclass

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.services.yoto_smart_stream.messages import JobMessage, Message, ObjectCreated, ProviderAnswered
from lambda_src.services.yoto_smart_stream.transcripts.runner import TranscriptionRunner


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """finalize: takes the upload of an object key in. purge: runs the purge job of an id."""

    runner: TranscriptionRunner
    finalize: Callable[[str], object]
    purge: Callable[[str], object]

    def handle(self, message: Message, _delivery: Delivery, _deadline: Deadline) -> None:
        """Do what the message asks for. Raises a retryable AppError to have it delivered again."""
        match message:
            case JobMessage(kind="transcribe"):
                self.runner.run(message.job_id)
            case JobMessage(kind="cancel"):
                self.runner.stop(message.job_id)
            case JobMessage():
                self.purge(message.job_id)
            case ProviderAnswered():
                self.runner.answered(message.name)
            case ObjectCreated():
                self.finalize(message.key)

    def exhausted(self, message: Message, _delivery: Delivery, error: Exception) -> bool:
        """The last attempt failed. A job that could not be started says so to whoever waits for it.

        False: every such message goes to the dead-letter queue with its reason, where an operator hears of it. Answers
        and purges are looked after by the sweep meanwhile.
        """
        if isinstance(message, JobMessage) and message.kind == "transcribe":
            self.runner.give_up(message.job_id, error)
        return False
