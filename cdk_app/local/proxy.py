"""Gives a deployed HTTP API a port of its own, by sending everything on to the emulator below the path of the API.

The emulator would also tell its APIs apart by the host `<api id>.execute-api.localhost`, but then keeps `/health` and
`/logout` for itself and loses trailing slashes; below `/_aws/execute-api/<api id>/$default` it does neither. Path,
query, headers and bodies pass untouched, byte for byte, but for headers that concern one connection and for CORS
headers that come twice. Sizes have the limits of the real API Gateway and of Lambda behind it, which counts the JSON
that a body travels in. A 503 means that nothing was done; the real gateway also says it of a function that goes on:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cdk_app.local.guarded_ministack import PROXY_HEADER
from cdk_app.services.stand_ins.hosts import LocalNamesOnly
from lambda_src.runtime.middleware import MAX_LAMBDA_ANSWER_BYTES, lambda_bytes

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
MAX_EVENT_BYTES: Final = 6 * 1024 * 1024
MAX_CONNECTIONS: Final = 50
QUEUE_SECONDS: Final = 30  # for one of them; nothing was asked of the function by then
# What was handed on has an end of its own: a function is stopped after its 30 s. Before that it may wait for a process
# to start. An answer earlier than that end could not say whether what was asked is still going to happen.
ANSWER_SECONDS: Final = 150
TIMEOUT: Final = httpx.Timeout(ANSWER_SECONDS, connect=5, pool=QUEUE_SECONDS)

# Headers that concern one connection only: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# The length is that of the body we read; beside `Transfer-Encoding` the caller's counts for nothing.
# https://www.rfc-editor.org/rfc/rfc9112#section-6.3
NOT_FROM_THE_CALLER: Final = HOP_BY_HOP | {b"content-length", PROXY_HEADER}
# The gateway's own CORS headers replace those of the function; the emulator sends both, its own last.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
CORS_PREFIX: Final = b"access-control-"

type RawHeaders = list[tuple[bytes, bytes]]


def create_proxy(*, emulator_url: str, api_id: str) -> Starlette:
    """The application that stands for one API. Its connections are closed when the server ends its lifespan."""
    client = httpx.AsyncClient(
        timeout=TIMEOUT, limits=httpx.Limits(max_connections=MAX_CONNECTIONS), trust_env=False, follow_redirects=False
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    return Starlette(
        routes=[Route("/{path:path}", Forward(client, emulator_url=emulator_url, api_id=api_id))],
        middleware=[Middleware(LocalNamesOnly)],
        lifespan=lifespan,
    )


class Forward:
    """An ASGI application that hands each request to the emulator and its answer back."""

    def __init__(self, client: httpx.AsyncClient, *, emulator_url: str, api_id: str) -> None:
        self._client = client
        self._url = httpx.URL(emulator_url)
        self._prefix = f"/_aws/execute-api/{api_id}/$default".encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _body(Request(scope, receive))
        except ClientDisconnect:
            return  # nobody to answer
        response = await self._answer(Request(scope), body)
        await response(scope, receive, send)

    async def _answer(self, request: Request, body: bytes | None) -> Response:
        if body is None or lambda_bytes(body, request.headers) > MAX_EVENT_BYTES:
            return JSONResponse({"message": "Request Entity Too Large"}, status_code=413)
        try:
            return await self._ask(request, body)
        except (httpx.PoolTimeout, httpx.ConnectTimeout):
            return JSONResponse({"message": "Service Unavailable"}, status_code=503)
        except httpx.TimeoutException:
            return JSONResponse({"message": "No answer in time; what was asked may still be done"}, status_code=504)
        except httpx.TransportError:
            return JSONResponse({"message": "The emulator does not answer"}, status_code=502)

    async def _ask(self, request: Request, body: bytes) -> Response:
        sent = httpx.Request(
            request.method,
            self._url,
            headers=[*_without(NOT_FROM_THE_CALLER, request.headers.raw), (PROXY_HEADER, b"1")],
            content=body,
            extensions={"target": self._prefix + _target(request.scope)},
        )
        answer = await self._client.send(sent, stream=True)
        try:
            received = bytearray()
            async for chunk in answer.aiter_raw():  # raw: a compressed body stays compressed
                received += chunk
                if len(received) > MAX_BODY_BYTES:
                    return JSONResponse({"message": "Internal Server Error"}, status_code=500)
        finally:
            await answer.aclose()
        if lambda_bytes(bytes(received), Headers(raw=answer.headers.raw)) > MAX_LAMBDA_ANSWER_BYTES:
            return JSONResponse({"message": "Internal Server Error"}, status_code=500)
        response = Response(bytes(received), status_code=answer.status_code)
        response.raw_headers = _with_one_cors_header_each(_without(HOP_BY_HOP, answer.headers.raw))
        return response


async def _body(request: Request) -> bytes | None:
    """The whole body, or None when it is larger than API Gateway takes."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MAX_BODY_BYTES:
            return None
    return bytes(received)


def _target(scope: Scope) -> bytes:
    """Path and query as the caller wrote them. httpx would tidy a URL, this it leaves alone."""
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + b"?" + query if query else path


def _without(names: frozenset[bytes], headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """The headers but those named, their names in lower case."""
    return [(name.lower(), value) for name, value in headers if name.lower() not in names]


def _with_one_cors_header_each(headers: RawHeaders) -> RawHeaders:
    """Browsers refuse an answer that names its allowed origin twice, also when it is the same one."""
    last = {name: value for name, value in headers if name.startswith(CORS_PREFIX)}
    return [*(pair for pair in headers if not pair[0].startswith(CORS_PREFIX)), *last.items()]
