"""Runs: their states, and the `channel` message, which lists a channel's uploads.

It resolves the channel, registers what is new and queues what is to be analysed. A crash anywhere repeats from the
start: no video message exists before the listing is final, counts are set once, and nothing is added to the run
afterwards.
"""

import calendar
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Final

from lambda_src.dynamo.leases import Lease
from lambda_src.dynamo.store import Store
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.delivery import Delivery
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.providers.errors import ProviderDisabled
from lambda_src.runtime.providers.provider import KeyedProvider
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.channels.rules import ChannelIdentity, is_resolved, parse_channel_url
from lambda_src.services.stock_track_record.errors import InvalidChannelUrl, LeaseHeld, WinnerGoing
from lambda_src.services.stock_track_record.messages import BackfillMessage, ChannelMessage, Queues, VideoMessage
from lambda_src.services.stock_track_record.models import Channel, ChannelId, RunId, Video, VideoId, timestamp, video_id
from lambda_src.services.stock_track_record.processing_log import Line, ProcessingLog
from lambda_src.services.stock_track_record.runs.clients import ListedVideo, YouTubeChannel, YouTubeClient
from lambda_src.services.stock_track_record.runs.repository import VIDEOS_PER_TRANSACTION, Facts, RunRepository
from lambda_src.services.stock_track_record.settings import WorkerSettings

logger = logging.getLogger(__name__)

_BACKFILL_DELAY_SECONDS: Final = 5  # longer than a GSI lags behind the mentions that were just written
_CLOCKS_DIFFER_SECONDS: Final = 1
_TOMBSTONE_HOURS: Final = 24  # the client has the page of a merged channel open
_REGISTER_ROUNDS: Final = 5  # each further round means that another lister registered the same videos meanwhile


class RunStopped(Exception):
    """The run was cancelled, deleted, restarted or failed: nothing is left to do for this message."""


class RunCannotContinue(Exception):
    """The run has to fail; the text is shown in the channel's log."""


