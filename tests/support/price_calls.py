"""Worlds and calls of tests about prices."""

from datetime import timedelta
from typing import Any

from cdk_app.services.stand_ins.answers import json_answer
from cdk_app.services.stock_track_record.stand_ins import models as standin
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.services.stock_track_record.messages import BackfillMessage, PricesMessage
from lambda_src.services.stock_track_record.models import timestamp
from tests.support.stock_track_record import NOON, PRICE_QUEUE, Applications, Sent, TestClock
from tests.support.track_record_items import channel_named

CHANNEL = channel_named("prices")
UNKNOWN_AT_FINNHUB = json_answer({"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0})
TWO_DAYS_AGO = timestamp(NOON - timedelta(days=2))


def quoted(price: float) -> Any:
    return json_answer({"c": price, "d": 1.2, "dp": 0.4, "h": 197, "l": 193, "o": 194, "pc": 194.3, "t": 1736929800})


def world_of(*stocks: standin.Stock, clock: TestClock | None = None) -> World:
    return World.custom(stocks=stocks, clock=clock or TestClock())


def price_of(app: Applications, ticker: str) -> dict[str, Any]:
    answer = app.api.get(f"/api/stocks/{ticker}/price")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert isinstance(body, dict)
    return body


def provider_calls(app: Applications) -> int:
    return sum(len(app.world.calls(service)) for service in ("finnhub", "yahoo", "alpha_vantage"))


def message(content: BackfillMessage | PricesMessage) -> Sent:
    return Sent(PRICE_QUEUE, "message-of-the-test", content.text())
