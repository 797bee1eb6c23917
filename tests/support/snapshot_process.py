"""A process that does what SnapStart does with a function: initialise, freeze, and come back to life more than once.

    python -m tests.support.snapshot_process lambda_src.services.<service>.api

Reads the function's environment; prints what the frozen process held and what its copies then made, as JSON. Forking
stands in for restoring: a child has the memory of its parent, open files included, as a restored process has. Python
seeds `random` anew in a forked child but knows nothing of snapshots, so a copy here takes the old state back first.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

import contextlib
import importlib
import json
import os
import random
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import snapshot_restore_py  # type: ignore[import-untyped]

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.client import Response
from lambda_src.dynamo.values import Request

COPIES: Final = 2
WITHOUT_HOOKS: Final = "--without-hooks"
NEW_CHANNEL: Final = {
    "version": "2.0",
    "rawPath": "/api/channels",
    "rawQueryString": "",
    "headers": {"host": "localhost", "content-type": "application/json"},
    "requestContext": {"http": {"method": "POST", "path": "/api/channels", "sourceIp": "127.0.0.1"}},
    "isBase64Encoded": False,
}


def connections() -> list[str]:
    """Every open TCP or UDP socket of this process, by its peer. The socket pair of asyncio's loop is no connection."""
    found = []
    for descriptor in list(Path("/dev/fd").iterdir()):
        with contextlib.suppress(OSError):  # no socket, or the descriptor that listed them
            duplicate = socket.socket(fileno=os.dup(int(descriptor.name)))
            with duplicate:
                if duplicate.family in {socket.AF_INET, socket.AF_INET6}:
                    found.append(str(duplicate.getpeername()))
    return found


def copy(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a copy of this process makes."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        try:
            os.write(write_end, json.dumps(make()).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answer:
        text = answer.read()
    os.wait()
    values: dict[str, Any] = json.loads(text)
    return values


def main() -> None:
    module_name, *options = sys.argv[1:]
    requests: list[Request] = []
    ask = Boto3Client.call

    def asking(client: Boto3Client, operation: str, request: Request, pattern: str) -> Response:
        requests.append(request)
        return ask(client, operation, request, pattern)

    setattr(Boto3Client, "call", asking)  # noqa: B010 -- mypy takes it for a method of the instance
    module = importlib.import_module(module_name)  # everything up to the snapshot
    frozen_numbers = random.getstate()

    def resume() -> dict[str, Any]:
        random.setstate(frozen_numbers)
        for hook, arguments, named in () if WITHOUT_HOOKS in options else snapshot_restore_py.get_after_restore():
            hook(*arguments, **named)
        resumed_at = datetime.now(UTC).isoformat()
        answer = module.handler(
            NEW_CHANNEL | {"body": json.dumps({"url": f"https://www.youtube.com/@Copy{os.getpid()}"})}, None
        )
        body = json.loads(answer["body"])
        return {
            "status": answer["statusCode"],
            "resumed_at": resumed_at,
            "created_at": body.get("created_at"),
            "channel_id": body.get("id"),
            "request_id": answer["headers"]["x-request-id"],
            "transaction_tokens": [each["ClientRequestToken"] for each in requests if "ClientRequestToken" in each],
            "jitter": [random.random() for _ in range(3)],
        }

    print(  # noqa: T201 -- the answer of this program
        json.dumps(
            {
                "connections": connections(),
                "users_of_random": sorted(users_of_random()),
                "requests": len(requests),
                "copies": [copy(resume) for _ in range(COPIES)],
            }
        )
    )


def users_of_random() -> Iterator[str]:
    """Modules of the product that keep a generator of their own, which no reseeding of `random` reaches."""
    for name, module in sys.modules.items():
        if name.startswith("lambda_src"):
            yield from (name for value in vars(module).values() if isinstance(value, random.Random))


if __name__ == "__main__":
    main()
