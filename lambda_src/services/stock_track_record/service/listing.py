"""The `channel` message: resolve the channel, list its uploads, register what is new, queue what is to be analysed.

A crash anywhere repeats from the start: no video message exists before the listing is final, counts are set once, and
nothing is added to the run afterwards.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Final

from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.delivery import Delivery
from lambda_src.services.stock_track_record.clients.youtube import ListedVideo, YouTubeChannel, YouTubeClient
from lambda_src.services.stock_track_record.errors import InvalidChannelUrl, ProviderDisabled, WinnerGoing
from lambda_src.services.stock_track_record.messages import ChannelMessage, VideoMessage
from lambda_src.services.stock_track_record.models import Channel, ChannelId, RunId, Video, VideoId
from lambda_src.services.stock_track_record.repository.base import Line
from lambda_src.services.stock_track_record.repository.videos import VIDEOS_PER_TRANSACTION
from lambda_src.services.stock_track_record.rules.dates import after_hours, months_before, timestamp
from lambda_src.services.stock_track_record.rules.identity import ChannelIdentity, is_resolved, parse_channel_url
from lambda_src.services.stock_track_record.rules.ids import video_id
from lambda_src.services.stock_track_record.service.parts import WorkerParts, check_not_mine, lease_of

logger = logging.getLogger(__name__)

_TOMBSTONE_HOURS: Final = 24  # the client has the page of a merged channel open
_REGISTER_ROUNDS: Final = 5  # each further round means that another lister registered the same videos meanwhile


class RunStopped(Exception):
    """The run was cancelled, deleted, restarted or failed: nothing is left to do for this message."""


class RunCannotContinue(Exception):
    """The run has to fail; the text is shown in the channel's log."""


