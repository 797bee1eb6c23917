"""Every operation of the OpenAPI document, asked with generated input: never a 500, and answers of the stated shape."""

from collections.abc import Callable

import pytest

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Pick
from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.generated_requests import statuses_of
from tests.support.stock_track_record import NOON, Applications, TestClock
from tests.support.worlds import channel_with

# No generated text is the address of a channel.
NEW_CHANNEL = {"url": "https://www.youtube.com/@Another", "time_range_months": 6}
OPERATIONS = [
    "POST /api/channels",
    "GET /api/channels",
    "GET /api/channels/{channel_id}",
    "DELETE /api/channels/{channel_id}",
    "POST /api/channels/{channel_id}/process",
    "POST /api/channels/{channel_id}/cancel",
    "GET /api/channels/{channel_id}/logs",
    "GET /api/channels/{channel_id}/stocks",
    "GET /api/channels/{channel_id}/timeline",
    "GET /api/channels/{channel_id}/stocks/{ticker}",
    "POST /api/channels/{channel_id}/refresh-prices",
    "POST /api/channels/{channel_id}/backfill-prices",
    "GET /api/stocks/{ticker}/price",
    "GET /health",
    "GET /",
]


def analysed(new_app: Callable[..., Applications]) -> tuple[Applications, str]:
    """The service with one channel that has results."""
    clock = TestClock()
    picks = (Pick("NVDA", "buy", "Likes it."), Pick("BRK.B", "hold"), Pick("AAPL", "mentioned", confidence=None))
    answers = {"video00000": [gemini_answers.stocks(*picks)], "video00001": [gemini_answers.stocks(picks[0])]}
    world = World.custom(channels=[channel_with(3, newest=NOON)], answers=answers, clock=clock)
    app = new_app(world=world, clock=clock)
    channel_id = app.add("https://www.youtube.com/@TestChannel")
    app.drain()
    return app, channel_id


def test_the_document_lists_every_operation(new_app):
    app = new_app()

    paths = app.api.get("/openapi.json").json()["paths"]

    assert sorted(f"{method.upper()} {path}" for path, methods in paths.items() for method in methods) == sorted(
        OPERATIONS
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_generated_requests_are_answered_as_the_document_says(new_app, operation):
    app, channel_id = analysed(new_app)

    statuses = statuses_of(
        app.api,
        operation,
        body=NEW_CHANNEL if operation == "POST /api/channels" else None,
        channel_id=channel_id,
        ticker="NVDA",
    )

    expected = {400} if operation.endswith("/cancel") else {200, 201, 204}  # the channel is not processing
    assert statuses & expected, f"no request got through: {statuses}"
