"""An API in which requests of one method and path get a wrong answer, before or after they took effect."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Failing:
    """An application behind a fault. path: how the path begins; fault: of ANSWERS, `hang` or `trickle`.

    after: the application gets the request first, and only its answer is lost.
    """

    def __init__(self, app: ASGIApp, method: str, path: str, fault: str, *, after: bool) -> None:
        self._app = app
        self._request = (method, path)
        self._fault = fault
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = self._request
        if scope["type"] != "http" or scope["method"] != method or not scope["path"].startswith(path):
            await self._app(scope, receive, send)
            return
        if self._after:
            await self._app(scope, receive, _nowhere)
        if self._fault == "hang":
            await asyncio.sleep(60)
        if self._fault == "trickle":
            await _trickle(send)
            return
        await ANSWERS[self._fault]()(scope, receive, send)


ANSWERS: Final[dict[str, Callable[[], Response]]] = {
    "500": lambda: JSONResponse({"detail": "Something went wrong", "code": "internal_error"}, status_code=500),
    "other body": lambda: JSONResponse({"message": "Hello from Lambda"}, status_code=201),
    "list": lambda: JSONResponse([], status_code=200),
    "page": lambda: PlainTextResponse("<html>Welcome</html>", status_code=200),
    "elsewhere": lambda: Response(status_code=307, headers={"location": "https://elsewhere.example/"}),
}


async def _nowhere(_: Message) -> None:
    """An answer that is lost on its way."""


async def _trickle(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(600):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.1)
