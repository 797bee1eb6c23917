"""What request and answer bodies share."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from lambda_src.runtime.clock import utc_text

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

type Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]


def timestamp(milliseconds: int) -> str:
    """A stored time as answers have it: ISO 8601 in UTC, with milliseconds."""
    return utc_text(_EPOCH + timedelta(milliseconds=milliseconds), "milliseconds")
