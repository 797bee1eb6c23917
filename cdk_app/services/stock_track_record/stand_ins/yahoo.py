"""Yahoo's chart, an undocumented service: the answers here follow what `query2.finance.yahoo.com` sends."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from starlette.applications import Starlette

from cdk_app.services.stand_ins.answers import Answer, Json, json_answer, text_answer
from cdk_app.services.stock_track_record.stand_ins.models import Stock
from cdk_app.services.stock_track_record.stand_ins.prices import DailyPrice, first_trade_day
from cdk_app.services.stock_track_record.stand_ins.trading_days import closing, opening
from cdk_app.services.stock_track_record.stand_ins.wire import Inbound, service_route
from cdk_app.services.stock_track_record.stand_ins.world import World

RANGES = {"1d": 1, "5d": 5, "1mo": 22, "3mo": 65, "6mo": 130, "1y": 252}  # in trading days
DAYS_OF_HISTORY = 20 * 366  # reaches behind the first day of every walk
RECENT_DAYS = 30  # holds the latest close even for a share with gaps


def yahoo_app(world: World) -> Starlette:
    """`/v8/finance/chart/{symbol}`, to be mounted at the root of the service."""
    return Starlette(
        routes=[
            service_route(
                world,
                "yahoo",
                "/v8/finance/chart/{symbol}",
                _chart,
                subject_of=lambda inbound: inbound.path["symbol"],
            )
        ]
    )


def _chart(world: World, inbound: Inbound) -> Answer:
    if not inbound.headers.get("user-agent", "").startswith("Mozilla/5.0"):
        return text_answer("Too Many Requests\r\n", status=429)
    interval = inbound.params.get("interval", "1d")
    if interval != "1d":
        return _bad_request(f"Invalid input - interval={interval} is not supported. Valid intervals: [1d]")
    stock = world.stock_at_yahoo(inbound.path["symbol"])
    if stock is None:
        return _failed(404, "Not Found", "No data found, symbol may be delisted")
    if "period1" in inbound.params or "period2" in inbound.params:
        return _period(world, stock, inbound)
    days = RANGES.get(inbound.params.get("range", "1d"))
    if days is None:
        return _bad_request(f"Invalid input - range={inbound.params['range']} is not supported.")
    prices = world.prices(stock, days=days * 2 + RECENT_DAYS)
    return json_answer(_result(world, stock, shown=prices[-days:]))


def _period(world: World, stock: Stock, inbound: Inbound) -> Answer:
    try:
        start, end = int(inbound.params["period1"]), int(inbound.params["period2"])
    except (KeyError, ValueError):
        return _bad_request("Invalid input - period1 and period2 must be integers")
    if start >= end:
        return _bad_request(
            f"Invalid input - start date cannot be after end date. startDate = {start}, endDate = {end}"
        )
    if opening(first_trade_day(stock), stock.timezone).timestamp() >= end:
        return _bad_request(f"Data doesn't exist for startDate = {start}, endDate = {end}")
    days_ago = (int(world.clock().timestamp()) - start) // 86_400 + 1
    days = min(max(days_ago, 0), DAYS_OF_HISTORY)
    shown = [row for row in world.prices(stock, days=days) if start <= row.at.timestamp() < end]
    return json_answer(_result(world, stock, shown=shown))


def _result(world: World, stock: Stock, *, shown: Sequence[DailyPrice]) -> Json:
    """One chart; `timestamp` is missing, and the quote empty, when the range has no rows."""
    result: dict[str, Json] = {"meta": _meta(world, stock)}
    if shown:
        result["timestamp"] = [int(row.at.timestamp()) for row in shown]
        result["indicators"] = {
            "quote": [
                {
                    "open": _present(shown, [row.open for row in shown]),
                    "high": _present(shown, [row.high for row in shown]),
                    "low": _present(shown, [row.low for row in shown]),
                    "close": [row.close for row in shown],
                    "volume": [None if row.close is None else row.volume for row in shown],
                }
            ],
            "adjclose": [{"adjclose": [row.close for row in shown]}],
        }
    else:
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}
    return {"chart": {"result": [result], "error": None}}


def _present(shown: Sequence[DailyPrice], values: Sequence[float]) -> Json:
    """A row without a close is null in every column."""
    return [None if row.close is None else value for row, value in zip(shown, values, strict=True)]


def _meta(world: World, stock: Stock) -> Json:
    now = world.clock()
    offset = now.astimezone(ZoneInfo(stock.timezone)).utcoffset() or timedelta()
    meta: dict[str, Json] = {
        "currency": stock.currency,
        "symbol": stock.yahoo_symbol,
        "exchangeName": stock.exchange_code,
        "instrumentType": stock.instrument_type,
        "longName": stock.name,
        "shortName": stock.name[:30],
        "gmtoffset": int(offset.total_seconds()),
        "exchangeTimezoneName": stock.timezone,
        "dataGranularity": "1d",
        "validRanges": list(RANGES),
    }
    quoted = [row for row in world.prices(stock, days=RECENT_DAYS) if row.close is not None]
    if quoted:
        latest = quoted[-1]
        meta["firstTradeDate"] = int(opening(first_trade_day(stock), stock.timezone).timestamp())
        meta["regularMarketPrice"] = latest.close
        meta["regularMarketTime"] = int(min(now, closing(latest.day, stock.timezone)).timestamp())
    return meta


def _bad_request(description: str) -> Answer:
    return _failed(400, "Bad Request", description)


def _failed(status: int, code: str, description: str) -> Answer:
    return json_answer({"chart": {"result": None, "error": {"code": code, "description": description}}}, status=status)
