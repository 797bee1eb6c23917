"""Work under way: active runs and the lease of their lister, pending purges, locks of backfill and upgrade."""

from collections.abc import Sequence
from typing import Final

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from lambda_src.dynamo.updates import Update
from lambda_src.services.stock_track_record.models import ActiveRun, Channel, ChannelId, PendingPurge, RunId
from lambda_src.services.stock_track_record.repository import leases
from lambda_src.services.stock_track_record.repository.base import Context
from lambda_src.services.stock_track_record.repository.channels import channel_key
from lambda_src.services.stock_track_record.repository.leases import Lease
from lambda_src.services.stock_track_record.tables import ACTIVE_RUN, CHANNEL_INDEX, MAIN

_ACTIVE_KEY: Final = Key("PK").eq(ACTIVE_RUN.partition.build())


class WorkRepository:
    """Access patterns of work under way."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def active_run_of_channel(self, channel_id: ChannelId) -> ActiveRun | None:
        """The run that is pending or processing. 1 request, 1 RRU (strongly consistent)."""
        item = self._store.get(MAIN, MAIN.key(ACTIVE_RUN, channel_id=channel_id), consistent=True)
        return None if item is None else ActiveRun.from_item(item)

    def active_work(self) -> tuple[list[ActiveRun], list[PendingPurge]]:
        """All runs and purges under way. 1 request per MB, strongly consistent."""
        runs: list[ActiveRun] = []
        purges: list[PendingPurge] = []
        for item in self._store.query_items(MAIN, _ACTIVE_KEY, consistent=True):
            if item["entity_type"] == ACTIVE_RUN.name:
                runs.append(ActiveRun.from_item(item))
            else:
                purges.append(PendingPurge.from_item(item))
        return runs, purges

    def channels_by_ids(self, channel_ids: Sequence[ChannelId]) -> dict[ChannelId, Channel]:
        """The channels that exist, by id. 1 request and 1 RRU each (strongly consistent) per 100."""
        keys = [(MAIN, channel_key(channel_id)) for channel_id in channel_ids]
        items = self._store.batch_get(keys, consistent=True) if keys else []
        return {ChannelId(item["id"]): Channel.from_item(item) for item in items}

    # ---- the lister's lease ----------------------------------------------------------------------------------------

    def lease_listing(self, channel_id: ChannelId, run_id: RunId, lease: Lease, *, seconds: float) -> bool:
        """Take the right to list the channel's uploads in this run. 1 request."""
        now_ms = self._context.now_ms()
        update = leases.take(Update(), lease, until_ms=now_ms + int(seconds * 1000))
        return self._update_run(channel_id, update, Attr("run_id").eq(run_id) & leases.can_take(lease, now_ms=now_ms))

    def release_listing(self, channel_id: ChannelId, lease: Lease) -> bool:
        """Give the right back, so that the next delivery need not wait for its end. 1 request."""
        return self._update_run(channel_id, leases.release(Update()), leases.is_held(lease))

    def mark_touched(self, channel_id: ChannelId, run_id: RunId) -> bool:
        """The run is alive although nothing finishes: it waits for a provider. 1 request."""
        return self._update_run(channel_id, Update().set(touched_at=self._context.now()), Attr("run_id").eq(run_id))

    def mark_resent(self, run: ActiveRun) -> bool:
        """The run's message was sent again. 1 request."""
        update = Update().set(resent_at=self._context.now()).add(resends=1)
        return self._update_run(run.channel_id, update, Attr("run_id").eq(run.run_id))

    def drop_stale_run(self, run: ActiveRun) -> bool:
        """Forget a run whose channel is gone, terminal or in another run. 1 request."""
        key = MAIN.key(ACTIVE_RUN, channel_id=run.channel_id)
        return self._context.applied(lambda: self._store.delete(MAIN, key, condition=Attr("run_id").eq(run.run_id)))

    def _update_run(self, channel_id: ChannelId, update: Update, condition: ConditionBase) -> bool:
        key = MAIN.key(ACTIVE_RUN, channel_id=channel_id)
        return self._context.applied(lambda: self._store.update(MAIN, key, update, condition=condition))

    # ---- locks of backfill and upgrade -----------------------------------------------------------------------------

    def request_channel_work(self, channel_id: ChannelId, name: str, *, seconds: float) -> bool:
        """Whether `backfill`, `prices` or `upgrade` may be asked of the worker: once in `seconds`. 1 request."""
        now_ms = self._context.now_ms()
        until = Attr(f"{name}_until")
        update = Update().set(**{"entity_type": CHANNEL_INDEX.name, f"{name}_until": now_ms + int(seconds * 1000)})
        return self._update_index(channel_id, update.remove(f"{name}_by"), until.not_exists() | until.lt(now_ms))

    def lock_backfill(self, channel_id: ChannelId, lease: Lease, *, seconds: float) -> bool:
        """Take the right to price the channel's mentions; one that was only requested may be taken. 1 request."""
        now_ms = self._context.now_ms()
        update = leases.take(
            Update().set(entity_type=CHANNEL_INDEX.name),
            lease,
            until_ms=now_ms + int(seconds * 1000),
            prefix="backfill",
        )
        free = leases.can_take(lease, now_ms=now_ms, prefix="backfill") | Attr("backfill_by").not_exists()
        return self._update_index(channel_id, update, free)

    def hand_over_backfill(self, channel_id: ChannelId, lease: Lease, message_id: str, *, seconds: float) -> bool:
        """Keep the right for the message that goes on with the work. 1 request."""
        until_ms = self._context.now_ms() + int(seconds * 1000)
        update = leases.hand_over(Update(), message_id, until_ms=until_ms, prefix="backfill")
        return self._update_index(channel_id, update, leases.is_held(lease, prefix="backfill"))

    def unlock_backfill(self, channel_id: ChannelId, lease: Lease) -> bool:
        """Let other messages in; requests of the API stay spaced until the lock's own time. 1 request."""
        return self._update_index(channel_id, Update().remove("backfill_by"), leases.is_held(lease, prefix="backfill"))

    def _update_index(self, channel_id: ChannelId, update: Update, condition: ConditionBase) -> bool:
        key = MAIN.key(CHANNEL_INDEX, channel_id=channel_id)
        return self._context.applied(lambda: self._store.update(MAIN, key, update, condition=condition))
