"""Alpha Vantage's daily series: https://www.alphavantage.co/documentation/#daily

Every answer has status 200; failures are told apart by the name of their only field.
"""

from itertools import islice

from starlette.applications import Starlette

from cdk_app.services.stand_ins.answers import Answer, Json, json_answer
from cdk_app.services.stock_track_record.stand_ins.models import Stock
from cdk_app.services.stock_track_record.stand_ins.prices import DailyPrice
from cdk_app.services.stock_track_record.stand_ins.quotas import Quota
from cdk_app.services.stock_track_record.stand_ins.trading_days import closing
from cdk_app.services.stock_track_record.stand_ins.wire import Inbound, is_bad_key, service_route
from cdk_app.services.stock_track_record.stand_ins.world import World

COMPACT_DAYS = 100
CALENDAR_DAYS = 160  # hold at least that many trading days, holidays and gaps included
SUPPORT = "https://www.alphavantage.co/support/#api-key"


def alpha_vantage_app(world: World) -> Starlette:
    """`/query`, to be mounted at the root of the service."""
    return Starlette(
        routes=[
            service_route(
                world, "alpha_vantage", "/query", _query, subject_of=lambda inbound: inbound.params.get("symbol", "")
            )
        ]
    )


def _query(world: World, inbound: Inbound) -> Answer:
    key = inbound.params.get("apikey", "")
    if not key or is_bad_key(key):
        message = f"the parameter apikey is invalid or missing. Please claim your free API key on ({SUPPORT})."
        return json_answer({"Error Message": message})
    standing = world.take_quota("alpha_vantage")
    if standing is not None and standing.exceeded is not None:
        return _limit_reached(standing.exceeded)
    if inbound.params.get("function") != "TIME_SERIES_DAILY":
        return _invalid_call()
    if inbound.params.get("outputsize", "compact") != "compact":
        return json_answer({"Information": "outputsize=full is part of the premium plans."})
    stock = world.stock_at_yahoo(inbound.params.get("symbol", ""))
    rows = [] if stock is None else _closed_days(world, stock)
    if stock is None or not rows:
        return _invalid_call()
    return json_answer(_series(stock, rows))


def _limit_reached(quota: Quota) -> Answer:
    if quota.window_seconds <= 60:
        return json_answer({"Note": f"Our standard API call frequency is {quota.limit} calls per minute."})
    return json_answer({"Information": f"Our standard API rate limit is {quota.limit} requests per day."})


def _invalid_call() -> Answer:
    message = (
        "Invalid API call. Please retry or visit the documentation "
        "(https://www.alphavantage.co/documentation/) for TIME_SERIES_DAILY."
    )
    return json_answer({"Error Message": message})


def _closed_days(world: World, stock: Stock) -> list[DailyPrice]:
    now = world.clock()
    return [
        row
        for row in world.prices(stock, days=CALENDAR_DAYS)
        if row.close is not None and closing(row.day, stock.timezone) <= now
    ]


def _series(stock: Stock, rows: list[DailyPrice]) -> Json:
    newest_first = list(islice(reversed(rows), COMPACT_DAYS))
    return {
        "Meta Data": {
            "1. Information": "Daily Prices (open, high, low, close) and Volumes",
            "2. Symbol": stock.yahoo_symbol,
            "3. Last Refreshed": newest_first[0].day.isoformat(),
            "4. Output Size": "Compact",
            "5. Time Zone": "US/Eastern",
        },
        "Time Series (Daily)": {row.day.isoformat(): _day(row) for row in newest_first},
    }


def _day(row: DailyPrice) -> Json:
    """All numbers are texts, prices with four decimals."""
    return {
        "1. open": f"{row.open:.4f}",
        "2. high": f"{row.high:.4f}",
        "3. low": f"{row.low:.4f}",
        "4. close": f"{row.close:.4f}",
        "5. volume": str(row.volume),
    }
