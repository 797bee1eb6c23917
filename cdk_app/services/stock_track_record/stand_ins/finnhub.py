"""Finnhub's quote: https://finnhub.io/docs/api/quote"""

from collections.abc import Mapping

from starlette.applications import Starlette

from cdk_app.services.stand_ins.answers import Answer, Json, json_answer
from cdk_app.services.stock_track_record.stand_ins.models import US_EXCHANGE_CODES
from cdk_app.services.stock_track_record.stand_ins.quotas import Standing
from cdk_app.services.stock_track_record.stand_ins.wire import Inbound, is_bad_key, service_route
from cdk_app.services.stock_track_record.stand_ins.world import World

RECENT_DAYS = 30  # holds two closes even for a share with gaps

# What the service says of a symbol it does not know: status 200, nothing but zeros and nulls.
UNKNOWN: Mapping[str, Json] = {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}


def finnhub_app(world: World) -> Starlette:
    """`/quote`, to be mounted at `.../api/v1`."""
    return Starlette(
        routes=[
            service_route(
                world, "finnhub", "/quote", _quote, subject_of=lambda inbound: inbound.params.get("symbol", "")
            )
        ]
    )


def _quote(world: World, inbound: Inbound) -> Answer:
    token = inbound.headers.get("x-finnhub-token", "")
    if not token:
        return json_answer({"error": "Please use an API key."}, status=401)
    if is_bad_key(token):
        return json_answer({"error": "Invalid API key"}, status=401)
    standing = world.take_quota("finnhub")
    headers = _rate_headers(standing)
    if standing is not None and standing.exceeded is not None:
        message = "API limit reached. Please try again later. Remaining Limit: 0"
        return json_answer({"error": message}, status=429, headers=headers)
    symbol = inbound.params.get("symbol", "")
    if not symbol:
        return json_answer({"error": "Missing parameters"}, status=422, headers=headers)
    return json_answer(_quote_of(world, symbol), headers=headers)


def _rate_headers(standing: Standing | None) -> Mapping[str, str]:
    if standing is None:
        return {}
    return {
        "X-Ratelimit-Limit": str(standing.limit),
        "X-Ratelimit-Remaining": str(standing.remaining),
        "X-Ratelimit-Reset": str(standing.resets_at),
    }


def _quote_of(world: World, symbol: str) -> Json:
    stock = world.stock(symbol)
    rows = [] if stock is None else [row for row in world.prices(stock, days=RECENT_DAYS) if row.close is not None]
    if stock is None or stock.exchange_code not in US_EXCHANGE_CODES or not rows:
        return UNKNOWN
    today = rows[-1]
    current, before = today.close or 0.0, (rows[-2].close if len(rows) > 1 else None) or today.open
    return {
        "c": current,
        "d": round(current - before, 4),
        "dp": round((current - before) / before * 100, 4),
        "h": today.high,
        "l": today.low,
        "o": today.open,
        "pc": before,
        "t": int(today.at.timestamp()),
    }
