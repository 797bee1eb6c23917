"""The queue of the worker's tasks."""

import logging

from lambda_src.errors import AppError
from lambda_src.runtime.queue import QueueClient
from lambda_src.services.nbhd_city.messages import Task

logger = logging.getLogger(__name__)


class TaskQueue:
    """Sends tasks to the worker."""

    def __init__(self, client: QueueClient, *, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, task: Task) -> None:
        """Raises StoreUnavailable. 1 request."""
        self._client.send(self._url, task.text())

    def send_or_leave(self, task: Task) -> None:
        """For work that is found again without its message: sweep and audit look for it. 1 request."""
        try:
            self.send(task)
        except AppError:
            logger.exception("task left to the schedule", extra={"task": task.task})
