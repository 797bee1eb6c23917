"""Prices from the providers, one slot per call: Finnhub, Yahoo and Alpha Vantage behind one interface."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from lambda_src.runtime.clock import Clock
from lambda_src.services.stock_track_record.clients.alpha_vantage import AlphaVantageClient
from lambda_src.services.stock_track_record.clients.finnhub import FinnhubClient
from lambda_src.services.stock_track_record.clients.yahoo import YahooChart, YahooClient
from lambda_src.services.stock_track_record.errors import (
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExhausted,
)
from lambda_src.services.stock_track_record.repository.stocks import SlotRepository

logger = logging.getLogger(__name__)

FINNHUB: Final = "finnhub"
YAHOO: Final = "yahoo"
ALPHA_VANTAGE: Final = "alpha_vantage"
STEP_MS: Final = {FINNHUB: 1_100, YAHOO: 500, ALPHA_VANTAGE: 12_500}  # 60, 120 and 5 calls a minute, with a margin

_PAUSE_MS: Final = 60_000
_OFF_MS: Final = 600_000  # a provider that refuses the key

type Answer[T] = tuple[bool, T | None]
"""(True, value), (True, None) for a definite "no data", (False, None) when the provider gave no answer."""


@dataclass(frozen=True, slots=True)
class Market:
    """Asks providers at the pace all processes share.

    Nothing is raised for a provider that fails: the answer is then (False, None), and a pause is noted for all
    processes where the provider asked for one. Each call costs 1-2 requests for its slot.
    """

    slots: SlotRepository
    finnhub: FinnhubClient
    yahoo: YahooClient
    alpha_vantage: AlphaVantageClient
    clock: Clock
    sleep: Callable[[float], None] = field(default=time.sleep)

    def quote(self, ticker: str, *, wait_seconds: float) -> Answer[Decimal]:
        """Finnhub's current price."""
        return self._ask(FINNHUB, wait_seconds, lambda: self.finnhub.quote(ticker))

    def recent(self, ticker: str, *, wait_seconds: float) -> Answer[YahooChart]:
        """Yahoo's last five days, with the current price and what kind of paper it is."""
        return self._ask(YAHOO, wait_seconds, lambda: self.yahoo.recent(ticker))

    def history(self, ticker: str, period1: int, period2: int, *, wait_seconds: float) -> Answer[YahooChart]:
        """Yahoo's daily closes; periods in epoch seconds."""
        return self._ask(YAHOO, wait_seconds, lambda: self.yahoo.history(ticker, period1, period2))

    def daily_closes(self, ticker: str, *, wait_seconds: float) -> Answer[Mapping[date, Decimal]]:
        """Alpha Vantage's newest 100 daily closes."""
        return self._ask(ALPHA_VANTAGE, wait_seconds, lambda: self.alpha_vantage.daily_closes(ticker))

    def _ask[T](self, provider: str, wait_seconds: float, call: Callable[[], T | None]) -> Answer[T]:
        wait_ms = self.slots.acquire_slot(provider, step_ms=STEP_MS[provider], wait_ms=round(wait_seconds * 1000))
        if wait_ms is None:
            logger.info("no slot", extra={"provider": provider})
            return False, None
        if wait_ms:
            self.sleep(wait_ms / 1000)
        try:
            return True, call()
        except (ProviderUnavailable, ProviderDisabled) as exc:
            logger.warning("provider failed", extra={"provider": provider, "error": type(exc).__name__})
            pause_ms = self._pause_ms(exc)
            if pause_ms:
                self.slots.penalise_slot(provider, pause_ms=pause_ms)
            return False, None

    def _pause_ms(self, exc: ProviderUnavailable | ProviderDisabled) -> int:
        match exc:
            case QuotaExhausted():
                return _ms_until_tomorrow(self.clock())
            case ProviderDisabled():
                return _OFF_MS
            case ProviderThrottled():
                asked = exc.retry_after_seconds
                return _PAUSE_MS if asked is None else round(asked * 1000)
            case _:
                return 0


def _ms_until_tomorrow(now: datetime) -> int:
    """Alpha Vantage counts per UTC day."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return 86_400_000 - round((now - midnight).total_seconds() * 1000)
