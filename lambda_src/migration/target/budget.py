"""How many write units per second a migration may use: a bound from the operator, lowered while DynamoDB throttles."""

import threading
import time
from collections.abc import Callable
from typing import Final

_SLOWER: Final = 0.7  # what is left of the rate after a throttle
_FLOOR_UNITS: Final = 25.0  # a batch a second always goes through
_RECOVERY_PER_SECOND: Final = 0.05  # of the bound
_SAME_BURST_SECONDS: Final = 0.5  # throttles of many threads in this time are one
_UNBOUND_START_UNITS: Final = 4_000.0  # what a new on-demand table takes at once:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html


class WriteBudget:
    """A rate of write units that many threads share. Safe to use from many threads.

    units_per_second: the bound; None starts without one and gets one with the first throttle.
    """

    def __init__(
        self,
        units_per_second: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bound = units_per_second
        self._rate = units_per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._total_units = 0.0
        self._debt = 0.0  # units used that the rate has not covered yet
        self._settled_at = clock()
        self._throttled_at = float("-inf")
        self._throttles = 0

    @property
    def bound(self) -> float | None:
        """Write units per second that it never exceeds, None without such a bound."""
        return self._bound

    @property
    def throttles(self) -> int:
        """How often DynamoDB asked for fewer writes."""
        return self._throttles

    def wait(self) -> None:
        """Wait until the units used so far are covered by the rate."""
        with self._lock:
            self._settle()
            seconds = self._debt / self._rate if self._rate else 0.0
        if seconds > 0:
            self._sleep(seconds)

    def used(self, total_units: float) -> None:
        """Tell what was used so far, as DynamoDB's answers state it."""
        with self._lock:
            self._settle()  # time before these units does not cover them
            more, self._total_units = max(0.0, total_units - self._total_units), max(total_units, self._total_units)
            if self._rate:
                self._debt += more

    def throttled(self, pause_seconds: float) -> None:
        """Wait after a throttle, and go slower from here on."""
        with self._lock:
            self._settle()
            now = self._clock()
            self._throttles += 1
            if now - self._throttled_at > _SAME_BURST_SECONDS:
                self._throttled_at = now
                self._rate = max(_FLOOR_UNITS, (self._rate or _UNBOUND_START_UNITS) * _SLOWER)
        self._sleep(pause_seconds)

    def _settle(self) -> None:
        """What time has covered since the last look; the rate grows back while nobody is throttled."""
        now = self._clock()
        elapsed, self._settled_at = now - self._settled_at, now
        if self._rate is None:
            return
        self._debt = max(0.0, self._debt - elapsed * self._rate)
        top = self._bound or _UNBOUND_START_UNITS
        self._rate += elapsed * top * _RECOVERY_PER_SECOND
        if self._bound is not None:
            self._rate = min(self._rate, self._bound)
        elif self._rate >= _UNBOUND_START_UNITS:  # recovered: no bound was asked for
            self._rate, self._debt = None, 0.0
