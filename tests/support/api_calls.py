"""Calls of the API that several test modules make."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.stock_track_record import NOON, Applications, TestClock
from tests.support.worlds import channel_with

URL = "https://www.youtube.com/@TestChannel"
NOW = "2025-01-15T08:30:00.123Z"
# Every route of one channel, by what follows its id.
CHANNEL_ROUTES = [
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/process"),
    ("POST", "/cancel"),
    ("GET", "/logs"),
    ("GET", "/stocks"),
    ("GET", "/timeline"),
    ("GET", "/stocks/NVDA"),
    ("POST", "/refresh-prices"),
    ("POST", "/backfill-prices"),
]


def calls_of[T](app: Applications, action: Callable[[], T]) -> tuple[T, dict[str, int]]:
    """What the action returns, and the DynamoDB requests it cost, by operation."""
    with app.counted() as requests:
        result = action()
    return result, dict(requests)


def at_the_same_time(actions: list[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(actions)) as threads:
        return [future.result() for future in [threads.submit(action) for action in actions]]


def refused_with(answer: httpx.Response, status: int, code: str) -> bool:
    body = answer.json()
    return (
        answer.status_code == status
        and answer.headers["content-type"] == "application/problem+json"
        and isinstance(body["detail"], str)
        and body["code"] == code
    )


def add_five(app: Applications, clock: TestClock) -> list[str]:
    """Five channels, newest first."""
    ids = []
    for number in range(5):
        clock.forward(seconds=1)
        ids.append(app.add(f"https://www.youtube.com/@channel{number}"))
    return ids[::-1]


def completed(new_app: Callable[..., Applications], clock: TestClock) -> tuple[Applications, str]:
    """A channel whose three videos are analysed."""
    app = new_app(world=World.custom(channels=[channel_with(3, newest=NOON)], clock=clock), clock=clock)
    channel_id = app.add(URL)
    app.drain()
    assert app.channel(channel_id)["status"] == "completed"
    clock.forward(minutes=5)
    return app, channel_id
