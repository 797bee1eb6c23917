"""Access tokens (JWT, https://www.rfc-editor.org/rfc/rfc7519): HMAC-SHA256 and nothing else, keys found by name.

PyJWT checks signature, algorithm, issuer, audience and that every required claim is there; the times are compared here,
because PyJWT knows no clock but the system's, and a service has one clock.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lambda_src.errors import NotAuthenticated
from lambda_src.signing import KeyRing, SigningKey, from_base64url

ALGORITHM: Final = "HS256"
MAX_TOKEN_BYTES: Final = 4096
MIN_HMAC_KEY_BYTES: Final = 32  # https://www.rfc-editor.org/rfc/rfc7518#section-3.2
_ALWAYS_REQUIRED: Final = ("iss", "aud", "sub", "iat", "exp", "jti")


class BearerRefused(NotAuthenticated):
    """A request brings no token that lets it in. Codes that a contract spells otherwise: `ErrorAnswers(codes=...)`."""

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": "Bearer"}  # https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2


class TokenMissing(BearerRefused):
    """There is none at all."""


class TokenRefused(BearerRefused):
    """The text is no token of ours that is valid now."""

    code = "token_invalid"
    default_detail = "The token is not valid"


class TokenExpired(TokenRefused):
    """It was one, and its time is over."""

    code = "token_expired"
    default_detail = "The token has expired; sign in again"


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Who issues tokens to whom. required: claims beyond iss, aud, sub, iat, exp and jti."""

    issuer: str
    audience: str
    required: tuple[str, ...] = ()
    leeway_seconds: int = 10  # between the clocks of two machines


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Writes and reads the tokens of a service. seconds: the time, since 1970."""

    keys: KeyRing
    rules: TokenRules
    seconds: Callable[[], float] = field(default=time.time)

    def sign(self, claims: Mapping[str, object], *, lifetime_seconds: int) -> str:
        """A token with these claims (`sub` and `jti` among them), valid from now on.

        Raises ValueError for a key that is too short.
        """
        import jwt  # noqa: PLC0415 -- 30 ms, all of `cryptography`, that only routes with a token pay for

        key, now = self.keys.current(), int(self.seconds())
        times = {"iat": now, "exp": now + lifetime_seconds}
        parties = {"iss": self.rules.issuer, "aud": self.rules.audience}
        headers = {"kid": key.id, "typ": "JWT"}
        return jwt.encode({**claims, **parties, **times}, _long_enough(key), algorithm=ALGORITHM, headers=headers)

    def read(self, text: str) -> dict[str, Any]:
        """The claims of a token. Raises TokenExpired, and TokenRefused for everything else that is wrong with it.

        A text above 4 KiB is refused unread, before its base64 and JSON cost anything.
        """
        import jwt  # noqa: PLC0415 -- as above

        if len(text) > MAX_TOKEN_BYTES or not _is_spelled_as_written(text):
            raise TokenRefused
        try:
            key = self.keys.find(str(jwt.get_unverified_header(text).get("kid")))
            if key is None:
                raise TokenRefused
            claims: dict[str, Any] = jwt.decode(
                text,
                _long_enough(key),
                algorithms=[ALGORITHM],
                issuer=self.rules.issuer,
                audience=self.rules.audience,
                options={
                    "require": [*_ALWAYS_REQUIRED, *self.rules.required],
                    "strict_aud": True,
                    "verify_exp": False,  # these three in check_times
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidTokenError as exc:
            raise TokenRefused from exc
        check_times(claims, now=self.seconds(), leeway_seconds=self.rules.leeway_seconds)
        return claims


def check_times(claims: Mapping[str, Any], *, now: float, leeway_seconds: int) -> None:
    """Hold `iat` and `exp`, which are there, and `nbf`, which may be, against a clock.

    Raises TokenExpired, and TokenRefused for one that is of the future or has times that are no whole numbers.
    """
    times = [claims["iat"], claims["exp"], claims.get("nbf", 0)]
    if any(not isinstance(each, int) or isinstance(each, bool) for each in times):
        raise TokenRefused
    issued_at, expires_at, valid_from = times
    if max(issued_at, valid_from) > now + leeway_seconds:
        raise TokenRefused
    if expires_at <= now - leeway_seconds:
        raise TokenExpired


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token and its lifetime in seconds."""

    text: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class AccessTokens[P]:
    """Issues and reads the access tokens of a service.

    principal: who the claims of a token stand for, if they are good. Here a service compares them with the account as
    it is stored now (`bearer.unchanged_account`); what it raises is the answer.
    """

    signer: TokenSigner
    lifetime_seconds: int
    principal: Callable[[Mapping[str, Any]], P]
    make_id: Callable[[], uuid.UUID] = uuid.uuid4

    def issue(self, subject: str, **claims: object) -> IssuedToken:
        """A token for somebody whose identity is proven. claims: beside the required ones; None is left out."""
        given = {name: value for name, value in claims.items() if value is not None}
        stated = {**given, "sub": subject, "jti": str(self.make_id())}
        return IssuedToken(self.signer.sign(stated, lifetime_seconds=self.lifetime_seconds), self.lifetime_seconds)

    def read(self, text: str) -> P:
        """Who sent a token. Raises TokenRefused, TokenExpired, and what `principal` raises."""
        return self.principal(self.signer.read(text))


def _is_spelled_as_written(text: str) -> bool:
    """Whether nothing was added that base64 skips: padding, foreign characters, bits behind the last byte.

    https://www.rfc-editor.org/rfc/rfc7515#section-2: base64url without padding. Two spellings of one token would be two
    keys of whatever remembers tokens.
    """
    try:
        return all(from_base64url(part) for part in text.split("."))
    except ValueError:
        return False


def _long_enough(key: SigningKey) -> bytes:
    if len(key.secret) < MIN_HMAC_KEY_BYTES:
        raise ValueError(f"a key for {ALGORITHM} has at least {MIN_HMAC_KEY_BYTES} bytes")
    return key.secret
