"""What request and answer bodies share."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import BaseModel, BeforeValidator, Field

from lambda_src.dynamo.store import Page
from lambda_src.runtime.bodies import Shape
from lambda_src.runtime.clock import of_epoch_ms, utc_text
from lambda_src.services.algoitny.models.stored import MAX_ID
from lambda_src.services.algoitny.models.tasks import Task, TaskState

MAX_LIMIT: Final = 100
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # JSON can carry half of a surrogate pair, UTF-8 cannot
_DIGITS: Final = re.compile(r"-?(0|[1-9][0-9]{0,15})")


def _checked_digits(text: Any) -> Any:
    """Only what is written as we write it: Pydantic also takes `%0A7`, `+7`, `7_0` and `7.0` for a number."""
    if isinstance(text, str) and _DIGITS.fullmatch(text) is None:
        raise ValueError("This is not a whole number")
    return text


type Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT), BeforeValidator(_checked_digits)]
type Hours = Annotated[
    int, Query(ge=1, le=168, description="Clock hours, the current one among them"), BeforeValidator(_checked_digits)
]
type Days = Annotated[int, Query(ge=1, le=90), BeforeValidator(_checked_digits)]
type Cursor = Annotated[str | None, Query(description="Of the page before")]
type PathId = Annotated[int, Path(ge=1, le=MAX_ID), BeforeValidator(_checked_digits)]
type QueryId = Annotated[int | None, Query(ge=1, le=MAX_ID), BeforeValidator(_checked_digits)]

type Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]


def timestamp(milliseconds: int | None) -> str | None:
    """A stored time as answers have it: ISO 8601 in UTC, with milliseconds. None stays None."""
    return None if milliseconds is None else utc_text(of_epoch_ms(milliseconds), "milliseconds")


def one_line(text: str, *, most: int) -> str:
    """A name that people read, without white space around it. Raises ValueError."""
    line = text.strip()
    if not 1 <= len(line) <= most or _UNSEEN.search(line):
        raise ValueError(f"A name has 1 to {most} characters on one line")
    return line


class ListBody(BaseModel):
    """The envelope of a page. The body of a list adds `results`, and may have fewer of them than were asked for."""

    next_cursor: str | None
    has_more: bool


def list_body(page: Page[Any], results: Sequence[Any]) -> dict[str, Any]:
    """The envelope of a page. results: its items as they are shown."""
    return {"results": results, "next_cursor": page.next_cursor, "has_more": page.next_cursor is not None}


class AcceptedBody(BaseModel):
    """Work that was taken on."""

    task_id: str
    status: TaskState


ACCEPTED_SHAPE: Final = Shape[Task](AcceptedBody)
