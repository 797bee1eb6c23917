"""A channel brought to the point where its run gets interesting."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.stock_track_record import Applications, Sent
from tests.support.worlds import channel_with, numbered_stocks, spread_mentions


def make_world(clock: Callable[[], datetime], *, videos: int) -> World:
    """`@TestChannel` with that many videos; each mentions one of five shares."""
    channel = channel_with(videos, newest=clock() - timedelta(hours=1))
    stocks = numbered_stocks(5)
    answers = spread_mentions(channel, stocks, videos) if videos else {}
    return World.custom(channels=[channel], answers=answers, stocks=stocks, clock=clock, quotas={})


def begin_run(
    app: Applications, *, handle: str = "@TestChannel", analysed: int = 0, is_listed: bool = True
) -> tuple[str, list[Sent]]:
    """The id of a new channel and the messages of its videos; or the lister's message while nothing is listed.

    analysed: so many videos, the newest, were completed in an earlier run.
    """
    channel_id = app.add(f"https://www.youtube.com/{handle}")
    if analysed:
        narrow = app.another_worker(max_videos_per_run=analysed)
        for _ in range(3):  # the lister, then its videos, then their prices
            for sent in app.queue.take():
                assert app.deliver(sent, worker=narrow) == []
        assert app.channel(channel_id)["status"] == "completed"
        assert app.api.post(f"/api/channels/{channel_id}/process").status_code == 200
    lister = app.queue.take()
    if not is_listed:
        return channel_id, lister
    assert app.deliver(*lister) == []
    return channel_id, [sent for sent in app.queue.take() if sent.content["type"] == "video"]


def completion_lines(app: Applications, channel_id: str) -> int:
    """How often the log says that an analysis is complete."""
    return sum(text.startswith("Analysis completed") for text in app.messages(channel_id))


def error_lines(app: Applications, channel_id: str) -> list[str]:
    logs = app.api.get(f"/api/channels/{channel_id}/logs").json()["logs"]
    return [line["message"] for line in logs if line["log_level"] == "error"]


def videos_of(app: Applications, channel_id: str) -> list[dict[str, Any]]:
    return [video for video in app.items_of("Video") if video["channel_id"] == channel_id]


def video_of(app: Applications, sent: Sent) -> dict[str, Any]:
    """The item of the video that a message is about."""
    (video,) = [video for video in app.items_of("Video") if video["id"] == sent.content["video_id"]]
    return video
