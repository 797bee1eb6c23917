"""The application's secret: keys of tokens and cursors, the OAuth client's credentials, the test users.

jwt         current: {kid, key}, previous: [{kid, key}, ...]; a key is base64url of 32 bytes or more
oauth       client_secret, for profile `basic`; client_jwk, a private key on P-256 with a kid, for `atproto`
test_login  users: [{username, password, did, handle, display_name}, ...]
"""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from lambda_src.runtime.keyring import RotatingKeys, SigningKey
from lambda_src.runtime.secrets import SecretMalformed, SecretUnavailable
from lambda_src.runtime.tokens import MIN_HMAC_KEY_BYTES
from lambda_src.services.nbhd_city.errors import NotReady

CURSOR_PURPOSE: Final = b"nbhd.cursor.v1"


class Sections(Protocol):
    """The part of `runtime.secrets.Secret` that is used here."""

    def section(self, name: str) -> Mapping[str, object]: ...

    def refresh(self) -> None: ...


class AppSecret:
    """The members of the secret. Every method raises NotReady when it cannot be read or is not as described above.

    Costs one request when nothing fresh is at hand.
    """

    def __init__(self, secret: Sections) -> None:
        self._secret = secret

    def refresh(self) -> None:
        """Read the secret anew at the next use, at most once per 30 s."""
        self._secret.refresh()

    def token_keys(self) -> list[SigningKey]:
        """The keys of tokens, the one that signs first."""
        held = self._section("jwt")
        previous = held.get("previous") or []
        if not isinstance(previous, list):
            raise NotReady
        return [_signing_key(each) for each in (held.get("current"), *previous)]

    def client_secret(self) -> str:
        """The secret of the OAuth client, for profile `basic`; empty where there is none."""
        value = self._section("oauth").get("client_secret", "")
        if not isinstance(value, str):
            raise NotReady
        return value

    def client_jwk(self) -> dict[str, Any] | None:
        """The private key of the OAuth client as JWK, for profile `atproto`; None where there is none."""
        value = self._section("oauth").get("client_jwk")
        return dict(value) if isinstance(value, dict) and value else None

    def test_users(self) -> list[Mapping[str, str]]:
        """Who may sign in with a password, outside production."""
        users = self._section("test_login").get("users", [])
        if not isinstance(users, list) or not all(isinstance(user, dict) for user in users):
            raise NotReady
        return users

    def _section(self, name: str) -> Mapping[str, object]:
        try:
            return self._secret.section(name)
        except (SecretUnavailable, SecretMalformed) as exc:
            raise NotReady from exc


class AppKeys(RotatingKeys):
    """The keys of tokens. There is no default: without a key of 32 bytes every method raises NotReady."""

    def __init__(self, secret: AppSecret) -> None:
        self._secret = secret

    def accepted(self) -> Sequence[SigningKey]:
        return self._secret.token_keys()

    def refresh(self) -> None:
        self._secret.refresh()


class CursorKeys:
    """The keys of cursors, derived from those of tokens: a cursor's signature is of no use in a token."""

    def __init__(self, keys: AppKeys) -> None:
        self._keys = keys

    def current(self) -> SigningKey:
        """The key for new cursors. Raises NotReady."""
        return _for_cursors(self._keys.current())

    def find(self, key_id: str) -> SigningKey | None:
        """The key of this name, None when there is none. Raises NotReady."""
        found = self._keys.find(key_id)
        return None if found is None else _for_cursors(found)


def _for_cursors(key: SigningKey) -> SigningKey:
    return SigningKey(key.id, hmac.digest(key.secret, CURSOR_PURPOSE, "sha256"))


def _signing_key(held: object) -> SigningKey:
    match held:
        case {"kid": str(key_id), "key": str(text)} if key_id:
            return SigningKey(key_id, _decoded(text))
        case _:
            raise NotReady


def _decoded(text: str) -> bytes:
    """Raises NotReady for what is no base64url of 32 bytes or more; `from None`: the cause could show the key."""
    try:
        key = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise NotReady from None
    if len(key) < MIN_HMAC_KEY_BYTES:
        raise NotReady
    return key
