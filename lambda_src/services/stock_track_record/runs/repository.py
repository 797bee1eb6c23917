"""The run of a channel: its states, its listing and the identity it resolves to (T2, T2m, T5, T6, T10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lambda_src.dynamo import leases
from lambda_src.dynamo.conditions import ABSENT, EXISTS, Attr, Condition
from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.leases import Lease
from lambda_src.dynamo.schema import AccessPattern
from lambda_src.dynamo.store import Action, Check, Delete, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.stock_track_record import models, tables
from lambda_src.services.stock_track_record.models import Channel, ChannelId, RunId, Video, timestamp
from lambda_src.services.stock_track_record.processing_log import Line, ProcessingLog

VIDEOS_PER_TRANSACTION: Final = 49  # a claim and a video each, and one condition check: 99 of 100 actions


@dataclass(frozen=True, slots=True)
class Facts:
    """What YouTube says of a channel today."""

    name: str
    thumbnail_url: str | None
    playlist_id: str

    @property
    def attributes(self) -> dict[str, str]:
        """Of the channel's item; a thumbnail that is missing today stays what it was."""
        named = {"name": self.name, "uploads_playlist_id": self.playlist_id}
        return named | ({"thumbnail_url": self.thumbnail_url} if self.thumbnail_url else {})


@dataclass(frozen=True, slots=True)
class RunRepository:
    """State changes of runs. Each is one transaction whose conditions refuse stale messages and late workers."""

    store: Store
    log: ProcessingLog
    clock: Clock

    def begin_run(self, channel_id: ChannelId, run_id: RunId, line: Line) -> bool:
        """Pending to processing. False when the run is not pending any more. 1 request."""
        is_waiting = Attr("status").eq("pending") & Attr("run_id").eq(run_id) & tables.ALIVE
        change = self._change(channel_id, is_waiting, status="processing")
        return self._commit(tables.BEGIN_RUN, [change], channel_id, line)

    def finish_listing(
        self, channel_id: ChannelId, run_id: RunId, *, video_count: int, skipped: int, lines: Sequence[Line]
    ) -> bool:
        """Set the counts of the run, once: nothing is added to it afterwards.

        video_count: videos in range. skipped: those of them that were analysed before. False when the listing was
        already final or the run is over. 1 request.
        """
        counts = {"video_count": video_count, "processed_video_count": skipped, "failed_video_count": 0}
        is_open = tables.in_run(run_id) & Attr("listed").eq(False)
        change = self._change(channel_id, is_open, **counts, listed=True)
        return self._commit(tables.FINISH_LISTING, [change], channel_id, *lines)

    def close_run(self, channel_id: ChannelId, run_id: RunId, message_id: str) -> bool:
        """Let one message ask for the prices of a run whose videos are counted; the same may do so again. 1 request."""
        closing = Attr("closing_by")
        mine = Attr("run_id").eq(run_id) & (closing.not_exists() | closing.eq(message_id))
        change = UpdateItem(tables.ACTIVE_RUN.key(channel_id=channel_id), Update().set(closing_by=message_id), mine)
        return applied(self.store.update, tables.CLOSE_RUN, change)

    def complete_run(self, channel_id: ChannelId, run_id: RunId, line: Line) -> bool:
        """T5: processing to completed, when every listed video is counted. False when not, or done. 1 request."""
        is_done = Attr("listed").eq(True) & Attr("processed_video_count").gte(Attr("video_count"))
        change = self._change(channel_id, tables.in_run(run_id) & is_done, status="completed")
        return self._commit(tables.COMPLETE_RUN, [change, _drop_active_run(channel_id)], channel_id, line)

    def fail_run(self, channel_id: ChannelId, run_id: RunId, line: Line) -> bool:
        """T6: pending or processing to failed. False when the run is over already. 1 request."""
        is_active = Attr("run_id").eq(run_id) & Attr("status").is_in(["pending", "processing"]) & tables.ALIVE
        change = self._change(channel_id, is_active, status="failed", failure=line.message[: models.FAILURE_LIMIT])
        return self._commit(tables.FAIL_RUN, [change, _drop_active_run(channel_id)], channel_id, line)

    def lease_listing(self, channel_id: ChannelId, run_id: RunId, lease: Lease, *, seconds: float) -> bool:
        """Take the right to list the channel's uploads in this run. 1 request."""
        now_ms = epoch_ms(self.clock())
        update = leases.take(Update(), lease, until_ms=now_ms + int(seconds * 1000))
        free = Attr("run_id").eq(run_id) & leases.can_take(lease, now_ms=now_ms)
        change = UpdateItem(tables.ACTIVE_RUN.key(channel_id=channel_id), update, free)
        return applied(self.store.update, tables.LEASE_LISTING, change)

    def release_listing(self, channel_id: ChannelId, lease: Lease) -> bool:
        """Give the right back, so that the next delivery need not wait for its end. 1 request."""
        key = tables.ACTIVE_RUN.key(channel_id=channel_id)
        change = UpdateItem(key, leases.release(Update()), leases.is_held(lease))
        return applied(self.store.update, tables.RELEASE_LISTING, change)

    def register_videos(self, channel_id: ChannelId, run_id: RunId, videos: Sequence[Video]) -> bool:
        """T10: add up to 49 new videos and their claims to the run while it is being listed.

        False when one of them is known already, or the run is over: read again what is known. 1 request.
        """
        is_listing = tables.in_run(run_id) & Attr("listed").eq(False)
        actions: list[Action] = [Check(tables.CHANNEL.key(id=channel_id), is_listing)]
        for video in videos:
            claim = models.VideoClaim(channel_id, video.youtube_video_id, video.id, video.created_at)
            actions += [Put(tables.VIDEO_CLAIM, claim, ABSENT), Put(tables.VIDEO, video, ABSENT)]
        return applied(self.store.transact, tables.REGISTER_VIDEOS, actions)

    def requeue_video(self, video: Video, run_id: RunId) -> bool:
        """Put a failed or left-over video into the run. False when it was analysed meanwhile. 1 request."""
        update = leases.release(Update().set(run_id=run_id, analysis_status="pending", attempts=0, throttles=0))
        other_run = Attr("run_id").not_exists() | Attr("run_id").ne(run_id)
        change = UpdateItem(
            tables.VIDEO.key_of(video), update, EXISTS & Attr("analysis_status").ne("completed") & other_run
        )
        return applied(self.store.update, tables.REQUEUE_VIDEO, change)

    def refresh_channel(self, channel: Channel, facts: Facts) -> bool:
        """Store what YouTube says of a channel today. False when the run is over. 1 request."""
        change = self._change(channel.id, tables.in_run(channel.run_id), **facts.attributes)
        return applied(self.store.update, tables.REFRESH_CHANNEL, change)

    def adopt_identity(self, channel: Channel, youtube_id: str, facts: Facts) -> ChannelId | None:
        """T2: the channel's handle turned out to be `youtube_id`; claim it, and change item and index together.

        Returns the channel that owns the id now: this one, another one (then `merge_duplicate`), or None when the
        run is over. 1 request, 2 more when refused.
        """
        claim = models.UniqueClaim(youtube_id, channel.id, timestamp(self.clock()))
        index_key = tables.CHANNEL.index_keys["GSI2PK"].build(youtube_channel_id=youtube_id)
        update = self._now_set(**facts.attributes, youtube_channel_id=youtube_id, GSI2PK=index_key)
        update = update.add(claims={youtube_id})
        actions: list[Action] = [
            Put(tables.UNIQUE_CLAIM, claim, ABSENT | Attr("channel_id").eq(channel.id)),
            UpdateItem(tables.CHANNEL.key(id=channel.id), update, tables.in_run(channel.run_id)),
        ]
        if applied(self.store.transact, tables.ADOPT_IDENTITY, actions):
            return channel.id
        found = self.store.get(tables.CLAIM_BY_IDENTITY, identity=youtube_id)
        return None if found is None or found.channel_id == channel.id else found.channel_id

    def merge_duplicate(self, channel: Channel, winner: Channel, line: Line, *, not_before: str) -> bool:
        """T2m: turn the channel into a tombstone of `winner`, which takes over its identities.

        It leaves the list, the count and GSI2, stays readable by id until `not_before` and is purged then. False when
        the run is over or the winner is going away. 1 request.
        """
        tombstone = self._now_set(status="failed", duplicate_of=winner.id, failure=line.message[: models.FAILURE_LIMIT])
        actions: list[Action] = [
            *(
                UpdateItem(
                    tables.UNIQUE_CLAIM.key(identity=identity),
                    Update().set(channel_id=winner.id),
                    Attr("channel_id").eq(channel.id),
                )
                for identity in sorted(channel.claims)
            ),
            UpdateItem(tables.CHANNEL.key(id=winner.id), Update().add(claims=channel.claims), tables.ALIVE),
            UpdateItem(
                tables.CHANNEL.key(id=channel.id),
                tombstone.remove("GSI1PK", "GSI1SK", "GSI2PK", "claims"),
                tables.in_run(channel.run_id),
            ),
            UpdateItem(tables.COUNTER.key(), Update().add(value=-1), Attr("value").gte(1)),
            _drop_active_run(channel.id),
            Put(tables.PENDING_PURGE, models.PendingPurge(channel.id, not_before)),
        ]
        return self._commit(tables.MERGE_DUPLICATE, actions, channel.id, line)

    def _now_set(self, **values: object) -> Update:
        return Update().set(**values, updated_at=timestamp(self.clock()))

    def _change(self, channel_id: ChannelId, condition: Condition, **values: object) -> UpdateItem:
        return UpdateItem(tables.CHANNEL.key(id=channel_id), self._now_set(**values), condition)

    def _commit(
        self, pattern: AccessPattern[Any], actions: Sequence[Action], channel_id: ChannelId, *lines: Line
    ) -> bool:
        return applied(self.log.transact, pattern, actions, channel_id, *lines)


def _drop_active_run(channel_id: ChannelId) -> Delete:
    return Delete(tables.ACTIVE_RUN.key(channel_id=channel_id))
