"""Where the console reads: clients of both emulators, and what queues and functions say of themselves."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cdk_app.local.running import DeployedQueue, LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MAX_PEEKED_MESSAGES = 10  # what one ReceiveMessage returns at most


class SourceUnavailable(Exception):
    """A source did not answer, or refused; the text is fit for the page."""


@dataclass(frozen=True, slots=True)
class Clients:
    """One client per source. A call takes at most about 4 s, then the page says that the source is silent."""

    logs: "CloudWatchLogsClient"
    sqs: "SQSClient"
    functions: "LambdaClient"
    dynamodb: "DynamoDBClient"

    @classmethod
    def of(cls, cloud: LocalCloud) -> "Clients":
        """Clients of the endpoints of a local cloud; nothing is asked yet."""
        config = Config(
            connect_timeout=1,
            read_timeout=3,
            retries={"total_max_attempts": 1},  # the page asks again in a second
            region_name=cloud.region,
        )
        session = boto3.Session(**cast("dict[str, Any]", dict(cloud.credentials)))
        return cls(
            logs=session.client("logs", endpoint_url=cloud.aws_endpoint, config=config),
            sqs=session.client("sqs", endpoint_url=cloud.aws_endpoint, config=config),
            functions=session.client("lambda", endpoint_url=cloud.aws_endpoint, config=config),
            dynamodb=session.client("dynamodb", endpoint_url=cloud.dynamodb_endpoint, config=config),
        )


@contextmanager
def asking(whom: str) -> Iterator[None]:
    """Turn whatever boto3 raises inside the block into SourceUnavailable that names the source."""
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        raise SourceUnavailable(
            f"{whom} answered {answer.get('Code', 'an error')}: {answer.get('Message', '')}"
        ) from error
    except BotoCoreError as error:
        raise SourceUnavailable(f"{whom} does not answer: {error}") from error


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Messages of one queue, each figure approximate as SQS gives it."""

    waiting: int
    in_flight: int
    delayed: int


@dataclass(frozen=True, slots=True)
class PeekedMessage:
    """A message as it lies in a queue. sent_at_ms: epoch milliseconds; reason: why it was set aside, if it says so."""

    message_id: str
    body: str
    sent_at_ms: int
    reason: str | None
    correlation_id: str | None


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """What a deployed function was given."""

    runtime: str
    memory_megabytes: int
    timeout_seconds: int


def queue_name(url: str) -> str:
    """The name at the end of a queue's URL."""
    return url.rsplit("/", 1)[-1]


def dead_letter_url(queues: Sequence[DeployedQueue], name: str) -> str | None:
    """URL of the dead-letter queue of that name, None when there is none."""
    urls = (queue.dead_letter_url for queue in queues)
    return next((url for url in urls if url is not None and queue_name(url) == name), None)


def queue_depth(client: "SQSClient", url: str) -> QueueDepth:
    """How many messages a queue holds. One request. Raises SourceUnavailable."""
    with asking("SQS"):
        answer = client.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ],
        )
    figures = answer.get("Attributes", {})
    return QueueDepth(
        waiting=int(figures.get("ApproximateNumberOfMessages", 0)),
        in_flight=int(figures.get("ApproximateNumberOfMessagesNotVisible", 0)),
        delayed=int(figures.get("ApproximateNumberOfMessagesDelayed", 0)),
    )


def peek(client: "SQSClient", url: str) -> list[PeekedMessage]:
    """Up to ten messages, left where they are. One request. Raises SourceUnavailable.

    Only for dead-letter queues: a look hides nothing (visibility 0) but counts as a receive, and on a queue with a
    redrive policy the receives of the worker would run out.
    """
    with asking("SQS"):
        answer = client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=MAX_PEEKED_MESSAGES,
            VisibilityTimeout=0,
            WaitTimeSeconds=0,
            MessageSystemAttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
    return [
        PeekedMessage(
            message_id=message.get("MessageId", ""),
            body=message.get("Body", ""),
            sent_at_ms=int(message.get("Attributes", {}).get("SentTimestamp", "0")),
            reason=_attribute(message, "reason"),
            correlation_id=_attribute(message, "correlation_id"),
        )
        for message in answer.get("Messages", [])
    ]


def function_facts(client: "LambdaClient", name: str) -> FunctionFacts:
    """What the function of that name was given. One request. Raises SourceUnavailable."""
    with asking("Lambda"):
        answer = client.get_function_configuration(FunctionName=name)
    return FunctionFacts(
        runtime=str(answer.get("Runtime", "")),
        memory_megabytes=answer.get("MemorySize", 0),
        timeout_seconds=answer.get("Timeout", 0),
    )


def _attribute(message: "MessageTypeDef", name: str) -> str | None:
    value = message.get("MessageAttributes", {}).get(name)
    return value.get("StringValue") if value else None


def attempt[**P, T](ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | SourceUnavailable:
    """The answer, or why there is none: one silent source must not take the whole page with it."""
    try:
        return ask(*args, **kwargs)
    except SourceUnavailable as error:
        return error
