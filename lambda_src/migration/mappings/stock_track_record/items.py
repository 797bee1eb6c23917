"""The items that follow from prepared rows, and the way back. Ids, run ids too, follow from the rows' own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Item
from lambda_src.migration.mapping import Column, Restored, Row, Scalar, Stream
from lambda_src.migration.mappings.stock_track_record.values import decimal_text
from lambda_src.runtime.clock import epoch_ms
from lambda_src.services.stock_track_record.models import (
    FAILURE_LIMIT,
    LAYOUT,
    ActiveRun,
    ChannelId,
    ChannelIndex,
    Counter,
    LogLine,
    RunId,
    UniqueClaim,
    Video,
    VideoClaim,
    parse_timestamp,
    timestamp,
)
from lambda_src.services.stock_track_record.tables import (
    ACTIVE_RUN,
    CHANNEL,
    CHANNEL_INDEX,
    CHANNEL_MENTION,
    COUNTER,
    MAIN,
    PROCESSING_LOG,
    STOCK,
    STOCK_MENTION,
    STOCKS,
    UNIQUE_CLAIM,
    VIDEO,
    VIDEO_CLAIM,
)

type Items = Iterator[tuple[Table, Item]]

_CHANNELS: Final = "SELECT * FROM channels WHERE reject IS NULL ORDER BY id"
# SQLite gives the message of the row that has the maximum
_CHANNELS_AND_FAILURES: Final = """
SELECT c.*, f.message AS failure FROM channels c LEFT JOIN (
  SELECT channel_id, message, MAX(created_at || printf('%020d', id)) FROM processing_logs
  WHERE log_level = 'error' AND reject IS NULL GROUP BY channel_id
) f ON f.channel_id = c.id AND c.status = 'failed'
WHERE c.reject IS NULL ORDER BY c.id
"""
_STOCKS: Final = "SELECT * FROM stocks WHERE reject IS NULL ORDER BY ticker"
_VIDEOS: Final = "SELECT * FROM videos WHERE reject IS NULL ORDER BY id"
_MENTIONS: Final = """
SELECT m.*, v.channel_id, v.youtube_video_id, v.title AS video_title, v.published_at, v.created_at AS video_created_at
FROM stock_mentions m JOIN videos v ON v.id = m.video_id
WHERE m.reject IS NULL AND v.reject IS NULL ORDER BY m.id
"""
_LOGS: Final = "SELECT * FROM processing_logs WHERE reject IS NULL ORDER BY id"
_INTERRUPTED: Final = """
SELECT c.id, MAX(c.updated_at, COALESCE(
  (SELECT MAX(l.created_at) FROM processing_logs l WHERE l.channel_id = c.id AND l.reject IS NULL), ''
)) AS last_seen_at
FROM channels c WHERE c.reject IS NULL AND c.was_active ORDER BY c.id
"""
_TICKERS: Final = """
SELECT v.channel_id, GROUP_CONCAT(DISTINCT m.ticker) AS tickers
FROM stock_mentions m JOIN videos v ON v.id = m.video_id
WHERE m.reject IS NULL AND v.reject IS NULL GROUP BY v.channel_id ORDER BY v.channel_id
"""
_COUNT: Final = "SELECT COUNT(*) AS value FROM channels WHERE reject IS NULL ORDER BY 1"

_PARTITIONS: Final = tuple(entity.pk.prefix() for entity in (CHANNEL, STOCK_MENTION, UNIQUE_CLAIM))
_LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def streams(*, requeue: bool) -> tuple[Stream, ...]:
    """What each row becomes, then what follows from many rows or points to the items."""
    return (
        Stream("channels", _CHANNELS_AND_FAILURES, partial(_channel, requeue=requeue), source="channels"),
        Stream("stocks", _STOCKS, _stock, source="stocks"),
        Stream("videos", _VIDEOS, _video, source="videos"),
        Stream("mentions", _MENTIONS, _mention, source="stock_mentions"),
        Stream("log lines", _LOGS, _log_line, source="processing_logs"),
        Stream("interrupted runs", _INTERRUPTED, partial(_interrupted, requeue=requeue)),
        Stream("tickers of channels", _TICKERS, _tickers),
        Stream("identities", _CHANNELS, _identities),
        Stream("video claims", _VIDEOS, _video_claim),
        Stream("counter", _COUNT, _count),
    )


def run_of(channel_id: str, *, again: bool = False) -> RunId:
    """The run that analysed the channel's videos, or the one that begins when it is queued again."""
    return RunId(str(_derived(f"run/{channel_id}/again" if again else f"run/{channel_id}")))


# ---- one row each --------------------------------------------------------------------------------------------------


def _channel(row: Row, *, requeue: bool) -> Items:
    begins_again = requeue and bool(row["was_active"])
    known = {
        "run_id": run_of(str(row["id"]), again=begins_again),
        "listed": not begins_again,  # a run begins with the listing
        "claims": _claims(row),
        "layout": LAYOUT,
        "failure": None if row["failure"] is None else str(row["failure"])[:FAILURE_LIMIT],
    }
    yield MAIN, CHANNEL.item(CHANNEL.model({**row, **known}))


