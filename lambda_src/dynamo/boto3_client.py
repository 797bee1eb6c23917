"""boto3 as an engine. Making its client is the larger part of a cold start, so a function makes it once, at import."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from boto3.session import Session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's name

from lambda_src.dynamo.client import CallRefused, NoResponse, Response
from lambda_src.dynamo.values import Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


_MAKING = Lock()  # https://docs.aws.amazon.com/boto3/latest/guide/session.html: a session is for one thread at a time


class Boto3Client:
    """A boto3 client as the store calls it. Safe to use from many threads."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client

    def call(self, operation: str, request: Request, pattern: str) -> Response:  # noqa: ARG002 -- for who stands around
        with translated():
            answer: Response = getattr(self._client, xform_name(operation))(**request)
            return answer

    def close(self) -> None:
        self._client.close()


@contextmanager
def translated() -> Iterator[None]:
    """Raises what botocore raises inside as an error of this layer's protocol."""
    try:
        yield
    except ClientError as exc:
        response: Any = exc.response
        error = response.get("Error", {})
        raise CallRefused(
            error.get("Code", ""),
            error.get("Message") or "",
            status=response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0),
            item=response.get("Item"),
            reasons=response.get("CancellationReasons", ()),
        ) from exc
    except (HTTPClientError, ConnectionError) as exc:
        raise NoResponse(str(exc)) from exc


def make_client(
    *,
    region: str,
    endpoint_url: str | None = None,
    connect_timeout_seconds: float = 1.0,
    read_timeout_seconds: float = 5.0,
    max_attempts: int = 1,
    max_pool_connections: int = 10,
) -> "DynamoDBClient":
    """A boto3 client for one region.

    endpoint_url: a local engine; it is given dummy credentials unless the environment has some. max_attempts: tries
    botocore makes by itself; one, since `Store` knows better when to try again (see `calls`). max_pool_connections: as
    many threads can have a request under way.
    """
    key_id = os.environ.get("AWS_ACCESS_KEY_ID")
    dummy = "local" if endpoint_url and key_id is None else None
    config = Config(
        connect_timeout=connect_timeout_seconds,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": max_attempts},
        max_pool_connections=max_pool_connections,
        tcp_keepalive=True,  # a function sleeps between requests, and the connection should still be there
    )
    with _MAKING:
        return _session(region, key_id).client(
            "dynamodb",
            endpoint_url=endpoint_url or None,
            config=config,
            aws_access_key_id=dummy,
            aws_secret_access_key=dummy,
        )


@cache
def _session(region: str, key_id: str | None) -> Session:  # noqa: ARG001 -- other credentials, another session
    """One for all clients: it keeps the models of AWS, and reading those is most of what a client costs."""
    return Session(region_name=region)
