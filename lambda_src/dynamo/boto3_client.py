"""boto3 as an engine. Making its client is the larger part of a cold start, so a function makes it once, at import."""

import json
import os
from binascii import crc32
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from boto3.session import Session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 -- botocore's name
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
)
from urllib3.exceptions import NameResolutionError

from lambda_src.dynamo.client import CallRefused, NoResponse, NotSent, Response
from lambda_src.dynamo.values import Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


_MEDIA_TYPES: Final = "application/x-amz-json-"
_WITHOUT_CREDENTIALS: Final[tuple[type[BotoCoreError], ...]] = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    SSOError,
)
_MAKING = Lock()  # https://docs.aws.amazon.com/boto3/latest/guide/session.html: a session is for one thread at a time


class Boto3Client:
    """A boto3 client as the store calls it. Safe to use from many threads."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client

    def call(self, operation: str, request: Request, pattern: str) -> Response:  # noqa: ARG002 -- for who stands around
        with translated():
            try:
                answer: Response = getattr(self._client, xform_name(operation))(**request)
            except EndpointConnectionError as exc:
                self._tell_of_region(exc)
                raise
            return answer

    def _tell_of_region(self, exc: EndpointConnectionError) -> None:
        """Raises NotSent when the host has no address because there is no such region."""
        region = self._client.meta.region_name
        if isinstance(exc.kwargs.get("error"), NameResolutionError) and region not in _known_regions():
            raise NotSent("unknown region", f"{region} is no region of DynamoDB: {exc}") from exc

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
    except _WITHOUT_CREDENTIALS as exc:
        raise NotSent("no credentials", str(exc)) from exc
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
        client = _session(region, key_id).client(
            "dynamodb",
            endpoint_url=endpoint_url or None,
            config=config,
            aws_access_key_id=dummy,
            aws_secret_access_key=dummy,
        )
    client.meta.events.register("before-parse.dynamodb.*", _refuse_damaged)
    return client


def _refuse_damaged(response_dict: Mapping[str, Any], **_: object) -> None:
    """Raises for an answer that is not what DynamoDB sent, before botocore makes an empty answer of it.

    botocore compares checksums only to decide whether it tries again by itself, and takes HTML for a message. 5xx from
    a load balancer is a refusal as ever.
    """
    status, body = response_dict["status_code"], response_dict["body"]
    if not (body.startswith(b"{") and _is_undamaged(body, response_dict["headers"])):
        what = f"{status} with {len(body)} bytes that are no answer of DynamoDB"
        raise CallRefused("", what, status=status) if status >= 500 else NoResponse(what)


def _is_undamaged(body: bytes, headers: Mapping[str, str]) -> bool:
    """By its checksum, which costs next to nothing; where something on the way took that, by reading the JSON."""
    checksum = headers.get("x-amz-crc32")
    if checksum is not None:
        return checksum == str(crc32(body))
    try:
        json.loads(body.decode())
    except ValueError:
        return False
    return headers.get("content-type", "").startswith(_MEDIA_TYPES)


@cache
def _known_regions() -> frozenset[str]:
    """All regions that this botocore knows, of every partition."""
    session = Session(region_name="us-east-1")
    return frozenset(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("dynamodb", partition)
    )


@cache
def _session(region: str, key_id: str | None) -> Session:  # noqa: ARG001 -- other credentials, another session
    """One for all clients: it keeps the models of AWS, and reading those is most of what a client costs."""
    return Session(region_name=region)
