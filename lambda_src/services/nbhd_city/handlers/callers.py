"""Who sent a request, by its access token."""

from typing import Final

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from lambda_src.services.nbhd_city.errors import ExpiredToken, InvalidToken, MissingToken
from lambda_src.services.nbhd_city.models import Caller
from lambda_src.services.nbhd_city.service.tokens import AccessTokens

MAX_TOKEN_CHARACTERS: Final = 4096

SIGNED_IN: Final = Depends(HTTPBearer(auto_error=False, description="The `access_token` of a sign-in"))
"""For the document only, among the dependencies of a route: `required` decides."""


def required(request: Request) -> Caller:
    """The caller. Raises MissingToken, InvalidToken, ExpiredToken, NotReady."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise MissingToken
    if len(token) > MAX_TOKEN_CHARACTERS:  # refused unread
        raise InvalidToken
    tokens: AccessTokens = request.app.state.tokens
    return tokens.read(token)


def optional(request: Request) -> Caller | None:
    """The caller, None for an absent, invalid or expired token. Raises NotReady when a token cannot be checked."""
    try:
        return required(request)
    except (MissingToken, InvalidToken, ExpiredToken):
        return None
