"""Mentions: stored at home with their video and copied beside their channel, and the prices they owe (T9).

Home and copy are written, priced and deleted together. The copy carries the video's facts, so that one Query of the
channel's partition answers every page of results.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from itertools import batched
from typing import Final

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.store import Change, Put
from lambda_src.dynamo.updates import Update
from lambda_src.services.stock_track_record.models import Channel, ChannelId, Item, Mention, VideoId
from lambda_src.services.stock_track_record.repository.base import (
    EXISTS,
    Context,
    index_attributes,
    sort_prefix,
)
from lambda_src.services.stock_track_record.repository.channels import channel_key
from lambda_src.services.stock_track_record.tables import (
    CHANNEL_INDEX,
    CHANNEL_MENTION,
    GSI1,
    GSI2,
    MAIN,
    STOCK_MENTION,
)

_PRICES_PER_TRANSACTION: Final = 50  # home and copy each: 100 actions
_MAX_PRICE_ATTEMPTS: Final = 3  # days without data after which a mention is never asked about again


@dataclass(frozen=True, slots=True)
class FoundPrice:
    """A closing price for a mention, and the trading day it is of."""

    mention: Mention
    price: Decimal
    price_date: str


class MentionRepository:
    """Access patterns of mentions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    # ---- results ---------------------------------------------------------------------------------------------------

    def mentions_of_channel(self, channel_id: ChannelId, *, consistent: bool) -> list[Mention]:
        """Every mention, by ticker, then date, then video id. 1 request per MB; 0.1 RRU per mention of 0.8 KB."""
        return self._copies(channel_id, sort_prefix(CHANNEL_MENTION), consistent=consistent)

    def mentions_of_stock(self, channel_id: ChannelId, ticker: str) -> list[Mention]:
        """The channel's mentions of one ticker, by date, then video id. 1 request."""
        return self._copies(channel_id, sort_prefix(CHANNEL_MENTION, ticker=ticker), consistent=False)

    def mentions_of_ticker(self, ticker: str) -> Sequence[Item]:
        """Support: home items of a ticker's mentions in any channel, by date. 1 request per MB; GSI1 lags."""
        key = Key("GSI1PK").eq(STOCK_MENTION.index_keys["GSI1PK"].build(ticker=ticker))
        return self._store.query_items(MAIN, key, index=GSI1)

    def mentions_of_video(self, video_id: VideoId) -> Sequence[Item]:
        """Home items of one video: how the reference stored its only form. 1 request."""
        partition = STOCK_MENTION.partition.build(video_id=video_id)
        key = Key("PK").eq(partition) & Key("SK").begins_with(sort_prefix(STOCK_MENTION))
        return self._store.query_items(MAIN, key)

    def tickers_of_channel(self, channel_id: ChannelId) -> tuple[Channel | None, frozenset[str]]:
        """The channel and every ticker it ever mentioned. 1 request, 0.5 RRU and 0.5 per 4 KB of tickers."""
        keys = [(MAIN, channel_key(channel_id)), (MAIN, MAIN.key(CHANNEL_INDEX, channel_id=channel_id))]
        channel: Channel | None = None
        tickers: frozenset[str] = frozenset()
        for item in self._store.batch_get(keys):
            if item["SK"] == keys[0][1]["SK"]:
                channel = Channel.from_item(item)
            else:
                tickers = frozenset(item.get("tickers", ()))
        return channel, tickers

    def _copies(self, channel_id: ChannelId, prefix: str, *, consistent: bool) -> list[Mention]:
        partition = CHANNEL_MENTION.partition.build(channel_id=channel_id)
        key = Key("PK").eq(partition) & Key("SK").begins_with(prefix)
        return [Mention.from_item(item) for item in self._store.query_items(MAIN, key, consistent=consistent)]

    # ---- prices ----------------------------------------------------------------------------------------------------

    def count_unpriced(self, channel_id: ChannelId, *, checked_before: str) -> int:
        """How many mentions owe a price and were not asked about since `checked_before` (a timestamp).

        1 request per MB of unpriced mentions, 0.5 RRU when there are none; GSI2 lags by up to about a second.
        """
        return self._store.count(MAIN, _unpriced_key(channel_id), index=GSI2, filter=_due(checked_before))

    def unpriced_mentions(self, channel_id: ChannelId, *, checked_before: str) -> list[Mention]:
        """The mentions that `count_unpriced` counts. 1 request per MB of unpriced mentions."""
        items = self._store.query_items(MAIN, _unpriced_key(channel_id), index=GSI2, filter=_due(checked_before))
        return [Mention.from_item(item) for item in items]

    def price_mentions(self, prices: Sequence[FoundPrice], *, force: bool) -> int:
        """T9: write prices to homes and copies; returns how many were written.

        Those that were deleted, or priced by somebody else meanwhile (unless `force`), are left as they are.
        1 request per 50 mentions; where one of them is refused, 1 more per mention of that group.
        """
        written = 0
        for group in batched(prices, _PRICES_PER_TRANSACTION, strict=False):
            if self._price_together(group, force=force):
                written += len(group)
            elif len(group) > 1:
                written += sum(self._price_together((price,), force=force) for price in group)
        return written

    def _price_together(self, group: Sequence[FoundPrice], *, force: bool) -> bool:
        condition = EXISTS if force else EXISTS & Attr("price_at_mention").not_exists()
        update = Update().remove("GSI2PK", "price_status")
        actions = [
            Change(
                MAIN,
                key,
                update.set(price_at_mention=price.price, price_date=price.price_date),
                condition=condition,
            )
            for price in group
            for key in (home_key(price.mention), copy_key(price.mention))
        ]
        try:
            self._store.transact(actions)
        except TransactionCancelled:
            return False
        return True

    def record_no_price(self, mention: Mention) -> bool:
        """The providers said that they have no price: ask again tomorrow, three times at most. 1 request."""
        update = Update().set(price_checked_at=self._context.now()).add(price_attempts=1)
        if mention.price_attempts + 1 >= _MAX_PRICE_ATTEMPTS:
            update = update.set(price_status="unavailable").remove("GSI2PK")
        condition = EXISTS & Attr("price_attempts").eq(mention.price_attempts)
        return self._context.applied(lambda: self._store.update(MAIN, copy_key(mention), update, condition=condition))


