"""Which Host names the servers of this machine answer to: its own, as the local cloud spells them.

A page elsewhere that makes its own name point to this machine (DNS rebinding) would share an origin with whatever
answers it there, and read all of it. So every server of the local cloud asks here first. Standard library only: one of
them runs on an interpreter without our packages.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

LOCAL_HOST: Final = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class LocalNamesOnly:
    """An application that answers 400 to a request for any other Host than this machine, and to one without."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or is_addressed_to(LOCAL_HOST, scope["headers"]):
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, status=400, text=b"Invalid host header\n")


def is_addressed_to(hosts: re.Pattern[bytes], headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request names one Host, and one of these. headers: their names in lower case, as ASGI has them."""
    given = [value for name, value in headers if name == b"host"]
    return len(given) == 1 and hosts.fullmatch(given[0]) is not None


async def refuse(scope: Scope, receive: Receive, send: Send, *, status: int, text: bytes) -> None:
    """Answer a request, or close the door on a websocket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await respond(send, status=status, text=text)


async def respond(send: Send, *, status: int, text: bytes) -> None:
    """Answer a request with a few words."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode("ascii"))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
