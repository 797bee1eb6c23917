"""Keys for signing, out of a secret, with rotation: one signs, those before it are still accepted."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from lambda_src.runtime.secrets import Secret
from lambda_src.signing import SigningKey

_ID_CHARACTERS: Final = 8


class RotatingKeys(ABC):
    """The keys of a secret, of which the first one signs. Raises what reading the secret raises."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    @abstractmethod
    def accepted(self) -> Sequence[SigningKey]:
        """One key or more, the one that signs first."""

    def current(self) -> SigningKey:
        return self.accepted()[0]

    def find(self, key_id: str) -> SigningKey | None:
        """The key of this name, None when there is none. For one that is not known the secret is read anew."""
        found = self._find(key_id)
        if found is None:
            self._secret.refresh()
            found = self._find(key_id)
        return found

    def _find(self, key_id: str) -> SigningKey | None:
        return next((key for key in self.accepted() if key.id == key_id), None)


class GeneratedKeys(RotatingKeys):
    """The keys of a secret `{"current": "...", "previous": "..."}`, the second one only after a rotation.

    A key is named after its digest, so that nobody has to invent names. Reads as `Secret.get` does.
    """

    def accepted(self) -> Sequence[SigningKey]:
        texts = (self._secret.get("current"), self._secret.get("previous", default=""))
        return [_named(text) for number, text in enumerate(texts) if text or number == 0]


def _named(text: str) -> SigningKey:
    secret = text.encode()
    return SigningKey(hashlib.sha256(secret).hexdigest()[:_ID_CHARACTERS], secret)
