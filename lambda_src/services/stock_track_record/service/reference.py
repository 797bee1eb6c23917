"""Channels that the reference wrote: read the slow way, and brought up to today's layout by the worker."""

from dataclasses import dataclass
from typing import Final

from lambda_src.services.stock_track_record.clients.queues import WorkQueues
from lambda_src.services.stock_track_record.messages import UpgradeMessage
from lambda_src.services.stock_track_record.models import Channel, Mention
from lambda_src.services.stock_track_record.repository import Repository

_UPGRADE_PAUSE_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class ReferenceReader:
    """Reads channels without `layout`."""

    repository: Repository
    queues: WorkQueues

    def mentions(self, channel: Channel) -> list[Mention]:
        """Every mention by ticker, then date, then video id; asks for the upgrade, at most every 10 minutes.

        One Query for the videos and one per video.
        """
        self.request_upgrade(channel)
        mentions = [
            Mention.of_video(video, home)
            for video in self.repository.videos.videos_of_channel(channel.id, consistent=False)
            for home in self.repository.mentions.mentions_of_video(video.id)
        ]
        return sorted(mentions, key=lambda mention: (mention.ticker, mention.published_at, mention.video_id))

    def request_upgrade(self, channel: Channel) -> None:
        """Send an `upgrade` message unless one was sent within 10 minutes. 1-2 requests."""
        if self.repository.work.request_channel_work(channel.id, "upgrade", seconds=_UPGRADE_PAUSE_SECONDS):
            self.queues.send(UpgradeMessage(channel_id=channel.id))