def _stock(row: Row) -> Items:
    yield STOCKS, STOCK.item(STOCK.model(_with_numbers(row, "last_price")))


def _video(row: Row) -> Items:
    yield MAIN, VIDEO.item(_video_of(row))


def _mention(row: Row) -> Items:
    mention = CHANNEL_MENTION.model(_with_numbers(row, "price_at_mention", "confidence_score"))
    yield MAIN, STOCK_MENTION.item(mention)
    yield MAIN, CHANNEL_MENTION.item(mention)


def _log_line(row: Row) -> Items:
    number = int(row["id"] or 0)
    # lines of one second stay in the order of their ids
    line = PROCESSING_LOG.model({**row, "log_id": number, "id": _log_uuid(number, f"log/{number}")})
    yield MAIN, PROCESSING_LOG.item(line)


# ---- what follows --------------------------------------------------------------------------------------------------


def _interrupted(row: Row, *, requeue: bool) -> Items:
    """The last line in the log of a channel whose analysis did not end, and the run that begins again."""
    channel_id, last_seen_at = ChannelId(str(row["id"])), str(row["last_seen_at"])
    moment = min(parse_timestamp(last_seen_at), _LAST_MOMENT - _MILLISECOND) + _MILLISECOND
    message = "Channel queued for analysis again" if requeue else "Analysis cancelled: the data moved without it"
    line_id = _log_uuid(0, f"log/{channel_id}")
    line = LogLine(epoch_ms(moment) * 1000, channel_id, "info", message, timestamp(moment), id=line_id)
    yield MAIN, PROCESSING_LOG.item(line)
    if requeue:
        yield MAIN, ACTIVE_RUN.item(ActiveRun(channel_id, run_of(channel_id, again=True), last_seen_at))


def _tickers(row: Row) -> Items:
    tickers = frozenset(str(row["tickers"]).split(","))
    yield MAIN, CHANNEL_INDEX.item(ChannelIndex(ChannelId(str(row["channel_id"])), tickers))


def _identities(row: Row) -> Items:
    for identity in sorted(_claims(row)):
        claim = UniqueClaim(identity, ChannelId(str(row["id"])), str(row["created_at"]))
        yield MAIN, UNIQUE_CLAIM.item(claim)


def _video_claim(row: Row) -> Items:
    video = _video_of(row)
    claim = VideoClaim(video.channel_id, video.youtube_video_id, video.id, video.created_at)
    yield MAIN, VIDEO_CLAIM.item(claim)


def _count(row: Row) -> Items:
    yield MAIN, COUNTER.item(Counter(int(row["value"] or 0)))


# ---- parts ---------------------------------------------------------------------------------------------------------


def _claims(row: Row) -> frozenset[str]:
    return frozenset(str(row[name]) for name in ("youtube_channel_id", "alias") if row[name])


def _video_of(row: Row) -> Video:
    return VIDEO.model({**row, "run_id": run_of(str(row["channel_id"]))})


def _with_numbers(row: Row, *names: str) -> dict[str, object]:
    """A row whose decimals are numbers; it holds them as text."""
    numbers = {name: Decimal(value) for name in names if (value := row[name]) is not None}
    return {**row, **numbers}


def _log_uuid(number: int, name: str) -> str:
    """The id of a log line whose key ends in this number."""
    return f"{number:08x}{str(_derived(name))[8:]}"


def _derived(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"stock-track-record/{name}")


# ---- the way back --------------------------------------------------------------------------------------------------

_SOURCES: Final[Mapping[str, str]] = {
    CHANNEL.name: "channels",
    STOCK.name: "stocks",
    VIDEO.name: "videos",
    STOCK_MENTION.name: "stock_mentions",
    PROCESSING_LOG.name: "processing_logs",
}


def owns(table: Table, key: Mapping[str, str], *, requeue: bool) -> bool:
    """Slots of providers, purges and, unless channels are queued again, active runs are the service's alone."""
    if table is STOCKS:
        return True
    partition = key["PK"]
    if partition == ACTIVE_RUN.pk.build():
        return requeue and ACTIVE_RUN.has_key(key)
    return partition == COUNTER.pk.build() or partition.startswith(_PARTITIONS)


def restore(_: Table, item: Item, *, columns: Mapping[str, Sequence[Column]]) -> Restored | None:
    """The columns of an item's row. None for deleted channels, rejected shares and log lines of the new service too."""
    entity = item.get("entity_type", "")
    source = _SOURCES.get(entity)
    if source is None or item.get("deleting") or item.get("duplicate_of") or item.get("listing") == "rejected":
        return None
    if entity == PROCESSING_LOG.name:
        if not item["SK"].endswith(f"#{item['log_id']:08x}"):
            return None
        item = item | {"id": item["log_id"]}
    return Restored(source, {column.name: _as_field(column, item.get(column.name)) for column in columns[source]})


def _as_field(column: Column, value: Any) -> Scalar:
    return decimal_text(Decimal(value)) if column.kind == "decimal" and value is not None else value
