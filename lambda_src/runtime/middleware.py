"""What surrounds every request, as plain ASGI. From the outside in:

RequestScope    request id, security headers, one log line
TrailingSlash   one slash at the end of a path changes nothing, for services that want it so; `paths.py`
HeadAsGet       a HEAD is the GET without its body, where that writes nothing
Cors            Starlette's, answering in our error format
AnswerLimit     nothing larger than Lambda may return
Gzip            Starlette's, for clients that want it
AnswerErrors    what no exception handler took becomes an answer inside Cors, so that browsers can read it
ForeignWrites   what a page of an origin that is not allowed had a browser send writes nothing
PlainPaths      nothing is where a path has control characters; `paths.py`
BodyLimit       nothing larger than the limit is kept in memory, and nothing that is no UTF-8 is read
MaintenanceGate closed for a while; `maintenance.py`
"""

import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambda_src.dynamo.meter import UsageMeter
from lambda_src.errors import AnswerTooLarge, BadRequest, ForeignOrigin, PayloadTooLarge, UnreadableBody
from lambda_src.runtime.correlation import correlated
from lambda_src.runtime.cors import CorsRules

logger = logging.getLogger(__name__)

type AnswerError = Callable[[Exception], Response]

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=63072000"),
]
CONTENT_SECURITY_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
NO_STORE = (b"cache-control", b"no-store")

LONGEST_ORIGIN: Final = 256  # that a log line shows
_ASKED_METHOD: Final = "asked_method"  # of a scope
GZIP_MINIMUM_BYTES: Final = 1024
GZIP_LEVEL: Final = 6  # 9 takes twice the CPU time for 1-2 % of the size
GZIP_IN_THREAD_BYTES: Final = 1 << 62  # never: see `routing.add_routes`

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB, which Lambda counts as 6,291,556 bytes
# of JSON, compressed bodies as base64 in it; some of it is for status and headers
MAX_LAMBDA_ANSWER_BYTES: Final = 6_291_556
_MAX_BODY_BYTES: Final = MAX_LAMBDA_ANSWER_BYTES - 16_384


LOG_FIELDS: Final = "log_fields"  # of a request's scope: what a service adds to the line in the log


class RequestScope:
    """Gives each request its id, its answer the security headers, and the log one line about it.

    The id is API Gateway's, so that access log, function log and answer agree. html_paths: pages that load scripts and
    so cannot live under the strict content security policy.
    """

    def __init__(self, app: ASGIApp, *, usage: UsageMeter, html_paths: frozenset[str]) -> None:
        self.app = app
        self.usage = usage
        self.html_paths = html_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        started = time.perf_counter()
        before = self.usage.snapshot()
        method, status = scope["method"], 500

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
                        "method": method,
                        "route": _route(scope),
                        "status": status,
                        "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                        **scope.get(LOG_FIELDS, {}),
                        **self.usage.fields_since(before),
                    },
                )

    def _headers(self, scope: Scope, request_id: str, message: Message) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", request_id.encode()), *SECURITY_HEADERS]
        if scope["path"] not in self.html_paths:
            headers.append(CONTENT_SECURITY_POLICY)
        if not any(name.lower() == b"cache-control" for name, _ in message.get("headers", ())):
            headers.append(NO_STORE)
        return headers


class HeadAsGet:
    """Answers a HEAD like the GET of the same path, without the body; one that would write is left to be refused.

    https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or get_writes(scope):
            await self.app(scope, receive, send)
            return

        async def send_headers_only(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        scope["method"], scope[_ASKED_METHOD] = "GET", "HEAD"
        await self.app(scope, receive, send_headers_only)


def asked_method(scope: Scope) -> str:
    """The method of a request before a HEAD became a GET, for who has to tell them apart."""
    return str(scope.get(_ASKED_METHOD, scope["method"]))


def get_writes(scope: Scope) -> bool:
    """Whether a GET of this path would change anything."""
    asked = {**scope, "method": "GET"}
    found = (route for route in scope["app"].routes if isinstance(route, Route))
    route = next((route for route in found if route.matches(asked)[0] is Match.FULL), None)
    return getattr(getattr(route, "endpoint", None), "writes", False)


class Gzip(GZipMiddleware):
    """Starlette's compression, which takes any mention of gzip for a wish.

    https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3: `gzip;q=0` refuses it.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, GZIP_MINIMUM_BYTES, GZIP_LEVEL, thread_minimum_size=GZIP_IN_THREAD_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            others = [each for each in scope["headers"] if each[0] != b"accept-encoding"]
            wish = b"gzip" if _accepts_gzip(Headers(scope=scope).getlist("accept-encoding")) else b"identity"
            scope["headers"] = [*others, (b"accept-encoding", wish)]  # in place: routing puts its route here too
        await super().__call__(scope, receive, send)


