"""Every error as one kind of answer.

It is `application/problem+json`: `detail`, one sentence that a client may print; `code`, which is stable; `request_id`;
and for 422 `errors`, one entry per field (https://www.rfc-editor.org/rfc/rfc9457, where all but the media type is
optional).
"""

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
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
    UnreadableBody,
    UpstreamFailed,
)
from lambda_src.runtime.correlation import correlation_id

logger = logging.getLogger(__name__)

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"

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

MAX_FIELD_ERRORS: Final = 20
MAX_DETAIL_CHARACTERS: Final = 500

_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["detail", "code", "request_id"],
    "properties": {
        "detail": {"type": "string", "description": "One sentence that may be shown to a person."},
        "code": {"type": "string", "description": "Stable name of what went wrong."},
        "request_id": {"type": "string", "description": "Name this when you ask about the request."},
        "errors": {
            "type": "array",
            "description": "With 422: what is wrong, field by field.",
            "items": {"type": "object", "minProperties": 2, "maxProperties": 2},
        },
    },
}

type Location = Sequence[str | int]
"""Where in a request something is wrong, for example `("body", "url")`."""


def located(loc: Location, message: str) -> dict[str, object]:
    """An entry of `errors` as FastAPI itself writes it."""
    return {"loc": list(loc), "msg": message}


def named(loc: Location, message: str) -> dict[str, object]:
    """An entry of `errors` that names the field."""
    return {"field": field_of(loc), "message": message}


@dataclass(frozen=True, slots=True)
class ErrorAnswers:
    """The answer for any exception. Its fields are what published contracts differ in.

    published: the error that a contract has in place of one of ours, which is the one that is logged. codes: what it
    calls a code of ours. field_error: an entry of `errors`. malformed_json: the code of 400 for
    a body that is no JSON; None answers one that cannot be parsed with 422, as FastAPI does. detail_as: a member that
    repeats the detail, for clients that print it.
    """

    published: Callable[[AppError], AppError] = lambda error: error
    codes: Mapping[str, str] = field(default_factory=dict)
    field_error: Callable[[Location, str], dict[str, object]] = located
    malformed_json: str | None = None
    detail_as: str | None = None

    def __call__(self, error: Exception) -> Response:
        """The answer. An error that nobody raised on purpose is logged with its stack and answered without."""
        if self.malformed_json is not None and _is_no_json(error):
            return self._problem(400, self.malformed_json, "The body is no JSON")
        match error:
            case RequestValidationError():
                return self._answer_invalid(error.errors())
            case AppError():
                return self._answer_app_error(error)
            case HTTPException() if error.status_code < 500:
                return self._answer_http_exception(error)
            case _:
                logger.error("request failed unexpectedly", exc_info=error)
                return self._internal()

    def _answer_app_error(self, raised: AppError) -> Response:
        error = self.published(raised)
        status = status_of(error)
        if status >= 500:
            logger.warning("request failed", exc_info=raised, extra={"code": error.code, "status": status})
        if status == 500:
            return self._internal()
        headers = dict(error.headers)
        if error.retryable:
            headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds or 1)))
        return self._problem(status, error.code, error.detail, headers=headers, **error.members)

    def _answer_invalid(self, found: Sequence[Mapping[str, Any]]) -> Response:
        # Pydantic also reports the input and its context; those are the caller's text and stay out of the answer.
        wrong = [(each["loc"], each["msg"].removeprefix("Value error, ")) for each in found[:MAX_FIELD_ERRORS]]
        detail = "; ".join(f"{field_of(loc)}: {message}" for loc, message in wrong)
        if len(detail) > MAX_DETAIL_CHARACTERS:
            detail = detail[: MAX_DETAIL_CHARACTERS - 1] + "…"
        errors = [self.field_error(loc, message) for loc, message in wrong]
        return self._problem(422, InvalidInput.code, detail, errors=errors)

    def _answer_http_exception(self, error: HTTPException) -> Response:
        """FastAPI's and Starlette's own errors: no such route, no such method, a body that cannot be read."""
        family = _FAMILY_OF_STATUS.get(error.status_code)
        code = family.code if family else HTTPStatus(error.status_code).name.lower()
        detail = family.default_detail if family else HTTPStatus(error.status_code).phrase
        return self._problem(error.status_code, code, detail, headers=error.headers)

    def _internal(self) -> Response:
        return self._problem(500, AppError.code, AppError.default_detail)

    def _problem(self, status: int, code: str, detail: str, **members: Any) -> Response:
        if self.detail_as is not None:
            members[self.detail_as] = detail
        return problem(status=status, code=self.codes.get(code, code), detail=detail, **members)


def _is_no_json(error: Exception) -> bool:
    """FastAPI tells a text that is no JSON from one that its parser gives up on, such as numbers of 5,000 digits."""
    match error:
        case RequestValidationError():
            return any(each["type"] == "json_invalid" for each in error.errors())
        case HTTPException():
            return error.status_code == 400
        case _:
            return isinstance(error, UnreadableBody)


def status_of(error: AppError) -> int:
    """The status an error is answered with: its own, else that of the nearest family it belongs to."""
    if error.status is not None:
        return error.status
    return next(STATUS_OF_FAMILY[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUS_OF_FAMILY)


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


def field_of(loc: Location) -> str:
    """`("body", "url")` is `url`; a place inside the text of the body, `("body", 17)`, is `body`."""
    inside = loc[1:]
    return ".".join(map(str, inside)) if any(isinstance(part, str) for part in inside) else str(loc[0])


def problem_response(description: str) -> dict[str, Any]:
    """How an OpenAPI document describes such answers."""
    return {"description": description, "content": {PROBLEM_MEDIA_TYPE: {"schema": _SCHEMA}}}
