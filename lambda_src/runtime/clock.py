"""Where "now" comes from, so that tests can choose it."""

from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], datetime]
"""Returns the current time as an aware datetime in UTC."""


def utc_now() -> datetime:
    """The current time, in UTC, with microseconds."""
    return datetime.now(UTC)
