"""Yahoo's chart service: what kind of paper a symbol is, its current price and its daily closes. It wants no key.

It is not documented; what is written here was learned from its answers, as the library yfinance does:
https://github.com/ranaroussi/yfinance/blob/main/yfinance/scrapers/history.py
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from lambda_src.runtime.outside import Call
from lambda_src.services.stock_track_record.clients.decoded import Json, at, list_at, text_at
from lambda_src.services.stock_track_record.clients.transport import Answer, Provider
from lambda_src.services.stock_track_record.errors import MalformedAnswer, ProviderThrottled
from lambda_src.services.stock_track_record.rules.closes import trading_date
from lambda_src.services.stock_track_record.rules.prices import price
from lambda_src.services.stock_track_record.rules.texts import clean_text
from lambda_src.services.stock_track_record.rules.tickers import yahoo_symbol

_TIMEOUT_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 60.0
_NAME_LIMIT: Final = 255
_BROWSER: Final = {  # with any other User-Agent it answers 429
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
}


@dataclass(frozen=True, slots=True)
class YahooChart:
    """What Yahoo knows of a symbol. closes: split-adjusted, by trading date at the exchange, in the currency."""

    symbol: str
    instrument_type: str | None
    currency: str | None
    exchange_code: str | None
    long_name: str | None
    market_price: Decimal | None
    closes: Mapping[date, Decimal] = field(default_factory=dict)


class YahooClient(Provider):
    """Asks Yahoo for charts."""

    name = "Yahoo"

    def recent(self, ticker: str) -> YahooChart | None:
        """The last five days of a canonical ticker with its current price, None for an unknown symbol.

        Raises ProviderThrottled (60 s) when Yahoo refuses or fails, ProviderUnavailable when it does not answer.
        1 request, repeated as Http says.
        """
        return self._chart("recent", ticker, {"range": "5d", "interval": "1d"})

    def history(self, ticker: str, period1: int, period2: int) -> YahooChart | None:
        """Daily closes from period1 up to period2 (epoch seconds), None when there are definitely no data.

        Raises as `recent` does. 1 request, repeated as Http says.
        """
        period = {"period1": str(period1), "period2": str(period2)}
        return self._chart("history", ticker, {**period, "interval": "1d", "events": "history"})

    def _chart(self, operation: str, ticker: str, params: Mapping[str, str]) -> YahooChart | None:
        path = f"/v8/finance/chart/{quote(yahoo_symbol(ticker), safe='')}"
        return self._ask(Call(operation, path, _TIMEOUT_SECONDS, params=params, headers=_BROWSER), self._read)

    def _read(self, answer: Answer) -> YahooChart | None:
        status = answer.status
        if status in (401, 429) or status >= 500:
            raise ProviderThrottled(f"Yahoo answered with status {status}", retry_after_seconds=_PAUSE_SECONDS)
        if status not in (200, 400, 404, 422):
            raise self._unavailable(answer)
        body = answer.json()
        results = list_at(body, "chart", "result")
        if status == 200 and results:
            return _chart_of(results[0])
        if _is_definite(body):
            return None
        raise MalformedAnswer if status == 200 else self._unavailable(answer)


def _is_definite(body: Json) -> bool:
    """Whether an error says that there are no data, now or later, rather than that something went wrong.

    404: "No data found, symbol may be delisted". 400 and 422: "Data doesn't exist for startDate = ..., endDate = ...".
    """
    if at(body, "chart", "error", "code") == "Not Found":
        return True
    description = (text_at(body, "chart", "error", "description") or "").lower()
    return "data doesn't exist" in description or "no data found" in description


def _chart_of(result: Json) -> YahooChart:
    meta = at(result, "meta")
    symbol = text_at(meta, "symbol")
    if symbol is None:
        raise MalformedAnswer
    long_name = text_at(meta, "longName")
    return YahooChart(
        symbol=symbol,
        instrument_type=text_at(meta, "instrumentType"),
        currency=text_at(meta, "currency"),
        exchange_code=text_at(meta, "exchangeName"),
        long_name=None if long_name is None else clean_text(long_name, _NAME_LIMIT) or None,
        market_price=price(at(meta, "regularMarketPrice")),
        closes=dict(_closes(result, text_at(meta, "exchangeTimezoneName"))),
    )


def _closes(result: Json, zone_name: str | None) -> Iterator[tuple[date, Decimal]]:
    """Rows that have a close. Times are missing altogether when the range holds no row."""
    times = list_at(result, "timestamp")
    quotes = list_at(result, "indicators", "quote")
    closes = list_at(quotes[0], "close") if quotes else []
    if len(times) != len(closes):
        raise MalformedAnswer
    for time, value in zip(times, closes, strict=True):
        close = price(value)
        if close is None:
            continue
        if not isinstance(time, int) or zone_name is None:
            raise MalformedAnswer
        try:
            yield trading_date(time, zone_name), close
        except ValueError as exc:
            raise MalformedAnswer from exc
