"""Deleted channels: their items are removed page by page, the channel item last."""

from typing import Final

from boto3.dynamodb.conditions import Attr, Key

from lambda_src.dynamo.updates import Update
from lambda_src.services.stock_track_record.models import ChannelId, Item
from lambda_src.services.stock_track_record.repository.base import EXISTS, Context, sort_prefix
from lambda_src.services.stock_track_record.repository.channels import channel_key
from lambda_src.services.stock_track_record.tables import (
    CHANNEL_MENTION,
    MAIN,
    PENDING_PURGE,
    STOCK_MENTION,
    VIDEO,
)

_VIDEO_PREFIX: Final = sort_prefix(VIDEO)
_COPY_PREFIX: Final = sort_prefix(CHANNEL_MENTION)
_PAGE_SIZE: Final = 500  # at 0.8 KB a copy about 400 KB a page, and at most 1,000 deletes with the homes


class PurgeRepository:
    """Access patterns of purges. All of them may be repeated: they go on from what is left."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def purge_page(self, channel_id: ChannelId, *, is_reference_layout: bool) -> bool:
        """Remove one page of the channel's items, homes of mentions before the copies that point to them.

        is_reference_layout: there are no copies, so each video's own partition is looked at before the video goes.
        False when nothing but the channel item was left. 1 Query, 1 BatchWriteItem per 25 deletes.
        """
        channel = channel_key(channel_id)
        pages = self._store.query(
            MAIN,
            Key("PK").eq(channel["PK"]),
            limit=_PAGE_SIZE,
            consistent=True,
            projection=("PK", "SK", "id", "video_id"),
        )
        rows = [item for item in next(iter(pages)).items if item["SK"] != channel["SK"]]
        if is_reference_layout:
            homes = [key for item in rows if item["SK"].startswith(_VIDEO_PREFIX) for key in self._homes_of_video(item)]
        else:
            homes = [
                MAIN.key(STOCK_MENTION, video_id=item["video_id"], mention_id=item["id"])
                for item in rows
                if item["SK"].startswith(_COPY_PREFIX)
            ]
        self._store.batch_write(MAIN, deletes=homes)
        self._store.batch_write(MAIN, deletes=[{"PK": item["PK"], "SK": item["SK"]} for item in rows])
        return bool(rows)

    def drop_channel(self, channel_id: ChannelId) -> bool:
        """Remove the channel item, if it is deleted or a tombstone; False when it is neither. 1 request."""
        gone = Attr("PK").not_exists() | Attr("deleting").exists() | Attr("duplicate_of").exists()
        return self._context.applied(lambda: self._store.delete(MAIN, channel_key(channel_id), condition=gone))

    def mark_purge_resent(self, channel_id: ChannelId) -> bool:
        """The purge's message was sent again. 1 request."""
        return self._mark(channel_id, Update().set(resent_at=self._context.now()))

    def begin_second_pass(self, channel_id: ChannelId, *, not_before: str) -> bool:
        """Wait for stragglers, then look once more. 1 request."""
        return self._mark(channel_id, Update().set(**{"pass": 2, "not_before": not_before}))

    def forget_purge(self, channel_id: ChannelId) -> None:
        """The purge is over. 1 request."""
        self._store.delete(MAIN, MAIN.key(PENDING_PURGE, channel_id=channel_id))

    def _mark(self, channel_id: ChannelId, update: Update) -> bool:
        key = MAIN.key(PENDING_PURGE, channel_id=channel_id)
        return self._context.applied(lambda: self._store.update(MAIN, key, update, condition=EXISTS))

    def _homes_of_video(self, video: Item) -> list[dict[str, str]]:
        partition = STOCK_MENTION.partition.build(video_id=video["id"])
        items = self._store.query_items(MAIN, Key("PK").eq(partition), consistent=True, projection=("PK", "SK"))
        return [{"PK": item["PK"], "SK": item["SK"]} for item in items]
