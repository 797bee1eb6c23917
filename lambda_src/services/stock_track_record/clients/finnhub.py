"""Finnhub: current prices. https://finnhub.io/docs/api/quote, 60 calls a minute and 30 a second for free."""

from decimal import Decimal
from typing import Final

from lambda_src.runtime.clock import Clock, utc_now
from lambda_src.runtime.outside import Call
from lambda_src.services.stock_track_record.clients.decoded import at
from lambda_src.services.stock_track_record.clients.transport import Answer, ApiKeys, Http, KeyedProvider
from lambda_src.services.stock_track_record.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
)
from lambda_src.services.stock_track_record.rules.prices import price

_TIMEOUT_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 60.0  # its limit is per minute
_MAX_PAUSE_SECONDS: Final = 3600.0  # a Reset further away is a clock that is wrong, theirs or ours


class FinnhubClient(KeyedProvider):
    """Asks Finnhub for quotes."""

    name = "Finnhub"
    key_name = "finnhub_api_key"
    key_header = "X-Finnhub-Token"

    def __init__(self, http: Http, *, base_url: str, keys: ApiKeys, clock: Clock = utc_now) -> None:
        super().__init__(http, base_url=base_url, keys=keys)
        self._clock = clock

    def quote(self, ticker: str) -> Decimal | None:
        """The current price of a canonical ticker in US dollars, None when Finnhub does not know the symbol.

        Raises ProviderThrottled with the pause to keep, ProviderDisabled for a missing or refused key,
        ProviderUnavailable. 1 request, repeated as Http says.
        """
        call = Call("quote", "/quote", _TIMEOUT_SECONDS, params={"symbol": ticker})
        return self._ask(call, self._read)

    def _read(self, answer: Answer) -> Decimal | None:
        match answer.status:
            case 200:
                body = answer.json()
                if not isinstance(body, dict) or "c" not in body:
                    raise MalformedAnswer
                return price(at(body, "c"))
            case 401:
                raise KeyRejected("Finnhub does not accept its API key")
            case 403:
                raise ProviderDisabled("Finnhub refuses access with its API key")
            case 429:
                raise ProviderThrottled(retry_after_seconds=self._pause_seconds(answer))
            case _:
                raise self._unavailable(answer)

    def _pause_seconds(self, answer: Answer) -> float:
        """Until the time in the header, epoch seconds; 60 s when it is missing or long past."""
        reset = answer.headers.get("x-ratelimit-reset", "")
        if not (reset.isascii() and reset.isdigit()) or len(reset) > 11:
            return _PAUSE_SECONDS
        seconds = int(reset) - self._clock().timestamp()
        return seconds if 0 < seconds <= _MAX_PAUSE_SECONDS else _PAUSE_SECONDS
