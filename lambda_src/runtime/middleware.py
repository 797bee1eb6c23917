"""What surrounds every request, as plain ASGI. From the outside in:

RequestScope    request id, security headers, one log line
Cors            Starlette's, answering in the house's error format
GZipMiddleware  Starlette's
AnswerErrors    what no exception handler took becomes an answer inside Cors, so that browsers can read it
BodyLimit       nothing larger than the limit is kept in memory
"""

import logging
import time
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambda_src.errors import BadRequest, PayloadTooLarge
from lambda_src.runtime.correlation import correlated
from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.usage import UsageSource, usage_fields

logger = logging.getLogger(__name__)

type AnswerError = Callable[[Exception], Response]

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=63072000"),
]
CONTENT_SECURITY_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
NO_STORE = (b"cache-control", b"no-store")


class RequestScope:
    """Gives each request its id, its answer the security headers, and the log one line about it.

    The id is API Gateway's, so that access log, function log and answer agree. html_paths: pages that load scripts and
    so cannot live under the strict content security policy.
    """

    def __init__(self, app: ASGIApp, *, usage: UsageSource | None, html_paths: frozenset[str]) -> None:
        self.app = app
        self.usage = usage
        self.html_paths = html_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        started = time.perf_counter()
        before = None if self.usage is None else self.usage.snapshot()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._headers(scope, request_id, message)]
            await send(message)

        with correlated(request_id):
            try:
                await self.app(scope, receive, send_with_headers)
            finally:
                logger.info(
                    "request served",
                    extra={
                        "method": scope["method"],
                        "route": _route(scope),
                        "status": status,
                        "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                        **usage_fields(self.usage, before),
                    },
                )

    def _headers(self, scope: Scope, request_id: str, message: Message) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", request_id.encode()), *SECURITY_HEADERS]
        if scope["path"] not in self.html_paths:
            headers.append(CONTENT_SECURITY_POLICY)
        if not any(name.lower() == b"cache-control" for name, _ in message.get("headers", ())):
            headers.append(NO_STORE)
        return headers


class Cors(CORSMiddleware):
    """Starlette's CORS rules; a refused preflight is answered as a problem document like every other error."""

    def __init__(self, app: ASGIApp, *, rules: CorsRules, answer: AnswerError) -> None:
        super().__init__(
            app,
            allow_origins=rules.origins,
            allow_methods=rules.methods,
            allow_headers=rules.request_headers,
            expose_headers=rules.exposed_headers,
            max_age=rules.max_age_seconds,
        )
        self.answer = answer

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        refusal = self.answer(BadRequest(bytes(response.body).decode()))
        refusal.headers["vary"] = response.headers["vary"]
        return refusal


class AnswerErrors:
    """Turns any exception that comes out of the application into an answer, unless one was already begun."""

    def __init__(self, app: ASGIApp, *, answer: AnswerError) -> None:
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched_send(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            await self.answer(error)(scope, receive, send)


class BodyLimit:
    """Raises PayloadTooLarge for a body above the limit, by what it announces and by what really arrives.

    Bodies are read whole before the application sees them: the limit is small, and on Lambda they arrive whole.
    """

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self.app = app
        self.limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _announced_bytes(scope) > self.limit_bytes:
            raise PayloadTooLarge
        body = bytearray()
        message = await receive()
        while message["type"] == "http.request":
            body += message.get("body", b"")
            if len(body) > self.limit_bytes:
                raise PayloadTooLarge
            if not message.get("more_body", False):
                break
            message = await receive()
        else:
            return  # the client is gone: nobody to answer

        unread: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        await self.app(scope, replay, send)


def _route(scope: Scope) -> str:
    """The path of the route as it was declared, never one that a caller made up."""
    if "route" in scope:
        return str(scope["route"].path)
    return scope["path"] if "endpoint" in scope else "unmatched"  # FastAPI's own pages have no parts that vary


def _announced_bytes(scope: Scope) -> int:
    announced = Headers(scope=scope).get("content-length", "")
    # Eighteen digits are beyond any limit; int() of thousands of digits raises.
    return int(announced[:18]) if announced.isascii() and announced.isdigit() else 0


def _request_id(scope: Scope) -> str:
    context = scope.get("aws.event", {}).get("requestContext", {})
    return str(context.get("requestId") or uuid.uuid4())
