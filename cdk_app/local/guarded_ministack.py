"""MiniStack with a door in front: what a browser sends is refused before the emulator sees it.

    .local/ministack-venv/bin/python -P cdk_app/local/guarded_ministack.py

MiniStack answers whoever can reach it, lets pages of any origin read its answers, and runs functions as processes of
this machine: any page open in a browser here could read the secrets and run code. It has no setting against that. So
its application is wrapped, in its own process: no second port to find, and a few microseconds a request.

Runs on the interpreter of the emulator, which has none of our packages.
"""

import importlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

# The proxy of an API marks with it what it hands on from browsers. A page cannot set a header of its own without
# asking first (a preflight request), and what asks is refused.
PROXY_HEADER: Final = b"x-handed-on-by-proxy"
# A page elsewhere that makes its name point to this machine is refused (DNS rebinding). Below `.localhost` are buckets.
LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1"})
# Sent by browsers alone: the origin of the page, when it writes or wants to read the answer, and, with each request to
# this machine, how the page is related to it. An address that was typed is no exception: it may be a link in an e-mail,
# and most of AWS's interfaces also take their orders from an address. https://www.w3.org/TR/fetch-metadata/
BROWSER_HEADERS: Final = frozenset({b"origin", b"sec-fetch-site"})
REFUSAL: Final = b"Browsers may not use the emulator\n"

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def guarded(application: Application) -> Application:
    """The application, for programs on this machine only: what a browser sends is answered with 403."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await application(scope, receive, send)
        elif is_welcome(scope["headers"]):
            headers = [header for header in scope["headers"] if header[0] != PROXY_HEADER]  # between proxy and us
            await application({**scope, "headers": headers}, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(REFUSAL)).encode("ascii"))]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL})

    return answer


def is_welcome(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request is addressed to this machine, and comes from no browser but through one of our proxies."""
    given = dict(headers)
    name = given.get(b"host", b"").decode("latin-1").lower().partition(":")[0]
    if name not in LOCAL_NAMES and not name.endswith(".localhost"):
        return False
    return PROXY_HEADER in given or given.keys().isdisjoint(BROWSER_HEADERS)


def main() -> None:
    """Run MiniStack; its own `main` serves what the module calls `app`."""
    ministack: Any = importlib.import_module("ministack.app")
    ministack.app = guarded(ministack.app)
    ministack.main()


if __name__ == "__main__":
    main()
