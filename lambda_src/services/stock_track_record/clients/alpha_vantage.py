"""Alpha Vantage: daily closes, the second choice. https://www.alphavantage.co/documentation/#daily

The free limits are 5 calls a minute and 25 a day; what it has to say of them comes with status 200.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from lambda_src.runtime.outside import Call
from lambda_src.services.stock_track_record.clients.decoded import Json, at
from lambda_src.services.stock_track_record.clients.transport import Answer, KeyedProvider
from lambda_src.services.stock_track_record.errors import KeyRejected, MalformedAnswer, QuotaExhausted
from lambda_src.services.stock_track_record.rules.prices import price
from lambda_src.services.stock_track_record.rules.tickers import yahoo_symbol

_TIMEOUT_SECONDS: Final = 15.0
_SERIES: Final = "Time Series (Daily)"


class AlphaVantageClient(KeyedProvider):
    """Asks Alpha Vantage for daily closes."""

    name = "Alpha Vantage"
    key_name = "alpha_vantage_api_key"
    key_header = ""  # it knows no header for the key

    def daily_closes(self, ticker: str) -> Mapping[date, Decimal] | None:
        """The closes of the newest 100 trading days in US dollars, None when the symbol is unknown.

        Raises QuotaExhausted until the next UTC day, ProviderDisabled for a missing key, ProviderUnavailable.
        1 request.
        """
        params = {"function": "TIME_SERIES_DAILY", "symbol": yahoo_symbol(ticker), "outputsize": "compact"}
        return self._ask(Call("daily", "/query", _TIMEOUT_SECONDS, params=params), self._read)

    def _with_key(self, call: Call, key: str) -> Call:
        return replace(call, params={**call.params, "apikey": key})

    def _read(self, answer: Answer) -> Mapping[date, Decimal] | None:
        if answer.status in (401, 403):
            raise KeyRejected("Alpha Vantage does not accept its API key")
        if answer.status != 200:
            raise self._unavailable(answer)
        body = answer.json()
        if at(body, "Error Message") is not None:
            return None
        if at(body, "Note") is not None or at(body, "Information") is not None:
            # its text quotes the key
            raise QuotaExhausted("The daily quota of Alpha Vantage is used up")
        series = at(body, _SERIES)
        if not isinstance(series, dict):
            raise MalformedAnswer
        return dict(_closes(series))


def _closes(series: Mapping[str, Json]) -> Iterator[tuple[date, Decimal]]:
    for day, row in series.items():
        close = price(at(row, "4. close"))
        if close is None:
            continue
        try:
            yield date.fromisoformat(day), close
        except ValueError as exc:
            raise MalformedAnswer from exc
