"""The two queues of the service: price work never waits behind hundreds of videos."""

from collections.abc import Sequence

from lambda_src.runtime.queue import QueueClient
from lambda_src.services.stock_track_record.messages import BackfillMessage, Message, PricesMessage


class WorkQueues:
    """Sends messages to the queue of their kind."""

    def __init__(self, client: QueueClient, *, processing_url: str, price_url: str) -> None:
        self._client = client
        self._processing_url = processing_url
        self._price_url = price_url

    def send(self, message: Message, *, delay_seconds: int = 0) -> str:
        """Send one message and return its id. delay_seconds: 0-900. Raises StoreUnavailable. 1 request."""
        return self._client.send(self._url(message), message.text(), delay_seconds=delay_seconds)

    def send_all(self, messages: Sequence[Message]) -> None:
        """Send messages of one kind, ten per request; none is dropped. Raises StoreUnavailable."""
        if messages:
            self._client.send_batch(self._url(messages[0]), [message.text() for message in messages])

    def _url(self, message: Message) -> str:
        is_price_work = isinstance(message, BackfillMessage | PricesMessage)
        return self._price_url if is_price_work else self._processing_url
