"""Numbers that look random and are the same on every machine, in every process and Python version."""

import base64
from collections.abc import Sequence
from hashlib import blake2b


def _digest(seed: str, size_bytes: int) -> bytes:
    return blake2b(seed.encode(), digest_size=size_bytes).digest()


def number(seed: str, below: int) -> int:
    """An integer in 0 <= n < below that depends on the seed alone."""
    return int.from_bytes(_digest(seed, 8)) % below


def choose[T](seed: str, options: Sequence[T]) -> T:
    return options[number(seed, len(options))]


def shuffled[T](seed: str, options: Sequence[T]) -> list[T]:
    order = sorted(range(len(options)), key=lambda index: _digest(f"{seed}/{index}", 8))
    return [options[index] for index in order]


def bell(seed: str) -> float:
    """About normally distributed, mean 0, deviation 1, never beyond 3.5: the sum of four uniform numbers."""
    digest = _digest(seed, 8)
    total = sum(int.from_bytes(digest[start : start + 2]) / 65_536 for start in (0, 2, 4, 6))
    return float((total - 2) * 3**0.5)


def youtube_video_id(seed: str) -> str:
    """Eleven characters out of A-Z, a-z, 0-9, `_` and `-`."""
    return base64.urlsafe_b64encode(_digest(seed, 9)).decode()[:11]
