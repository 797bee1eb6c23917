"""What request and answer bodies share."""

from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from lambda_src.dynamo.store import Page

MAX_LIMIT: Final = 200

type Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
type Cursor = Annotated[str | None, Query(description="Of the page before")]
type Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]


class RequestBody(BaseModel):
    """Fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid")


def page_body(page: Page[Any], items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The envelope of a page. items: its entries as they are shown."""
    return {"items": items, "count": len(items), "next_cursor": page.next_cursor, **more}