@dataclass(frozen=True, slots=True)
class ListingService:
    """Use cases of the `channel` message."""

    parts: WorkerParts
    youtube: YouTubeClient
    has_key: Callable[[str], bool]
    max_videos: int
    lease_seconds: float
    parallelism: int = 10  # maximum concurrency of the queue's event source

    def list_channel(self, message: ChannelMessage, delivery: Delivery) -> None:
        """Bring a run from pending to queued videos. Raises LeaseHeld and ProviderUnavailable to be tried again."""
        channel_id = ChannelId(message.channel_id)
        wanted = None if message.run_id is None else RunId(message.run_id)
        channel = self.parts.channel_in_run(channel_id, wanted)
        if channel is None:
            return
        lease = lease_of(delivery)
        work = self.parts.repository.work
        if not work.lease_listing(channel_id, channel.run_id, lease, seconds=self.lease_seconds):
            active = work.active_run_of_channel(channel_id)
            check_not_mine(lease, None if active is None else active.lease_by)
            return
        try:
            self._run(channel)
        except RunStopped:
            logger.info("run stopped while listing", extra={"channel_id": channel_id})
        except (RunCannotContinue, ProviderDisabled) as exc:
            self.parts.fail_run(channel_id, channel.run_id, str(exc))
        finally:
            work.release_listing(channel_id, lease)

    def give_up(self, message: ChannelMessage) -> None:
        """The last attempt failed as well: the run fails. 2 requests."""
        channel = self.parts.channel_in_run(ChannelId(message.channel_id), None)
        if channel is not None and message.run_id in (None, channel.run_id):
            self.parts.fail_run(channel.id, channel.run_id, "the channel could not be listed after several attempts")

    # ---- steps -----------------------------------------------------------------------------------------------------

    def _run(self, channel: Channel) -> None:
        if channel.status == "pending":
            line = Line("info", f"Analysis of {channel.name} started")
            if not self.parts.repository.runs.begin_run(channel.id, channel.run_id, line):
                raise RunStopped
            channel = replace(channel, status="processing", listed=False)
        if not channel.listed:
            self._list(channel)
        self._queue_videos(channel)
        self.parts.complete_if_finished(channel.id, channel.run_id)

    def _list(self, channel: Channel) -> None:
        if not self.has_key("youtube_api_key"):
            raise RunCannotContinue("no YouTube API key is configured")
        if not self.has_key("gemini_api_key"):
            raise RunCannotContinue("no Gemini API key is configured")
        source = self._resolve(channel)
        self.parts.log(channel.id, "info", f"Fetching videos of the last {channel.time_range_months} months")
        cutoff = months_before(self.parts.clock(), channel.time_range_months)
        uploads = self.youtube.uploads_since(source.uploads_playlist_id, cutoff, self.max_videos)
        if uploads.was_cut:
            self.parts.log(channel.id, "warning", f"Only the newest {self.max_videos} videos are analysed")
        skipped = self._register(channel, uploads.videos)
        found = len(uploads.videos)
        lines = [
            Line("info", f"Found {found} videos"),
            Line("info", f"Skipping {skipped} videos that were analysed before"),
        ]
        if not self.parts.repository.runs.finish_listing(
            channel.id, channel.run_id, video_count=found, skipped=skipped, lines=lines
        ):
            raise RunStopped

    # ---- identity --------------------------------------------------------------------------------------------------

    def _resolve(self, channel: Channel) -> YouTubeChannel:
        """What YouTube knows of the channel; its identity, title and thumbnail are up to date afterwards."""
        self.parts.log(channel.id, "info", f"Identifier: {channel.youtube_channel_id}")
        if is_resolved(channel.youtube_channel_id):
            found = self.youtube.channel_by_id(channel.youtube_channel_id)
        else:
            self.parts.log(channel.id, "info", "Resolving the channel")
            found = self.youtube.find_channel(_identity(channel))
        if found is None:
            raise RunCannotContinue(f"YouTube knows no channel {channel.name}")
        self._adopt(channel, found)
        self.parts.log(channel.id, "info", f"Channel: {found.title}")
        return found

    def _adopt(self, channel: Channel, found: YouTubeChannel) -> None:
        runs = self.parts.repository.runs
        title = found.title[:255] or channel.name
        if channel.youtube_channel_id == found.id:
            if not runs.refresh_channel(
                channel, name=title, thumbnail_url=found.thumbnail_url, playlist_id=found.uploads_playlist_id
            ):
                raise RunStopped
            return
        owner = runs.adopt_identity(
            channel,
            found.id,
            name=title,
            thumbnail_url=found.thumbnail_url,
            playlist_id=found.uploads_playlist_id,
        )
        if owner == channel.id:
            return
        if owner is not None:
            self._merge(channel, owner)
        raise RunStopped

    def _merge(self, channel: Channel, owner: ChannelId) -> None:
        winner = self.parts.repository.channels.channel_by_id(owner)
        if winner is None or winner.deleting:
            raise WinnerGoing
        line = Line("error", f"This is the channel {winner.name}, which is listed already ({winner.id})")
        not_before = timestamp(after_hours(self.parts.clock(), _TOMBSTONE_HOURS))
        merged = self.parts.repository.runs.merge_duplicate(channel, winner, line, not_before=not_before)
        if not merged and self._is_still_mine(channel):
            raise WinnerGoing

    def _is_still_mine(self, channel: Channel) -> bool:
        now = self.parts.channel_in_run(channel.id, channel.run_id)
        return now is not None and now.status == "processing"

    # ---- videos ----------------------------------------------------------------------------------------------------

    def _register(self, channel: Channel, listed: Sequence[ListedVideo]) -> int:
        """Make every listed video part of the run; returns how many were analysed before and are left alone."""
        waiting = list(listed)
        skipped = 0
        for _ in range(_REGISTER_ROUNDS):
            known = {video.youtube_video_id: video for video in self._known(channel.id)}
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

    def _known(self, channel_id: ChannelId) -> list[Video]:
        return self.parts.repository.videos.videos_of_channel(channel_id)

    def _requeue(self, video: Video, run_id: RunId) -> bool:
        """Whether the video is to be analysed in this run; False when it was completed before."""
        if video.analysis_status == "completed":
            return False
        if video.analysis_status == "pending" and video.run_id == run_id:
            return True
        videos = self.parts.repository.videos
        if videos.requeue_video(video, run_id):
            return True
        # refused: a straggler of the old run completed it, or another lister was first to put it into this run
        _, current = videos.channel_and_video(video.channel_id, video.id)
        return current is not None and current.analysis_status != "completed"

    def _register_new(self, channel: Channel, new: Iterable[ListedVideo]) -> list[ListedVideo]:
        """Register videos in groups; returns those of groups that were refused."""
        refused: list[ListedVideo] = []
        now = timestamp(self.parts.clock())
        for group in batched(new, VIDEOS_PER_TRANSACTION, strict=False):
            videos = [_new_video(channel, listed, now) for listed in group]
            if not self.parts.repository.videos.register_videos(channel.id, channel.run_id, videos):
                refused += group
        return refused

    def _queue_videos(self, channel: Channel) -> None:
        """Send a message for every video of the run that waits; a repeated one is harmless."""
        waiting = [
            VideoMessage(channel_id=channel.id, run_id=channel.run_id, video_id=video.id)
            for video in self._known(channel.id)
            if video.run_id == channel.run_id and video.analysis_status == "pending"
        ]
        self.parts.queues.send_all(waiting)
        line = f"{len(waiting)} videos queued, up to {self.parallelism} at the same time"
        self.parts.log(channel.id, "info", line)


def _identity(channel: Channel) -> ChannelIdentity:
    """The identity as it was typed: handles ignore case, user names may not."""
    try:
        return parse_channel_url(channel.url)
    except InvalidChannelUrl as exc:  # an address that only the reference accepted
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
