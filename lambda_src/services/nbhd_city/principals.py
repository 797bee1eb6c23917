"""Who sent a request: access tokens, which hold nothing that BlueSky issued, and what routes ask of them."""

import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from lambda_src.runtime import tokens
from lambda_src.runtime.bearer import maybe_signed_in, signed_in
from lambda_src.runtime.tokens import BearerRefused, IssuedToken, TokenRefused, TokenRules, TokenSigner
from lambda_src.services.nbhd_city.models import Did, Identity, Principal, is_did
from lambda_src.services.nbhd_city.settings import ApiSettings
from lambda_src.signing import KeyRing

RULES: Final = TokenRules(issuer="nbhd.city", audience="nbhd-city-api", required=("amr",))

type Method = Literal["bsky", "test"]
"""How somebody proved who they are."""


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
        signer, lifetime_seconds = TokenSigner(keys, RULES, seconds=seconds), settings.access_token_expire_minutes * 60
        self._tokens = tokens.AccessTokens(signer, lifetime_seconds, self._principal, make_id)
        self._methods = ("bsky",) if settings.is_production else ("bsky", "test")

    def issue(self, identity: Identity, *, method: Method) -> IssuedToken:
        """A token for somebody whose identity is proven. Raises NotReady."""
        return self._tokens.issue(identity.did, amr=method, hdl=identity.handle)

    def read(self, text: str) -> Principal:
        """Who sent it. Raises TokenRefused, TokenExpired, NotReady when there is no key to check it with."""
        return self._tokens.read(text)

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        handle = claims.get("hdl")
        if claims["amr"] not in self._methods or not is_did(claims["sub"]) or not isinstance(handle, str | None):
            raise TokenRefused
        return Principal(did=Did(claims["sub"]), handle=handle, expires_at=claims["exp"])


type SignedIn = Annotated[Principal, signed_in(AccessTokens)]
"""The caller. Raises TokenMissing, TokenRefused, TokenExpired, NotReady."""
type MaybeSignedIn = Annotated[Principal | None, maybe_signed_in(AccessTokens, nobody=BearerRefused)]
"""The caller, None for an absent, invalid or expired token. Raises NotReady when a token cannot be checked."""
