"""How much time is left for the work at hand."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, Self


class RemainingTime(Protocol):
    """The part of a Lambda context that knows when the invocation is cut off."""

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment at which work has to be over, on a clock that never goes backwards.

    Derived deadlines (`minus`, `at_most`) are new values; none of them is ever later than the one it came from.
    """

    ends_at_seconds: float
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False, compare=False)

    @classmethod
    def after(cls, seconds: float, *, monotonic: Callable[[], float] = time.monotonic) -> Self:
        """The moment that many seconds from now."""
        return cls(monotonic() + seconds, monotonic)

    @classmethod
    def of_invocation(cls, context: RemainingTime, *, monotonic: Callable[[], float] = time.monotonic) -> Self:
        """The moment at which Lambda cuts this invocation off."""
        return cls.after(context.get_remaining_time_in_millis() / 1000, monotonic=monotonic)

    def remaining_seconds(self) -> float:
        """Seconds left, 0 once it is over."""
        return max(0.0, self.ends_at_seconds - self.monotonic())

    def minus(self, seconds: float) -> Self:
        """The same deadline, that many seconds (0 or more) earlier: time kept for what comes after the work."""
        return type(self)(self.ends_at_seconds - max(0.0, seconds), self.monotonic)

    def at_most(self, seconds: float) -> Self:
        """The same deadline, or that many seconds from now if that is sooner."""
        return type(self)(min(self.ends_at_seconds, self.monotonic() + seconds), self.monotonic)
