"""Cursors: where the next page of a list begins, in the hands of a client who cannot make or change one.

    base64url(payload) "." base64url(tag)                                                   both without padding
    payload  {"c": "2025-01-01T12:00:00.000000Z", "i": "...", "k": "k1", "r": "channels", "t": 1767225600, "v": 1}
    tag      the first 16 bytes of HMAC-SHA256 of the payload, under the key named `k`

`r` is the scope: the list, and the partition it belongs to where it has one (`members:<id>`); of a long one, its
digest. A cursor of another scope is refused like a forged or an old one, before any database call.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from lambda_src.errors import InvalidCursor
from lambda_src.signing import KeyRing, SigningKey, from_base64url, to_base64url

MAX_CURSOR_CHARACTERS: Final = 2048
MAX_SCOPE_CHARACTERS: Final = 128  # what a list was asked with is of any length, and a position needs the room
MAX_AGE_SECONDS: Final = 86_400
MAX_CLOCK_SKEW_SECONDS: Final = 60  # between two machines that serve one client
_VERSION: Final = 1
_RESERVED: Final = frozenset({"v", "k", "r", "t"})
_TAG_BYTES: Final = 16


class CursorCodec:
    """Writes and reads the cursors of all lists of a service. seconds: the time, since 1970."""

    def __init__(self, keys: KeyRing, *, seconds: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._seconds = seconds

    def encode(self, scope: str, position: Mapping[str, Any]) -> str:
        """The cursor for a position of a list, a JSON object; whoever holds the cursor can read both.

        Raises ValueError when the position has a field `v`, `k`, `r` or `t`, or is too long for a cursor.
        """
        if not position.keys().isdisjoint(_RESERVED):
            raise ValueError(f"the fields {', '.join(sorted(_RESERVED))} of a cursor are taken")
        key = self._keys.current()
        envelope = {"v": _VERSION, "k": key.id, "r": _short(scope), "t": int(self._seconds())}
        content = json.dumps({**position, **envelope}, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        payload = content.encode()
        text = f"{to_base64url(payload)}.{to_base64url(_tag(key, payload))}"
        if len(text) > MAX_CURSOR_CHARACTERS:
            raise ValueError(f"the position does not fit into a cursor: {len(text)} characters")
        return text

    def decode(self, text: str, scope: str) -> dict[str, Any]:
        """The position that was encoded. Raises InvalidCursor for anything but a fresh cursor of this scope."""
        payload_text, dot, tag_text = text.partition(".")
        if not dot or len(text) > MAX_CURSOR_CHARACTERS:
            raise InvalidCursor
        payload, tag = _from_text(payload_text), _from_text(tag_text)
        content = _read(payload)
        key = self._keys.find(str(content.get("k")))
        if key is None or not hmac.compare_digest(tag, _tag(key, payload)):
            raise InvalidCursor
        age_seconds = self._seconds() - content["t"]  # ours from here on, since the tag is
        if (content["v"], content["r"]) != (_VERSION, _short(scope)) or not (
            -MAX_CLOCK_SKEW_SECONDS <= age_seconds <= MAX_AGE_SECONDS
        ):
            raise InvalidCursor
        return {name: value for name, value in content.items() if name not in _RESERVED}


def _short(scope: str) -> str:
    if len(scope) <= MAX_SCOPE_CHARACTERS:
        return scope
    return hashlib.sha256(scope.encode()).hexdigest()


def _tag(key: SigningKey, payload: bytes) -> bytes:
    return hmac.digest(key.secret, payload, "sha256")[:_TAG_BYTES]


def _read(payload: bytes) -> dict[str, Any]:
    """The payload as JSON, not trusted yet: it says which key it claims to be signed with."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError) as exc:
        raise InvalidCursor from exc
    if not isinstance(content, dict):
        raise InvalidCursor
    return content


def _from_text(text: str) -> bytes:
    try:
        return from_base64url(text)
    except ValueError as exc:
        raise InvalidCursor from exc
