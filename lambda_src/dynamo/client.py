"""The DynamoDB client. Making one is the larger part of a cold start, so a function makes it once, at import."""

import os
from typing import TYPE_CHECKING

from boto3.session import Session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def make_client(
    *,
    region: str,
    endpoint_url: str | None = None,
    connect_timeout_seconds: float = 1.0,
    read_timeout_seconds: float = 5.0,
    max_attempts: int = 1,
    max_pool_connections: int = 10,
) -> "DynamoDBClient":
    """A client for one region.

    endpoint_url: a local engine; it is given dummy credentials unless the environment has some. max_attempts: tries
    botocore makes by itself; one, since `Store` knows better when to try again (see `calls`). max_pool_connections: as
    many threads can have a request under way.
    """
    is_anonymous = bool(endpoint_url) and "AWS_ACCESS_KEY_ID" not in os.environ
    session = Session(
        region_name=region,
        aws_access_key_id="local" if is_anonymous else None,
        aws_secret_access_key="local" if is_anonymous else None,
    )
    return session.client(
        "dynamodb",
        endpoint_url=endpoint_url or None,
        config=Config(
            connect_timeout=connect_timeout_seconds,
            read_timeout=read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": max_attempts},
            max_pool_connections=max_pool_connections,
            tcp_keepalive=True,  # a function sleeps between requests, and the connection should still be there
        ),
    )
