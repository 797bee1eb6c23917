"""Channels of the legacy application: no copies, claims, index item or claim of their identity. Brought up here."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Final

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Check, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.stock_track_record import models, tables

_MENTIONS_PER_TRANSACTION: Final = 48  # condition check, index and claim, then two actions each: 99 of 100


@dataclass(frozen=True, slots=True)
class LegacyRepository:
    """Writes of the upgrade. Each step may be repeated: what is there already refuses itself."""

    store: Store
    clock: Clock

    def upgrade_video(self, video: models.Video, mentions: Sequence[models.Mention]) -> bool:
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

    def upgrade_channel(self, channel: models.Channel) -> bool:
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
    tickers = {mention.ticker for mention in mentions}
    index = Update().set(entity_type=tables.CHANNEL_INDEX.name).add(tickers=tickers)
    actions: list[Action] = [UpdateItem(tables.CHANNEL_INDEX.key(channel_id=video.channel_id), index)]
    for mention in mentions:
        dated = Update().set(published_at=mention.published_at, GSI1SK=mention.published_at)
        as_read = EXISTS & Attr("ticker").eq(mention.ticker)
        actions.append(Put(tables.CHANNEL_MENTION, mention, ABSENT))
        actions.append(UpdateItem(tables.STOCK_MENTION.key_of(mention), dated, as_read))
    return actions
