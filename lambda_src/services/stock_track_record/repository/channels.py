"""Channels as the API asks for them: read, list, create, restart, cancel, delete (T1, T3, T7, T8)."""

from dataclasses import dataclass
from typing import Final

from boto3.dynamodb.conditions import Attr, Key

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.store import Action, Change, Delete, Put
from lambda_src.dynamo.updates import Update
from lambda_src.errors import StoreUnavailable
from lambda_src.services.stock_track_record.errors import (
    AlreadyProcessing,
    ChannelExists,
    ChannelLimit,
    ChannelNotFound,
    DuplicateChannel,
    NotProcessing,
)
from lambda_src.services.stock_track_record.models import Channel, ChannelId, RunId
from lambda_src.services.stock_track_record.repository.base import (
    ABSENT,
    ALIVE,
    Context,
    Line,
    index_attributes,
)
from lambda_src.services.stock_track_record.tables import (
    ACTIVE_RUN,
    CHANNEL,
    COUNTER,
    GSI1,
    GSI2,
    MAIN,
    PENDING_PURGE,
    UNIQUE_CLAIM,
)

_CLAIM_TRIES: Final = 3  # a merge may move claims while a deletion looks at them
_LIST_KEY: Final = Key("GSI1PK").eq(CHANNEL.index_keys["GSI1PK"].build())


@dataclass(frozen=True, slots=True)
class ListPosition:
    """Where a page of the channel list ended."""

    created_at: str
    channel_id: ChannelId


