"""Moving messages from a dead-letter queue back to where they came from, with what every emulator of SQS knows.

    receive (hidden from others) ──▶ put back ──▶ delete from the dead-letter queue
                                        │ fails
                                        ▼
                                shown again, still there

Put back first and deleted after that, so that nothing is lost whenever this ends; a message whose deletion fails is
there twice, which workers take like any second delivery. `aws sqs start-message-move-task` does the same on AWS for all
messages of a queue or none: here one sees the reasons first, and may choose among them.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from lambda_src.runtime.queue import CORRELATION_ATTRIBUTE, queue_name

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        MessageAttributeValueOutputTypeDef,
        MessageAttributeValueTypeDef,
        MessageTypeDef,
    )

REASON_ATTRIBUTE: Final = "reason"
# What EventBridge says of an event that a queue did not take:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
OF_EVENTBRIDGE: Final = (
    "ERROR_CODE", "ERROR_MESSAGE", "EXHAUSTED_RETRY_CONDITION", "RETRY_ATTEMPTS", "RULE_ARN", "TARGET_ARN",
)  # fmt: skip
NOT_PUT_BACK: Final = frozenset({REASON_ATTRIBUTE, *OF_EVENTBRIDGE})
# SQS itself sets a message aside after too many receives, and says nothing.
NO_REASON: Final = "received too often without an answer: the worker was killed or ran out of time"
PER_RECEIVE: Final = 10
WAIT_SECONDS: Final = 1  # long polling asks all of SQS's servers; a short poll may miss messages
HIDDEN_GRACE_SECONDS: Final = 30


class NotARedriveQueue(ValueError):
    """There are no dead letters of this queue or function, or they cannot be put back one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that was given up. reason: why. body: as it was sent. correlation_id: finds it in the logs."""

    message_id: str
    reason: str
    body: str
    correlation_id: str
    receipt_handle: str
    attributes: Mapping[str, "MessageAttributeValueTypeDef"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where to end, whatever is left: after so many messages seen, or so many seconds."""

    messages: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one dead letter, put back or dropped. failure: why it is still there, None if it is not."""

    letter: DeadLetter
    failure: str | None


class DeadLetters(ABC):
    """A queue of what was given up, which knows where to put it back. botocore's errors pass through, but for `move`.

    arn: of the queue. monotonic: the time, for bounds.
    """

    def __init__(self, sqs: "SQSClient", arn: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._sqs = sqs
        self._monotonic = monotonic
        self.name = queue_name(arn)
        self.url = sqs.get_queue_url(QueueName=self.name)["QueueUrl"]

    @abstractmethod
    def _put_back(self, letter: DeadLetter) -> str | None:
        """Let it be handled once more; why that failed, None when it did not."""

    def waiting(self) -> int:
        """How many messages there are, by SQS's own count: exact once the queue has been quiet for a minute."""
        answer = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer.get("Attributes", {}).get("ApproximateNumberOfMessages", 0))

    def letters(self, bounds: Bounds) -> Iterator[DeadLetter]:
        """What is in the queue, each message once, hidden from everybody else until the bounds are over.

        Call `show_again` with those that stay. It ends after as many as there were in the beginning, so that a message
        that is put back and fails at once is not put back for ever.
        """
        ends_at = self._monotonic() + bounds.seconds
        limit = min(bounds.messages, self.waiting())
        seen: set[str] = set()
        while len(seen) < limit and self._monotonic() < ends_at:
            received = self._receive(min(PER_RECEIVE, limit - len(seen)), bounds.seconds)
            fresh = [message for message in received if message["MessageId"] not in seen]
            if not fresh:
                return
            for message in fresh:
                seen.add(message["MessageId"])
                yield self._letter(message)

    def move(self, letter: DeadLetter) -> Moved:
        """Put it back, and then delete it here."""
        failure = self._put_back(letter)
        if failure is not None:
            return Moved(letter, failure)
        try:
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt_handle)
        except (BotoCoreError, ClientError) as error:
            return Moved(letter, f"sent, but not deleted here: {error}")
        return Moved(letter, None)

    def drop(self, letter: DeadLetter) -> Moved:
        """Delete it here, for good."""
        try:
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt_handle)
        except (BotoCoreError, ClientError) as error:
            return Moved(letter, f"not deleted: {error}")
        return Moved(letter, None)

    def show_again(self, letter: DeadLetter) -> None:
        """Leave it in the queue, visible to others at once."""
        self._sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=letter.receipt_handle, VisibilityTimeout=0)

    def _receive(self, count: int, seconds: int) -> "list[MessageTypeDef]":
        answer = self._sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=count,
            MessageAttributeNames=["All"],
            VisibilityTimeout=seconds + HIDDEN_GRACE_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
        )
        return answer.get("Messages", [])

    def _letter(self, message: "MessageTypeDef") -> DeadLetter:
        received = message.get("MessageAttributes", {})
        texts = {name: value["StringValue"] for name, value in received.items() if "StringValue" in value}
        return DeadLetter(
            message_id=message["MessageId"],
            reason=texts.get(REASON_ATTRIBUTE) or _said_by_eventbridge(texts) or self._unsaid(message["Body"]),
            body=message["Body"],
            correlation_id=texts.get(CORRELATION_ATTRIBUTE, message["MessageId"]),
            receipt_handle=message["ReceiptHandle"],
            attributes={name: _sendable(value) for name, value in received.items()},
        )

    def _unsaid(self, _body: str) -> str:
        """Why it is here, where no attribute says so."""
        return NO_REASON


class DeadLetterQueue(DeadLetters):
    """The dead-letter queue of a queue. Raises NotARedriveQueue."""

    def __init__(self, sqs: "SQSClient", name: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if name.endswith(".fifo"):
            raise NotARedriveQueue(f"{name} keeps an order, which putting messages back one by one would break")
        self._source_url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=self._source_url, AttributeNames=["RedrivePolicy"])
        policy = answer.get("Attributes", {}).get("RedrivePolicy")
        if not policy:
            raise NotARedriveQueue(f"{name} has no dead-letter queue; name the queue that the worker is fed from")
        super().__init__(sqs, json.loads(policy)["deadLetterTargetArn"], monotonic=monotonic)

    def _put_back(self, letter: DeadLetter) -> str | None:
        """Send it to its queue, without the reason."""
        attributes = {name: value for name, value in letter.attributes.items() if name not in NOT_PUT_BACK}
        try:
            self._sqs.send_message(QueueUrl=self._source_url, MessageBody=letter.body, MessageAttributes=attributes)
        except (BotoCoreError, ClientError) as error:
            return f"not sent: {error}"
        return None


def _said_by_eventbridge(texts: Mapping[str, str]) -> str:
    return ": ".join(filter(None, (texts.get(name) for name in ("ERROR_CODE", "ERROR_MESSAGE"))))


def _sendable(value: "MessageAttributeValueOutputTypeDef") -> "MessageAttributeValueTypeDef":
    """The parts of a received attribute that may be sent; SQS refuses the empty lists it receives them with."""
    if "BinaryValue" in value:
        return {"DataType": value["DataType"], "BinaryValue": value["BinaryValue"]}
    return {"DataType": value["DataType"], "StringValue": value.get("StringValue", "")}
