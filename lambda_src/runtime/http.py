"""The HTTP application of a service: FastAPI, with one way to answer errors.

Every error is `application/problem+json`: `detail`, one sentence that a client may print; `code`, which is stable;
`request_id`; and for 422 `errors`, one entry per field (https://www.rfc-editor.org/rfc/rfc9457, where all but the
media type is optional).
"""

import json
import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from lambda_src.errors import (
    AppError,
    BadRequest,
    Conflict,
    DeadlineExceeded,
    InvalidInput,
    MethodNotAllowed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    PayloadTooLarge,
    StoreUnavailable,
    TooManyRequests,
    UpstreamFailed,
)
from lambda_src.runtime.correlation import correlation_id
from lambda_src.runtime.middleware import AnswerErrors, BodyLimit, Cors, RequestScope
from lambda_src.runtime.routing import InlineRoute
from lambda_src.runtime.usage import UsageSource

logger = logging.getLogger(__name__)

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
DOCS_PATH: Final = "/docs"

STATUS_OF_FAMILY: Final[Mapping[type[AppError], int]] = {
    BadRequest: 400,
    NotAuthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    PayloadTooLarge: 413,
    InvalidInput: 422,
    TooManyRequests: 429,
    AppError: 500,
    UpstreamFailed: 502,
    StoreUnavailable: 503,
    DeadlineExceeded: 504,
}
_FAMILY_OF_STATUS: Final = {status: family for family, status in STATUS_OF_FAMILY.items()}

GZIP_MINIMUM_BYTES: Final = 1024
GZIP_LEVEL: Final = 6  # 9 takes twice the CPU time for 1-2 % of the size
GZIP_IN_THREAD_BYTES: Final = 1 << 62  # never: see InlineRoute

MAX_FIELD_ERRORS: Final = 20
MAX_DETAIL_CHARACTERS: Final = 500

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["detail", "code", "request_id"],
    "properties": {
        "detail": {"type": "string", "description": "One sentence that may be shown to a person."},
        "code": {"type": "string", "description": "Stable name of what went wrong."},
        "request_id": {"type": "string", "description": "Name this when you ask about the request."},
        "errors": {
            "type": "array",
            "description": "With 422: what is wrong, field by field.",
            "items": {
                "type": "object",
                "required": ["loc", "msg"],
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "msg": {"type": "string"},
                },
            },
        },
    },
}


def create_app(  # noqa: PLR0913 -- keyword-only, and each is a decision of the service
    *,
    title: str,
    version: str,
    is_production: bool,
    cors_origins: Sequence[str],
    cors_methods: Sequence[str] = ("GET", "POST", "DELETE", "OPTIONS"),
    body_limit_bytes: int = 16_384,
    usage: UsageSource | None = None,
    inline_endpoints: bool = True,
) -> FastAPI:
    """An application without routes; add them on it (`@app.get(...)`), as plain `def`.

    cors_origins: exact origins, `scheme://host[:port]`; ValueError for a wildcard. usage: counts into the request log.
    inline_endpoints: False where one process serves several requests at once (see InlineRoute).
    """
    if any("*" in origin for origin in cors_origins):
        raise ValueError("CORS origins must be exact: a wildcard lets every page on the web use this API")
    app = FastAPI(
        title=title,
        version=version,
        docs_url=None if is_production else DOCS_PATH,
        openapi_url=None if is_production else "/openapi.json",
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        responses={"4XX": _problem_response("The request was refused"), "5XX": _problem_response("The service failed")},
        # Metrics and traces come from the Lambda runtime and from our own log lines.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        exception_handlers={HTTPException: _on_error, RequestValidationError: _on_error, AppError: _on_error},
        middleware=[
            Middleware(RequestScope, usage=usage, html_paths=frozenset() if is_production else frozenset({DOCS_PATH})),
            Middleware(
                Cors,
                answer=answer_error,
                origins=tuple(cors_origins),
                methods=tuple(cors_methods),
            ),
            Middleware(
                GZipMiddleware,
                minimum_size=GZIP_MINIMUM_BYTES,
                compresslevel=GZIP_LEVEL,
                thread_minimum_size=GZIP_IN_THREAD_BYTES,
            ),
            Middleware(AnswerErrors, answer=answer_error),
            Middleware(BodyLimit, limit_bytes=body_limit_bytes),
        ],
    )
    if inline_endpoints:
        app.router.route_class = InlineRoute
    return app


def status_of(error: AppError) -> int:
    """The status an error is answered with: its own, else that of the nearest family it belongs to."""
    if error.status is not None:
        return error.status
    return next(STATUS_OF_FAMILY[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUS_OF_FAMILY)


def answer_error(error: Exception) -> Response:
    """The answer for any exception. One that nobody raised on purpose is logged with its stack and answered without."""
    match error:
        case RequestValidationError():
            return _answer_invalid(error.errors())
        case AppError():
            return _answer_app_error(error)
        case HTTPException() if error.status_code < 500:
            return _answer_http_exception(error)
        case _:
            logger.error("request failed unexpectedly", exc_info=error)
            return problem(status=500, code=AppError.code, detail=AppError.default_detail)


def problem(
    *, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **members: object
) -> Response:
    """An error answer. It is written in ASCII, so that no text a caller sent can make it fail."""
    body = {"detail": detail, "code": code, "request_id": correlation_id() or "", **members}
    return Response(
        json.dumps(body, separators=(",", ":"), allow_nan=False),
        status_code=status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=dict(headers or {}),
    )


async def _on_error(_request: Request, error: Exception) -> Response:
    return answer_error(error)


def _answer_app_error(error: AppError) -> Response:
    status = status_of(error)
    if status >= 500:
        logger.warning("request failed", exc_info=error, extra={"code": error.code, "status": status})
    headers = {}
    if error.retryable:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds or 1)))
    detail = AppError.default_detail if status == 500 else error.detail
    return problem(status=status, code=error.code, detail=detail, headers=headers)


def _answer_http_exception(error: HTTPException) -> Response:
    """FastAPI's and Starlette's own errors: no such route, no such method, a body that cannot be read."""
    family = _FAMILY_OF_STATUS.get(error.status_code)
    code = family.code if family else HTTPStatus(error.status_code).name.lower()
    detail = family.default_detail if family else HTTPStatus(error.status_code).phrase
    return problem(status=error.status_code, code=code, detail=detail, headers=error.headers)


def _answer_invalid(found: Sequence[Mapping[str, Any]]) -> Response:
    # Pydantic also reports the input and its context; those are the caller's text and stay out of the answer.
    errors = [
        {"loc": list(each["loc"]), "msg": each["msg"].removeprefix("Value error, ")}
        for each in found[:MAX_FIELD_ERRORS]
    ]
    detail = "; ".join(f"{_field_of(each['loc'])}: {each['msg']}" for each in errors)
    if len(detail) > MAX_DETAIL_CHARACTERS:
        detail = detail[: MAX_DETAIL_CHARACTERS - 1] + "…"
    return problem(status=422, code=InvalidInput.code, detail=detail, errors=errors)


def _field_of(loc: Sequence[str | int]) -> str:
    """`("body", "url")` is `url`; a place inside the text of the body, `("body", 17)`, is `body`."""
    inside = loc[1:]
    return ".".join(map(str, inside)) if any(isinstance(part, str) for part in inside) else str(loc[0])


def _problem_response(description: str) -> dict[str, Any]:
    return {"description": description, "content": {PROBLEM_MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}