@dataclass(frozen=True, slots=True)
class Runs:
    """What several use cases of the worker ask of a run, and how it ends."""

    store: Store
    repository: RunRepository
    queues: Queues
    metrics: Metrics
    clock: Clock
    prices_wait_seconds: int

    def channel_in_run(self, channel_id: ChannelId, run_id: RunId | None) -> Channel | None:
        """The channel, if this run of it (None: whatever run is current) is pending or processing. 1 request."""
        channel = self.store.get(tables.CHANNEL_BY_ID, id=channel_id)
        if channel is None or not channel.is_active or (run_id is not None and channel.run_id != run_id):
            return None
        return channel

    def channel_and_video(self, channel_id: ChannelId, video_id: VideoId) -> tuple[Channel | None, Video | None]:
        """Both as they are this instant. 1 request, 2 RRU (strongly consistent)."""
        keys = [tables.CHANNEL.key(id=channel_id), tables.VIDEO.key(channel_id=channel_id, id=video_id)]
        found = self.store.batch_get(tables.CHANNEL_AND_VIDEO, keys)
        channel = next((each for each in found if isinstance(each, Channel)), None)
        return channel, next((each for each in found if isinstance(each, Video)), None)

    def fail_run(self, channel_id: ChannelId, run_id: RunId, reason: str) -> bool:
        """End the run with an error line; its remaining messages are dropped as they come. 1 request."""
        failed = self.repository.fail_run(channel_id, run_id, Line("error", f"Analysis failed: {reason}"))
        if failed:
            logger.error("run failed", extra={"channel_id": channel_id, "run_id": run_id})
            self.metrics.count("RunFailed")
        return failed

    def close_if_counted(self, channel_id: ChannelId, run_id: RunId, message_id: str) -> None:
        """When all videos of the run are counted, ask for the prices of its mentions; whoever has these completes it.

        Only one of the workers that see the last video counted asks; a later delivery of its message asks again, should
        it have died between mark and messages. It also sends a `channel` message that comes back here when the run has
        waited long enough, and completes it without its prices. A run without videos has none to wait for.
        1 request; 2 to 4 for a run that is counted, and 1 to complete it.
        """
        channel = self._counted(channel_id, run_id)
        if channel is None:
            return
        long_ago = timestamp(self.clock() - timedelta(seconds=self.prices_wait_seconds))
        has_waited = channel.video_count == 0 or channel.updated_at <= long_ago  # the last video was counted then
        if self.repository.close_run(channel_id, run_id, message_id):
            backfill = BackfillMessage(channel_id=channel_id, run_id=run_id)
            self.queues.prices.send(backfill, delay_seconds=_BACKFILL_DELAY_SECONDS)
            if not has_waited:
                again = ChannelMessage(channel_id=channel_id, run_id=run_id)
                self.queues.runs.send(again, delay_seconds=self.prices_wait_seconds + _CLOCKS_DIFFER_SECONDS)
        if has_waited:
            self._complete(channel)

    def complete_priced(self, channel_id: ChannelId, run_id: RunId) -> None:
        """End a run of whose mentions it is known what they cost, if all of its videos are counted. 1-2 requests."""
        channel = self._counted(channel_id, run_id)
        if channel is not None:
            self._complete(channel)

    def _counted(self, channel_id: ChannelId, run_id: RunId) -> Channel | None:
        channel = self.channel_in_run(channel_id, run_id)
        is_counted = channel is not None and channel.is_in_run(run_id) and channel.is_finished_listing
        return channel if is_counted else None

    def _complete(self, channel: Channel) -> bool:
        """End the run; only one worker's attempt succeeds. 1 request."""
        line = (
            f"Analysis completed: {channel.processed_video_count} videos processed, "
            f"{channel.failed_video_count} of them failed in this run"
        )
        return self.repository.complete_run(channel.id, channel.run_id, Line("info", line))


def check_not_mine(lease: Lease, holder: str | None) -> None:
    """Raise LeaseHeld when another delivery of this very message holds the lease.

    Acknowledging would delete the message under the feet of that delivery: it would be lost if the worker died. A
    different message may be acknowledged, because the holder's is still in the queue.
    """
    if lease.is_of_same_message(holder):
        raise LeaseHeld


