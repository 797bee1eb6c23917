"""Codes of an authorization server: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2."""

import secrets
from collections.abc import Callable
from threading import Lock
from typing import Final

CODE_SECONDS: Final = 60


class Codes[T]:
    """Each stands for something once, for a minute. Safe to use from many threads. seconds: the time since 1970."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._issued: dict[str, tuple[T, float]] = {}

    def issue(self, stands_for: T, *, prefix: str = "") -> str:
        code = prefix + secrets.token_urlsafe(36)
        with self._lock:
            self._issued[code] = (stands_for, self._seconds() + CODE_SECONDS)
        return code

    def use(self, code: str) -> T | None:
        """What a code stands for, and does no more; None for one that stands for nothing."""
        with self._lock:
            stands_for, until = self._issued.pop(code, (None, 0.0))
        return stands_for if until > self._seconds() else None
