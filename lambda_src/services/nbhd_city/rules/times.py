"""Times as text of one width, so that byte order is time order."""

import re
from datetime import UTC, datetime
from typing import Final

TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def timestamp(instant: datetime) -> str:
    """27 characters in UTC: `2025-01-15T08:30:00.123456Z`."""
    return f"{instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
