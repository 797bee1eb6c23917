"""From a FastAPI application to a Lambda function behind an HTTP API."""

import asyncio
import logging
import os
import random
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from lambda_src.runtime.problems import PROBLEM_MEDIA_TYPE

logger = logging.getLogger(__name__)

type LambdaHandler = Callable[[Mapping[str, Any], Any], dict[str, Any]]


def lambda_handler(app: FastAPI, *, after: Callable[[], None] | None = None) -> LambdaHandler:
    """The function Lambda calls, for events of an HTTP API in payload format 2.0.

    after: runs at the end of every invocation, for example `Metrics.flush`. Compressed answers leave as base64.
    """
    # A loop of our own: asyncio no longer makes one on demand, and the emulator may call from another thread.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    adapter = Mangum(app, lifespan="off", text_mime_types=["text/", "application/json", PROBLEM_MEDIA_TYPE])

    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        asyncio.set_event_loop(loop)
        try:
            return adapter(dict(event), context)
        finally:
            if after is not None:
                after()

    return handler


def prepare_for_snapshot(disconnect: Callable[[], None]) -> None:
    """Where this process is about to be frozen and copied, leave nothing in it that its copies must not share.

    disconnect: closes what priming connected, since connections would be dead in every copy. The numbers of `random`
    would be the same in every copy, jitter and all: each copy gets a seed of its own. UUIDs come from the system, whose
    numbers differ.
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
    """
    if not is_for_snapshot():
        return
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html: part of Lambda's Python
    from snapshot_restore_py import register_after_restore  # type: ignore[import-untyped]  # noqa: PLC0415

    disconnect()
    register_after_restore(random.seed)


def is_for_snapshot() -> bool:
    """Whether this process is started to be frozen and copied."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def prime(handler: LambdaHandler, target: str) -> None:
    """Serve one GET while the function starts, so that the first caller finds everything built and connected.

    target: a path with or without a query; choose one that makes a cheap database read, and needs no secret: a snapshot
    would hold it. Nothing is logged but a failure, and a failure never keeps the function from starting.
    """
    path, _, query = target.partition("?")
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "localhost", "accept-encoding": "gzip"},
        "requestContext": {"http": {"method": "GET", "path": path, "sourceIp": "127.0.0.1"}, "requestId": "prime"},
        "isBase64Encoded": False,
    }
    failure: Exception | None = None
    logging.disable(logging.CRITICAL)
    try:
        status = handler(event, None)["statusCode"]
    except Exception as error:  # noqa: BLE001 -- whatever it is, the first caller meets it again, and it is logged then
        status, failure = 500, error
    finally:
        logging.disable(logging.NOTSET)
    if status >= 500:
        logger.warning("priming failed", extra={"status": status}, exc_info=failure)
