"""A played queue beside real ones, so that what is asked of SQS is what the deployed functions ask."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lambda_src.runtime.queue import QueueClient
from tests.support.played import PlayedQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


class MirroredQueue(PlayedQueue):
    """A played queue that makes every call on a real one, too, through the client that functions use.

    receiver: takes the messages whose visibility is moved, as Lambda does.
    """

    def __init__(self, receiver: "SQSClient") -> None:
        super().__init__()
        self._mirror = QueueClient()
        self._receiver = receiver
        self._handles: dict[str, str] = {}

    def send(
        self, queue_url: str, body: str, *, delay_seconds: int = 0, attributes: Mapping[str, str] | None = None
    ) -> str:
        self._mirror.send(queue_url, body, delay_seconds=delay_seconds, attributes=attributes)
        return super().send(queue_url, body, delay_seconds=delay_seconds, attributes=attributes)

    def send_batch(self, queue_url: str, bodies: Sequence[str], *, delay_seconds: int = 0) -> None:
        self._mirror.send_batch(queue_url, bodies, delay_seconds=delay_seconds)
        for body in bodies:
            super().send(queue_url, body, delay_seconds=delay_seconds)

    def set_visibility(self, queue_url: str, receipt_handle: str, seconds: int) -> None:
        self._mirror.set_visibility(queue_url, self._handle(queue_url), seconds)
        super().set_visibility(queue_url, receipt_handle, seconds)

    def _handle(self, queue_url: str) -> str:
        """Receipt handle of a message of that queue which stays in flight."""
        if queue_url not in self._handles:
            self._receiver.send_message(QueueUrl=queue_url, MessageBody="in flight")
            [message] = self._receiver.receive_message(QueueUrl=queue_url, WaitTimeSeconds=5)["Messages"]
            self._handles[queue_url] = message["ReceiptHandle"]
        return self._handles[queue_url]
