"""Sending messages to SQS queues and moving their visibility."""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from lambda_src.dynamo.batches import chunks
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.aws_calls import client_config, reason_of
from lambda_src.runtime.correlation import correlation_id
from lambda_src.runtime.messages import MAX_REASON_CHARACTERS

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef, SendMessageBatchRequestEntryTypeDef

logger = logging.getLogger(__name__)

CORRELATION_ATTRIBUTE = "correlation_id"

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 262_144  # the older of two limits (now 1 MiB): our messages are small, and every region takes it
MAX_VISIBILITY_SECONDS = 43_200
MAX_DELAY_SECONDS = 900

BATCH_ROUNDS = 10
BACKOFF_BASE_SECONDS = 0.05
BACKOFF_CAP_SECONDS = 1.0

READ_TIMEOUT_SECONDS = 5.0


def sqs_client() -> "SQSClient":
    """A client with timeouts far below a function's: at most about 20 s for a call that never gets an answer."""
    import boto3  # noqa: PLC0415 -- a function that sends nothing does not pay for it

    return boto3.client("sqs", config=client_config(READ_TIMEOUT_SECONDS))


def queue_name(url_or_arn: str) -> str:
    """The name at the end of a queue's URL or ARN."""
    return url_or_arn.replace(":", "/").rsplit("/", 1)[-1]


class QueueClient:
    """Sends messages; every one carries the correlation id of the work that sent it.

    The SQS client is created at the first call. Every method raises StoreUnavailable (retryable) when SQS cannot be
    reached, is throttling, or refuses.
    """

    def __init__(
        self,
        client: Callable[[], "SQSClient"] = sqs_client,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._sqs = cache(client)
        self._sleep = sleep
        self._jitter = jitter

    def send(
        self, queue_url: str, body: str, *, delay_seconds: int = 0, attributes: Mapping[str, str] | None = None
    ) -> str:
        """Send one message and return its id. delay_seconds: 0-900. One request."""
        try:
            answer = self._sqs().send_message(
                QueueUrl=queue_url,
                MessageBody=body,
                DelaySeconds=_checked("delay", delay_seconds, MAX_DELAY_SECONDS),
                MessageAttributes=_attributes(attributes),
            )
            return answer["MessageId"]
        except (BotoCoreError, ClientError, KeyError) as error:  # KeyError: an answer that is not of SQS
            raise _unavailable(error) from error

    def set_aside(self, dead_letter_url: str, body: str, *, correlation_id: str, reason: str) -> bool:
        """Send what cannot succeed to a dead-letter queue, with the reason; False where that failed. One request."""
        attributes = {CORRELATION_ATTRIBUTE: correlation_id, "reason": _printable(reason)}
        try:
            self.send(dead_letter_url, body, attributes=attributes)
        except StoreUnavailable:
            logger.exception("message could not be set aside")
            return False
        return True

    def send_batch(self, queue_url: str, bodies: Sequence[str], *, delay_seconds: int = 0) -> None:
        """Send any number of messages, ten to a request. delay_seconds: 0-900.

        What SQS does not take is sent again, up to BATCH_ROUNDS times with full jitter. Then StoreUnavailable tells
        how many were not sent; the others were, so a repeat of the whole call sends those twice. Raises ValueError
        before the first request for a body that is larger than a request may be.
        """
        attributes = _attributes(None)
        size_bytes = partial(_size_bytes, attributes)
        delay = _checked("delay", delay_seconds, MAX_DELAY_SECONDS)
        unsent = 0
        for chunk in list(chunks(bodies, size_bytes, most=MAX_BATCH_ENTRIES, most_bytes=MAX_BATCH_BYTES)):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(i), "MessageBody": body, "DelaySeconds": delay, "MessageAttributes": attributes}
                for i, body in enumerate(chunk)
            ]
            unsent += self._send_entries(queue_url, entries)
        if unsent:
            raise StoreUnavailable(f"{unsent} of {len(bodies)} messages could not be sent", retry_after_seconds=1)

    def set_visibility(self, queue_url: str, receipt_handle: str, seconds: int) -> None:
        """Hide a received message for that many seconds from now, 0-43200; 0 shows it at once. One request."""
        timeout = _checked("visibility", seconds, MAX_VISIBILITY_SECONDS)
        try:
            self._sqs().change_message_visibility(
                QueueUrl=queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=timeout
            )
        except (BotoCoreError, ClientError) as error:
            raise _unavailable(error) from error

    def _send_entries(self, queue_url: str, entries: "list[SendMessageBatchRequestEntryTypeDef]") -> int:
        """Send up to ten entries, and again those that were not taken; returns how many are left."""
        for round_number in range(BATCH_ROUNDS):
            if round_number:
                self._sleep(self._jitter() * min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2**round_number))
            try:
                answer = self._sqs().send_message_batch(QueueUrl=queue_url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                logger.warning("messages not sent", extra={"count": len(entries), "reason": reason_of(error)})
                continue
            taken = {each["Id"] for each in answer.get("Successful", ())}  # an answer that is not of SQS names none
            entries = [entry for entry in entries if entry["Id"] not in taken]
            if not entries:
                break
            reason = ", ".join(sorted({failure["Code"] for failure in answer.get("Failed", ())}))
            logger.warning("messages not sent", extra={"count": len(entries), "reason": reason})
        return len(entries)


def _attributes(given: Mapping[str, str] | None) -> "dict[str, MessageAttributeValueTypeDef]":
    """Message attributes as SQS takes them, with the correlation id unless one is given; SQS refuses empty values."""
    current = correlation_id()
    texts = {**({CORRELATION_ATTRIBUTE: current} if current else {}), **(given or {})}
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items() if text}


def _size_bytes(attributes: "Mapping[str, MessageAttributeValueTypeDef]", body: str) -> int:
    """What a message takes in a request: its body, and of each attribute name, type and value. Raises ValueError."""
    texts = [body, *(name + "String" + value.get("StringValue", "") for name, value in attributes.items())]
    size = sum(len(text.encode()) for text in texts)
    if size > MAX_BATCH_BYTES:
        raise ValueError(f"a message of {size} bytes is larger than a request may be ({MAX_BATCH_BYTES})")
    return size


def _checked(what: str, seconds: int, most: int) -> int:
    if not 0 <= seconds <= most:
        raise ValueError(f"{what} must be 0-{most} s, not {seconds}")
    return seconds


def _unavailable(error: Exception) -> StoreUnavailable:
    logger.warning("queue request failed", extra={"reason": reason_of(error)})
    return StoreUnavailable("The queue cannot be reached", retry_after_seconds=1)


def _printable(text: str) -> str:
    """Text that SQS takes as an attribute: no control characters or surrogates, never empty, cut to a readable length.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    """
    kept = "".join(character if character.isprintable() else " " for character in text).strip()
    return kept[:MAX_REASON_CHARACTERS] or "no reason given"
