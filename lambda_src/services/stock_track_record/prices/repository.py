"""Prices as they are written: to shares, and to mentions at home and beside their channel (T9); who may do so."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import batched
from typing import Final

from lambda_src.dynamo import leases
from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.leases import Lease
from lambda_src.dynamo.store import EXISTS, Attr, Condition, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.models import ChannelId, Exchange, Mention, Stock, timestamp

_PRICES_PER_TRANSACTION: Final = 50  # home and copy each: 100 actions
_MAX_PRICE_ATTEMPTS: Final = 3  # days without data after which a mention is never asked about again
_LOCK: Final = "backfill"


@dataclass(frozen=True, slots=True)
class FoundPrice:
    """A closing price for a mention, and the trading day it is of."""

    mention: Mention
    price: Decimal
    price_date: str


@dataclass(frozen=True, slots=True)
class PriceRepository:
    store: Store
    clock: Clock

    def record_price(self, ticker: str, price: Decimal | None, fetched_at: str) -> bool:
        """Store a fetched price on a share that is known, never over a newer one; None: there was none. 1 request."""
        older = Attr("price_updated_at").not_exists() | Attr("price_updated_at").lt(fetched_at)
        update = Update().set(price_checked_at=fetched_at)
        if price is not None:
            update = Update().set(last_price=price, price_updated_at=fetched_at)
        change = UpdateItem(tables.STOCK.key(ticker=ticker), update, EXISTS & older)
        return applied(self.store.update, tables.RECORD_PRICE, change)

    def fill_stock(self, stock: Stock, *, name: str | None, exchange: Exchange | None) -> bool:
        """Fill a missing name and take over the exchange of a share whose listing was not verified. 1 request."""
        if stock.listing != "unverified" or exchange is None:
            return False
        update = Update().set(listing="verified", exchange=exchange)
        if stock.name is None and name:
            update = update.set(name=name[:255])
        change = UpdateItem(tables.STOCK.key_of(stock), update, EXISTS & Attr("listing").ne("rejected"))
        return applied(self.store.update, tables.FILL_STOCK, change)

    def price_mentions(self, prices: Sequence[FoundPrice], *, force: bool) -> int:
        """T9: write prices to homes and copies; returns how many were written.

        Those that were deleted, or priced by somebody else meanwhile (unless `force`), are left as they are.
        1 request per 50 mentions; where one of them is refused, 1 more per mention of that group.
        """
        written = 0
        for group in batched(prices, _PRICES_PER_TRANSACTION, strict=False):
            if self._price_together(group, force=force):
                written += len(group)
            elif len(group) > 1:
                written += sum(self._price_together((price,), force=force) for price in group)
        return written

    def record_no_price(self, mention: Mention) -> bool:
        """The providers said that they have no price: ask again tomorrow, three times at most. 1 request."""
        update = Update().set(price_checked_at=timestamp(self.clock())).add(price_attempts=1)
        if mention.price_attempts + 1 >= _MAX_PRICE_ATTEMPTS:
            update = update.set(price_status="unavailable").remove("GSI2PK")
        as_seen = EXISTS & Attr("price_attempts").eq(mention.price_attempts)
        change = UpdateItem(tables.CHANNEL_MENTION.key_of(mention), update, as_seen)
        return applied(self.store.update, tables.RECORD_NO_PRICE, change)

    def _price_together(self, group: Sequence[FoundPrice], *, force: bool) -> bool:
        condition = EXISTS if force else EXISTS & Attr("price_at_mention").not_exists()
        update = Update().remove("GSI2PK", "price_status")
        actions = [
            UpdateItem(key, update.set(price_at_mention=price.price, price_date=price.price_date), condition)
            for price in group
            for key in (tables.STOCK_MENTION.key_of(price.mention), tables.CHANNEL_MENTION.key_of(price.mention))
        ]
        return applied(self.store.transact, tables.PRICE_MENTIONS, actions)

    def lock_backfill(self, channel_id: ChannelId, lease: Lease, *, seconds: float) -> bool:
        """Take the right to price the channel's mentions; one that was only requested may be taken. 1 request."""
        now_ms = epoch_ms(self.clock())
        named = Update().set(entity_type=tables.CHANNEL_INDEX.name)
        update = leases.take(named, lease, until_ms=now_ms + int(seconds * 1000), prefix=_LOCK)
        free = leases.can_take(lease, now_ms=now_ms, prefix=_LOCK) | Attr(f"{_LOCK}_by").not_exists()
        return applied(self.store.update, tables.LOCK_BACKFILL, _index_change(channel_id, update, free))

    def hand_over_backfill(self, channel_id: ChannelId, lease: Lease, message_id: str, *, seconds: float) -> bool:
        """Keep the right for the message that goes on with the work. 1 request."""
        until_ms = epoch_ms(self.clock()) + int(seconds * 1000)
        update = leases.hand_over(Update(), message_id, until_ms=until_ms, prefix=_LOCK)
        change = _index_change(channel_id, update, leases.is_held(lease, prefix=_LOCK))
        return applied(self.store.update, tables.HAND_OVER_BACKFILL, change)

    def unlock_backfill(self, channel_id: ChannelId, lease: Lease) -> bool:
        """Let other messages in; requests of the API stay spaced until the lock's own time. 1 request."""
        change = _index_change(channel_id, Update().remove(f"{_LOCK}_by"), leases.is_held(lease, prefix=_LOCK))
        return applied(self.store.update, tables.UNLOCK_BACKFILL, change)


def _index_change(channel_id: ChannelId, update: Update, condition: Condition) -> UpdateItem:
    return UpdateItem(tables.CHANNEL_INDEX.key(channel_id=channel_id), update, condition)
