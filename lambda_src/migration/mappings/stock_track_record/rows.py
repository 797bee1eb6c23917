"""The tables of MySQL, and the fields that each row is prepared to."""

from collections.abc import Mapping
from functools import partial
from typing import Final, get_args

from lambda_src.migration.limits import characters, decimal, one_of, utf8_bytes
from lambda_src.migration.mapping import Column, Parent, Row, Scalar, SourceTable, Unique, Warn
from lambda_src.migration.mappings.stock_track_record.values import Values
from lambda_src.services.stock_track_record.models import (
    AnalysisStatus,
    ChannelStatus,
    Exchange,
    LogLevel,
    Sentiment,
    TranscriptStatus,
)
from lambda_src.services.stock_track_record.processing_log import MESSAGE_LIMIT
from lambda_src.services.stock_track_record.tables import VIDEO

# Of the columns, in characters and bytes; the limit of a text is on its way in and back.
_ID_LIMIT: Final = 36
_NAME_LIMIT: Final = 255
_TITLE_LIMIT: Final = 500
_URL_LIMIT: Final = 500
_TEXT_BYTES: Final = 2**16 - 1
_INTERRUPTED: Final = {
    "cancelled": "{} became cancelled: no worker has its analysis any more; with --requeue it is queued again",
    "pending": "{} became pending: with --requeue its analysis begins anew",
}
"""What becomes of an analysis that waited or was under way, by the status that its channel gets."""
_ONE_IDENTITY: Final = Unique("duplicate_identity", ("youtube_channel_id",), ("created_at", "id"))
_ONE_MENTION: Final = Unique("duplicate_mention", ("video_id", "ticker"), ("id",))
_SNIPPET_BYTES: Final = 300 * 1024  # MySQL's TEXT holds 64 KB, an item of DynamoDB 400 KB


def sources(*, requeue: bool, excluded: frozenset[str]) -> tuple[SourceTable, ...]:
    """Parents before their children."""
    return (
        _channels(requeue=requeue),
        _stocks(excluded),
        _videos(),
        _mentions(excluded),
        _logs(),
    )


def _text(name: str, most: int, *, required: bool = True) -> Column:
    return Column(name, limit=characters(most), required=required)


def _enum(name: str, values: object, *, required: bool = False) -> Column:
    return Column(name, limit=one_of(*get_args(values)), required=required)


# ---- channels ------------------------------------------------------------------------------------------------------


def _channels(*, requeue: bool) -> SourceTable:
    columns = (
        _text("id", _ID_LIMIT),
        _text("youtube_channel_id", 50),
        _text("name", _NAME_LIMIT),
        _text("url", _URL_LIMIT),
        _text("thumbnail_url", _URL_LIMIT, required=False),
        _enum("status", ChannelStatus),
        Column("video_count", "integer"),
        Column("processed_video_count", "integer"),
        Column("time_range_months", "integer"),
        Column("created_at", "datetime"),
        Column("updated_at", "datetime"),
    )
    return SourceTable(
        "channels",
        columns=columns,
        key=("id",),
        fields=(*(column.name for column in columns), "alias", "was_active"),
        prepare=partial(_prepare_channel, "pending" if requeue else "cancelled"),
        rules=(
            Unique("duplicate_id", ("id",), ("created_at", "youtube_channel_id")),
            _ONE_IDENTITY,
        ),
        unique=(_ONE_IDENTITY,),
    )


def _prepare_channel(status_of_active: str, row: Row, warn: Warn) -> Mapping[str, Scalar]:
    values = Values(row, warn)
    identity = values.identity()
    status = values.choice("status", get_args(ChannelStatus), otherwise="pending")
    was_active = status in ("pending", "processing")
    if was_active:
        warn("interrupted_run", _INTERRUPTED[status_of_active].format(row["status"] or "nothing"))
    created_at = values.created_at()
    video_count, processed = values.count("video_count"), values.count("processed_video_count")
    if processed > video_count:
        warn("processed_video_count_lowered", f"{processed} of {video_count} videos became {video_count}")
    return {
        "id": values.id(),
        "youtube_channel_id": identity,
        "name": values.cut("name", _NAME_LIMIT, otherwise=identity.partition(":")[2] or identity),
        "url": values.channel_url(identity, _URL_LIMIT),
        "thumbnail_url": values.thumbnail_url(_URL_LIMIT),
        "status": status_of_active if was_active else status,
        "video_count": video_count,
        "processed_video_count": min(processed, video_count),
        "time_range_months": values.months(),
        "created_at": created_at,
        "updated_at": values.moment("updated_at") or created_at,
        "alias": values.alias(identity),
        "was_active": int(was_active),
    }


# ---- shares --------------------------------------------------------------------------------------------------------


def _stocks(excluded: frozenset[str]) -> SourceTable:
    columns = (
        _text("ticker", 10),
        _text("name", _NAME_LIMIT, required=False),
        _enum("exchange", Exchange, required=True),
        Column("last_price", "decimal", limit=decimal(12, 4)),
        Column("price_updated_at", "datetime"),
    )
    return SourceTable(
        "stocks",
        columns=columns,
        key=("ticker",),
        fields=(*(column.name for column in columns), "spelling"),
        prepare=partial(_prepare_stock, excluded),
        rules=(Unique("duplicate_ticker", ("ticker",), ("spelling",)),),
    )


