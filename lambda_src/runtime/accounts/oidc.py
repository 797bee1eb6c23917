"""ID tokens of an OpenID provider: RS256 and nothing else, by the keys that the provider publishes.

https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation, https://www.rfc-editor.org/rfc/rfc7517

PyJWT checks signature, algorithm, issuer and that the claims are there; its own client for published keys knows neither
our bounded calls nor our clock, and asks anew for every name of a key that somebody makes up.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from lambda_src.runtime.outside import Answer, Call, Http, NoAnswer
from lambda_src.runtime.providers.decoded import Json, at, decode_or_none, list_at, text_at
from lambda_src.runtime.tokens import TokenRefused, check_times

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

logger = logging.getLogger(__name__)

ALGORITHM: Final = "RS256"
MAX_TOKEN_BYTES: Final = 8_192
LEEWAY_SECONDS: Final = 60
MIN_KEY_BITS: Final = 2_048  # https://www.rfc-editor.org/rfc/rfc7518#section-3.3

CALL_TIMEOUT_SECONDS: Final = 5.0
FRESH_SECONDS: Final = 3_600  # of an answer that does not say
KEPT_SECONDS: Final = 86_400  # at most, whatever an answer says, and while no newer one comes
PAUSE_SECONDS: Final = 60  # between two fetches
HURRIED_PAUSE_SECONDS: Final = 1  # the same while there is no key at all
_MAX_AGE: Final = re.compile(r"max-age=(\d{1,9})", re.IGNORECASE)
_REQUIRED: Final = ("iss", "aud", "sub", "iat", "exp")


class KeysUnavailable(NoAnswer):
    """The keys of a provider cannot be had, so nothing can be said of its token."""

    default_detail = "The keys of the identity provider cannot be read at the moment"


class PublishedKeys:
    """The keys of a provider by name, as its JWK set at `url` has them. provider: its name in logs.

    They are fetched at the first use, when what was fetched is no longer fresh (`Cache-Control`), and for a name that
    is not among them, at most once in PAUSE_SECONDS. What is withdrawn counts until the next fetch. While fetches fail
    the keys stay good for KEPT_SECONDS after the last one that did not. Safe to use from many threads.
    """

    def __init__(self, http: Http, url: str, *, provider: str, seconds: Callable[[], float]) -> None:
        self._http = http
        self._url = url
        self._provider = provider
        self._seconds = seconds
        self._lock = Lock()
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._fresh_until = self._kept_until = self._asked_at = float("-inf")
        self._is_failing = False

    def find(self, key_id: str) -> "RSAPublicKey | None":
        """The key of that name, None where there is none. Raises KeysUnavailable. 1 request when one is due."""
        with self._lock:  # so that many who come at once cost one fetch
            now = self._seconds()
            if self._is_due(key_id, now):
                self._fetch(now)
            found = self._keys.get(key_id) if now < self._kept_until else None
            if found is None and self._is_failing:
                raise KeysUnavailable
            return found

    def _is_due(self, key_id: str, now: float) -> bool:
        if now >= self._kept_until:
            return now - self._asked_at >= HURRIED_PAUSE_SECONDS
        is_known = key_id in self._keys and now < self._fresh_until
        return not is_known and now - self._asked_at >= PAUSE_SECONDS

    def _fetch(self, now: float) -> None:
        self._asked_at, self._is_failing = now, True
        try:
            answer = self._http.exchange(
                self._url, Call("read keys", "", CALL_TIMEOUT_SECONDS), provider=self._provider
            )
        except NoAnswer:
            return
        keys = _rsa_keys(decode_or_none(answer.content)) if answer.status == 200 else {}
        if not keys:
            logger.warning("no keys of an identity provider", extra={"provider": self._provider})
            return
        self._keys, self._is_failing = keys, False
        self._fresh_until = now + _max_age(answer)
        self._kept_until = now + KEPT_SECONDS


@dataclass(frozen=True, slots=True)
class IdTokens:
    """Reads ID tokens. issuers: exact. audiences: client ids, one of which a token is for. seconds: since 1970."""

    keys: PublishedKeys = field(repr=False)
    issuers: frozenset[str]
    audiences: frozenset[str]
    seconds: Callable[[], float]

    def read(self, text: str) -> dict[str, Any]:
        """The claims of a token that is good now: `sub` is a text that is not empty, nothing else is known of them.

        Raises TokenRefused, and KeysUnavailable. Costs what finding a key costs; a text above 8 KiB is refused unread.
        """
        import jwt  # noqa: PLC0415 -- 30 ms, all of `cryptography`, that only routes with a token pay for

        if len(text) > MAX_TOKEN_BYTES or not text.isascii():
            raise TokenRefused
        try:
            claims: dict[str, Any] = jwt.decode(
                text,
                self._key(jwt.get_unverified_header(text)),
                algorithms=[ALGORITHM],
                issuer=self.issuers,
                options={
                    "require": [*_REQUIRED],
                    "verify_aud": False,  # below: PyJWT takes lists, of which a token may be for somebody else as well
                    "verify_exp": False,  # these three in check_times
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.InvalidTokenError, RecursionError) as exc:
            raise TokenRefused from exc
        audience = claims["aud"]
        if not claims["sub"] or not isinstance(audience, str) or audience not in self.audiences:
            raise TokenRefused
        check_times(claims, now=self.seconds(), leeway_seconds=LEEWAY_SECONDS)
        return claims

    def _key(self, header: Mapping[str, Any]) -> "RSAPublicKey":
        """The key that a header names; a header that asks for another algorithm costs no fetch."""
        name = header.get("kid")
        found = self.keys.find(name) if isinstance(name, str) and header.get("alg") == ALGORITHM else None
        if found is None:
            raise TokenRefused
        return found


def _rsa_keys(jwk_set: Json) -> "Mapping[str, RSAPublicKey]":
    """The keys of a set that sign with RS256, by name; others are for something else."""
    keys: dict[str, RSAPublicKey] = {}
    for jwk in list_at(jwk_set, "keys"):
        name, key = text_at(jwk, "kid"), _rsa_key(jwk)
        if name is not None and key is not None:
            keys[name] = key
    return keys


def _rsa_key(jwk: Json) -> "RSAPublicKey | None":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers  # noqa: PLC0415 -- as above
    from jwt.utils import from_base64url_uint  # noqa: PLC0415

    wanted = at(jwk, "kty") == "RSA" and at(jwk, "use") in (None, "sig") and at(jwk, "alg") in (None, ALGORITHM)
    modulus, exponent = text_at(jwk, "n"), text_at(jwk, "e")
    if not wanted or modulus is None or exponent is None:
        return None
    try:
        key = RSAPublicNumbers(from_base64url_uint(exponent), from_base64url_uint(modulus)).public_key()
    except ValueError:
        return None
    return key if key.key_size >= MIN_KEY_BITS else None


def _max_age(answer: Answer) -> int:
    """For how many seconds an answer may be used: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.1."""
    directives = answer.headers.get("cache-control", "").split(",")
    found = next((match for each in directives if (match := _MAX_AGE.fullmatch(each.strip()))), None)
    return FRESH_SECONDS if found is None else int(found[1])
