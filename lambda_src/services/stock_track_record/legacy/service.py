"""Channels that the legacy application wrote: read the slow way, and brought up to today's layout."""

from dataclasses import dataclass
from typing import Literal

from lambda_src.dynamo.store import Store
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.channels.service import ChannelService
from lambda_src.services.stock_track_record.legacy.repository import LegacyRepository
from lambda_src.services.stock_track_record.messages import Queues, UpgradeMessage
from lambda_src.services.stock_track_record.models import Channel, Mention

type Upgraded = Literal["done", "late", "gone", "double"]


@dataclass(frozen=True, slots=True)
class LegacyReader:
    """Reads channels without `layout` for the API."""

    store: Store
    channels: ChannelService
    queues: Queues

    def mentions(self, channel: Channel) -> list[Mention]:
        """Every mention by ticker, then date, then video id; asks for the upgrade, at most every 10 minutes.

        One Query for the videos and one per video.
        """
        self.request_upgrade(channel)
        mentions = [
            Mention.of_video(video, home)
            for video in self.store.items(tables.VIDEOS_OF_CHANNEL, channel_id=channel.id, consistent=False)
            for home in self.store.items(tables.MENTIONS_OF_VIDEO, video_id=video.id)
        ]
        return sorted(mentions, key=lambda mention: (mention.ticker, mention.published_at, mention.video_id))

    def request_upgrade(self, channel: Channel) -> None:
        """Send an `upgrade` message unless one was sent within 10 minutes. 1-2 requests."""
        if self.channels.may_ask_worker(channel.id, "upgrade"):
            self.queues.runs.send(UpgradeMessage(channel_id=channel.id))


@dataclass(frozen=True, slots=True)
class LayoutUpgrade:
    """Brings channels to today's layout."""

    store: Store
    repository: LegacyRepository

    def upgrade_channel(self, channel: Channel, deadline: Deadline) -> Upgraded:
        """Add what a channel without `layout` lacks, video by video; may be repeated after any interruption.

        Returns "late" when time ran out, "gone" when the channel is going away, "double" when another channel holds
        its identity: it has its copies then, but stays without `layout`. 1 Query for the videos, then per video 1
        Query and 1 transaction per 48 mentions.
        """
        for video in self.store.items(tables.VIDEOS_OF_CHANNEL, channel_id=channel.id):
            if deadline.remaining_seconds() <= 0:
                return "late"
            homes = self.store.items(tables.MENTIONS_OF_VIDEO, video_id=video.id)
            if not self.repository.upgrade_video(video, [Mention.of_video(video, home) for home in homes]):
                return "gone"
        return "done" if self.repository.upgrade_channel(channel) else "double"
