"""How long to wait before another try."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: the n-th wait is uniform between 0 and min(cap, base * 2^n).

    attempts: tries of a request that met a conflict or a throttle, the first one included; with the defaults all
    waits together last 1.3 s on average and 2.6 s at most. connection_attempts: tries when no answer came, fewer as
    each may cost the whole read timeout. rounds: further calls for what a batch left unprocessed.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int = 8
    base_seconds: float = 0.025
    cap_seconds: float = 1.0
    connection_attempts: int = 3
    rounds: int = 10

    def delay(self, n: int, random: Callable[[], float]) -> float:
        """Seconds to wait after try n, counted from 0. random: uniform in [0, 1)."""
        return random() * min(self.cap_seconds, self.base_seconds * 2.0**n)
