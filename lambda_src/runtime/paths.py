"""What paths of requests may look like, as plain ASGI."""

import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from lambda_src.errors import NotFound

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class PlainPaths:
    """Raises NotFound for a path with a control character: a route would match it with a line feed at its end, too.

    https://docs.python.org/3/library/re.html: `$` also matches before a line feed that ends a text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _CONTROL.search(scope["path"]):
            raise NotFound
        await self.app(scope, receive, send)


class TrailingSlash:
    """Serves a path with one slash at its end as the one without; `/` stays.

    No redirect: on its way a browser would lose what a preflight allowed, and some clients the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path.endswith("/") and path != "/":
            scope["path"] = path[:-1]  # in place: routing puts its route here too
        await self.app(scope, receive, send)
