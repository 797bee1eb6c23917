"""The processing log of a channel."""

from typing import Final

from boto3.dynamodb.conditions import Key

from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.errors import StoreUnavailable
from lambda_src.services.stock_track_record.models import ChannelId, LogLine
from lambda_src.services.stock_track_record.repository.base import Context, Line, sort_prefix
from lambda_src.services.stock_track_record.tables import MAIN, PROCESSING_LOG

_AFTER_ALL_TIMES: Final = "~"  # sorts behind every digit
_KEY_TRIES: Final = 5


class LogRepository:
    """Access patterns of log lines; those of a state change are written in its transaction."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def newest_logs(self, channel_id: ChannelId, *, limit: int) -> list[LogLine]:
        """The newest `limit` lines, oldest of them first. 1 request; 0.03 RRU per line of 0.25 KB."""
        key = Key("PK").eq(_partition(channel_id)) & Key("SK").begins_with(sort_prefix(PROCESSING_LOG))
        items = self._store.query_items(MAIN, key, descending=True, limit=limit, stop_after=limit)
        return [LogLine.from_item(item) for item in reversed(items)]

    def logs_since(self, channel_id: ChannelId, since: str, *, limit: int) -> list[LogLine]:
        """The oldest `limit` lines from the timestamp `since` on, which is included. 1 request."""
        prefix = sort_prefix(PROCESSING_LOG)
        between = Key("SK").between(f"{prefix}{since}", f"{prefix}{_AFTER_ALL_TIMES}")
        key = Key("PK").eq(_partition(channel_id)) & between
        return [LogLine.from_item(item) for item in self._store.query_items(MAIN, key, limit=limit, stop_after=limit)]

    def append_log(self, channel_id: ChannelId, line: Line) -> None:
        """Add one line. 1 request, 1 WRU; a taken key is tried again with another suffix."""
        for _ in range(_KEY_TRIES):
            put = self._context.log_lines.put(channel_id, line)
            try:
                self._store.put(MAIN, put.item, condition=put.condition)
            except ConditionFailed:
                continue
            return
        raise StoreUnavailable


def _partition(channel_id: ChannelId) -> str:
    return PROCESSING_LOG.partition.build(channel_id=channel_id)