# ---- items ---------------------------------------------------------------------------------------------------------


def _unpriced_key(channel_id: ChannelId) -> ConditionBase:
    return Key("GSI2PK").eq(CHANNEL_MENTION.index_keys["GSI2PK"].build(channel_id=channel_id))


def _due(checked_before: str) -> ConditionBase:
    return Attr("price_checked_at").not_exists() | Attr("price_checked_at").lt(checked_before)


def home_key(mention: Mention) -> dict[str, str]:
    return MAIN.key(STOCK_MENTION, video_id=mention.video_id, mention_id=mention.id)


def copy_key(mention: Mention) -> dict[str, str]:
    return MAIN.key(
        CHANNEL_MENTION,
        channel_id=mention.channel_id,
        ticker=mention.ticker,
        published_at=mention.published_at,
        video_id=mention.video_id,
    )


def mention_puts(mention: Mention) -> tuple[Put, Put]:
    """Home and copy. The copy is on the list of unpriced mentions exactly while it has no price."""
    home = {
        **home_key(mention),
        **index_attributes(STOCK_MENTION, ticker=mention.ticker, published_at=mention.published_at),
        **mention.home_attributes(),
    }
    copy = {**copy_key(mention), **mention.copy_attributes()}
    if mention.price_at_mention is None:
        copy |= index_attributes(CHANNEL_MENTION, channel_id=mention.channel_id)
    return Put(MAIN, home), Put(MAIN, copy)


def channel_index_item(channel_id: ChannelId, tickers: AbstractSet[str]) -> dict[str, object]:
    """The stored form of the channel's index while nobody holds a lock on it."""
    return {
        **MAIN.key(CHANNEL_INDEX, channel_id=channel_id),
        "entity_type": CHANNEL_INDEX.name,
        "tickers": frozenset(tickers),
    }


def tickers_change(channel_id: ChannelId, tickers: set[str]) -> Change:
    """Add tickers to the channel's index item, which it creates."""
    return Change(
        MAIN,
        MAIN.key(CHANNEL_INDEX, channel_id=channel_id),
        Update().set(entity_type=CHANNEL_INDEX.name).add(tickers=tickers),
    )
