"""What the market says of shares, by three providers.

Finnhub         current prices; 60 calls a minute and 30 a second for free: https://finnhub.io/docs/api/quote
Yahoo           what kind of paper a symbol is, its current price and its daily closes. It wants no key, and is not
                documented; what is written here was learned from its answers, as the library yfinance does:
                https://github.com/ranaroussi/yfinance/blob/main/yfinance/scrapers/history.py
Alpha Vantage   daily closes, the second choice; 5 calls a minute and 25 a day for free, and what it has to say of them
                comes with status 200: https://www.alphavantage.co/documentation/#daily
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from lambda_src.runtime.clock import Clock, utc_now
from lambda_src.runtime.outside import Call
from lambda_src.runtime.providers import errors
from lambda_src.runtime.providers.decoded import Json, at, clean_text, list_at, text_at
from lambda_src.runtime.providers.provider import Access, Answer, KeyedProvider, Provider
from lambda_src.services.stock_track_record.market.rules import price, trading_date
from lambda_src.services.stock_track_record.models import yahoo_symbol

_PAUSE_SECONDS: Final = 60.0  # limits are per minute
_FINNHUB_TIMEOUT_SECONDS: Final = 5.0
_MAX_PAUSE_SECONDS: Final = 3600.0  # a Reset further away is a clock that is wrong, theirs or ours
_YAHOO_TIMEOUT_SECONDS: Final = 10.0
_NAME_LIMIT: Final = 255
_BROWSER: Final = {  # with any other User-Agent it answers 429
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
}
_ALPHA_VANTAGE_TIMEOUT_SECONDS: Final = 15.0
_SERIES: Final = "Time Series (Daily)"


class FinnhubClient(KeyedProvider):
    name = "Finnhub"
    key_name = "finnhub_api_key"
    key_header = "X-Finnhub-Token"

    def __init__(self, access: Access, *, base_url: str, clock: Clock = utc_now) -> None:
        super().__init__(access, base_url=base_url)
        self._clock = clock

    def quote(self, ticker: str) -> Decimal | None:
        """The current price of a canonical ticker in US dollars, None when Finnhub does not know the symbol.

        Raises ProviderThrottled with the pause to keep, ProviderDisabled for a missing or refused key,
        ProviderUnavailable. 1 request, repeated as `Access` says.
        """
        call = Call("quote", "/quote", _FINNHUB_TIMEOUT_SECONDS, params={"symbol": ticker})
        return self._ask(call, self._read)

    def _read(self, answer: Answer) -> Decimal | None:
        match answer.status:
            case 200:
                body = answer.json()
                if not isinstance(body, dict) or "c" not in body:
                    raise errors.MalformedAnswer
                return price(at(body, "c"))
            case 401:
                raise errors.KeyRejected("Finnhub does not accept its API key")
            case 403:
                raise errors.ProviderDisabled("Finnhub refuses access with its API key")
            case 429:
                raise errors.ProviderThrottled(retry_after_seconds=self._pause_seconds(answer))
            case _:
                raise self._unavailable(answer)

    def _pause_seconds(self, answer: Answer) -> float:
        """Until the time in the header, epoch seconds; 60 s when it is missing or long past."""
        reset = answer.headers.get("x-ratelimit-reset", "")
        if not (reset.isascii() and reset.isdigit()) or len(reset) > 11:
            return _PAUSE_SECONDS
        seconds = int(reset) - self._clock().timestamp()
        return seconds if 0 < seconds <= _MAX_PAUSE_SECONDS else _PAUSE_SECONDS


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
    name = "Yahoo"

    def recent(self, ticker: str) -> YahooChart | None:
        """The last five days of a canonical ticker with its current price, None for an unknown symbol.

        Raises ProviderThrottled (60 s) when Yahoo refuses or fails, ProviderUnavailable when it does not answer.
        1 request, repeated as `Access` says.
        """
        return self._chart("recent", ticker, {"range": "5d", "interval": "1d"})

    def history(self, ticker: str, period1: int, period2: int) -> YahooChart | None:
        """Daily closes from period1 up to period2 (epoch seconds), None when there are definitely no data.

        Raises as `recent` does. 1 request, repeated as `Access` says.
        """
        period = {"period1": str(period1), "period2": str(period2)}
        return self._chart("history", ticker, {**period, "interval": "1d", "events": "history"})

    def _chart(self, operation: str, ticker: str, params: Mapping[str, str]) -> YahooChart | None:
        path = f"/v8/finance/chart/{quote(yahoo_symbol(ticker), safe='')}"
        return self._ask(Call(operation, path, _YAHOO_TIMEOUT_SECONDS, params=params, headers=_BROWSER), self._read)

    def _read(self, answer: Answer) -> YahooChart | None:
        status = answer.status
        if status in (401, 429) or status >= 500:
            raise errors.ProviderThrottled(f"Yahoo answered with status {status}", retry_after_seconds=_PAUSE_SECONDS)
        if status not in (200, 400, 404, 422):
            raise self._unavailable(answer)
        body = answer.json()
        results = list_at(body, "chart", "result")
        if status == 200 and results:
            return _chart_of(results[0])
        if _is_definite(body):
            return None
        raise errors.MalformedAnswer if status == 200 else self._unavailable(answer)


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
        raise errors.MalformedAnswer
    long_name = text_at(meta, "longName")
    return YahooChart(
        symbol=symbol,
        instrument_type=text_at(meta, "instrumentType"),
        currency=text_at(meta, "currency"),
        exchange_code=text_at(meta, "exchangeName"),
        long_name=None if long_name is None else clean_text(long_name, _NAME_LIMIT) or None,
        market_price=price(at(meta, "regularMarketPrice")),
        closes=dict(_yahoo_closes(result, text_at(meta, "exchangeTimezoneName"))),
    )


def _yahoo_closes(result: Json, zone_name: str | None) -> Iterator[tuple[date, Decimal]]:
    """Rows that have a close. Times are missing altogether when the range holds no row."""
    times = list_at(result, "timestamp")
    quotes = list_at(result, "indicators", "quote")
    closes = list_at(quotes[0], "close") if quotes else []
    if len(times) != len(closes):
        raise errors.MalformedAnswer
    for time, value in zip(times, closes, strict=True):
        close = price(value)
        if close is None:
            continue
        if not isinstance(time, int) or zone_name is None:
            raise errors.MalformedAnswer
        try:
            yield trading_date(time, zone_name), close
        except ValueError as exc:
            raise errors.MalformedAnswer from exc


class AlphaVantageClient(KeyedProvider):
    name = "Alpha Vantage"
    key_name = "alpha_vantage_api_key"
    key_header = ""  # it knows no header for the key

    def daily_closes(self, ticker: str) -> Mapping[date, Decimal] | None:
        """The closes of the newest 100 trading days in US dollars, None when the symbol is unknown.

        Raises QuotaExhausted until the next UTC day, ProviderDisabled for a missing key, ProviderUnavailable.
        1 request.
        """
        params = {"function": "TIME_SERIES_DAILY", "symbol": yahoo_symbol(ticker), "outputsize": "compact"}
        return self._ask(Call("daily", "/query", _ALPHA_VANTAGE_TIMEOUT_SECONDS, params=params), self._read)

    def _with_key(self, call: Call, key: str) -> Call:
        return replace(call, params={**call.params, "apikey": key})

    def _read(self, answer: Answer) -> Mapping[date, Decimal] | None:
        if answer.status in (401, 403):
            raise errors.KeyRejected("Alpha Vantage does not accept its API key")
        if answer.status != 200:
            raise self._unavailable(answer)
        body = answer.json()
        if at(body, "Error Message") is not None:
            return None
        if at(body, "Note") is not None or at(body, "Information") is not None:
            # its text quotes the key
            raise errors.QuotaExhausted("The daily quota of Alpha Vantage is used up")
        series = at(body, _SERIES)
        if not isinstance(series, dict):
            raise errors.MalformedAnswer
        return dict(_alpha_vantage_closes(series))


def _alpha_vantage_closes(series: Mapping[str, Json]) -> Iterator[tuple[date, Decimal]]:
    for day, row in series.items():
        close = price(at(row, "4. close"))
        if close is None:
            continue
        try:
            yield date.fromisoformat(day), close
        except ValueError as exc:
            raise errors.MalformedAnswer from exc
