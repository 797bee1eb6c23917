"""Channels as the API changes them: create, restart, cancel, delete (T1, T3, T7, T8)."""

from dataclasses import dataclass
from typing import Final

from lambda_src.dynamo.errors import TransactionCancelled, applied
from lambda_src.dynamo.store import ABSENT, Action, Attr, Delete, Put, Store, Update, UpdateItem
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.stock_track_record import errors, models, tables
from lambda_src.services.stock_track_record.processing_log import Line, ProcessingLog

_CLAIM_TRIES: Final = 3  # a merge may move claims while a deletion looks at them


@dataclass(frozen=True, slots=True)
class ChannelRepository:
    store: Store
    log: ProcessingLog
    clock: Clock

    def existing(self, channel_id: models.ChannelId) -> models.Channel:
        """The channel, unless it is unknown or its deletion began: ChannelNotFound. 1 request, strongly consistent."""
        channel = self.store.get(tables.CHANNEL_BY_ID, id=channel_id)
        if channel is None or channel.deleting:
            raise errors.ChannelNotFound
        return channel

    def create_channel(self, channel: models.Channel, *, max_channels: int) -> None:
        """T1: add a channel under a YouTube identity that nobody holds.

        Raises ChannelExists, ChannelLimit (`max_channels` are listed), StoreUnavailable. 1 request.
        """
        now = models.timestamp(self.clock())
        actions: list[Action] = [
            Put(tables.UNIQUE_CLAIM, models.UniqueClaim(channel.youtube_channel_id, channel.id, now), ABSENT),
            Put(tables.CHANNEL, channel, ABSENT),
            UpdateItem(
                tables.COUNTER.key(),
                Update().set(entity_type=tables.COUNTER.name).add(value=1),
                ABSENT | Attr("value").lt(max_channels),
            ),
            Put(tables.ACTIVE_RUN, models.ActiveRun(channel.id, channel.run_id, now)),
        ]
        line = Line("info", f"Channel {channel.name} queued for analysis")
        try:
            self.log.transact(tables.CREATE_CHANNEL, actions, channel.id, line)
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise errors.ChannelExists from exc
            if exc.failed(2):
                raise errors.ChannelLimit from exc
            raise

    def restart_channel(self, channel_id: models.ChannelId, run_id: models.RunId) -> models.Channel:
        """T3: begin a new run of a channel that is not processing; an earlier pending run becomes stale.

        Raises ChannelNotFound, AlreadyProcessing, DuplicateChannel, StoreUnavailable. 2 requests.
        """
        now = models.timestamp(self.clock())
        actions: list[Action] = [
            UpdateItem(
                tables.CHANNEL.key(id=channel_id),
                Update().set(status="pending", run_id=run_id, listed=False, updated_at=now).remove("failure"),
                tables.ALIVE & Attr("status").ne("processing") & Attr("duplicate_of").not_exists(),
            ),
            Put(tables.ACTIVE_RUN, models.ActiveRun(channel_id, run_id, now)),
        ]
        line = Line("info", "Channel queued for analysis again")
        try:
            self.log.transact(tables.RESTART_CHANNEL, actions, channel_id, line)
        except TransactionCancelled as exc:
            is_duplicate = self.existing(channel_id).duplicate_of is not None
            raise (errors.DuplicateChannel if is_duplicate else errors.AlreadyProcessing) from exc
        return self.existing(channel_id)

    def cancel_channel(self, channel_id: models.ChannelId) -> models.Channel:
        """T7: stop the run that is under way.

        Raises ChannelNotFound, NotProcessing, StoreUnavailable. 2 requests.
        """
        actions: list[Action] = [
            UpdateItem(
                tables.CHANNEL.key(id=channel_id),
                Update().set(status="cancelled", updated_at=models.timestamp(self.clock())),
                Attr("status").eq("processing") & tables.ALIVE,
            ),
            Delete(tables.ACTIVE_RUN.key(channel_id=channel_id)),
        ]
        line = Line("info", "Analysis cancelled by the user")
        try:
            self.log.transact(tables.CANCEL_CHANNEL, actions, channel_id, line)
        except TransactionCancelled as exc:
            self.existing(channel_id)
            raise errors.NotProcessing from exc
        return self.existing(channel_id)

    def delete_channel(self, channel_id: models.ChannelId) -> None:
        """T8: take the channel off the list, free its identities and leave the rest to the purge.

        From here on no transaction of a worker can add a mention: each of them asks for a channel that is alive.
        Raises ChannelNotFound, StoreUnavailable. 2 requests.
        """
        for _ in range(_CLAIM_TRIES):
            channel = self.existing(channel_id)
            if self._delete_as_seen(channel, lower_counter=not channel.duplicate_of):
                return
        raise StoreUnavailable

    def request_channel_work(self, channel_id: models.ChannelId, name: str, *, seconds: float) -> bool:
        """Whether `backfill`, `prices` or `upgrade` may be asked of the worker: once in `seconds`. 1 request."""
        now_ms = epoch_ms(self.clock())
        until = Attr(f"{name}_until")
        update = Update().set(entity_type=tables.CHANNEL_INDEX.name, **{until.name: now_ms + int(seconds * 1000)})
        key, is_past = tables.CHANNEL_INDEX.key(channel_id=channel_id), until.not_exists() | until.lt(now_ms)
        request = UpdateItem(key, update.remove(f"{name}_by"), is_past)
        return applied(self.store.update, tables.REQUEST_CHANNEL_WORK, request)

    def _delete_as_seen(self, channel: models.Channel, *, lower_counter: bool) -> bool:
        """Whether the channel was deleted with exactly these claims; False when they moved meanwhile."""
        now = models.timestamp(self.clock())
        claims = Attr("claims")
        actions: list[Action] = [
            UpdateItem(
                tables.CHANNEL.key(id=channel.id),
                Update().set(deleting=True, updated_at=now).remove("GSI1PK", "GSI1SK", "GSI2PK"),
                tables.ALIVE & (claims.eq(channel.claims) if channel.claims else claims.not_exists()),
            ),
            Delete(tables.ACTIVE_RUN.key(channel_id=channel.id)),
            Put(tables.PENDING_PURGE, models.PendingPurge(channel.id, not_before=now)),
            *(
                Delete(tables.UNIQUE_CLAIM.key(identity=identity), Attr("channel_id").eq(channel.id))
                for identity in sorted(channel.claims)
            ),
        ]
        if lower_counter:
            actions.append(UpdateItem(tables.COUNTER.key(), Update().add(value=-1), Attr("value").gte(1)))
        try:
            self.store.transact(tables.DELETE_CHANNEL, actions)
        except TransactionCancelled as exc:
            if lower_counter and exc.failed_positions == (len(actions) - 1,):
                # the counter was never written (items of the legacy application) or is 0 already
                return self._delete_as_seen(channel, lower_counter=False)
            return False
        return True
