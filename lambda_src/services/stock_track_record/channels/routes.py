"""Routes of channels, their runs and their logs, and their bodies."""

from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, Field
from starlette.responses import Response

from lambda_src.runtime.bodies import Shape
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.stock_track_record.bodies import Timestamp, number_in_text
from lambda_src.services.stock_track_record.channels.service import ChannelService
from lambda_src.services.stock_track_record.models import Channel, LogLine

type Page = Annotated[int, Query(ge=1, description="Number of the page, from 1")]
type PerPage = Annotated[int, Query(ge=1, le=100, description="Channels per page")]
type ListCursor = Annotated[str | None, Query(description="`next_cursor` of the page before; overrides `page`")]
type Since = Annotated[str | None, Query(max_length=64, description="ISO 8601 date-time, inclusive")]
type LogLimit = Annotated[int, Query(ge=1, le=1000)]


class NewChannel(BaseModel):
    """A channel to be added."""

    url: str = Field(min_length=1, max_length=500, description="Address of a YouTube channel")
    time_range_months: Annotated[int, BeforeValidator(number_in_text)] = Field(
        default=12, ge=1, le=36, strict=True, description="Months to look back"
    )


class ChannelBody(BaseModel):
    id: str
    youtube_channel_id: str
    name: str
    url: str
    thumbnail_url: str | None
    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    video_count: int
    processed_video_count: int
    time_range_months: int
    created_at: Timestamp
    updated_at: Timestamp
    # Of failed channels only; a body of their own would cost each start 5 million instructions.
    failure: str | None = Field(
        default=None, description="Why the latest run failed, for people; null if it failed long ago"
    )
    duplicate_of: str | None = Field(default=None, description="The channel that a failed one turned out to be")


class ChannelListBody(BaseModel):
    items: list[ChannelBody]
    total: int
    page: int
    per_page: int
    next_cursor: str | None


class LogLineBody(BaseModel):
    id: int
    channel_id: str
    log_level: Literal["info", "warning", "error"]
    message: str
    created_at: Timestamp


class LogListBody(BaseModel):
    logs: list[LogLineBody]


CHANNEL_SHAPE: Final = Shape[Channel](ChannelBody)
LOG_LINE_SHAPE: Final = Shape[LogLine](LogLineBody, {"id": "log_id"})

router: Final = Router(tags=["channels"])


def channel_json(channel: Channel) -> dict[str, Any]:
    body = CHANNEL_SHAPE(channel)
    if channel.status != "failed":
        del body["failure"], body["duplicate_of"]
    return body


@router.post("/api/channels", status_code=201, response_model=ChannelBody)
def add_channel(channels: Given[ChannelService], body: NewChannel) -> Response:
    """Add a channel and queue its analysis."""
    channel = channels.add_channel(body.url, time_range_months=body.time_range_months)
    return JsonAnswer(channel_json(channel), status_code=201, headers={"Location": f"/api/channels/{channel.id}"})


@router.get("/api/channels", response_model=ChannelListBody)
def list_channels(
    channels: Given[ChannelService], page: Page = 1, per_page: PerPage = 20, cursor: ListCursor = None
) -> dict[str, Any]:
    """Channels, newest first."""
    found, total = channels.channel_page(page=page, per_page=per_page, cursor=cursor)
    return {
        "items": [channel_json(channel) for channel in found.items],
        "total": total,
        "page": page,
        "per_page": per_page,
        "next_cursor": found.next_cursor,
    }


@router.get("/api/channels/{channel_id}", response_model=ChannelBody)
def read_channel(channels: Given[ChannelService], channel_id: str) -> dict[str, Any]:
    """One channel."""
    return channel_json(channels.channel(channel_id))


@router.delete("/api/channels/{channel_id}", status_code=204)
def delete_channel(channels: Given[ChannelService], channel_id: str) -> None:
    """Delete a channel and everything known of it."""
    channels.delete_channel(channel_id)


@router.post("/api/channels/{channel_id}/process", response_model=ChannelBody)
def process_channel(channels: Given[ChannelService], channel_id: str) -> dict[str, Any]:
    """Begin a new run; videos analysed before are skipped."""
    return channel_json(channels.process_channel(channel_id))


@router.post("/api/channels/{channel_id}/cancel", response_model=ChannelBody)
def cancel_channel(channels: Given[ChannelService], channel_id: str) -> dict[str, Any]:
    """Stop the run that is under way."""
    return channel_json(channels.cancel_channel(channel_id))


@router.get("/api/channels/{channel_id}/logs", response_model=LogListBody)
def read_logs(
    channels: Given[ChannelService], channel_id: str, since: Since = None, limit: LogLimit = 1000
) -> dict[str, Any]:
    """The processing log in ascending order: its newest lines, or the oldest ones from `since` on."""
    return {"logs": [LOG_LINE_SHAPE(line) for line in channels.logs(channel_id, since=since, limit=limit)]}
