"""What the sweep notes, and deleted channels: their items are removed page by page, the channel item last."""

from dataclasses import dataclass
from typing import Final

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import ABSENT, EXISTS, Attr, Delete, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.models import ActiveRun, ChannelId, timestamp

_PAGE_SIZE: Final = 500  # at 0.8 KB a copy about 400 KB a page, and at most 1,000 deletes with the homes


@dataclass(frozen=True, slots=True)
class UpkeepRepository:
    """Writes of sweeps and purges. All of them may be repeated: they go on from what is left."""

    store: Store
    clock: Clock

    def mark_resent(self, run: ActiveRun) -> bool:
        """The run's message was sent again. 1 request."""
        update = Update().set(resent_at=timestamp(self.clock())).add(resends=1)
        change = UpdateItem(tables.ACTIVE_RUN.key_of(run), update, Attr("run_id").eq(run.run_id))
        return applied(self.store.update, tables.MARK_RESENT, change)

    def drop_stale_run(self, run: ActiveRun) -> bool:
        """Forget a run whose channel is gone, terminal or in another run. 1 request."""
        deletion = Delete(tables.ACTIVE_RUN.key_of(run), Attr("run_id").eq(run.run_id))
        return applied(self.store.delete, tables.DROP_STALE_RUN, deletion)

    def purge_page(self, channel_id: ChannelId, *, is_legacy: bool) -> bool:
        """Remove one page of the channel's items, homes of mentions before the copies that point to them.

        is_legacy: there are no copies, so each video's own partition is looked at before the video goes. False when
        nothing but the channel item was left. 1 Query, 1 BatchWriteItem per 25 deletes.
        """
        channel = tables.CHANNEL.key(id=channel_id).values
        found = self.store.rows(tables.PURGE_PAGE, "PK", "SK", "id", "video_id", id=channel_id, stop_after=_PAGE_SIZE)
        rows = [row for row in found if row["SK"] != channel["SK"]]
        homes = []
        for row in rows:
            key = {"PK": row["PK"], "SK": row["SK"]}
            if is_legacy and tables.VIDEO.has_key(key):
                homes += self.store.rows(tables.HOMES_OF_PURGED_VIDEO, "PK", "SK", video_id=row["id"])
            elif not is_legacy and tables.CHANNEL_MENTION.has_key(key):
                homes.append(dict(tables.STOCK_MENTION.key(video_id=row["video_id"], id=row["id"]).values))
        self.store.batch_write(tables.PURGE_PAGE, deletes=homes)
        self.store.batch_write(tables.PURGE_PAGE, deletes=[{"PK": row["PK"], "SK": row["SK"]} for row in rows])
        return bool(rows)

    def drop_channel(self, channel_id: ChannelId) -> bool:
        """Remove the channel item, if it is deleted or a tombstone; False when it is neither. 1 request."""
        gone = ABSENT | Attr("deleting").exists() | Attr("duplicate_of").exists()
        return applied(self.store.delete, tables.DROP_CHANNEL, Delete(tables.CHANNEL.key(id=channel_id), gone))

    def mark_purge_resent(self, channel_id: ChannelId) -> bool:
        """The purge's message was sent again. 1 request."""
        update = Update().set(resent_at=timestamp(self.clock()))
        return applied(self.store.update, tables.MARK_PURGE_RESENT, _change(channel_id, update))

    def begin_second_pass(self, channel_id: ChannelId, *, not_before: str) -> bool:
        """Wait for stragglers, then look once more. 1 request."""
        update = Update().set(pass_number=2, not_before=not_before)
        return applied(self.store.update, tables.BEGIN_SECOND_PASS, _change(channel_id, update))

    def forget_purge(self, channel_id: ChannelId) -> None:
        """The purge is over. 1 request."""
        self.store.delete(tables.FORGET_PURGE, Delete(tables.PENDING_PURGE.key(channel_id=channel_id)))


def _change(channel_id: ChannelId, update: Update) -> UpdateItem:
    return UpdateItem(tables.PENDING_PURGE.key(channel_id=channel_id), update, EXISTS)