class AnswerLimit:
    """Answers AnswerTooLarge in place of what Lambda could not return: the caller would learn nothing.

    Answers arrive here in one piece; what comes in several is passed on.
    """

    def __init__(self, app: ASGIApp, *, answer: AnswerError) -> None:
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message | None = None

        async def checked_send(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                body, is_whole = message.get("body", b""), not message.get("more_body", False)
                if is_whole and lambda_bytes(body, Headers(raw=start["headers"])) > _MAX_BODY_BYTES:
                    logger.error("answer too large", extra={"route": _route(scope), "bytes": len(body)})
                    await self.answer(AnswerTooLarge())(scope, receive, send)
                    return
                await send(start)
                start = None
            await send(message)

        await self.app(scope, receive, checked_send)


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
        reason = bytes(response.body).decode()
        refused = {"origin": request_headers.get("origin", "")[:LONGEST_ORIGIN], "reason": reason}
        logger.warning("preflight refused; `web_origins` of the environment lists origins", extra=refused)
        refusal = self.answer(BadRequest(reason))
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


class ForeignWrites:
    """Raises ForeignOrigin for a write that a page of another origin had a browser send: CORS stops preflights only.

    origins: whose pages may write, beside those of the API itself. A browser names the origin of every write, or at
    least that it is cross-site; what says neither comes from no page. A GET that writes may be a link, and the way back
    from an authorization server is one.
    https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
    """

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self.app = app
        self.origins = frozenset(map(_normal_origin, origins))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _NEVER_WRITE:
            headers = dict(scope["headers"])  # a tenth of what `Headers` needs for those that are not there
            origin = headers.get(b"origin", b"").decode("latin-1")
            if self._is_foreign(headers, origin) and not _is_link_or_read(scope, headers, origin):
                refused = {"origin": origin[:LONGEST_ORIGIN]}
                logger.warning("write refused; `web_origins` of the environment lists origins", extra=refused)
                raise ForeignOrigin
        await self.app(scope, receive, send)

    def _is_foreign(self, headers: Mapping[bytes, bytes], named: str) -> bool:
        if b"origin" not in headers:
            return headers.get(b"sec-fetch-site", b"").strip().lower() == b"cross-site"
        origin = _normal_origin(named)
        if origin in self.origins:
            return False
        # Only the gateway says which scheme a request came with; the local cloud has none but http.
        scheme = headers.get(b"x-forwarded-proto", origin.partition(":")[0].encode("latin-1"))
        return origin != _normal_origin((scheme + b"://" + headers.get(b"host", b"")).decode("latin-1"))


def _is_link_or_read(scope: Scope, headers: Mapping[bytes, bytes], origin: str) -> bool:
    mode = headers.get(b"sec-fetch-mode", b"navigate" if origin in {"", "null"} else b"cors")
    return scope["method"] == "GET" and (mode == b"navigate" or not get_writes(scope))


def _normal_origin(origin: str) -> str:
    """As browsers write it: in lower case, without the port that its scheme has anyway."""
    scheme, separator, authority = origin.lower().partition("://")
    return scheme + separator + authority.removesuffix(_DEFAULT_PORTS.get(scheme, ":"))


_NEVER_WRITE: Final = frozenset({"HEAD", "OPTIONS"})
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


class BodyLimit:
    """Raises PayloadTooLarge for a body above the limit, by what it announces and by what really arrives.

    Raises UnreadableBody for one that is no UTF-8, whatever it is said to be. Bodies are read whole before the
    application sees them: the limit is small, and on Lambda they arrive whole.
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
        if not _is_utf8(scope, body):
            raise UnreadableBody

        unread: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        await self.app(scope, replay, send)


def _route(scope: Scope) -> str:
    """The path of the route as it was declared, never one that a caller made up."""
    if "route" in scope:
        return str(scope["route"].path)
    return scope["path"] if "endpoint" in scope else "unmatched"  # FastAPI's own pages have no parts that vary


def _accepts_gzip(headers: list[str]) -> bool:
    """Whether gzip is named, and not refused by a weight of 0."""
    for part in ",".join(headers).split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "").lower() not in _REFUSED
    return False


def lambda_bytes(body: bytes, headers: Headers) -> int:
    """What a body takes in the JSON that Lambda takes or returns: as base64 when it is compressed, else as text."""
    if "content-encoding" in headers:
        return (len(body) + 2) // 3 * 4
    if len(body) * 6 < _MAX_BODY_BYTES:  # no character takes more than six of them
        return len(body)
    return len(json.dumps(body.decode(errors="replace"), ensure_ascii=False).encode(errors="replace"))


_REFUSED: Final = frozenset({"q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000"})


def _is_utf8(scope: Scope, body: bytearray) -> bool:
    """Whether the body came as text, and whole: API Gateway puts U+FFFD in place of what it cannot decode.

    Nobody means to write that character; who does can spell it as JSON can.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    event = scope.get("aws.event", {"isBase64Encoded": True})
    return "\ufffd" not in text or event.get("isBase64Encoded", False)


def _announced_bytes(scope: Scope) -> int:
    announced = Headers(scope=scope).get("content-length", "")
    # Eighteen digits are beyond any limit; int() of thousands of digits raises.
    return int(announced[:18]) if announced.isascii() and announced.isdigit() else 0


def _request_id(scope: Scope) -> str:
    context = scope.get("aws.event", {}).get("requestContext", {})
    return str(context.get("requestId") or uuid.uuid4())
