"""Answers that DynamoDB gives on a bad day, put in front of a boto3 client: for what stands below `Client`."""

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class BotocoreFaults:
    """The next answers of a boto3 client; when they are used up, requests go to the engine again.

    requests: bodies of everything the client sent, to us or to the engine.
    """

    def __init__(self, client: "DynamoDBClient") -> None:
        self.requests: list[dict[str, Any]] = []
        self._answers: deque[AWSResponse | Exception] = deque()
        events: Any = client.meta.events  # the stubs know of no handler that answers
        events.register("before-send.dynamodb.*", self._before_send)

    def error(self, code: str, *, times: int = 1, status: int = 400, message: str = "", **fields: object) -> None:
        """Refuse requests with an error of DynamoDB. fields: others of the answer, as they come over the wire."""
        body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **fields}
        self._answers.extend(answer_of(status, body) for _ in range(times))

    def cancelled(self, codes: Sequence[str], *, times: int = 1) -> None:
        """Cancel transactions for these reasons."""
        reasons = [{"Code": code} for code in codes]
        self.error("TransactionCanceledException", times=times, CancellationReasons=reasons)

    def answer(self, body: Mapping[str, object], *, times: int = 1) -> None:
        """Answer with success."""
        self._answers.extend(answer_of(200, body) for _ in range(times))

    def fail(self, error: Exception, *, times: int = 1) -> None:
        """Let requests fail as botocore's HTTP layer does."""
        self._answers.extend(error for _ in range(times))

    def silence(self, *, times: int = 1) -> None:
        """Let requests run into the read timeout."""
        self.fail(ReadTimeoutError(endpoint_url="http://silent.test"), times=times)

    def _before_send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        body: Any = request.body
        self.requests.append(json.loads(body))
        if not self._answers:
            return None
        answer = self._answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


def answer_of(status: int, body: Mapping[str, object]) -> AWSResponse:
    """An answer as it would come from DynamoDB."""
    headers = HTTPHeaders()
    headers["content-type"] = "application/x-amz-json-1.0"
    return AWSResponse("http://faults.test", status, headers, _Body(json.dumps(body).encode()))


def lose_next_answer(client: "DynamoDBClient", operation: str) -> list[object]:
    """Let the next request reach the engine and replace its answer by a server error. The answers that were lost."""
    lost: list[object] = []

    def replace(parsed: dict[str, Any], http_response: Any, **_: object) -> None:
        if not lost:
            lost.append(parsed.copy())
            http_response.status_code = 500
            parsed.clear()
            parsed.update(Error={"Code": "InternalServerError"}, ResponseMetadata={"HTTPStatusCode": 500})

    client.meta.events.register(f"after-call.dynamodb.{operation}", replace)
    return lost
