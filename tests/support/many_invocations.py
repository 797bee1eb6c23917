"""A process that is a Lambda function for a while: it serves one event many times and tells what it made for that.

    python -m tests.support.many_invocations lambda_src.services.<service>.api 100 < event.json

Reads the function's environment; prints the statuses it answered and the AWS clients it created, as JSON.
"""

import contextlib
import importlib
import io
import json
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

from botocore.client import ClientCreator


@dataclass(frozen=True)
class Context:
    """What Lambda tells a function about an invocation."""

    aws_request_id: str = "invocation"

    def get_remaining_time_in_millis(self) -> int:
        return 20_000


def main(module: str, times: int) -> dict[str, Any]:
    clients: Counter[str] = Counter()
    create = ClientCreator.create_client

    def counting(self: ClientCreator, service_name: str, *arguments: Any, **named: Any) -> Any:
        clients[service_name] += 1
        return create(self, service_name, *arguments, **named)

    ClientCreator.create_client = counting  # type: ignore[method-assign]
    event = json.load(sys.stdin)
    with contextlib.redirect_stdout(io.StringIO()):  # the log
        handler = importlib.import_module(module).handler
        at_start = dict(clients)
        statuses = Counter(str((handler(event, Context()) or {}).get("statusCode")) for _ in range(times))
    return {"statuses": statuses, "clients": clients, "clients_at_start": at_start}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))  # noqa: T201 -- its answer to the test