@dataclass(frozen=True, slots=True)
class ListingService:
    """Use cases of the `channel` message. analyst: whose key a run needs as well."""

    store: Store
    runs: Runs
    repository: RunRepository
    log: ProcessingLog
    queues: Queues
    youtube: YouTubeClient
    analyst: KeyedProvider
    clock: Clock
    settings: WorkerSettings
    parallelism: int = 10  # maximum concurrency of the queue's event source

    def list_channel(self, message: ChannelMessage, delivery: Delivery) -> None:
        """Bring a run from pending to queued videos. Raises LeaseHeld and ProviderUnavailable to be tried again."""
        channel_id = ChannelId(message.channel_id)
        wanted = None if message.run_id is None else RunId(message.run_id)
        channel = self.runs.channel_in_run(channel_id, wanted)
        if channel is None:
            return
        lease, seconds = Lease(delivery.message_id, delivery.receive_count), self.settings.channel_budget_seconds
        if not self.repository.lease_listing(channel_id, channel.run_id, lease, seconds=seconds):
            active = self.store.get(tables.ACTIVE_RUN_OF_CHANNEL, channel_id=channel_id)
            check_not_mine(lease, None if active is None else active.lease_by)
            return
        try:
            self._run(channel, delivery.message_id)
        except RunStopped:
            logger.info("run stopped while listing", extra={"channel_id": channel_id})
        except (RunCannotContinue, ProviderDisabled) as exc:
            self.runs.fail_run(channel_id, channel.run_id, str(exc))
        finally:
            self.repository.release_listing(channel_id, lease)

    def give_up(self, message: ChannelMessage) -> None:
        """The last attempt failed as well: the run fails, unless only its end was left. 2 requests."""
        channel = self.runs.channel_in_run(ChannelId(message.channel_id), None)
        if channel is not None and message.run_id in (None, channel.run_id) and not channel.is_finished_listing:
            self.runs.fail_run(channel.id, channel.run_id, "the channel could not be listed after several attempts")

    def _run(self, channel: Channel, message_id: str) -> None:
        if channel.status == "pending":
            line = Line("info", f"Analysis of {channel.name} started")
            if not self.repository.begin_run(channel.id, channel.run_id, line):
                raise RunStopped
            channel = replace(channel, status="processing", listed=False)
        if not channel.listed:
            self._list(channel)
        if not channel.is_finished_listing:  # as it was read: what was listed just now has not even begun
            self._queue_videos(channel)
        self.runs.close_if_counted(channel.id, channel.run_id, message_id)

    def _list(self, channel: Channel) -> None:
        for provider in (self.youtube, self.analyst):
            if not provider.has_key:
                raise RunCannotContinue(f"no {provider.name} API key is configured")
        source = self._resolve(channel)
        self.log.append_log(channel.id, "info", f"Fetching videos of the last {channel.time_range_months} months")
        cutoff = months_before(self.clock(), channel.time_range_months)
        limit = self.settings.max_videos_per_run
        uploads = self.youtube.uploads_since(source.uploads_playlist_id, cutoff, limit)
        if uploads.was_cut:
            self.log.append_log(channel.id, "warning", f"Only the newest {limit} videos are analysed")
        if uploads.doubt is not None:
            self.log.append_log(channel.id, "warning", f"The list of videos may be incomplete: {uploads.doubt}")
        skipped = self._register(channel, uploads.videos)
        found = len(uploads.videos)
        lines = [
            Line("info", f"Found {found} videos"),
            Line("info", f"Skipping {skipped} videos that were analysed before"),
        ]
        if not self.repository.finish_listing(
            channel.id, channel.run_id, video_count=found, skipped=skipped, lines=lines
        ):
            raise RunStopped

    def _resolve(self, channel: Channel) -> YouTubeChannel:
        """What YouTube knows of the channel; its identity, title and thumbnail are up to date afterwards."""
        self.log.append_log(channel.id, "info", f"Identifier: {channel.youtube_channel_id}")
        if is_resolved(channel.youtube_channel_id):
            found = self.youtube.channel_by_id(channel.youtube_channel_id)
        else:
            self.log.append_log(channel.id, "info", "Resolving the channel")
            found = self.youtube.find_channel(_identity(channel))
        if found is None:
            raise RunCannotContinue(f"YouTube knows no channel {channel.name}")
        self._adopt(channel, found)
        self.log.append_log(channel.id, "info", f"Channel: {found.title}")
        return found

    def _adopt(self, channel: Channel, found: YouTubeChannel) -> None:
        facts = Facts(found.title[:255] or channel.name, found.thumbnail_url, found.uploads_playlist_id)
        if channel.youtube_channel_id == found.id:
            if not self.repository.refresh_channel(channel, facts):
                raise RunStopped
            return
        owner = self.repository.adopt_identity(channel, found.id, facts)
        if owner == channel.id:
            return
        if owner is not None:
            self._merge(channel, owner)
        raise RunStopped

    def _merge(self, channel: Channel, owner: ChannelId) -> None:
        winner = self.store.get(tables.CHANNEL_BY_ID, id=owner)
        if winner is None or winner.deleting:
            raise WinnerGoing
        line = Line("error", f"This is the channel {winner.name}, which is listed already ({winner.id})")
        not_before = timestamp(self.clock() + timedelta(hours=_TOMBSTONE_HOURS))
        merged = self.repository.merge_duplicate(channel, winner, line, not_before=not_before)
        if not merged and self._is_still_mine(channel):
            raise WinnerGoing

    def _is_still_mine(self, channel: Channel) -> bool:
        now = self.runs.channel_in_run(channel.id, channel.run_id)
        return now is not None and now.status == "processing"

    def _register(self, channel: Channel, listed: Sequence[ListedVideo]) -> int:
        """Make every listed video part of the run; returns how many were analysed before and are left alone."""
        waiting = list(listed)
        skipped = 0
        for _ in range(_REGISTER_ROUNDS):
            videos = self.store.items(tables.VIDEOS_OF_CHANNEL, channel_id=channel.id)
            known = {video.youtube_video_id: video for video in videos}
            skipped += sum(
                not self._requeue(known[video.youtube_video_id], channel.run_id)
                for video in waiting
                if video.youtube_video_id in known
            )
            new = [video for video in waiting if video.youtube_video_id not in known]
            waiting = self._register_new(channel, new)
            if not waiting:
                return skipped
            if not self._is_still_mine(channel):
                raise RunStopped
        raise StoreUnavailable

    def _requeue(self, video: Video, run_id: RunId) -> bool:
        """Whether the video is to be analysed in this run; False when it was completed before."""
        if video.analysis_status == "completed":
            return False
        if video.analysis_status == "pending" and video.run_id == run_id:
            return True
        if self.repository.requeue_video(video, run_id):
            return True
        # refused: a straggler of the old run completed it, or another lister was first to put it into this run
        _, current = self.runs.channel_and_video(video.channel_id, video.id)
        return current is not None and current.analysis_status != "completed"

    def _register_new(self, channel: Channel, new: Iterable[ListedVideo]) -> list[ListedVideo]:
        """Register videos in groups; returns those of groups that were refused."""
        refused: list[ListedVideo] = []
        now = timestamp(self.clock())
        for group in batched(new, VIDEOS_PER_TRANSACTION, strict=False):
            videos = [_new_video(channel, listed, now) for listed in group]
            if not self.repository.register_videos(channel.id, channel.run_id, videos):
                refused += group
        return refused

    def _queue_videos(self, channel: Channel) -> None:
        """Send a message for every video of the run that waits; a repeated one is harmless."""
        waiting = [
            VideoMessage(channel_id=channel.id, run_id=channel.run_id, video_id=video.id)
            for video in self.store.items(tables.VIDEOS_OF_CHANNEL, channel_id=channel.id)
            if video.run_id == channel.run_id and video.analysis_status == "pending"
        ]
        self.queues.runs.send_all(waiting)
        line = f"{len(waiting)} videos queued, up to {self.parallelism} at the same time"
        self.log.append_log(channel.id, "info", line)


def _identity(channel: Channel) -> ChannelIdentity:
    """The identity as it was typed: handles ignore case, user names may not."""
    try:
        return parse_channel_url(channel.url)
    except InvalidChannelUrl as exc:  # an address that only the legacy application accepted
        raise RunCannotContinue(f"the address {channel.url} names no channel") from exc


def _new_video(channel: Channel, listed: ListedVideo, now: str) -> Video:
    return Video(
        id=VideoId(video_id(channel.id, listed.youtube_video_id)),
        channel_id=channel.id,
        youtube_video_id=listed.youtube_video_id,
        title=listed.title or listed.youtube_video_id,
        published_at=listed.published_at,
        created_at=now,
        run_id=channel.run_id,
        duration_seconds=listed.duration_seconds,
    )


def months_before(moment: datetime, months: int) -> datetime:
    """00:00 UTC of the same day that many calendar months earlier, or of that month's last day if it is shorter.

    2025-03-31 minus 1 month is 2025-02-28.
    """
    today = moment.astimezone(UTC)
    years, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    month += 1
    day = min(today.day, calendar.monthrange(years, month)[1])
    return datetime(years, month, day, tzinfo=UTC)
