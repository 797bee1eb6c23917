"""Cursors: where the next page of a list begins, in the hands of a client who cannot make or change one.

A cursor is base64url (without padding) of a signature and the position as JSON: {"v":1,"l":"channels",...}. The
signature covers the list and the scope (the partition the list belongs to) as well, so a cursor of another list or of
another channel is refused like a forged one, before any database call.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lambda_src.errors import InvalidCursor

MAX_CURSOR_CHARACTERS: Final = 1024
_VERSION: Final = 1
_RESERVED: Final = frozenset({"v", "l"})
_SIGNATURE_BYTES: Final = 32  # HMAC-SHA256
_KEY_BYTES: Final = 16  # a shorter key is a mistake in the set-up


@dataclass(frozen=True, slots=True)
class CursorKeys:
    """Secrets of at least 16 bytes. previous: still accepted after a rotation, never used for new cursors."""

    current: bytes
    previous: bytes | None = None

    def __post_init__(self) -> None:
        if any(len(key) < _KEY_BYTES for key in (self.current, self.previous) if key is not None):
            raise ValueError(f"a key that signs cursors has at least {_KEY_BYTES} bytes")


class CursorCodec:
    """Writes and reads the cursors of all lists. keys: asked at every use and never before; who gives them caches."""

    def __init__(self, keys: Callable[[], CursorKeys]) -> None:
        self._keys = keys

    def encode(self, list_name: str, scope: str, position: Mapping[str, str]) -> str:
        """The cursor for a position of a list. scope: what the list belongs to; not readable from the cursor.

        Raises ValueError when the position has fields `v` or `l`, or is too long for a cursor.
        """
        if not position.keys().isdisjoint(_RESERVED):
            raise ValueError("the fields v and l of a cursor are taken")
        content = {"v": _VERSION, "l": list_name, **position}
        payload = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        text = _to_text(_signature(self._keys().current, list_name, scope, payload) + payload)
        if len(text) > MAX_CURSOR_CHARACTERS:
            raise ValueError(f"the position does not fit into a cursor: {len(text)} characters")
        return text

    def decode(self, text: str, list_name: str, scope: str) -> dict[str, str]:
        """The position that was encoded. Raises InvalidCursor for anything but a cursor of this list and scope."""
        raw = _from_text(text)
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        keys = self._keys()
        accepted = [key for key in (keys.current, keys.previous) if key is not None]
        if not any(hmac.compare_digest(signature, _signature(key, list_name, scope, payload)) for key in accepted):
            raise InvalidCursor
        content: dict[str, object] = json.loads(payload)  # ours, since the signature is
        if content["v"] != _VERSION:
            raise InvalidCursor
        return {name: str(value) for name, value in content.items() if name not in _RESERVED}


def _signature(key: bytes, list_name: str, scope: str, payload: bytes) -> bytes:
    # JSON has no NUL in it, so no list, scope and payload can be read as three others.
    place = json.dumps([list_name, scope]).encode()
    return hmac.digest(key, place + b"\0" + payload, "sha256")


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    if len(text) > MAX_CURSOR_CHARACTERS:
        raise InvalidCursor
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as exc:
        raise InvalidCursor from exc
    if _to_text(raw) != text:  # the decoder skips characters it does not know and ignores spare bits
        raise InvalidCursor
    return raw
