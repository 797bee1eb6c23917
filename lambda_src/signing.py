"""Keys that sign what leaves the service and comes back: cursors and tokens."""

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
