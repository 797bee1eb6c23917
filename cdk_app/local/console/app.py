"""Routes of the console, and what guards them.

It reads and never writes, but for the page where a sign-in ends, which asks that one API for a token. It listens on
loopback only, but any web page that the person visits can send requests there: foreign Host names are refused (DNS
rebinding), answers may not be framed or embedded, and scripts come from files alone, so that text from the internet
stays text.
"""

from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cdk_app.local.console.endpoints import Endpoints
from cdk_app.local.console.views.layout import trouble_page
from cdk_app.local.console.views.sign_in import CALLBACK_PATH
from cdk_app.local.running import LocalCloud
from cdk_app.services.stand_ins.hosts import LocalNamesOnly

STATIC_FILES: Final = Path(__file__).with_name("static")
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_console(cloud: LocalCloud) -> Starlette:
    """The console of a running cloud, to be served on a loopback address. It asks nobody before it is looked at."""
    endpoints = Endpoints(cloud)
    return Starlette(
        routes=[
            Route("/", endpoints.overview, methods=["GET"]),
            Route("/log", endpoints.log, methods=["GET"]),
            Route("/tables", endpoints.tables, methods=["GET"]),
            Route("/tables/{name}", endpoints.table, methods=["GET"]),
            Route(CALLBACK_PATH, endpoints.callback, methods=["GET"]),
            Route("/queues/{name}", endpoints.dead_letters, methods=["GET"]),
            Route("/live/queues", endpoints.live_queues, methods=["GET"]),
            Route("/live/tables", endpoints.live_tables, methods=["GET"]),
            Route("/live/log", endpoints.live_log, methods=["GET"]),
            Mount("/static", StaticFiles(directory=STATIC_FILES)),
        ],
        middleware=[Middleware(_AnswerHeaders), Middleware(LocalNamesOnly)],
        exception_handlers={HTTPException: _explain},
    )


class _AnswerHeaders:
    """Puts HEADERS on every answer, refusals included. A page may have a policy of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _explain(_: Request, error: Exception) -> HTMLResponse:
    """A page for what is not there."""
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "Error")
    headers = error.headers if isinstance(error, HTTPException) else None
    return HTMLResponse(trouble_page(detail), status, headers)