class ChannelRepository:
    """Access patterns of channels. Request and capacity figures stand with the patterns in `tables.py`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    # ---- reads -----------------------------------------------------------------------------------------------------

    def channel_by_id(self, channel_id: ChannelId) -> Channel | None:
        """The channel as it is this instant, deleted ones included. 1 request, 1 RRU (strongly consistent)."""
        item = self._store.get(MAIN, channel_key(channel_id), consistent=True)
        return None if item is None else Channel.from_item(item)

    def channels_newest_first(self, *, limit: int, after: ListPosition | None = None) -> list[Channel]:
        """Up to `limit` listed channels in order of creation, newest first.

        Reads GSI1, which lags behind writes by up to about a second. 1 request per MB.
        """
        start = None
        if after is not None:
            start = channel_key(after.channel_id) | index_attributes(
                CHANNEL, ("GSI1PK", "GSI1SK"), created_at=after.created_at
            )
        items = self._store.query_items(
            MAIN, _LIST_KEY, index=GSI1, descending=True, limit=limit, start=start, stop_after=limit
        )
        return [Channel.from_item(item) for item in items]

    def listed_channel_count(self) -> int:
        """How many channels are listed. 1 request; counts GSI1 only where no counter was ever written."""
        counter = self._store.get(MAIN, MAIN.key(COUNTER))
        if counter is not None:
            return max(0, int(counter["value"]))
        return self._store.count(MAIN, _LIST_KEY, index=GSI1)

    def channels_by_identity(self, youtube_channel_id: str) -> list[ChannelId]:
        """Audit: ids of the channel items that carry this YouTube identity. 1 request; GSI2 lags by about a second."""
        key = Key("GSI2PK").eq(CHANNEL.index_keys["GSI2PK"].build(youtube_channel_id=youtube_channel_id))
        return [ChannelId(item["id"]) for item in self._store.query_items(MAIN, key, index=GSI2)]

    # ---- writes ----------------------------------------------------------------------------------------------------

    def create_channel(self, channel: Channel, *, max_channels: int) -> None:
        """T1: add a channel under a YouTube identity that nobody holds.

        Raises ChannelExists, ChannelLimit (`max_channels` are listed), StoreUnavailable. 1 request.
        """
        now = self._context.now()
        identity = channel.youtube_channel_id
        claim = unique_claim_item(identity, channel.id, now)
        actions: list[Action] = [
            Put(MAIN, claim, condition=ABSENT),
            Put(MAIN, channel_item(channel), condition=ABSENT),
            Change(
                MAIN,
                MAIN.key(COUNTER),
                Update().set(entity_type=COUNTER.name).add(value=1),
                condition=ABSENT | Attr("value").lt(max_channels),
            ),
            Put(MAIN, active_run_item(channel.id, channel.run_id, now)),
        ]
        try:
            self._context.transact(actions, channel.id, Line("info", f"Channel {channel.name} queued for analysis"))
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise ChannelExists from exc
            if exc.failed(2):
                raise ChannelLimit from exc
            raise

    def restart_channel(self, channel_id: ChannelId, run_id: RunId) -> Channel:
        """T3: begin a new run of a channel that is not processing; an earlier pending run becomes stale.

        Raises ChannelNotFound, AlreadyProcessing, DuplicateChannel, StoreUnavailable. 2 requests.
        """
        now = self._context.now()
        actions: list[Action] = [
            Change(
                MAIN,
                channel_key(channel_id),
                Update().set(status="pending", run_id=run_id, listed=False, updated_at=now),
                condition=ALIVE & Attr("status").ne("processing") & Attr("duplicate_of").not_exists(),
            ),
            Put(MAIN, active_run_item(channel_id, run_id, now)),
        ]
        try:
            self._context.transact(actions, channel_id, Line("info", "Channel queued for analysis again"))
        except TransactionCancelled as exc:
            if self._existing(channel_id).duplicate_of:
                raise DuplicateChannel from exc
            raise AlreadyProcessing from exc
        return self._existing(channel_id)

    def cancel_channel(self, channel_id: ChannelId) -> Channel:
        """T7: stop the run that is under way.

        Raises ChannelNotFound, NotProcessing, StoreUnavailable. 2 requests.
        """
        actions: list[Action] = [
            Change(
                MAIN,
                channel_key(channel_id),
                Update().set(status="cancelled", updated_at=self._context.now()),
                condition=Attr("status").eq("processing") & ALIVE,
            ),
            Delete(MAIN, MAIN.key(ACTIVE_RUN, channel_id=channel_id)),
        ]
        try:
            self._context.transact(actions, channel_id, Line("info", "Analysis cancelled by the user"))
        except TransactionCancelled as exc:
            self._existing(channel_id)
            raise NotProcessing from exc
        return self._existing(channel_id)

    def delete_channel(self, channel_id: ChannelId) -> None:
        """T8: take the channel off the list, free its identities and leave the rest to the purge.

        From here on no transaction of a worker can add a mention: each of them asks for a channel that is alive.
        Raises ChannelNotFound, StoreUnavailable. 2 requests.
        """
        for _ in range(_CLAIM_TRIES):
            channel = self._existing(channel_id)
            if self._delete_as_seen(channel, lower_counter=not channel.duplicate_of):
                return
        raise StoreUnavailable

    def _delete_as_seen(self, channel: Channel, *, lower_counter: bool) -> bool:
        """Whether the channel was deleted with exactly these claims; False when they moved meanwhile."""
        now = self._context.now()
        claims = sorted(channel.claims)
        seen = Attr("claims").eq(set(claims)) if claims else Attr("claims").not_exists()
        actions: list[Action] = [
            Change(
                MAIN,
                channel_key(channel.id),
                Update().set(deleting=True, updated_at=now).remove("GSI1PK", "GSI1SK", "GSI2PK"),
                condition=ALIVE & seen,
            ),
            Delete(MAIN, MAIN.key(ACTIVE_RUN, channel_id=channel.id)),
            Put(MAIN, pending_purge_item(channel.id, not_before=now)),
            *(
                Delete(
                    MAIN,
                    MAIN.key(UNIQUE_CLAIM, identity=identity),
                    condition=Attr("channel_id").eq(channel.id),
                )
                for identity in claims
            ),
        ]
        if lower_counter:
            actions.append(lower_counter_action())
        try:
            self._store.transact(actions)
        except TransactionCancelled as exc:
            if lower_counter and exc.failed_positions == (len(actions) - 1,):
                # the counter was never written (items of the reference) or is 0 already
                return self._delete_as_seen(channel, lower_counter=False)
            return False
        return True

    def _existing(self, channel_id: ChannelId) -> Channel:
        channel = self.channel_by_id(channel_id)
        if channel is None or channel.deleting:
            raise ChannelNotFound
        return channel


# ---- items ---------------------------------------------------------------------------------------------------------


def channel_key(channel_id: str) -> dict[str, str]:
    return MAIN.key(CHANNEL, channel_id=channel_id)


def channel_item(channel: Channel) -> dict[str, object]:
    """The stored form of a new channel, on the list and known by its identity."""
    return {
        **channel_key(channel.id),
        **index_attributes(CHANNEL, created_at=channel.created_at, youtube_channel_id=channel.youtube_channel_id),
        "entity_type": CHANNEL.name,
        "id": channel.id,
        "youtube_channel_id": channel.youtube_channel_id,
        "name": channel.name,
        "url": channel.url,
        "thumbnail_url": channel.thumbnail_url,
        "status": channel.status,
        "video_count": channel.video_count,
        "processed_video_count": channel.processed_video_count,
        "failed_video_count": channel.failed_video_count,
        "time_range_months": channel.time_range_months,
        "created_at": channel.created_at,
        "updated_at": channel.updated_at,
        "run_id": channel.run_id,
        "listed": channel.listed,
        "claims": channel.claims,
        "layout": channel.layout,
    }


def unique_claim_item(identity: str, channel_id: ChannelId, now: str) -> dict[str, object]:
    return {
        **MAIN.key(UNIQUE_CLAIM, identity=identity),
        "entity_type": UNIQUE_CLAIM.name,
        "channel_id": channel_id,
        "created_at": now,
    }


def counter_item(listed_channels: int) -> dict[str, object]:
    return {**MAIN.key(COUNTER), "entity_type": COUNTER.name, "value": listed_channels}


def active_run_item(channel_id: ChannelId, run_id: RunId, now: str) -> dict[str, object]:
    return {
        **MAIN.key(ACTIVE_RUN, channel_id=channel_id),
        "entity_type": ACTIVE_RUN.name,
        "channel_id": channel_id,
        "run_id": run_id,
        "requested_at": now,
    }


def pending_purge_item(channel_id: ChannelId, *, not_before: str) -> dict[str, object]:
    return {
        **MAIN.key(PENDING_PURGE, channel_id=channel_id),
        "entity_type": PENDING_PURGE.name,
        "channel_id": channel_id,
        "not_before": not_before,
        "pass": 1,
    }


def lower_counter_action() -> Change:
    """One listed channel less; refused when the counter is missing or 0."""
    return Change(MAIN, MAIN.key(COUNTER), Update().add(value=-1), condition=Attr("value").gte(1))
