"""What the table layer needs of an engine below it: one kind of call, and three kinds of failure.

boto3 is one engine (`boto3_client`). Whoever counts, records, delays or breaks calls stands between the store and the
engine as another client around it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from lambda_src.dynamo.values import Request

type Fault = Literal["no table", "not allowed", "no credentials", "unknown region"]
"""What is wrong with a deployment, or with a machine that reaches for its tables."""

type Response = Mapping[str, Any]
"""An answer as DynamoDB gives it: `{"Item": {"PK": {"S": "..."}}}`."""


class Client(Protocol):
    """Carries out one request of DynamoDB's API, and tries it once."""

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        """The answer. operation: as the API names it, `GetItem`. pattern: the access pattern it is part of.

        Raises CallRefused when DynamoDB says no, NoResponse when it says nothing, NotSent when nobody asked it.
        """
        ...

    def close(self) -> None:
        """Close connections; the next call makes new ones."""
        ...


class CallRefused(Exception):
    """DynamoDB answered with an error.

    code: its name, without a namespace. status: of the HTTP answer, 0 where there is none. item: what stood there, if
    that was asked. reasons: of a cancelled transaction, one per action.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int = 400,
        item: Mapping[str, Any] | None = None,
        reasons: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.status = status
        self.item = item
        self.reasons = reasons


class NotSent(Exception):
    """The request never left. fault: what is wrong with the process that would have sent it."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault: Fault = fault


class NoResponse(Exception):
    """No answer came, or a damaged one: refused, cut off, out of time. The request may have been carried out."""
