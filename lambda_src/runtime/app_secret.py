"""The application's secret: keys of tokens, from which those of cursors are derived, and what else a service keeps.

    jwt   current: {kid, key}, previous: [{kid, key}, ...]; a key is base64url of 32 bytes or more

There are no defaults: what is missing is NotReady until somebody fills the secret.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence

from lambda_src.errors import NotReady
from lambda_src.runtime.keyring import RotatingKeys
from lambda_src.runtime.secrets import SecretMalformed, SecretUnavailable
from lambda_src.runtime.tokens import MIN_HMAC_KEY_BYTES
from lambda_src.signing import KeyRing, SigningKey


class AppSecret(RotatingKeys):
    """The secret as the keys of tokens, and its other members by section.

    Every method raises NotReady when it cannot be read or is not as described above. Costs one request when nothing
    fresh is at hand.
    """

    def accepted(self) -> Sequence[SigningKey]:
        """The keys of tokens, the one that signs first."""
        held = self.section("jwt")
        previous = held.get("previous") or []
        if not isinstance(previous, list):
            raise NotReady
        return [_signing_key(each) for each in (held.get("current"), *previous)]

    def section(self, name: str) -> Mapping[str, object]:
        """The members under a name; none where it is missing."""
        try:
            return self._secret.section(name)
        except (SecretUnavailable, SecretMalformed) as exc:
            raise NotReady from exc


class DerivedKeys:
    """Keys made from others for one purpose: a signature for it is of no use for another. Raises what those raise."""

    def __init__(self, keys: KeyRing, purpose: bytes) -> None:
        self._keys = keys
        self._purpose = purpose

    def current(self) -> SigningKey:
        return self._derived(self._keys.current())

    def find(self, key_id: str) -> SigningKey | None:
        found = self._keys.find(key_id)
        return None if found is None else self._derived(found)

    def _derived(self, key: SigningKey) -> SigningKey:
        return SigningKey(key.id, hmac.digest(key.secret, self._purpose, "sha256"))


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
    except ValueError:
        raise NotReady from None
    if len(key) < MIN_HMAC_KEY_BYTES:
        raise NotReady
    return key
