"""Which of the tickers Gemini named are shares listed in the US."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.stock_track_record.clients.yahoo import YahooChart
from lambda_src.services.stock_track_record.models import Exchange, Stock
from lambda_src.services.stock_track_record.repository import Repository
from lambda_src.services.stock_track_record.rules.dates import timestamp
from lambda_src.services.stock_track_record.rules.extraction import ExtractedStock, one_per_ticker
from lambda_src.services.stock_track_record.rules.tickers import valid_ticker
from lambda_src.services.stock_track_record.service.market import Market

logger = logging.getLogger(__name__)

_MAX_CHECKS: Final = 20  # Yahoo calls per video; further tickers stay unverified
_SLOT_WAIT_SECONDS: Final = 60.0
_UNKNOWN_DAYS: Final = 30  # a symbol that Yahoo does not know may be listed soon
_FOREIGN_DAYS: Final = 90
_EXCHANGES: Final[dict[str, Exchange]] = {
    "NMS": "NASDAQ", "NGM": "NASDAQ", "NCM": "NASDAQ", "NYQ": "NYSE", "ASE": "NYSE",
}  # fmt: skip
_MIN_SECONDS_LEFT: Final = 30.0  # kept for writing the outcome


@dataclass(frozen=True, slots=True)
class TickerVerifier:
    """Accepts the tickers of one video and records shares that are seen for the first time."""

    repository: Repository
    market: Market
    clock: Clock
    excluded: frozenset[str]
    is_on: bool = True

    def accepted(
        self, stocks: Sequence[ExtractedStock], deadline: Deadline
    ) -> tuple[list[ExtractedStock], list[tuple[str, str]]]:
        """The accepted stocks under their canonical tickers, one per ticker, and what was dropped with its reason.

        1 BatchGetItem; per ticker never seen before 1 PutItem and, up to 20 times, 1 call to Yahoo.
        """
        dropped: list[tuple[str, str]] = []
        named: list[ExtractedStock] = []
        for stock in stocks:
            ticker = valid_ticker(stock.ticker_text, self.excluded)
            if ticker is None:
                dropped.append((stock.ticker_text[:20], "no US share"))
            else:
                named.append(replace(stock, ticker_text=ticker))
        unique = one_per_ticker(named)
        known = self.repository.stocks.stocks_by_tickers(stock.ticker_text for stock in unique)
        checks = 0
        accepted: list[ExtractedStock] = []
        for stock in unique:
            ticker = stock.ticker_text
            row = known.get(ticker)
            if row is None:
                may_check = self.is_on and checks < _MAX_CHECKS and deadline.remaining_seconds() > _MIN_SECONDS_LEFT
                checks += may_check
                row = self._first_seen(ticker, may_check=may_check)
            if row.listing == "rejected":
                dropped.append((ticker, row.rejected_reason or "no US share"))
            else:
                accepted.append(stock)
        return accepted, dropped

    def _first_seen(self, ticker: str, *, may_check: bool) -> Stock:
        stock = self._checked(ticker) if may_check else Stock(ticker)
        self.repository.stocks.add_stock(stock)
        return stock

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


def us_exchange(chart: YahooChart) -> Exchange | None:
    """The exchange of a US share; None for funds, other currencies and other exchanges."""
    if chart.instrument_type != "EQUITY" or chart.currency != "USD":
        return None
    return _EXCHANGES.get(chart.exchange_code or "")
