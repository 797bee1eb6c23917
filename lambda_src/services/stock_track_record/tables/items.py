"""What is in the tables of Stock Track Record: indexes, and every kind of item with its keys."""

from typing import Final

from lambda_src.dynamo.schema import Entity, Index, KeyTemplate

# ---- indexes -------------------------------------------------------------------------------------------------------

GSI1: Final = Index("GSI1-index", partition="GSI1PK", sort="GSI1SK", projection="ALL")
GSI2: Final = Index("GSI2-index", partition="GSI2PK", projection="ALL")
GSI3: Final = Index("GSI3-index", partition="GSI3PK", projection="KEYS_ONLY")

# ---- items ---------------------------------------------------------------------------------------------------------

CHANNEL: Final = Entity(
    "Channel",
    partition=KeyTemplate("CHANNEL#{channel_id}"),
    sort=KeyTemplate("CHANNEL#{channel_id}"),
    index_keys={
        "GSI1PK": KeyTemplate("CHANNELS"),
        "GSI1SK": KeyTemplate("{created_at}"),
        "GSI2PK": KeyTemplate("YT#{youtube_channel_id}"),
    },
    notes="One YouTube channel and its current or latest run",
)
VIDEO_CLAIM: Final = Entity(
    "VideoClaim",
    partition=KeyTemplate("CHANNEL#{channel_id}"),
    sort=KeyTemplate("CLAIM#{youtube_video_id}"),
    notes="Sentinel item: this channel has this YouTube video",
)
CHANNEL_INDEX: Final = Entity(
    "ChannelIndex",
    partition=KeyTemplate("CHANNEL#{channel_id}"),
    sort=KeyTemplate("INDEX#"),
    notes="Every ticker ever mentioned, and the locks of backfill, refresh and upgrade",
)
PROCESSING_LOG: Final = Entity(
    "ProcessingLog",
    partition=KeyTemplate("CHANNEL#{channel_id}"),
    sort=KeyTemplate("LOG#{created_at}#{suffix}"),
    notes="One line of the processing log; leaves by TTL",
)
CHANNEL_MENTION: Final = Entity(
    "ChannelMention",
    partition=KeyTemplate("CHANNEL#{channel_id}"),
    sort=KeyTemplate("MENTION#{ticker}#{published_at}#{video_id}"),
    index_keys={"GSI2PK": KeyTemplate("UNPRICED#{channel_id}")},
    notes="Copy of a mention beside its channel, with the video's facts; in GSI2 only while a price is owed",
)
VIDEO: Final = Entity(
    "Video",
    partition=KeyTemplate("CHANNEL#{channel_id}"),
    sort=KeyTemplate("VIDEO#{video_id}"),
    index_keys={"GSI3PK": KeyTemplate("YTVID#{youtube_video_id}")},
    notes="One video of a channel, its analysis and its lease",
)
STOCK_MENTION: Final = Entity(
    "StockMention",
    partition=KeyTemplate("VIDEO#{video_id}"),
    sort=KeyTemplate("MENTION#{mention_id}"),
    index_keys={"GSI1PK": KeyTemplate("TICKER#{ticker}"), "GSI1SK": KeyTemplate("{published_at}")},
    notes="Home of a mention",
)
UNIQUE_CLAIM: Final = Entity(
    "UniqueClaim",
    partition=KeyTemplate("UNIQUE#YT#{identity}"),
    sort=KeyTemplate("UNIQUE#YT#{identity}"),
    notes="Sentinel item: the channel that owns a YouTube identity",
)
COUNTER: Final = Entity(
    "Counter",
    partition=KeyTemplate("COUNTER#CHANNELS"),
    sort=KeyTemplate("COUNTER#CHANNELS"),
    notes="How many channels are listed",
)
ACTIVE_RUN: Final = Entity(
    "ActiveRun",
    partition=KeyTemplate("ACTIVE"),
    sort=KeyTemplate("RUN#{channel_id}"),
    notes="A run that is pending or processing, and the lease of its lister",
)
PENDING_PURGE: Final = Entity(
    "PendingPurge",
    partition=KeyTemplate("ACTIVE"),
    sort=KeyTemplate("PURGE#{channel_id}"),
    notes="A deleted channel whose items are still being removed",
)
RATE_SLOT: Final = Entity(
    "RateSlot",
    partition=KeyTemplate("RATE#{provider}"),
    sort=KeyTemplate("RATE#{provider}"),
    notes="Earliest next call to a provider, shared by all processes",
)
STOCK: Final = Entity(
    "Stock", partition=KeyTemplate("{ticker}"), sort=None, notes="A share, its last price and how far it is verified"
)
