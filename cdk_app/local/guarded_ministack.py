"""MiniStack with a door in front: what a browser sends is refused before the emulator sees it, but for signed URLs and
forms of buckets (`bucket_door`).

    .local/ministack-venv/bin/python -m cdk_app.local.guarded_ministack

MiniStack answers whoever can reach it, lets pages of any origin read its answers, and runs functions as processes of
this machine: any page open in a browser here could read the secrets and run code. It has no setting against that. So
its application is wrapped, in its own process: no second port to find, and a few microseconds a request.

Runs on the interpreter of the emulator, which has none of our packages.
"""

import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from cdk_app.local.bucket_door import BucketDoor
from cdk_app.local.generations import Generations
from cdk_app.local.kept_state import StateKeeper
from cdk_app.local.paced_starts import pace_starts
from cdk_app.services.stand_ins.hosts import Application, Receive, Scope, Send, is_addressed_to, refuse

# The proxy of an API marks with it what it hands on from browsers. A page cannot set a header of its own without
# asking first (a preflight request), and what asks is refused.
PROXY_HEADER: Final = b"x-handed-on-by-proxy"
HOSTS: Final = re.compile(
    rb"(([^:]+\.)?localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE
)  # below localhost: buckets
# Sent by browsers alone: the origin of the page, when it writes or wants to read the answer, and, with each request to
# this machine, how the page is related to it. An address that was typed is no exception: it may be a link in an e-mail,
# and most of AWS's interfaces also take their orders from an address. https://www.w3.org/TR/fetch-metadata/
BROWSER_HEADERS: Final = frozenset({b"origin", b"sec-fetch-site"})
REFUSAL: Final = b"Browsers may not use the emulator\n"


def guarded(application: Application, door: BucketDoor | None = None) -> Application:
    """The application, for programs on this machine: what a browser sends is answered with 403, but at the door."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await application(scope, receive, send)
        elif is_welcome(scope["headers"]):
            headers = [header for header in scope["headers"] if header[0] != PROXY_HEADER]  # between proxy and us
            await application({**scope, "headers": headers}, receive, send)
        elif door is None or not await door.opens(scope, receive, send):
            await refuse(scope, receive, send, status=403, text=REFUSAL)

    return answer


def is_welcome(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request is addressed to this machine, and comes from no browser but through one of our proxies."""
    given = list(headers)
    names = {name for name, _ in given}
    return is_addressed_to(HOSTS, given) and (PROXY_HEADER in names or names.isdisjoint(BROWSER_HEADERS))


def main() -> None:
    """Run MiniStack; its own `main` serves what the module calls `app`."""
    ministack: Any = importlib.import_module("ministack.app")
    functions = importlib.import_module("ministack.services.lambda_svc")
    pace_starts(importlib.import_module("ministack.core.lambda_runtime"), functions)
    persistence: Any = importlib.import_module("ministack.core.persistence")
    generations = Generations(Path(persistence.STATE_DIR).parent)
    keeper = StateKeeper(generations, emulator=ministack, functions=functions, persistence=persistence)
    ministack.save_all = keeper.save_at_the_end
    application = keeper.answering(ministack.app)
    storage = importlib.import_module("ministack.services.s3")
    ministack.app = guarded(application, BucketDoor(application, emulator=ministack, storage=storage))
    ministack.main()


if __name__ == "__main__":
    main()
