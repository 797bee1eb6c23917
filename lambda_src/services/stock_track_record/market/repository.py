"""Slots that space the calls to providers, and shares that are seen for the first time."""

from dataclasses import dataclass

from lambda_src.dynamo.errors import ConditionFailed, applied
from lambda_src.dynamo.store import ABSENT, Attr, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.models import Stock

_NEXT_AT = Attr("next_at")


@dataclass(frozen=True, slots=True)
class MarketRepository:
    """One item per provider spaces the calls of all processes."""

    store: Store
    clock: Clock

    def acquire_slot(self, provider: str, *, step_ms: int, wait_ms: int) -> int | None:
        """Reserve the next call to a provider.

        step_ms: distance between calls. wait_ms: longest wait the caller accepts. Returns how many milliseconds to
        wait before the call, or None when every slot within `wait_ms` is taken. 1-2 requests.
        """
        key = tables.RATE_SLOT.key(provider=provider)
        now_ms = epoch_ms(self.clock())
        slot_now = Update().set(entity_type=tables.RATE_SLOT.name, next_at=now_ms + step_ms)
        is_free = _NEXT_AT.not_exists() | _NEXT_AT.lt(now_ms)
        if applied(self.store.update, tables.ACQUIRE_SLOT, UpdateItem(key, slot_now, is_free)):
            return 0
        # next_at is now or later: the write below is refused only when it lies beyond the wait, however others race
        later = UpdateItem(key, Update().add(next_at=step_ms), _NEXT_AT.between(now_ms, now_ms + wait_ms))
        try:
            changed = self.store.update(tables.ACQUIRE_SLOT, later, returning="UPDATED_NEW")
        except ConditionFailed:
            return None
        return max(0, int(changed["next_at"]) - step_ms - now_ms)

    def penalise_slot(self, provider: str, *, pause_ms: int) -> bool:
        """Let nobody call the provider for a while; a longer pause stays. 1 request."""
        until = epoch_ms(self.clock()) + pause_ms
        update = Update().set(entity_type=tables.RATE_SLOT.name, next_at=until)
        shorter = _NEXT_AT.not_exists() | _NEXT_AT.lt(until)
        penalty = UpdateItem(tables.RATE_SLOT.key(provider=provider), update, shorter)
        return applied(self.store.update, tables.PENALISE_SLOT, penalty)

    def add_stock(self, stock: Stock) -> bool:
        """Record a share the first time it is seen, or when its rejection ran out. 1 request."""
        is_new = ABSENT | Attr("expires_at").lt(epoch_ms(self.clock()) // 1000)
        return applied(self.store.put, tables.ADD_STOCK, Put(tables.STOCK, stock, is_new))