def _prepare_stock(excluded: frozenset[str], row: Row, warn: Warn) -> Mapping[str, Scalar]:
    values = Values(row, warn)
    ticker = values.ticker(excluded)
    spelling = values.text("ticker")
    return {
        "ticker": ticker,
        "name": values.cut("name", _NAME_LIMIT, otherwise="") or None if row["name"] else None,
        "exchange": values.choice("exchange", get_args(Exchange), otherwise="NYSE"),
        "last_price": values.price("last_price"),
        "price_updated_at": values.moment("price_updated_at"),
        "spelling": "" if spelling == ticker else spelling,  # of rows that meet, the one that was canonical stays
    }


# ---- videos --------------------------------------------------------------------------------------------------------


def _videos() -> SourceTable:
    columns = (
        _text("id", _ID_LIMIT),
        _text("channel_id", _ID_LIMIT),
        _text("youtube_video_id", 20),
        _text("title", _TITLE_LIMIT),
        _text("url", _URL_LIMIT),
        Column("published_at", "date", required=True),
        _enum("transcript_status", TranscriptStatus),
        _enum("analysis_status", AnalysisStatus),
        Column("created_at", "datetime"),
    )
    return SourceTable(
        "videos",
        columns=columns,
        key=("id",),
        fields=tuple(column.name for column in columns),
        prepare=_prepare_video,
        rules=(
            Parent("orphan", "channels", "channel_id"),
            Unique("duplicate_id", ("id",), ("created_at", "channel_id", "youtube_video_id")),
            Unique("duplicate_video", ("channel_id", "youtube_video_id"), ("created_at", "id")),
        ),
        unique=(Unique("duplicate_video", ("youtube_video_id",), ("created_at", "id")),),  # in whatever channels
    )


def _prepare_video(row: Row, warn: Warn) -> Mapping[str, Scalar]:
    values = Values(row, warn)
    youtube_video_id = values.youtube_video_id()
    fields: dict[str, Scalar] = {
        "id": values.id(),
        "channel_id": values.parent("channel_id"),
        "youtube_video_id": youtube_video_id,
        "title": values.cut("title", _TITLE_LIMIT, otherwise=youtube_video_id),
        "published_at": values.day("published_at"),
        "transcript_status": values.choice("transcript_status", get_args(TranscriptStatus), otherwise="pending"),
        "analysis_status": values.choice("analysis_status", get_args(AnalysisStatus), otherwise="pending"),
        "created_at": values.created_at(),
    }
    url = VIDEO.model(fields).url
    if row["url"] != url:
        warn("video_url_replaced", f"{values.text('url')[:60]!r} became {url}")
    return fields | {"url": url}


# ---- mentions ------------------------------------------------------------------------------------------------------


def _mentions(excluded: frozenset[str]) -> SourceTable:
    columns = (
        _text("id", _ID_LIMIT),
        _text("video_id", _ID_LIMIT),
        _text("ticker", 10),
        _enum("sentiment", Sentiment, required=True),
        Column("price_at_mention", "decimal", limit=decimal(12, 4)),
        Column("confidence_score", "decimal", limit=decimal(3, 2)),
        Column("context_snippet", limit=utf8_bytes(_TEXT_BYTES)),
        Column("created_at", "datetime"),
    )
    return SourceTable(
        "stock_mentions",
        columns=columns,
        key=("id",),
        fields=tuple(column.name for column in columns),
        prepare=partial(_prepare_mention, excluded),
        rules=(
            Parent("orphan", "videos", "video_id"),
            Parent("unknown_stock", "stocks", "ticker", "ticker"),  # there is nowhere to keep its prices
            Unique("duplicate_id", ("id",), ("created_at", "video_id", "ticker")),
            _ONE_MENTION,
        ),
        unique=(_ONE_MENTION,),
    )


def _prepare_mention(excluded: frozenset[str], row: Row, warn: Warn) -> Mapping[str, Scalar]:
    values = Values(row, warn)
    return {
        "id": values.id(),
        "video_id": values.parent("video_id"),
        "ticker": values.ticker(excluded),
        "sentiment": values.choice("sentiment", get_args(Sentiment), otherwise="mentioned"),
        "price_at_mention": values.price("price_at_mention"),
        "confidence_score": values.confidence(),
        "context_snippet": values.snippet(_SNIPPET_BYTES),
        "created_at": values.created_at(),
    }


# ---- log lines -----------------------------------------------------------------------------------------------------


def _logs() -> SourceTable:
    columns = (
        Column("id", "integer", required=True),
        _text("channel_id", _ID_LIMIT),
        _enum("log_level", LogLevel),
        Column("message", limit=utf8_bytes(_TEXT_BYTES), required=True),
        Column("created_at", "datetime"),
    )
    return SourceTable(
        "processing_logs",
        columns=columns,
        key=("id",),
        fields=tuple(column.name for column in columns),
        prepare=_prepare_log,
        rules=(Parent("orphan", "channels", "channel_id"),),
    )


def _prepare_log(row: Row, warn: Warn) -> Mapping[str, Scalar]:
    values = Values(row, warn)
    return {
        "id": values.log_id(),
        "channel_id": values.parent("channel_id"),
        "log_level": values.choice("log_level", get_args(LogLevel), otherwise="info"),
        "message": values.cut("message", MESSAGE_LIMIT, otherwise="-"),
        "created_at": values.created_at(),
    }
