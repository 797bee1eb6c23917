"""Where "now" comes from, so that tests can choose it, and how a time is written."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

type Clock = Callable[[], datetime]
"""Returns the current time as an aware datetime in UTC."""


def utc_now() -> datetime:
    """The current time, in UTC, with microseconds."""
    return datetime.now(UTC)


def utc_text(instant: datetime, timespec: Literal["seconds", "milliseconds", "microseconds"]) -> str:
    """A time as text of one width, so that byte order is time order: `2025-01-15T08:30:00.123456Z`. It is cut.

    Raises ValueError for a time without a zone, which is no moment.
    """
    if instant.tzinfo is None:
        raise ValueError("A time without a zone is not a moment")
    return f"{instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec)}Z"


def epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970, floored; exact, unlike `timestamp() * 1000`."""
    return (instant - _EPOCH) // _MILLISECOND


def of_epoch_ms(milliseconds: int) -> datetime:
    """The moment that many milliseconds after 1970. Raises OverflowError for one that is in no calendar."""
    return _EPOCH + milliseconds * _MILLISECOND
