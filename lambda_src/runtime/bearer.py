"""Who sent a request, by the access token it brings: https://www.rfc-editor.org/rfc/rfc6750#section-2.1."""

from typing import Any, Final, Protocol

from fastapi.security import HTTPBearer
from starlette.requests import Request

from lambda_src.errors import AppError, NotAllowed
from lambda_src.runtime.routing import FromRequest, Provided
from lambda_src.runtime.tokens import MAX_TOKEN_BYTES, BearerRefused, TokenMissing, TokenRefused

_BEARER: Final = HTTPBearer(auto_error=False, description="The `access_token` of a sign-in")


class AccountDisabled(NotAllowed):
    code = "account_disabled"
    default_detail = "This account is switched off"


class Account(Protocol):
    """What is stored of whoever signs in. token_version: another one whenever all tokens so far shall be void."""

    @property
    def token_version(self) -> int: ...

    @property
    def is_active(self) -> bool: ...


def signed_in(tokens: type) -> FromRequest:
    """Whoever is signed in, as a parameter of a route.

    `type SignedIn = Annotated[User, signed_in(AccessTokens)]`. tokens: the type of what the wiring provides to read
    tokens. Raises TokenMissing, and what that raises.
    """

    def read(request: Request, provided: Provided) -> Any:
        return provided[tokens].read(bearer_token(request))

    return FromRequest(read, _BEARER)


def maybe_signed_in(tokens: type, *, nobody: type[BearerRefused] = TokenMissing) -> FromRequest:
    """The same where nobody has to sign in: None for who brings no token.

    nobody: BearerRefused also takes a token that is wrong or over for none.
    """
    required = signed_in(tokens)

    def read(request: Request, provided: Provided) -> Any:
        try:
            return required.read(request, provided)
        except nobody:
            return None

    return FromRequest(read, _BEARER)


def bearer_token(request: Request) -> str:
    """The token of a request. Raises TokenMissing, and TokenRefused for one that is too long to be read."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRefused
    return token


def unchanged_account[A: Account](
    found: A | None,
    token_version: int,
    *,
    disabled: type[AppError] = AccountDisabled,
    changed: type[AppError] = TokenRefused,
) -> A:
    """The account that a token was issued for, if that token still counts.

    found: as a consistent read finds it now. Raises `disabled` for one that is switched off, `changed` for one that is
    gone or has another token version.
    """
    if found is not None and not found.is_active:
        raise disabled
    if found is None or found.token_version != token_version:
        raise changed
    return found
