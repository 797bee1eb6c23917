"""Keys that sign what leaves the service and comes back, cursors and tokens, and how such bytes are written."""

import base64
from dataclasses import dataclass
from typing import Final, Protocol

MIN_KEY_BYTES: Final = 16  # a shorter key is a mistake in the set-up


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key and the name it goes by. Raises ValueError for a key of fewer than MIN_KEY_BYTES bytes."""

    id: str
    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_KEY_BYTES:
            raise ValueError(f"a signing key has at least {MIN_KEY_BYTES} bytes")


class KeyRing(Protocol):
    """The keys of a service. Both methods are called at every use and never before; who implements them caches."""

    def current(self) -> SigningKey:
        """The key for new signatures."""
        ...

    def find(self, key_id: str) -> SigningKey | None:
        """A key that is still accepted, None when there is none of this name."""
        ...


def to_base64url(raw: bytes) -> str:
    """Without padding: https://www.rfc-editor.org/rfc/rfc7515#section-2."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Raises ValueError for every other spelling of the same bytes: the decoder skips characters, and spare bits."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(raw) != text:
        raise ValueError("no base64url without padding")
    return raw
