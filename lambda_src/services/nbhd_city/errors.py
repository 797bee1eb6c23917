"""Errors of nbhd.city.

BadRequest              400  InvalidReturnUrl, InvalidState, InvalidGrant
NotAuthenticated        401  InvalidCredentials
NotAllowed              403  NotCreator
NotFound                404  NbhdNotFound, NotAMember, UserNotFound, ProfileNotFound
Conflict                409  NameTaken, AlreadyMember, ProfileExists, EditConflict
InvalidInput            422  InvalidField, InvalidText
UpstreamFailed          502  UpstreamError                               retryable
  (of a sign-in)             UpstreamUnavailable, ExchangeFailed, IdentityMismatch
StoreUnavailable        503  OAuthNotConfigured                          retryable
DeadlineExceeded        504  UpstreamTimeout                             retryable
AppError                500  InvariantBroken
"""

from typing import ClassVar

from lambda_src.errors import (
    AppError,
    BadRequest,
    Conflict,
    DeadlineExceeded,
    InvalidInput,
    NotAllowed,
    NotFound,
    StoreUnavailable,
    UpstreamFailed,
)
from lambda_src.runtime.tokens import BearerRefused


class NbhdNotFound(NotFound):
    code = "nbhd_not_found"
    default_detail = "Neighborhood not found"


class NotAMember(NotFound):
    code = "not_a_member"
    default_detail = "You are not a member of this neighborhood"


class NotCreator(NotAllowed):
    code = "not_creator"
    default_detail = "Only the creator of a neighborhood may do this"


class NameTaken(Conflict):
    """holder: the neighborhood that has the name."""

    code = "name_taken"
    default_detail = "A neighborhood of this name already exists"

    def __init__(self, holder: str) -> None:
        super().__init__(members={"nbhd_id": holder})
        self.holder = holder


class AlreadyMember(Conflict):
    code = "already_member"
    default_detail = "You are already a member of this neighborhood"


class EditConflict(Conflict):
    code = "edit_conflict"
    default_detail = "The neighborhood was changed by somebody else at the same time; look and try again"


class InvariantBroken(AppError):
    """Two items that must agree do not. The detail is for logs: callers are told of an internal error."""


class UserNotFound(NotFound):
    code = "user_not_found"
    default_detail = "User not found"


class ProfileNotFound(NotFound):
    code = "profile_not_found"
    default_detail = "Profile not found"


class ProfileExists(Conflict):
    code = "profile_exists"
    default_detail = "A profile already exists"


class InvalidText(InvalidInput, ValueError):
    """A text breaks a rule. Also a ValueError, so that pydantic reports it under the name of the field."""


class InvalidField(InvalidInput):
    """A parameter does not go with the others."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", members={"errors": [{"field": field, "message": message}]})


class InvalidReturnUrl(BadRequest):
    code = "invalid_return_url"
    default_detail = "return_url is not an address of this product"


class InvalidState(BadRequest):
    code = "invalid_state"
    default_detail = "This sign-in is unknown, was used already or has expired; start again"


class InvalidGrant(BadRequest):
    code = "invalid_grant"
    default_detail = "The code is unknown, was used already or has expired"


class InvalidCredentials(BearerRefused):
    code = "invalid_credentials"
    default_detail = "User name or password is wrong"


class OAuthNotConfigured(StoreUnavailable):
    code = "oauth_not_configured"
    default_detail = "Sign-in is not set up"
    pause_seconds = 60


class UpstreamError(UpstreamFailed):
    code = "upstream_error"
    default_detail = "BlueSky gave no usable answer"


class UpstreamTimeout(DeadlineExceeded):
    code = "upstream_timeout"
    default_detail = "BlueSky did not answer in time"


class SignInFailed(UpstreamError):
    """A sign-in cannot be completed. reason: what the page that started it is told."""

    reason: ClassVar[str] = "upstream_unavailable"


class UpstreamUnavailable(SignInFailed):
    """A server needed for the sign-in cannot be reached or is out of order."""


class ExchangeFailed(SignInFailed):
    """The authorization server refused, or its answer is not what the profile asks for."""

    reason = "oauth_exchange_failed"


class IdentityMismatch(SignInFailed):
    """The authorization server is not the one that speaks for this identity."""

    reason = "identity_mismatch"
