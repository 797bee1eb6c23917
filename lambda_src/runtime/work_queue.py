"""A queue of a service's own messages."""

import logging
from collections.abc import Sequence
from typing import Protocol

from lambda_src.errors import AppError
from lambda_src.runtime.queue import QueueClient

logger = logging.getLogger(__name__)


class QueueMessage(Protocol):
    """A message that knows how it travels."""

    def text(self) -> str: ...


class WorkQueue[M: QueueMessage]:
    """Sends messages to one queue."""

    def __init__(self, client: QueueClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, message: M, *, delay_seconds: int = 0) -> str:
        """Send a message and return its id. delay_seconds: 0-900. Raises StoreUnavailable. 1 request."""
        return self._client.send(self._url, message.text(), delay_seconds=delay_seconds)

    def send_all(self, messages: Sequence[M]) -> None:
        """Send messages, ten per request; none is dropped. Raises StoreUnavailable."""
        if messages:
            self._client.send_batch(self._url, [message.text() for message in messages])

    def send_or_leave(self, message: M, *, delay_seconds: int = 0) -> None:
        """For work that is found again without its message, since a schedule looks for it. 1 request."""
        try:
            self.send(message, delay_seconds=delay_seconds)
        except AppError:
            logger.exception("message left to the schedule", extra={"body": message.text()})
