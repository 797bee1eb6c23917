"""Who sent a request: access tokens, which hold nothing that BlueSky issued, and what routes ask of them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi.security import HTTPBearer
from starlette.requests import Request

from lambda_src.runtime.bearer import bearer_token
from lambda_src.runtime.routing import FromRequest, Provided
from lambda_src.runtime.tokens import BearerRefused, TokenRefused, TokenRules, TokenSigner
from lambda_src.services.nbhd_city.models import Did, Identity, Principal, is_did
from lambda_src.services.nbhd_city.settings import ApiSettings
from lambda_src.signing import KeyRing

RULES: Final = TokenRules(issuer="nbhd.city", audience="nbhd-city-api", required=("amr",))

type Method = Literal["bsky", "test"]
"""How somebody proved who they are."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new access token and its lifetime in seconds."""

    text: str
    expires_in: int


class AccessTokens:
    """Issues and reads access tokens. Those of test users are good outside production only."""

    def __init__(
        self,
        keys: KeyRing,
        settings: ApiSettings,
        *,
        seconds: Callable[[], float],
        make_id: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> None:
        self._signer = TokenSigner(keys, RULES, seconds=seconds)
        self._lifetime_seconds = settings.access_token_expire_minutes * 60
        self._methods = ("bsky",) if settings.is_production else ("bsky", "test")
        self._make_id = make_id

    def issue(self, identity: Identity, *, method: Method) -> IssuedToken:
        """A token for somebody whose identity is proven. Raises NotReady."""
        claims = {"sub": identity.did, "jti": str(self._make_id()), "amr": method}
        if identity.handle is not None:
            claims["hdl"] = identity.handle
        text = self._signer.sign(claims, lifetime_seconds=self._lifetime_seconds)
        return IssuedToken(text, self._lifetime_seconds)

    def read(self, text: str) -> Principal:
        """Who sent it. Raises TokenRefused, TokenExpired, NotReady when there is no key to check it with."""
        claims = self._signer.read(text)
        handle = claims.get("hdl")
        if claims["amr"] not in self._methods or not is_did(claims["sub"]) or not isinstance(handle, str | None):
            raise TokenRefused
        return Principal(did=Did(claims["sub"]), handle=handle, expires_at=claims["exp"])


def _required(request: Request, provided: Provided) -> Principal:
    tokens: AccessTokens = provided[AccessTokens]
    return tokens.read(bearer_token(request))


def _optional(request: Request, provided: Provided) -> Principal | None:
    try:
        return _required(request, provided)
    except BearerRefused:
        return None


_BEARER: Final = HTTPBearer(auto_error=False, description="The `access_token` of a sign-in")

type SignedIn = Annotated[Principal, FromRequest(_required, _BEARER)]
"""The caller. Raises TokenMissing, TokenRefused, TokenExpired, NotReady."""
type MaybeSignedIn = Annotated[Principal | None, FromRequest(_optional, _BEARER)]
"""The caller, None for an absent, invalid or expired token. Raises NotReady when a token cannot be checked."""
