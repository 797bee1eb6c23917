"""Work nobody waits for: purge of deleted channels, upgrade of legacy channels, and the sweep."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import ABSENT, EXISTS, Attr, Delete, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.stock_track_record import messages, tables
from lambda_src.services.stock_track_record.errors import NotFinished
from lambda_src.services.stock_track_record.legacy import LayoutUpgrade
from lambda_src.services.stock_track_record.models import ActiveRun, Channel, ChannelId, PendingPurge, timestamp
from lambda_src.services.stock_track_record.processing_log import ProcessingLog
from lambda_src.services.stock_track_record.runs.service import Runs

logger = logging.getLogger(__name__)

_PAGE_SIZE: Final = 500  # at 0.8 KB a copy about 400 KB a page, and at most 1,000 deletes with the homes
_SECOND_PASS_AFTER: Final = timedelta(minutes=15)  # SQS delays no longer; stragglers write for minutes at most
_PENDING_FOR: Final = timedelta(minutes=2)
_SILENT_FOR: Final = timedelta(minutes=30)
_RESEND_EVERY: Final = timedelta(minutes=15)
_MAX_RESENDS: Final = 5
_MAX_PAGES: Final = 10_000  # 5,000,000 items; a purge that reaches it goes on with the next message


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


@dataclass(frozen=True, slots=True)
class UpkeepService:
    store: Store
    repository: UpkeepRepository
    runs: Runs
    layout: LayoutUpgrade
    log: ProcessingLog
    queues: messages.Queues
    clock: Clock

    def purge(self, message: messages.PurgeMessage, deadline: Deadline) -> None:
        """Remove what a deleted channel left behind; sends itself again when time runs out.

        Any interruption is continued from what is left. Per 500 items 1 Query and 1 BatchWriteItem per 25 deletes.
        """
        channel_id = ChannelId(message.channel_id)
        channel = self.store.get(tables.CHANNEL_BY_ID, id=channel_id)
        if channel is not None and not (channel.deleting or channel.duplicate_of):
            logger.warning("purge of a living channel refused", extra={"channel_id": channel_id})
            return
        is_legacy = channel is not None and channel.layout is None
        for _ in range(_MAX_PAGES):
            if deadline.remaining_seconds() <= 0:
                self.queues.runs.send(message)
                return
            if not self.repository.purge_page(channel_id, is_legacy=is_legacy):
                break
        else:
            self.queues.runs.send(message)
            return
        if not self.repository.drop_channel(channel_id):
            return
        if message.pass_number == 1:
            self._plan_second_pass(channel_id)
        else:
            self.repository.forget_purge(channel_id)

    def _plan_second_pass(self, channel_id: ChannelId) -> None:
        """Workers that were still running may have written log lines: look once more when they are done."""
        not_before = timestamp(self.clock() + _SECOND_PASS_AFTER)
        if self.repository.begin_second_pass(channel_id, not_before=not_before):
            again = messages.PurgeMessage(channel_id=channel_id, pass_number=2)
            self.queues.runs.send(again, delay_seconds=int(_SECOND_PASS_AFTER.total_seconds()))

    def upgrade(self, message: messages.UpgradeMessage, deadline: Deadline) -> None:
        """Bring a legacy channel to today's layout, video by video; sends itself again when time runs out.

        1 Query for the videos, then per video 1 Query and 1 transaction per 48 mentions.
        """
        channel_id = ChannelId(message.channel_id)
        channel = self.store.get(tables.CHANNEL_BY_ID, id=channel_id)
        if channel is None or channel.deleting or channel.layout is not None:
            return
        match self.layout.upgrade_channel(channel, deadline):
            case "late":
                self.queues.runs.send(message)
            case "done":
                self.queues.prices.send(messages.BackfillMessage(channel_id=channel_id), delay_seconds=5)
            case "double":
                logger.error("identity belongs to another channel", extra={"channel_id": channel_id})
                line = "Another channel holds the same YouTube identity: delete one of the two"
                self.log.append_log(channel_id, "error", line)

    def sweep(self, deadline: Deadline) -> None:
        """Bring runs and purges forward whose message was lost or whose worker died.

        1 Query of what is under way, 1 BatchGetItem per 100 channels, 1 UpdateItem and 1 message per case.
        """
        work = self.store.items(tables.ACTIVE_WORK)
        runs = [each for each in work if isinstance(each, ActiveRun)]
        found = self.store.batch_get(tables.CHANNELS_BY_IDS, [tables.CHANNEL.key(id=run.channel_id) for run in runs])
        channels = {channel.id: channel for channel in found}
        for run in runs:
            self._stop_if_late(deadline)
            self._sweep_run(run, channels.get(run.channel_id))
        for purge in work:
            if isinstance(purge, PendingPurge):
                self._stop_if_late(deadline)
                self._sweep_purge(purge)

    def _stop_if_late(self, deadline: Deadline) -> None:
        if deadline.remaining_seconds() <= 0:
            raise NotFinished

    def _sweep_run(self, run: ActiveRun, channel: Channel | None) -> None:
        if channel is None or not channel.is_active or channel.run_id != run.run_id:
            self.repository.drop_stale_run(run)
            return
        if not self._is_stuck(run, channel) or not self._is_past(run.resent_at, _RESEND_EVERY):
            return
        if run.resends >= _MAX_RESENDS:
            self.runs.fail_run(channel.id, channel.run_id, "the analysis made no progress")
            return
        if self.repository.mark_resent(run):
            logger.warning("run sent again", extra={"channel_id": run.channel_id, "resends": run.resends + 1})
            self.queues.runs.send(messages.ChannelMessage(channel_id=run.channel_id, run_id=run.run_id))

    def _is_stuck(self, run: ActiveRun, channel: Channel) -> bool:
        if channel.status == "pending":
            return self._is_past(run.requested_at, _PENDING_FOR)
        return self._is_past(max(channel.updated_at, run.touched_at or ""), _SILENT_FOR)

    def _sweep_purge(self, purge: PendingPurge) -> None:
        if not self._is_past(purge.not_before, timedelta(0)) or not self._is_past(purge.resent_at, _RESEND_EVERY):
            return
        if self.repository.mark_purge_resent(purge.channel_id):
            self.queues.runs.send(messages.PurgeMessage(channel_id=purge.channel_id, pass_number=purge.pass_number))

    def _is_past(self, moment: str | None, age: timedelta) -> bool:
        """Whether the moment lies at least that long ago; a moment that never was does."""
        return moment is None or moment <= timestamp(self.clock() - age)
