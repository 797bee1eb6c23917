"""Every operation of the OpenAPI document, asked with generated input: never a 500, and answers of the stated shape."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cdk_app.local.standins import World, gemini_answers
from cdk_app.local.standins.models import Pick
from tests.support.generated_requests import cases
from tests.support.stock_track_record import NOON, Applications, TestClock
from tests.support.worlds import channel_with

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
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


def analysed(house: Callable[..., Applications]) -> tuple[Applications, str]:
    """The service with one channel that has results."""
    clock = TestClock()
    picks = (Pick("NVDA", "buy", "Likes it."), Pick("BRK.B", "hold"), Pick("AAPL", "mentioned", confidence=None))
    answers = {"video00000": [gemini_answers.stocks(*picks)], "video00001": [gemini_answers.stocks(picks[0])]}
    world = World.custom(channels=[channel_with(3, newest=NOON)], answers=answers, clock=clock)
    app = house(world=world, clock=clock)
    channel_id = app.add("https://www.youtube.com/@TestChannel")
    app.drain()
    return app, channel_id


def test_the_document_lists_every_operation(house):
    app = house()

    paths = app.api.get("/openapi.json").json()["paths"]

    assert sorted(f"{method.upper()} {path}" for path, methods in paths.items() for method in methods) == sorted(
        OPERATIONS
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_generated_requests_are_answered_as_the_document_says(house, operation):
    app, channel_id = analysed(house)
    statuses = set()

    @settings(
        max_examples=20,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(
        case=cases(
            app.api.get("/openapi.json").json(),
            operation,
            body=NEW_CHANNEL if operation == "POST /api/channels" else None,
            channel_id=channel_id,
            ticker="NVDA",
        )
    )
    def ask(case: Case[Any]) -> None:
        answer = case.call(base_url=str(app.api.base_url).rstrip("/"))
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    ask()

    expected = {400} if operation.endswith("/cancel") else {200, 201, 204}  # the channel is not processing
    assert statuses & expected, f"no request got through: {statuses}"
