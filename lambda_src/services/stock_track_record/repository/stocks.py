"""Shares, their prices, and the slots that space calls to the providers."""

from collections.abc import Iterable
from decimal import Decimal

from boto3.dynamodb.conditions import Attr, ConditionBase

from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.updates import Update
from lambda_src.services.stock_track_record.models import Exchange, Stock
from lambda_src.services.stock_track_record.repository.base import Context
from lambda_src.services.stock_track_record.tables import MAIN, RATE_SLOT, STOCK, STOCKS


class StockRepository:
    """Access patterns of shares. A rejected row past its `expires_at` counts as absent everywhere."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def stock_by_ticker(self, ticker: str) -> Stock | None:
        """The share, if it is known. 1 request, 0.5 RRU."""
        item = self._store.get(STOCKS, STOCKS.key(STOCK, ticker=ticker))
        stock = None if item is None else Stock.from_item(item)
        return stock if stock is not None and self._is_current(stock) else None

    def stocks_by_tickers(self, tickers: Iterable[str]) -> dict[str, Stock]:
        """The known ones of these shares, by ticker. 1 request per 100, 0.5 RRU each."""
        keys = [(STOCKS, STOCKS.key(STOCK, ticker=ticker)) for ticker in tickers]
        if not keys:
            return {}
        stocks = (Stock.from_item(item) for item in self._store.batch_get(keys))
        return {stock.ticker: stock for stock in stocks if self._is_current(stock)}

    def add_stock(self, stock: Stock) -> bool:
        """Record a share the first time it is seen, or when its rejection ran out. 1 request."""
        expired = Attr("expires_at").lt(self._context.now_ms() // 1000)
        return self._context.applied(
            lambda: self._store.put(STOCKS, stock.to_item(), condition=Attr("ticker").not_exists() | expired)
        )

    def record_price(self, ticker: str, price: Decimal | None, fetched_at: str) -> bool:
        """Store a fetched price on a share that is known, never over a newer one; None: there was none. 1 request."""
        older = Attr("price_updated_at").not_exists() | Attr("price_updated_at").lt(fetched_at)
        update = Update().set(price_checked_at=fetched_at)
        if price is not None:
            update = Update().set(last_price=price, price_updated_at=fetched_at)
        return self._update(ticker, update, older)

    def fill_stock(self, stock: Stock, *, name: str | None, exchange: Exchange | None) -> bool:
        """Fill a missing name and take over the exchange of a share whose listing was not verified. 1 request."""
        if stock.listing != "unverified" or exchange is None:
            return False
        update = Update().set(listing="verified", exchange=exchange)
        if stock.name is None and name:
            update = update.set(name=name[:255])
        return self._update(stock.ticker, update, Attr("listing").ne("rejected"))

    def _update(self, ticker: str, update: Update, condition: ConditionBase) -> bool:
        known = Attr("ticker").exists() & condition
        return self._context.applied(
            lambda: self._store.update(STOCKS, STOCKS.key(STOCK, ticker=ticker), update, condition=known)
        )

    def _is_current(self, stock: Stock) -> bool:
        return stock.expires_at is None or stock.expires_at > self._context.now_ms() // 1000


class SlotRepository:
    """One item per provider spaces the calls of all processes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def acquire_slot(self, provider: str, *, step_ms: int, wait_ms: int) -> int | None:
        """Reserve the next call to a provider.

        step_ms: distance between calls. wait_ms: longest wait the caller accepts. Returns how many milliseconds to
        wait before the call, or None when every slot within `wait_ms` is taken. 1-2 requests.
        """
        key = MAIN.key(RATE_SLOT, provider=provider)
        now_ms = self._context.now_ms()
        next_at = Attr("next_at")
        slot_now = Update().set(entity_type=RATE_SLOT.name, next_at=now_ms + step_ms)
        if self._context.applied(
            lambda: self._store.update(MAIN, key, slot_now, condition=next_at.not_exists() | next_at.lt(now_ms))
        ):
            return 0
        # next_at is now or later: the write below is refused only when it lies beyond the wait, however others race
        try:
            changed = self._store.update(
                MAIN,
                key,
                Update().add(next_at=step_ms),
                condition=next_at.between(now_ms, now_ms + wait_ms),
                returning="UPDATED_NEW",
            )
        except ConditionFailed:
            return None
        return max(0, int(changed["next_at"]) - step_ms - now_ms)

    def penalise_slot(self, provider: str, *, pause_ms: int) -> bool:
        """Let nobody call the provider for a while; a longer pause stays. 1 request."""
        until = self._context.now_ms() + pause_ms
        update = Update().set(entity_type=RATE_SLOT.name, next_at=until)
        shorter = Attr("next_at").not_exists() | Attr("next_at").lt(until)
        key = MAIN.key(RATE_SLOT, provider=provider)
        return self._context.applied(lambda: self._store.update(MAIN, key, update, condition=shorter))
