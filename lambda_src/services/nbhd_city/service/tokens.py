"""Access tokens: who somebody is, for as long as the token lives. They hold nothing that BlueSky issued."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from lambda_src.runtime.clock import Clock
from lambda_src.runtime.tokens import TokenExpired, TokenKeys, TokenRefused, TokenRules, TokenSigner
from lambda_src.services.nbhd_city.errors import ExpiredToken, InvalidToken
from lambda_src.services.nbhd_city.models import Caller, Did, Identity
from lambda_src.services.nbhd_city.rules.dids import is_did

RULES: Final = TokenRules(issuer="nbhd.city", audience="nbhd-city-api", required=("amr",))

type Method = Literal["bsky", "test"]
"""How somebody proved who they are."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new access token and its lifetime in seconds."""

    text: str
    expires_in: int


class AccessTokens:
    """Issues and reads access tokens. accepts_test: whether those of test users are good here; never in production."""

    def __init__(
        self,
        keys: TokenKeys,
        *,
        clock: Clock,
        lifetime_minutes: int,
        accepts_test: bool,
        make_id: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> None:
        self._signer = TokenSigner(keys, RULES, seconds=lambda: clock().timestamp())
        self._lifetime_seconds = lifetime_minutes * 60
        self._methods = ("bsky", "test") if accepts_test else ("bsky",)
        self._make_id = make_id

    def issue(self, identity: Identity, *, method: Method) -> IssuedToken:
        """A token for somebody whose identity is proven. Raises NotReady."""
        claims = {"sub": identity.did, "jti": str(self._make_id()), "amr": method}
        if identity.handle is not None:
            claims["hdl"] = identity.handle
        text = self._signer.sign(claims, lifetime_seconds=self._lifetime_seconds)
        return IssuedToken(text, self._lifetime_seconds)

    def read(self, text: str) -> Caller:
        """Who sent it. Raises InvalidToken, ExpiredToken, NotReady when there is no key to check it with."""
        try:
            claims = self._signer.read(text)
        except TokenExpired as exc:
            raise ExpiredToken from exc
        except TokenRefused as exc:
            raise InvalidToken from exc
        handle = claims.get("hdl")
        if claims["amr"] not in self._methods or not is_did(claims["sub"]) or not isinstance(handle, str | None):
            raise InvalidToken
        return Caller(did=Did(claims["sub"]), handle=handle, expires_at=claims["exp"])
