"""What the worker's use cases are made of, and what several of them do."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lambda_src.runtime.clock import Clock
from lambda_src.runtime.delivery import Delivery
from lambda_src.services.stock_track_record.clients.queues import WorkQueues
from lambda_src.services.stock_track_record.errors import LeaseHeld
from lambda_src.services.stock_track_record.messages import BackfillMessage
from lambda_src.services.stock_track_record.models import Channel, ChannelId, LogLevel, RunId
from lambda_src.services.stock_track_record.repository import Repository
from lambda_src.services.stock_track_record.repository.base import Line
from lambda_src.services.stock_track_record.repository.leases import Lease

logger = logging.getLogger(__name__)

BACKFILL_DELAY_SECONDS: Final = 5  # longer than a GSI lags behind the mentions that were just written


def _count_nothing(_name: str) -> None:
    """For callers that keep no metrics."""


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """Repositories, queues, clock, and `count`, which adds one to a metric."""

    repository: Repository
    queues: WorkQueues
    clock: Clock
    count: Callable[[str], None] = _count_nothing

    def log(self, channel_id: ChannelId, level: LogLevel, message: str) -> None:
        """Add a line to the channel's log. 1 request."""
        self.repository.logs.append_log(channel_id, Line(level, message))

    def channel_in_run(self, channel_id: ChannelId, run_id: RunId | None) -> Channel | None:
        """The channel, if this run of it (None: whatever run is current) is pending or processing. 1 request."""
        channel = self.repository.channels.channel_by_id(channel_id)
        if channel is None or not channel.is_active or (run_id is not None and channel.run_id != run_id):
            return None
        return channel

    def fail_run(self, channel_id: ChannelId, run_id: RunId, reason: str) -> bool:
        """End the run with an error line; its remaining messages are dropped as they come. 1 request."""
        failed = self.repository.runs.fail_run(channel_id, run_id, Line("error", f"Analysis failed: {reason}"))
        if failed:
            logger.error("run failed", extra={"channel_id": channel_id, "run_id": run_id})
            self.count("RunFailed")
        return failed

    def complete_if_finished(self, channel_id: ChannelId, run_id: RunId) -> bool:
        """End the run when all of its videos are counted; only one worker's attempt succeeds.

        The backfill message goes first: a worker that dies between the two leaves a run that is completed later and
        sends one more harmless backfill. 1 request, 3 when the run is finished.
        """
        channel = self.channel_in_run(channel_id, run_id)
        if channel is None or not channel.is_in_run(run_id) or not channel.is_finished_listing:
            return False
        self.queues.send(BackfillMessage(channel_id=channel_id), delay_seconds=BACKFILL_DELAY_SECONDS)
        line = (
            f"Analysis completed: {channel.processed_video_count} videos processed, "
            f"{channel.failed_video_count} of them failed in this run"
        )
        return self.repository.runs.complete_run(channel_id, run_id, Line("info", line))


def lease_of(delivery: Delivery) -> Lease:
    return Lease(delivery.message_id, delivery.receive_count)


def check_not_mine(lease: Lease, holder: str | None) -> None:
    """Raise LeaseHeld when another delivery of this very message holds the lease.

    Acknowledging would delete the message under the feet of that delivery: it would be lost if the worker died. A
    different message may be acknowledged, because the holder's is still in the queue.
    """
    if lease.is_of_same_message(holder):
        raise LeaseHeld
