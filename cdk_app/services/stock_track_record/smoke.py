"""Smoke check of Stock Track Record: a channel that YouTube does not know is added and deleted at once.

Adding a channel is the only write that needs nothing to be there before. Its message is on the queue from that moment,
so the channel is deleted before anything else is asked: a worker that comes later finds nothing to do. One that comes
in between spends one of the 10,000 units that YouTube gives a day, the price of asking for a channel by its id. The
worker also removes what is left of a deleted channel.
"""

import secrets
import string
import time
from collections.abc import Callable
from typing import Any, Final

from cdk_app.services.smoke_steps import StepFailed, Steps

CHANNELS: Final = "/api/channels"
ALPHABET: Final = string.ascii_letters + string.digits
# The list of channels follows a write within about a second.
LOOKS: Final = 4
PAUSE_SECONDS: Final = 1.0


def check(steps: Steps, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Health, the list, and a channel that comes and goes. Raises StepFailed; leaves nothing behind in any case."""
    steps.step("health", "GET", "/health", status=200, expect=lambda body: body["status"] == "ok")
    steps.step(
        "read",
        "GET",
        f"{CHANNELS}?per_page=1",
        status=200,
        expect=lambda body: body["total"] >= 0 and isinstance(body["items"], list),
    )
    youtube_id = "UC" + "".join(secrets.choice(ALPHABET) for _ in range(22))  # 131 random bits: nobody has this id
    channel_id = None
    try:
        channel_id = _add(steps, youtube_id)
        address = f"{CHANNELS}/{channel_id}"
        steps.step("delete", "DELETE", address, status=204)
        steps.step("is gone", "GET", address, status=404, expect=lambda body: body["code"] == "channel_not_found")
    except BaseException as failure:  # Ctrl-C, too
        # A refusal made no channel: one with this id, however unlikely, is somebody's own.
        if channel_id or not (isinstance(failure, StepFailed) and failure.was_refused):
            _clean_up(steps, youtube_id, channel_id, sleep)
        raise


def _add(steps: Steps, youtube_id: str) -> str:
    created = steps.step(
        "write",
        "POST",
        CHANNELS,
        status=201,
        body={"url": f"https://www.youtube.com/channel/{youtube_id}", "time_range_months": 1},
        expect=lambda body: body["youtube_channel_id"] == youtube_id and bool(body["id"]),
    )
    return str(created["id"])


def _clean_up(steps: Steps, youtube_id: str, channel_id: str | None, sleep: Callable[[float], None]) -> None:
    """Delete what a step that failed may have left; only ever the channel of this check, known by its random id."""
    try:
        channel_id = channel_id or _find(steps, youtube_id, sleep)
        if channel_id is not None:
            steps.step("clean up", "DELETE", f"{CHANNELS}/{channel_id}", status=204, or_status=404)
    except StepFailed:
        steps.warn(
            "clean up", f"may have left a channel behind: delete the one whose youtube_channel_id is {youtube_id}"
        )


def _find(steps: Steps, youtube_id: str, sleep: Callable[[float], None]) -> str | None:
    """The id of the channel if it was made after all: its answer may have been lost. New channels are listed first."""
    for look in range(LOOKS):
        if look:
            sleep(PAUSE_SECONDS)
        listed = steps.step(
            "look for remains",
            "GET",
            f"{CHANNELS}?per_page=100",
            status=200,
            expect=lambda body: body["items"] is not None,
        )
        mine: list[Any] = [item["id"] for item in listed["items"] if item["youtube_channel_id"] == youtube_id]
        if mine:
            return str(mine[0])
    return None
