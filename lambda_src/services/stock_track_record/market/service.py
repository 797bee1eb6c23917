"""Shares and what the providers say of them, one slot per call: Finnhub, Yahoo and Alpha Vantage as one market."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.providers.errors import ProviderDisabled, ProviderThrottled, ProviderUnavailable, QuotaExhausted
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.market.clients import (
    AlphaVantageClient,
    FinnhubClient,
    YahooChart,
    YahooClient,
)
from lambda_src.services.stock_track_record.market.repository import MarketRepository
from lambda_src.services.stock_track_record.models import Exchange, Stock, timestamp

logger = logging.getLogger(__name__)

FINNHUB: Final = "finnhub"
YAHOO: Final = "yahoo"
ALPHA_VANTAGE: Final = "alpha_vantage"
STEP_MS: Final = {FINNHUB: 1_100, YAHOO: 500, ALPHA_VANTAGE: 12_500}  # 60, 120 and 5 calls a minute, with a margin

_PAUSE_MS: Final = 60_000
_OFF_MS: Final = 600_000  # a provider that refuses the key

_MAX_CHECKS: Final = 20  # Yahoo calls per video; further tickers stay unverified
_SLOT_WAIT_SECONDS: Final = 60.0
_UNKNOWN_DAYS: Final = 30  # a symbol that Yahoo does not know may be listed soon
_FOREIGN_DAYS: Final = 90
_EXCHANGES: Final[dict[str, Exchange]] = {
    "NMS": "NASDAQ", "NGM": "NASDAQ", "NCM": "NASDAQ", "NYQ": "NYSE", "ASE": "NYSE",
}  # fmt: skip
_MIN_SECONDS_LEFT: Final = 30.0  # kept for writing the outcome

type Answer[T] = tuple[bool, T | None]
"""(True, value), (True, None) for a definite "no data", (False, None) when the provider gave no answer."""


@dataclass(frozen=True, slots=True)
class Market:
    """Asks providers at the pace all processes share.

    Nothing is raised for a provider that fails: the answer is then (False, None), and a pause is noted for all
    processes where the provider asked for one. Each call costs 1-2 requests for its slot.
    """

    repository: MarketRepository
    finnhub: FinnhubClient
    yahoo: YahooClient
    alpha_vantage: AlphaVantageClient
    clock: Clock
    sleep: Callable[[float], None] = time.sleep

    def current_price(self, ticker: str, *, wait_seconds: float, deadline: Deadline) -> Answer[Decimal]:
        """Finnhub's price, else Yahoo's; no answer when one of the two might know it and gave none before the deadline.

        Finnhub is asked where it has a key. wait_seconds: longest wait for a slot of either provider.
        """
        finnhub_answered = True
        if self.finnhub.has_key and deadline.remaining_seconds() > 0:
            finnhub_answered, price = self._ask(FINNHUB, wait_seconds, lambda: self.finnhub.quote(ticker))
            if price is not None:
                return True, price
        if deadline.remaining_seconds() <= 0:
            return False, None
        yahoo_answered, chart = self.recent(ticker, wait_seconds=wait_seconds)
        if chart is not None and chart.market_price is not None:
            return True, chart.market_price
        return finnhub_answered and yahoo_answered, None

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
        wait_ms = self.repository.acquire_slot(provider, step_ms=STEP_MS[provider], wait_ms=round(wait_seconds * 1000))
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
                self.repository.penalise_slot(provider, pause_ms=pause_ms)
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


def us_exchange(chart: YahooChart) -> Exchange | None:
    """The exchange of a US share; None for funds, other currencies and other exchanges."""
    if chart.instrument_type != "EQUITY" or chart.currency != "USD":
        return None
    return _EXCHANGES.get(chart.exchange_code or "")


@dataclass(frozen=True, slots=True)
class Shares:
    """What is known of shares. A rejected row past its `expires_at` counts as absent everywhere."""

    store: Store
    clock: Clock

    def stock_by_ticker(self, ticker: str) -> Stock | None:
        """The share, if it is known. 1 request, 0.5 RRU."""
        stock = self.store.get(tables.STOCK_BY_TICKER, ticker=ticker)
        return stock if stock is not None and self._is_current(stock) else None

    def stocks_by_tickers(self, tickers: Iterable[str]) -> dict[str, Stock]:
        """The known ones of these shares, by ticker. 1 request per 100, 0.5 RRU each."""
        found = self.store.batch_get(tables.STOCKS_BY_TICKERS, [tables.STOCK.key(ticker=ticker) for ticker in tickers])
        return {stock.ticker: stock for stock in found if self._is_current(stock)}

    def _is_current(self, stock: Stock) -> bool:
        return stock.expires_at is None or stock.expires_at > epoch_ms(self.clock()) // 1000


@dataclass(frozen=True, slots=True)
class ShareVerifier:
    """Finds out whether tickers are shares listed in the US, and records those that are seen for the first time."""

    shares: Shares
    market: Market
    repository: MarketRepository
    clock: Clock
    is_on: bool = True

    def verified(self, tickers: Sequence[str], deadline: Deadline) -> dict[str, Stock]:
        """Each of these canonical tickers, with what is known of its share now; `listing` says whether it is one.

        1 BatchGetItem; per ticker never seen before 1 PutItem and, up to 20 times, 1 call to Yahoo.
        """
        known = self.shares.stocks_by_tickers(tickers)
        checks = 0
        for ticker in tickers:
            if ticker not in known:
                may_check = self.is_on and checks < _MAX_CHECKS and deadline.remaining_seconds() > _MIN_SECONDS_LEFT
                checks += may_check
                known[ticker] = self._checked(ticker) if may_check else Stock(ticker)
                self.repository.add_stock(known[ticker])
        return known

    def _checked(self, ticker: str) -> Stock:
        answered, chart = self.market.recent(ticker, wait_seconds=_SLOT_WAIT_SECONDS)
        if not answered:
            return Stock(ticker)
        if chart is None:
            return self._rejected(ticker, "unknown symbol", _UNKNOWN_DAYS)
        exchange = us_exchange(chart)
        if exchange is None:
            return self._rejected(ticker, f"{chart.instrument_type} on {chart.exchange_code}"[:100], _FOREIGN_DAYS)
        price = chart.market_price
        return Stock(
            ticker,
            name=(chart.long_name or "")[:255] or None,
            exchange=exchange,
            last_price=price,
            price_updated_at=None if price is None else timestamp(self.clock()),
            listing="verified",
        )

    def _rejected(self, ticker: str, reason: str, days: int) -> Stock:
        expires_at = int(self.clock().timestamp()) + days * 86_400
        return Stock(ticker, listing="rejected", rejected_reason=reason, expires_at=expires_at)
