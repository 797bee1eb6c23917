"""Channels that the legacy application wrote: read the slow way, and brought up to today's layout.

They have no copies of mentions beside them, no index item, and no claims of their videos and of their identity.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Final, Literal

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Check, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.stock_track_record import models, tables
from lambda_src.services.stock_track_record.channels.service import ChannelService
from lambda_src.services.stock_track_record.messages import Queues, UpgradeMessage

type Upgraded = Literal["done", "late", "gone", "double"]

_MENTIONS_PER_TRANSACTION: Final = 48  # condition check, index and claim, then two actions each: 99 of 100


@dataclass(frozen=True, slots=True)
class LegacyReader:
    """Reads channels without `layout` for the API."""

    store: Store
    channels: ChannelService
    queues: Queues

    def mentions(self, channel: models.Channel) -> list[models.Mention]:
        """Every mention by ticker, then date, then video id; asks for the upgrade, at most every 10 minutes.

        One Query for the videos and one per video.
        """
        self.request_upgrade(channel)
        mentions = [
            models.Mention.of_video(video, home)
            for video in self.store.items(tables.VIDEOS_OF_CHANNEL, channel_id=channel.id, consistent=False)
            for home in self.store.items(tables.MENTIONS_OF_VIDEO, video_id=video.id)
        ]
        return sorted(mentions, key=lambda mention: (mention.ticker, mention.published_at, mention.video_id))

    def request_upgrade(self, channel: models.Channel) -> None:
        """Send an `upgrade` message unless one was sent within 10 minutes. 1-2 requests."""
        if self.channels.may_ask_worker(channel.id, "upgrade"):
            self.queues.runs.send(UpgradeMessage(channel_id=channel.id))


@dataclass(frozen=True, slots=True)
class LayoutUpgrade:
    """Brings channels to today's layout. Each step may be repeated: what is there already refuses itself."""

    store: Store
    clock: Clock

    def upgrade_channel(self, channel: models.Channel, deadline: Deadline) -> Upgraded:
        """Add what a channel without `layout` lacks, video by video; may be repeated after any interruption.

        Returns "late" when time ran out, "gone" when the channel is going away, "double" when another channel holds
        its identity: it has its copies then, but stays without `layout`. 1 Query for the videos, then per video 1
        Query and 1 transaction per 48 mentions.
        """
        for video in self.store.items(tables.VIDEOS_OF_CHANNEL, channel_id=channel.id):
            if deadline.remaining_seconds() <= 0:
                return "late"
            homes = self.store.items(tables.MENTIONS_OF_VIDEO, video_id=video.id)
            if not self._upgrade_video(video, [models.Mention.of_video(video, home) for home in homes]):
                return "gone"
        return "done" if self._claim_identity(channel) else "double"

    def _upgrade_video(self, video: models.Video, mentions: Sequence[models.Mention]) -> bool:
        """Write the claim of a video and the copies of its mentions; False when the channel is going away.

        1 request per 48 mentions; where some of them are copied already, 1 more per mention.
        """
        groups = list(batched(mentions, _MENTIONS_PER_TRANSACTION, strict=False)) or [()]
        alive = Check(tables.CHANNEL.key(id=video.channel_id), tables.ALIVE)
        for group in groups:
            if self._commit([alive, *_copies(video, group)]):
                continue
            for mention in group:
                self._commit([alive, *_copies(video, (mention,))])
        # a second item of the same YouTube video keeps its mentions; the claim stays with the first
        claim = models.VideoClaim(video.channel_id, video.youtube_video_id, video.id, video.created_at)
        self._commit([alive, Put(tables.VIDEO_CLAIM, claim, ABSENT)])
        return self._commit([alive])

    def _claim_identity(self, channel: models.Channel) -> bool:
        """Claim the channel's identity and mark it as upgraded; False when another channel holds the identity.

        1 request.
        """
        identity = channel.youtube_channel_id
        claim = models.UniqueClaim(identity, channel.id, models.timestamp(self.clock()))
        mark = Update().set(layout=models.LAYOUT).add(claims={identity})
        actions: list[Action] = [
            Put(tables.UNIQUE_CLAIM, claim, ABSENT | Attr("channel_id").eq(channel.id)),
            UpdateItem(tables.CHANNEL.key(id=channel.id), mark, tables.ALIVE),
        ]
        return applied(self.store.transact, tables.UPGRADE_CHANNEL, actions)

    def _commit(self, actions: Sequence[Action]) -> bool:
        return applied(self.store.transact, tables.UPGRADE_VIDEO, actions)


def _copies(video: models.Video, mentions: Sequence[models.Mention]) -> list[Action]:
    if not mentions:
        return []
    actions: list[Action] = [tables.index_tickers(video.channel_id, mentions)]
    for mention in mentions:
        dated = Update().set(published_at=mention.published_at, GSI1SK=mention.published_at)
        as_read = EXISTS & Attr("ticker").eq(mention.ticker)
        actions.append(Put(tables.CHANNEL_MENTION, mention, ABSENT))
        actions.append(UpdateItem(tables.STOCK_MENTION.key_of(mention), dated, as_read))
    return actions
