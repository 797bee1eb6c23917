"""Channels written by the reference: no copies, claims, index item or claim of their identity. Brought up here."""

from collections.abc import Sequence
from itertools import batched
from typing import Final

from boto3.dynamodb.conditions import Attr

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.store import Action, Change, Check, Put
from lambda_src.dynamo.updates import Update
from lambda_src.services.stock_track_record.models import LAYOUT, Channel, Mention, Video
from lambda_src.services.stock_track_record.repository.base import ABSENT, ALIVE, EXISTS, Context, free_or_mine
from lambda_src.services.stock_track_record.repository.channels import channel_key, unique_claim_item
from lambda_src.services.stock_track_record.repository.mentions import home_key, mention_puts, tickers_change
from lambda_src.services.stock_track_record.repository.videos import video_claim_item
from lambda_src.services.stock_track_record.tables import MAIN

_MENTIONS_PER_TRANSACTION: Final = 48  # condition check, index and claim, then two actions each: 99 of 100


class UpgradeRepository:
    """Access patterns of the upgrade. Each step may be repeated: what is there already refuses itself."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def upgrade_video(self, video: Video, mentions: Sequence[Mention]) -> bool:
        """Write the claim of a video and the copies of its mentions; False when the channel is going away.

        1 request per 48 mentions; where some of them are copied already, 1 more per mention.
        """
        groups = list(batched(mentions, _MENTIONS_PER_TRANSACTION, strict=False)) or [()]
        alive = Check(MAIN, channel_key(video.channel_id), ALIVE)
        for group in groups:
            if self._commit([alive, *_copies(video, group)]):
                continue
            for mention in group:
                self._commit([alive, *_copies(video, (mention,))])
        # a second item of the same YouTube video keeps its mentions; the claim stays with the first
        self._commit([alive, Put(MAIN, video_claim_item(video), condition=ABSENT)])
        return self._commit([alive])

    def upgrade_channel(self, channel: Channel) -> bool:
        """Claim the channel's identity and mark it as upgraded; False when another channel holds the identity.

        1 request.
        """
        identity = channel.youtube_channel_id
        claim = unique_claim_item(identity, channel.id, self._context.now())
        mark = Update().set(layout=LAYOUT).add(claims={identity})
        return self._commit(
            [
                Put(MAIN, claim, condition=free_or_mine("channel_id", channel.id)),
                Change(MAIN, channel_key(channel.id), mark, condition=ALIVE),
            ]
        )

    def _commit(self, actions: Sequence[Action]) -> bool:
        try:
            self._store.transact(actions)
        except TransactionCancelled:
            return False
        return True


def _copies(video: Video, mentions: Sequence[Mention]) -> list[Action]:
    if not mentions:
        return []
    actions: list[Action] = [tickers_change(video.channel_id, {mention.ticker for mention in mentions})]
    for mention in mentions:
        _, copy = mention_puts(mention)
        actions.append(Put(MAIN, copy.item, condition=ABSENT))
        actions.append(
            Change(
                MAIN,
                home_key(mention),
                Update().set(published_at=mention.published_at, GSI1SK=mention.published_at),
                condition=EXISTS & Attr("ticker").eq(mention.ticker),
            )
        )
    return actions
