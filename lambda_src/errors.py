"""Every error of the product, as one tree.

    AppError               500  internal_error
      BadRequest           400  bad_request         InvalidCursor, AnswerTooLarge, UnreadableBody
      NotAuthenticated     401  not_authenticated
      NotAllowed           403  not_allowed         ForeignOrigin
      NotFound             404  not_found
      MethodNotAllowed     405  method_not_allowed
      Conflict             409  conflict            AlreadyExists, VersionMismatch
      PayloadTooLarge      413  payload_too_large
      InvalidInput         422  validation_error    InvalidKey
      TooManyRequests      429  too_many_requests   retryable
      UpstreamFailed       502  upstream_failed     retryable
      StoreUnavailable     503  busy                retryable      NotReady, Maintenance 503
      DeadlineExceeded     504  deadline_exceeded   retryable

A family is what HTTP knows about: `runtime/problems.py` holds the only table from family to status. A service
subclasses a family and may override `status` and `code` where its published contract says so.
"""

from collections.abc import Mapping
from typing import ClassVar


class AppError(Exception):
    """Root of all errors raised on purpose.

    detail: one sentence that may be shown to the caller: no secrets, no internals. `retryable` says whether the
    same request can succeed later without a change; the queue worker and `Retry-After` follow it. `is_expected`: it is
    part of healthy work, such as two workers that meet, and no warning. pause_seconds: when, unless it is said where
    it is raised.
    """

    status: ClassVar[int | None] = None  # overrides the family's status
    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False
    is_expected: ClassVar[bool] = False
    pause_seconds: ClassVar[float | None] = None
    default_detail: ClassVar[str] = "Something went wrong on our side"

    def __init_subclass__(cls, code: str | None = None, detail: str | None = None) -> None:
        """What an error says that is no more than its code and its sentence: `class Gone(NotFound, detail="...")`."""
        super().__init_subclass__()
        cls.code, cls.default_detail = code or cls.code, detail or cls.default_detail

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after_seconds: float | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        self.detail = detail or self.default_detail
        self.retry_after_seconds = retry_after_seconds or self.pause_seconds
        self._members = members or {}
        super().__init__(self.detail)

    @property
    def members(self) -> Mapping[str, object]:
        """What the answer says beyond `detail`, `code` and `request_id`."""
        return self._members

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the answer; `Retry-After` is added for what is retryable."""
        return {}


class BadRequest(AppError):
    code = "bad_request"
    default_detail = "The request cannot be understood"


class InvalidCursor(BadRequest):
    code = "invalid_cursor"
    default_detail = "The cursor is not valid for this list"


class AnswerTooLarge(BadRequest):
    """What was asked for cannot be sent in one piece."""

    code = "answer_too_large"
    default_detail = "The answer is too large to be sent; ask for less at once"


class UnreadableBody(BadRequest):
    default_detail = "The body is not valid UTF-8"


class NotAuthenticated(AppError):
    code = "not_authenticated"
    default_detail = "Sign in first"


class NotAllowed(AppError):
    code = "not_allowed"
    default_detail = "This is not allowed"


class ForeignOrigin(NotAllowed):
    """A page of an origin that is not allowed had a browser send a write."""

    code = "foreign_origin"
    default_detail = "Pages of this origin may not change anything here"


class NotFound(AppError):
    code = "not_found"
    default_detail = "Not found"


class MethodNotAllowed(AppError):
    code = "method_not_allowed"
    default_detail = "The method is not allowed here"


class Conflict(AppError):
    code = "conflict"
    default_detail = "The request conflicts with the current state"


class AlreadyExists(Conflict):
    code = "already_exists"
    default_detail = "It already exists"


class VersionMismatch(Conflict):
    code = "version_mismatch"
    default_detail = "It was changed by someone else"


class PayloadTooLarge(AppError):
    code = "payload_too_large"
    default_detail = "The request body is too large"


class InvalidInput(AppError):
    code = "validation_error"
    default_detail = "The input is not valid"


class InvalidKey(InvalidInput):
    """A value cannot be part of a DynamoDB key: empty, or longer than the key limits allow."""

    default_detail = "A value is empty or too long"


class TooManyRequests(AppError):
    code = "too_many_requests"
    retryable = True
    default_detail = "Too many requests"


class UpstreamFailed(AppError):
    code = "upstream_failed"
    retryable = True
    default_detail = "A service we depend on failed"


class StoreUnavailable(AppError):
    code = "busy"
    retryable = True
    default_detail = "The service is busy, try again in a moment"


class NotReady(StoreUnavailable):
    """The service lacks something it cannot work without, such as a key in its secret, or its table."""

    code = "not_ready"
    pause_seconds = 5
    default_detail = "The service is not ready"


class Maintenance(StoreUnavailable):
    """Closed for a while, on purpose."""

    code = "maintenance"
    pause_seconds = 120
    default_detail = "Maintenance is under way"


class DeadlineExceeded(AppError):
    code = "deadline_exceeded"
    retryable = True
    default_detail = "The work could not be finished in time"
