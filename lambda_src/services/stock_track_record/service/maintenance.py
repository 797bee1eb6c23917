"""Work nobody waits for: purge of deleted channels, upgrade of the reference's channels, and the sweep."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lambda_src.runtime.deadline import Deadline
from lambda_src.services.stock_track_record.errors import NotFinished
from lambda_src.services.stock_track_record.messages import (
    BackfillMessage,
    ChannelMessage,
    PurgeMessage,
    UpgradeMessage,
)
from lambda_src.services.stock_track_record.models import ActiveRun, Channel, ChannelId, PendingPurge
from lambda_src.services.stock_track_record.rules.dates import timestamp
from lambda_src.services.stock_track_record.service.parts import WorkerParts
from lambda_src.services.stock_track_record.service.upgrading import upgrade_channel

logger = logging.getLogger(__name__)

_SECOND_PASS_AFTER: Final = timedelta(minutes=15)  # SQS delays no longer; stragglers write for minutes at most
_PENDING_FOR: Final = timedelta(minutes=2)
_SILENT_FOR: Final = timedelta(minutes=30)
_RESEND_EVERY: Final = timedelta(minutes=15)
_MAX_RESENDS: Final = 5
_MAX_PAGES: Final = 10_000  # 5,000,000 items; a purge that reaches it goes on with the next message


@dataclass(frozen=True, slots=True)
class MaintenanceService:
    """Use cases of `purge` and `upgrade` messages and of the schedule."""

    parts: WorkerParts

    # ---- purge -----------------------------------------------------------------------------------------------------

    def purge(self, message: PurgeMessage, deadline: Deadline) -> None:
        """Remove what a deleted channel left behind; sends itself again when time runs out.

        Any interruption is continued from what is left. Per 500 items 1 Query and 1 BatchWriteItem per 25 deletes.
        """
        channel_id = ChannelId(message.channel_id)
        channel = self.parts.repository.channels.channel_by_id(channel_id)
        if channel is not None and not (channel.deleting or channel.duplicate_of):
            logger.warning("purge of a living channel refused", extra={"channel_id": channel_id})
            return
        is_reference_layout = channel is not None and channel.layout is None
        purges = self.parts.repository.purges
        for _ in range(_MAX_PAGES):
            if deadline.remaining_seconds() <= 0:
                self.parts.queues.send(message)
                return
            if not purges.purge_page(channel_id, is_reference_layout=is_reference_layout):
                break
        else:
            self.parts.queues.send(message)
            return
        if not purges.drop_channel(channel_id):
            return
        if message.pass_number == 1:
            self._plan_second_pass(channel_id)
        else:
            purges.forget_purge(channel_id)

    def _plan_second_pass(self, channel_id: ChannelId) -> None:
        """Workers that were still running may have written log lines: look once more when they are done."""
        not_before = timestamp(self.parts.clock() + _SECOND_PASS_AFTER)
        if self.parts.repository.purges.begin_second_pass(channel_id, not_before=not_before):
            again = PurgeMessage(channel_id=channel_id, pass_number=2)
            self.parts.queues.send(again, delay_seconds=int(_SECOND_PASS_AFTER.total_seconds()))

    # ---- upgrade ---------------------------------------------------------------------------------------------------

    def upgrade(self, message: UpgradeMessage, deadline: Deadline) -> None:
        """Bring a channel of the reference to today's layout, video by video; sends itself again when time runs out.

        1 Query for the videos, then per video 1 Query and 1 transaction per 48 mentions.
        """
        channel_id = ChannelId(message.channel_id)
        channel = self.parts.repository.channels.channel_by_id(channel_id)
        if channel is None or channel.deleting or channel.layout is not None:
            return
        match upgrade_channel(self.parts.repository, channel, deadline):
            case "late":
                self.parts.queues.send(message)
            case "done":
                self.parts.queues.send(BackfillMessage(channel_id=channel_id), delay_seconds=5)
            case "double":
                self._report_double_identity(channel)

    def _report_double_identity(self, channel: Channel) -> None:
        logger.error("identity belongs to another channel", extra={"channel_id": channel.id})
        self.parts.log(channel.id, "error", "Another channel holds the same YouTube identity: delete one of the two")

    # ---- sweep -----------------------------------------------------------------------------------------------------

    def sweep(self, deadline: Deadline) -> None:
        """Bring runs and purges forward whose message was lost or whose worker died.

        1 Query of what is under way, 1 BatchGetItem per 100 channels, 1 UpdateItem and 1 message per case.
        """
        runs, purges = self.parts.repository.work.active_work()
        channels = self.parts.repository.work.channels_by_ids([run.channel_id for run in runs])
        for run in runs:
            self._stop_if_late(deadline)
            self._sweep_run(run, channels.get(run.channel_id))
        for purge in purges:
            self._stop_if_late(deadline)
            self._sweep_purge(purge)

    def _stop_if_late(self, deadline: Deadline) -> None:
        if deadline.remaining_seconds() <= 0:
            raise NotFinished

    def _sweep_run(self, run: ActiveRun, channel: Channel | None) -> None:
        work = self.parts.repository.work
        if channel is None or not channel.is_active or channel.run_id != run.run_id:
            work.drop_stale_run(run)
            return
        if not self._is_stuck(run, channel) or not self._is_past(run.resent_at, _RESEND_EVERY):
            return
        if run.resends >= _MAX_RESENDS:
            self.parts.fail_run(channel.id, channel.run_id, "the analysis made no progress")
            return
        if work.mark_resent(run):
            logger.warning("run sent again", extra={"channel_id": run.channel_id, "resends": run.resends + 1})
            self.parts.queues.send(ChannelMessage(channel_id=run.channel_id, run_id=run.run_id))

    def _is_stuck(self, run: ActiveRun, channel: Channel) -> bool:
        if channel.status == "pending":
            return self._is_past(run.requested_at, _PENDING_FOR)
        return self._is_past(max(channel.updated_at, run.touched_at or ""), _SILENT_FOR)

    def _sweep_purge(self, purge: PendingPurge) -> None:
        if not self._is_past(purge.not_before, timedelta(0)) or not self._is_past(purge.resent_at, _RESEND_EVERY):
            return
        if self.parts.repository.purges.mark_purge_resent(purge.channel_id):
            self.parts.queues.send(PurgeMessage(channel_id=purge.channel_id, pass_number=purge.pass_number))

    def _is_past(self, moment: str | None, age: timedelta) -> bool:
        """Whether the moment lies at least that long ago; a moment that never was does."""
        return moment is None or moment <= timestamp(self.parts.clock() - age)
