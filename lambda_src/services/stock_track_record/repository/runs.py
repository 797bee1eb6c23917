"""The run of a channel: its states, its listing and the identity it resolves to (T2, T2m, T5, T6)."""

from collections.abc import Sequence

from boto3.dynamodb.conditions import Attr

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.store import Action, Change, Delete, Put
from lambda_src.dynamo.updates import Update
from lambda_src.services.stock_track_record.models import Channel, ChannelId, RunId
from lambda_src.services.stock_track_record.repository.base import (
    ALIVE,
    Context,
    Line,
    free_or_mine,
    in_run,
    index_attributes,
)
from lambda_src.services.stock_track_record.repository.channels import (
    channel_key,
    lower_counter_action,
    pending_purge_item,
    unique_claim_item,
)
from lambda_src.services.stock_track_record.tables import ACTIVE_RUN, CHANNEL, MAIN, UNIQUE_CLAIM


class RunRepository:
    """State changes of runs. Each is one transaction whose conditions refuse stale messages and late workers."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    # ---- states ----------------------------------------------------------------------------------------------------

    def begin_run(self, channel_id: ChannelId, run_id: RunId, *lines: Line) -> bool:
        """Pending to processing. False when the run is not pending any more. 1 request."""
        change = Change(
            MAIN,
            channel_key(channel_id),
            Update().set(status="processing", updated_at=self._context.now()),
            condition=Attr("status").eq("pending") & Attr("run_id").eq(run_id) & ALIVE,
        )
        return self._commit([change], channel_id, *lines)

    def finish_listing(
        self, channel_id: ChannelId, run_id: RunId, *, video_count: int, skipped: int, lines: Sequence[Line]
    ) -> bool:
        """Set the counts of the run, once: nothing is added to it afterwards.

        video_count: videos in range. skipped: those of them that were analysed before. False when the listing was
        already final or the run is over. 1 request.
        """
        change = Change(
            MAIN,
            channel_key(channel_id),
            Update().set(
                video_count=video_count,
                processed_video_count=skipped,
                failed_video_count=0,
                listed=True,
                updated_at=self._context.now(),
            ),
            condition=in_run(run_id) & Attr("listed").eq(False),
        )
        return self._commit([change], channel_id, *lines)

    def complete_run(self, channel_id: ChannelId, run_id: RunId, *lines: Line) -> bool:
        """T5: processing to completed, when every listed video is counted. False when not, or done. 1 request."""
        change = Change(
            MAIN,
            channel_key(channel_id),
            Update().set(status="completed", updated_at=self._context.now()),
            condition=in_run(run_id) & Attr("listed").eq(True) & Attr("processed_video_count").gte(Attr("video_count")),
        )
        return self._commit([change, self._drop_active_run(channel_id)], channel_id, *lines)

    def fail_run(self, channel_id: ChannelId, run_id: RunId, *lines: Line) -> bool:
        """T6: pending or processing to failed. False when the run is over already. 1 request."""
        change = Change(
            MAIN,
            channel_key(channel_id),
            Update().set(status="failed", updated_at=self._context.now()),
            condition=Attr("run_id").eq(run_id) & Attr("status").is_in(["pending", "processing"]) & ALIVE,
        )
        return self._commit([change, self._drop_active_run(channel_id)], channel_id, *lines)

    # ---- identity --------------------------------------------------------------------------------------------------

    def claim_by_identity(self, identity: str) -> ChannelId | None:
        """Who owns a YouTube identity. 1 request, 1 RRU (strongly consistent)."""
        item = self._store.get(MAIN, MAIN.key(UNIQUE_CLAIM, identity=identity), consistent=True)
        return None if item is None else ChannelId(item["channel_id"])

    def refresh_channel(self, channel: Channel, *, name: str, thumbnail_url: str | None, playlist_id: str) -> bool:
        """Store what YouTube says of a channel today. False when the run is over. 1 request."""
        facts = self._facts(name=name, thumbnail_url=thumbnail_url, playlist_id=playlist_id)
        return self._context.applied(
            lambda: self._store.update(MAIN, channel_key(channel.id), facts, condition=in_run(channel.run_id))
        )

    def adopt_identity(
        self, channel: Channel, youtube_id: str, *, name: str, thumbnail_url: str | None, playlist_id: str
    ) -> ChannelId | None:
        """T2: the channel's handle turned out to be `youtube_id`; claim it, and change item and index together.

        Returns the channel that owns the id now: this one, another one (then `merge_duplicate`), or None when the
        run is over. 1 request, 2 more when refused.
        """
        claim = unique_claim_item(youtube_id, channel.id, self._context.now())
        facts = self._facts(name=name, thumbnail_url=thumbnail_url, playlist_id=playlist_id)
        identity_keys = index_attributes(CHANNEL, ("GSI2PK",), youtube_channel_id=youtube_id)
        actions: list[Action] = [
            Put(MAIN, claim, condition=free_or_mine("channel_id", channel.id)),
            Change(
                MAIN,
                channel_key(channel.id),
                facts.set(youtube_channel_id=youtube_id, **identity_keys).add(claims={youtube_id}),
                condition=in_run(channel.run_id),
            ),
        ]
        if self._commit(actions, channel.id):
            return channel.id
        owner = self.claim_by_identity(youtube_id)
        return owner if owner not in (None, channel.id) else None

    def merge_duplicate(self, channel: Channel, winner: Channel, *lines: Line, not_before: str) -> bool:
        """T2m: turn the channel into a tombstone of `winner`, which takes over its identities.

        It leaves the list, the count and GSI2, stays readable by id until `not_before` and is purged then. False when
        the run is over or the winner is going away. 1 request.
        """
        now = self._context.now()
        actions: list[Action] = [
            *(
                Change(
                    MAIN,
                    MAIN.key(UNIQUE_CLAIM, identity=identity),
                    Update().set(channel_id=winner.id),
                    condition=Attr("channel_id").eq(channel.id),
                )
                for identity in sorted(channel.claims)
            ),
            Change(
                MAIN,
                channel_key(winner.id),
                Update().add(claims=set(channel.claims)),
                condition=ALIVE,
            ),
            Change(
                MAIN,
                channel_key(channel.id),
                Update()
                .set(status="failed", duplicate_of=winner.id, updated_at=now)
                .remove("GSI1PK", "GSI1SK", "GSI2PK", "claims"),
                condition=in_run(channel.run_id),
            ),
            lower_counter_action(),
            self._drop_active_run(channel.id),
            Put(MAIN, pending_purge_item(channel.id, not_before=not_before)),
        ]
        return self._commit(actions, channel.id, *lines)

    # ---- parts -----------------------------------------------------------------------------------------------------

    def _facts(self, *, name: str, thumbnail_url: str | None, playlist_id: str) -> Update:
        facts = Update().set(name=name, uploads_playlist_id=playlist_id, updated_at=self._context.now())
        return facts.set(thumbnail_url=thumbnail_url) if thumbnail_url else facts

    def _commit(self, actions: Sequence[Action], channel_id: ChannelId, *lines: Line) -> bool:
        try:
            self._context.transact(actions, channel_id, *lines)
        except TransactionCancelled:
            return False
        return True

    def _drop_active_run(self, channel_id: ChannelId) -> Delete:
        return Delete(MAIN, MAIN.key(ACTIVE_RUN, channel_id=channel_id))
