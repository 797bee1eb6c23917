"""One delivery of one SQS message, as Lambda hands it over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, Self

from lambda_src.runtime.deadline import RemainingTime
from lambda_src.runtime.queue import CORRELATION_ATTRIBUTE, queue_name


class InvocationContext(RemainingTime, Protocol):
    """The parts of a Lambda context that a worker needs."""

    @property
    def aws_request_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is known of a message besides its meaning.

    receive_count: 1 on the first delivery. queue: the queue's name. correlation_id: the sender's, else the message id.
    """

    message_id: str
    receive_count: int
    receipt_handle: str
    queue: str
    sent_at: datetime
    attributes: Mapping[str, str]
    correlation_id: str
    body: str

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """From a record of the event, https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event."""
        system = record["attributes"]
        attributes = {
            name: value["stringValue"]
            for name, value in (record.get("messageAttributes") or {}).items()
            if value.get("stringValue") is not None
        }
        return cls(
            message_id=record["messageId"],
            receive_count=int(system["ApproximateReceiveCount"]),
            receipt_handle=record["receiptHandle"],
            queue=queue_name(record["eventSourceARN"]),
            sent_at=datetime.fromtimestamp(int(system["SentTimestamp"]) / 1000, UTC),
            attributes=attributes,
            correlation_id=attributes.get(CORRELATION_ATTRIBUTE) or record["messageId"],
            body=record["body"],
        )
