"""Table design and access patterns of Stock Track Record, as data that runs.

Reads are carried out from here; the stack's tables, the functions' grants, local and test tables and `TABLES.md` are
computed from here. Transactions are written `T1`..`T10`; their conditions stand with their code in the repositories.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from lambda_src.dynamo.actions import UpdateItem
from lambda_src.dynamo.conditions import EXISTS, Attr, Condition
from lambda_src.dynamo.schema import AccessPattern, CursorFormat, Entity, Index, SparseKey, Stored, Table
from lambda_src.dynamo.updates import Update
from lambda_src.services.stock_track_record import models

API: Final = "api"
WORKER: Final = "worker"
SUPPORT: Final = "support"  # a person with a question, no function
UPGRADE: Final = "upgrade"  # whoever moves data in, to bring tables of the legacy application to today's layout

GSI1: Final = Index("GSI1-index", partition="GSI1PK", sort="GSI1SK", projection="ALL")
GSI2: Final = Index("GSI2-index", partition="GSI2PK", projection="ALL")
GSI3: Final = Index("GSI3-index", partition="GSI3PK", projection="KEYS_ONLY")

MAIN: Final = Table(
    "main", base_name="StockTrackRecord", environment_variable="DYNAMODB_TABLE_NAME", partition="PK", sort="SK",
    indexes=(GSI1, GSI2, GSI3), ttl="expires_at",
)  # fmt: skip
STOCKS: Final = Table(
    "stocks", base_name="StockTrackRecord-Stocks", environment_variable="DYNAMODB_STOCKS_TABLE_NAME",
    partition="ticker", sort=None, ttl="expires_at",
)  # fmt: skip
TABLES: Final = (MAIN, STOCKS)

# ---- items: what the legacy application left out is read as given here -----------------------------------------------

_DATE: Final = Stored(read=lambda text: text[:10])
_EPOCH: Final = "1970-01-01T00:00:00.000Z"
_LONG_AGO: Final = Stored(default=_EPOCH)

CHANNEL: Final = Entity(
    MAIN, models.Channel, pk="CHANNEL#{id}", sk="CHANNEL#{id}", constants={"entity_type": "Channel"},
    index_keys={"GSI1PK": "CHANNELS", "GSI1SK": "{created_at}", "GSI2PK": "YT#{youtube_channel_id}"},
    stored={
        "status": Stored(default="pending"), "time_range_months": Stored(default=12), "created_at": _LONG_AGO,
        "updated_at": Stored(fallback="created_at", default=_EPOCH), "deleting": Stored(omit_default=True),
    },
    notes="One YouTube channel and its current or latest run",
)  # fmt: skip
VIDEO_CLAIM: Final = Entity(
    MAIN, models.VideoClaim, pk="CHANNEL#{channel_id}", sk="CLAIM#{youtube_video_id}",
    constants={"entity_type": "VideoClaim"}, key_only=("channel_id", "youtube_video_id"),
    notes="Sentinel item: this channel has this YouTube video",
)  # fmt: skip
CHANNEL_INDEX: Final = Entity(
    MAIN, models.ChannelIndex, pk="CHANNEL#{channel_id}", sk="INDEX#", constants={"entity_type": "ChannelIndex"},
    key_only=("channel_id",), notes="Every ticker ever mentioned, and the locks of backfill, refresh and upgrade",
)  # fmt: skip
PROCESSING_LOG: Final = Entity(
    MAIN, models.LogLine, pk="CHANNEL#{channel_id}", sk="LOG#{created_at}#{suffix}", name="ProcessingLog",
    constants={"entity_type": "ProcessingLog"}, stored={"log_level": Stored(default="info")},
    notes="One line of the processing log; leaves by TTL",
)  # fmt: skip
CHANNEL_MENTION: Final = Entity(
    MAIN, models.Mention, pk="CHANNEL#{channel_id}", sk="MENTION#{ticker}#{published_at}#{video_id}",
    name="ChannelMention", constants={"entity_type": "ChannelMention"}, derived=("video_url",),
    index_keys={"GSI2PK": SparseKey("UNPRICED#{channel_id}", when=lambda mention: mention.price_at_mention is None)},
    stored={"published_at": _DATE, "created_at": _LONG_AGO, "video_created_at": _LONG_AGO},
    notes="Copy of a mention beside its channel, with the video's facts; in GSI2 only while a price is owed",
)  # fmt: skip
VIDEO: Final = Entity(
    MAIN, models.Video, pk="CHANNEL#{channel_id}", sk="VIDEO#{id}", constants={"entity_type": "Video"},
    derived=("url",), index_keys={"GSI3PK": "YTVID#{youtube_video_id}"},
    stored={"published_at": _DATE, "created_at": _LONG_AGO, "title": Stored(fallback="youtube_video_id")},
    notes="One video of a channel, its analysis and its lease",
)  # fmt: skip
STOCK_MENTION: Final = Entity(
    MAIN, models.StockMention, pk="VIDEO#{video_id}", sk="MENTION#{id}", constants={"entity_type": "StockMention"},
    index_keys={"GSI1PK": "TICKER#{ticker}", "GSI1SK": "{published_at}"}, notes="Home of a mention",
)  # fmt: skip
UNIQUE_CLAIM: Final = Entity(
    MAIN, models.UniqueClaim, pk="UNIQUE#YT#{identity}", sk="UNIQUE#YT#{identity}",
    constants={"entity_type": "UniqueClaim"}, key_only=("identity",),
    notes="Sentinel item: the channel that owns a YouTube identity",
)  # fmt: skip
COUNTER: Final = Entity(
    MAIN, models.Counter, pk="COUNTER#CHANNELS", sk="COUNTER#CHANNELS", constants={"entity_type": "Counter"},
    notes="How many channels are listed",
)  # fmt: skip
ACTIVE_RUN: Final = Entity(
    MAIN, models.ActiveRun, pk="ACTIVE", sk="RUN#{channel_id}", constants={"entity_type": "ActiveRun"},
    stored={"resends": Stored(omit_default=True)},
    notes="A run that is pending or processing, and the lease of its lister",
)  # fmt: skip
PENDING_PURGE: Final = Entity(
    MAIN, models.PendingPurge, pk="ACTIVE", sk="PURGE#{channel_id}", constants={"entity_type": "PendingPurge"},
    stored={"pass_number": Stored(name="pass")}, notes="A deleted channel whose items are still being removed",
)  # fmt: skip
RATE_SLOT: Final = Entity(
    MAIN, models.RateSlot, pk="RATE#{provider}", sk="RATE#{provider}", constants={"entity_type": "RateSlot"},
    key_only=("provider",), notes="Earliest next call to a provider, shared by all processes",
)  # fmt: skip
STOCK: Final = Entity(
    STOCKS, models.Stock, pk="{ticker}", constants={"entity_type": "Stock"},
    notes="A share, its last price and how far it is verified",
)  # fmt: skip

# ---- what several transactions ask of a channel ----------------------------------------------------------------------

ALIVE: Final = EXISTS & Attr("deleting").not_exists()


def index_tickers(channel_id: str, mentions: Iterable[models.Mention]) -> UpdateItem:
    """Add what is mentioned to the tickers of a channel."""
    tickers = {mention.ticker for mention in mentions}
    index = Update().set(entity_type=CHANNEL_INDEX.name).add(tickers=tickers)
    return UpdateItem(CHANNEL_INDEX.key(channel_id=channel_id), index)


def in_run(run_id: str) -> Condition:
    """The channel is processing exactly this run and nobody began to delete it."""
    return Attr("status").eq("processing") & Attr("run_id").eq(run_id) & ALIVE


_update = partial(AccessPattern, operation="UpdateItem", asked_by=(WORKER,), cost="1 request; 1 WRU")
_put = partial(_update, operation="PutItem")
_delete = partial(_update, operation="DeleteItem")
"""What the worker, unless others are named, writes to one item of at most 1 KB, in attributes that no index holds."""

# ---- access patterns: channels ---------------------------------------------------------------------------------------

CHANNEL_BY_ID: Final = AccessPattern(
    "channel_by_id", "Which channel is this?", operation="GetItem", reads=CHANNEL, consistent=True,
    asked_by=(API, WORKER, UPGRADE), cost="1 request; 1 RRU consistent",
)  # fmt: skip
CHANNELS_NEWEST_FIRST: Final = AccessPattern(
    "channels_newest_first", "Which channels are there, newest first?", operation="Query", reads=CHANNEL, index=GSI1,
    descending=True, cursor=CursorFormat("channels", {"created_at": "c", "id": "i"}), asked_by=(API, UPGRADE),
    cost="1 request per MB; 0.1 RRU per channel of 0.8 KB",
)  # fmt: skip
LISTED_CHANNEL_COUNT: Final = AccessPattern(
    "listed_channel_count", "How many channels are listed?", operation="GetItem", reads=COUNTER, asked_by=(API,),
    cost="1 request, 0.5 RRU; a COUNT of channels_newest_first only where the counter was never set",
)  # fmt: skip
SET_LISTED_CHANNEL_COUNT: Final = _put(
    "set_listed_channel_count", "Set how many channels are listed", writes=COUNTER, asked_by=(UPGRADE,)
)
CREATE_CHANNEL: Final = AccessPattern(
    "create_channel", "T1: add a channel whose YouTube identity is free", operation=("PutItem", "UpdateItem"),
    writes=(UNIQUE_CLAIM, CHANNEL, COUNTER, ACTIVE_RUN, PROCESSING_LOG), transaction=True, asked_by=(API,),
    cost="1 request; 5 items, about 14 WRU with indexes",
)  # fmt: skip
RESTART_CHANNEL: Final = AccessPattern(
    "restart_channel", "T3: start a new run", operation=("UpdateItem", "PutItem"),
    writes=(CHANNEL, ACTIVE_RUN, PROCESSING_LOG), transaction=True, asked_by=(API,),
    cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip
CANCEL_CHANNEL: Final = AccessPattern(
    "cancel_channel", "T7: stop the current run", operation=("UpdateItem", "DeleteItem", "PutItem"),
    writes=(CHANNEL, ACTIVE_RUN, PROCESSING_LOG), transaction=True, asked_by=(API,),
    cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip
DELETE_CHANNEL: Final = AccessPattern(
    "delete_channel", "T8: take a channel off the list and free its identities",
    operation=("UpdateItem", "DeleteItem", "PutItem"),
    writes=(CHANNEL, ACTIVE_RUN, PENDING_PURGE, UNIQUE_CLAIM, COUNTER), transaction=True, asked_by=(API,),
    cost="1 request; 4 items + 1 per claim, 2 WRU each",
)  # fmt: skip
CLAIM_BY_IDENTITY: Final = AccessPattern(
    "claim_by_identity", "Which channel owns this YouTube identity?", operation="GetItem", reads=UNIQUE_CLAIM,
    consistent=True, asked_by=(WORKER,), cost="1 request; 1 RRU consistent",
)  # fmt: skip
CHANNELS_BY_IDENTITY: Final = AccessPattern(
    "channels_by_identity", "Audit: which channel items carry this YouTube identity?", operation="Query",
    reads=CHANNEL, index=GSI2, asked_by=(SUPPORT,), cost="1 request; 0.5 RRU",
)  # fmt: skip

# ---- access patterns: the run of a channel ---------------------------------------------------------------------------

ACTIVE_RUN_OF_CHANNEL: Final = AccessPattern(
    "active_run_of_channel", "Which run of this channel is under way?", operation="GetItem", reads=ACTIVE_RUN,
    consistent=True, asked_by=(WORKER,), cost="1 request; 1 RRU consistent",
)  # fmt: skip
ACTIVE_WORK: Final[AccessPattern[models.ActiveRun | models.PendingPurge]] = AccessPattern(
    "active_work", "Which runs and purges are under way?", operation="Query", reads=(ACTIVE_RUN, PENDING_PURGE),
    consistent=True, asked_by=(WORKER,), cost="1 request; 0.5 RRU per 4 KB, consistent x2",
)  # fmt: skip
CHANNELS_BY_IDS: Final = AccessPattern(
    "channels_by_ids", "What state are these channels in?", operation="BatchGetItem", reads=CHANNEL, consistent=True,
    asked_by=(WORKER,), cost="1 request and 1 RRU each per 100",
)  # fmt: skip
LEASE_LISTING: Final = _update("lease_listing", "May this worker list the channel's uploads?", writes=ACTIVE_RUN)
RELEASE_LISTING: Final = _update("release_listing", "Let another worker list the uploads", writes=ACTIVE_RUN)
CLOSE_RUN: Final = _update(
    "close_run", "May this worker ask for the prices of the run, its last act?", writes=ACTIVE_RUN
)
MARK_TOUCHED: Final = _update("mark_touched", "The run only waits", writes=ACTIVE_RUN)
MARK_RESENT: Final = _update("mark_resent", "The run was sent again", writes=ACTIVE_RUN)
DROP_STALE_RUN: Final = _delete("drop_stale_run", "Forget a run whose channel is gone or elsewhere", writes=ACTIVE_RUN)
BEGIN_RUN: Final = AccessPattern(
    "begin_run", "pending to processing, with its start line", operation=("UpdateItem", "PutItem"),
    writes=(CHANNEL, PROCESSING_LOG), transaction=True, asked_by=(WORKER,),
    cost="1 request; 2 items, about 6 WRU with indexes",
)  # fmt: skip
REFRESH_CHANNEL: Final = AccessPattern(
    "refresh_channel", "What does YouTube call this channel today?", operation="UpdateItem", writes=CHANNEL,
    asked_by=(WORKER,), cost="1 request; 3 WRU",
)  # fmt: skip
ADOPT_IDENTITY: Final = AccessPattern(
    "adopt_identity", "T2: a handle turned out to be this YouTube id", operation=("PutItem", "UpdateItem"),
    writes=(UNIQUE_CLAIM, CHANNEL), transaction=True, asked_by=(WORKER,),
    cost="1 request; 2 items, about 8 WRU with indexes",
)  # fmt: skip
MERGE_DUPLICATE: Final = AccessPattern(
    "merge_duplicate", "T2m: another channel holds this YouTube id already",
    operation=("UpdateItem", "DeleteItem", "PutItem"),
    writes=(UNIQUE_CLAIM, CHANNEL, COUNTER, ACTIVE_RUN, PENDING_PURGE, PROCESSING_LOG), transaction=True,
    asked_by=(WORKER,), cost="1 request; 7 items, about 18 WRU with indexes",
)  # fmt: skip
FINISH_LISTING: Final = AccessPattern(
    "finish_listing", "The listing of this run is final", operation=("UpdateItem", "PutItem"),
    writes=(CHANNEL, PROCESSING_LOG), transaction=True, asked_by=(WORKER,),
    cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip
COMPLETE_RUN: Final = AccessPattern(
    "complete_run", "T5: every video of the run is finished", operation=("UpdateItem", "DeleteItem", "PutItem"),
    writes=(CHANNEL, ACTIVE_RUN, PROCESSING_LOG), transaction=True, asked_by=(WORKER,),
    cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip
FAIL_RUN: Final = AccessPattern(
    "fail_run", "T6: the run cannot go on", operation=("UpdateItem", "DeleteItem", "PutItem"),
    writes=(CHANNEL, ACTIVE_RUN, PROCESSING_LOG), transaction=True, asked_by=(WORKER,),
    cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip

# ---- access patterns: videos -----------------------------------------------------------------------------------------

VIDEOS_OF_CHANNEL: Final = AccessPattern(
    "videos_of_channel", "Which videos of this channel are known?", operation="Query", reads=VIDEO, consistent=True,
    asked_by=(API, WORKER, UPGRADE), cost="1 request per MB; 0.15 RRU per video of 0.6 KB, consistent",
)  # fmt: skip
HAS_VIDEOS: Final = AccessPattern(
    "has_videos", "Has this channel any video?", operation="Query", reads=VIDEO, asked_by=(API,),
    cost="1 request; 0.5 RRU",
)  # fmt: skip
CHANNEL_AND_VIDEO: Final[AccessPattern[models.Channel | models.Video]] = AccessPattern(
    "channel_and_video", "May this video be analysed now?", operation="BatchGetItem", reads=(CHANNEL, VIDEO),
    consistent=True, asked_by=(WORKER,), cost="1 request; 2 RRU consistent",
)  # fmt: skip
REGISTER_VIDEOS: Final = AccessPattern(
    "register_videos", "T10: add new videos to the run", operation=("ConditionCheckItem", "PutItem"),
    writes=(CHANNEL, VIDEO_CLAIM, VIDEO), transaction=True, asked_by=(WORKER,),
    cost="1 request per 49 videos; 5 WRU per video and 2 per request",
)  # fmt: skip
REQUEUE_VIDEO: Final = _update("requeue_video", "Analyse a failed or left-over video again", writes=VIDEO)
LEASE_VIDEO: Final = _update("lease_video", "May this worker analyse the video?", writes=VIDEO)
RELEASE_VIDEO: Final = _update("release_video", "Let it be tried again", writes=VIDEO)
HAND_OVER_VIDEO: Final = _update("hand_over_video", "Keep the video for a delayed message", writes=VIDEO)
SAVE_EXTRACTION: Final = AccessPattern(
    "save_extraction", "Keep the paid answer until its mentions are written", operation="UpdateItem", writes=VIDEO,
    asked_by=(WORKER,), cost="1 request; 1 WRU per KB",
)  # fmt: skip
FINISH_VIDEO: Final = AccessPattern(
    "finish_video", "T4, T4u: write a video's outcome and mentions, and count it",
    operation=("UpdateItem", "PutItem", "ConditionCheckItem"),
    writes=(VIDEO, CHANNEL, CHANNEL_INDEX, STOCK_MENTION, CHANNEL_MENTION, PROCESSING_LOG), transaction=True,
    asked_by=(WORKER,), cost="1 request up to 48 mentions; about 12 WRU + 6 per mention with indexes",
)  # fmt: skip
VIDEOS_BY_YOUTUBE_ID: Final = AccessPattern(
    "videos_by_youtube_id", "Support: which channels hold this YouTube video?", operation=("Query", "BatchGetItem"),
    reads=VIDEO, index=GSI3, asked_by=(SUPPORT,), cost="2 requests",
)  # fmt: skip

# ---- access patterns: mentions and their prices ----------------------------------------------------------------------

MENTIONS_OF_CHANNEL: Final = AccessPattern(
    "mentions_of_channel", "Which stocks did this channel mention, by ticker, first pick first?", operation="Query",
    reads=CHANNEL_MENTION, asked_by=(API, WORKER),
    cursor=CursorFormat("timeline:{channel_id}", {"published_at": "c", "video_id": "i"}),
    cost="1 request per MB; 0.1 RRU per mention of 0.8 KB, consistent x2",
)  # fmt: skip
MENTIONS_OF_STOCK: Final = AccessPattern(
    "mentions_of_stock", "When did this channel mention this stock?", operation="Query", reads=CHANNEL_MENTION,
    asked_by=(API,), cost="1 request; 0.1 RRU per mention",
)  # fmt: skip
TICKERS_OF_CHANNEL: Final[AccessPattern[models.Channel | models.ChannelIndex]] = AccessPattern(
    "tickers_of_channel", "Which tickers did this channel ever mention?", operation="BatchGetItem",
    reads=(CHANNEL, CHANNEL_INDEX), asked_by=(API,), cost="1 request; 1.5 RRU",
)  # fmt: skip
COUNT_UNPRICED: Final = AccessPattern(
    "count_unpriced", "How many mentions still owe a price?", operation="Query", reads=CHANNEL_MENTION, index=GSI2,
    asked_by=(API,), cost="1 request per MB of unpriced mentions, 0.5 RRU when there are none",
)  # fmt: skip
UNPRICED_MENTIONS: Final = AccessPattern(
    "unpriced_mentions", "Which mentions still owe a price?", operation="Query", reads=CHANNEL_MENTION, index=GSI2,
    asked_by=(WORKER,), cost="1 request per MB of unpriced mentions",
)  # fmt: skip
PRICE_MENTIONS: Final = AccessPattern(
    "price_mentions", "T9: write the price of up to 50 mentions", operation="UpdateItem",
    writes=(STOCK_MENTION, CHANNEL_MENTION), transaction=True, asked_by=(WORKER,),
    cost="1 request; 2 items per mention, about 7 WRU with indexes",
)  # fmt: skip
RECORD_NO_PRICE: Final = AccessPattern(
    "record_no_price", "The providers have no price for this mention", operation="UpdateItem", writes=CHANNEL_MENTION,
    asked_by=(WORKER,), cost="1 request; 2 WRU",
)  # fmt: skip
REQUEST_CHANNEL_WORK: Final = _update(
    "request_channel_work", "May a backfill, refresh or upgrade be asked for?", writes=CHANNEL_INDEX, asked_by=(API,)
)
LOCK_BACKFILL: Final = _update("lock_backfill", "May this worker price the channel's mentions?", writes=CHANNEL_INDEX)
HAND_OVER_BACKFILL: Final = _update(
    "hand_over_backfill", "Keep the backfill for its next message", writes=CHANNEL_INDEX
)
UNLOCK_BACKFILL: Final = _update("unlock_backfill", "Let another worker price the mentions", writes=CHANNEL_INDEX)
MENTIONS_OF_TICKER: Final = AccessPattern(
    "mentions_of_ticker", "Support: who mentioned this ticker, in any channel?", operation="Query",
    reads=STOCK_MENTION, index=GSI1, asked_by=(SUPPORT,), cost="1 request per MB",
)  # fmt: skip
MENTIONS_OF_VIDEO: Final = AccessPattern(
    "mentions_of_video", "Which mentions did the legacy application store for this video?", operation="Query",
    reads=STOCK_MENTION, asked_by=(API, WORKER, UPGRADE), cost="1 request",
)  # fmt: skip
UPGRADE_VIDEO: Final = AccessPattern(
    "upgrade_video", "Bring a video of the legacy application to layout 2",
    operation=("PutItem", "UpdateItem", "ConditionCheckItem"),
    writes=(CHANNEL, CHANNEL_INDEX, CHANNEL_MENTION, STOCK_MENTION, VIDEO_CLAIM), transaction=True,
    asked_by=(WORKER, UPGRADE), cost="1 request; 2 WRU per item",
)  # fmt: skip
UPGRADE_CHANNEL: Final = AccessPattern(
    "upgrade_channel", "Bring a channel of the legacy application to layout 2", operation=("PutItem", "UpdateItem"),
    writes=(UNIQUE_CLAIM, CHANNEL), transaction=True, asked_by=(WORKER, UPGRADE), cost="1 request; 2 items",
)  # fmt: skip

# ---- access patterns: logs, purge, rate slots ------------------------------------------------------------------------

NEWEST_LOGS: Final = AccessPattern(
    "newest_logs", "What happened last?", operation="Query", reads=PROCESSING_LOG, descending=True, asked_by=(API,),
    cost="1 request; 0.03 RRU per line of 0.25 KB",
)  # fmt: skip
LOGS_SINCE: Final = AccessPattern(
    "logs_since", "What happened since?", operation="Query", reads=PROCESSING_LOG, from_="created_at",
    asked_by=(API,), cost="1 request; 0.03 RRU per line of 0.25 KB",
)  # fmt: skip
APPEND_LOG: Final = _put("append_log", "Add a line to the log", writes=PROCESSING_LOG)
PURGE_PAGE: Final[AccessPattern[Any]] = AccessPattern(
    "purge_page", "Remove what a deleted channel left behind", operation=("Query", "BatchWriteItem"), consistent=True,
    reads=(CHANNEL, VIDEO_CLAIM, CHANNEL_INDEX, PROCESSING_LOG, CHANNEL_MENTION, VIDEO), writes=STOCK_MENTION,
    asked_by=(WORKER,), cost="1 Query per page of 500 and 1 BatchWriteItem per 25 items",
)  # fmt: skip
HOMES_OF_PURGED_VIDEO: Final = AccessPattern(
    "homes_of_purged_video", "Which mentions did the legacy application store for a video that goes?",
    operation="Query", reads=STOCK_MENTION, consistent=True, asked_by=(WORKER,), cost="1 request",
)  # fmt: skip
DROP_CHANNEL: Final = _delete("drop_channel", "Remove the channel item itself, last", writes=CHANNEL)
MARK_PURGE_RESENT: Final = _update("mark_purge_resent", "This purge's message was sent again", writes=PENDING_PURGE)
BEGIN_SECOND_PASS: Final = _update("begin_second_pass", "Look once more for stragglers, later", writes=PENDING_PURGE)
FORGET_PURGE: Final = _delete("forget_purge", "The purge is over", writes=PENDING_PURGE)
ACQUIRE_SLOT: Final = AccessPattern(
    "acquire_slot", "When may this process call the provider?", operation="UpdateItem", writes=RATE_SLOT,
    asked_by=(API, WORKER), cost="1-2 requests; 1 WRU each",
)  # fmt: skip
PENALISE_SLOT: Final = _update("penalise_slot", "The provider wants a pause", writes=RATE_SLOT, asked_by=(API, WORKER))

# ---- access patterns: stocks -----------------------------------------------------------------------------------------

STOCK_BY_TICKER: Final = AccessPattern(
    "stock_by_ticker", "What is known of this share?", operation="GetItem", reads=STOCK, asked_by=(API, WORKER),
    cost="1 request; 0.5 RRU",
)  # fmt: skip
STOCKS_BY_TICKERS: Final = AccessPattern(
    "stocks_by_tickers", "What is known of these shares?", operation="BatchGetItem", reads=STOCK,
    asked_by=(API, WORKER), cost="1 request per 100; 0.5 RRU each",
)  # fmt: skip
ADD_STOCK: Final = _put("add_stock", "Record a share the first time it is seen", writes=STOCK)
RECORD_PRICE: Final = _update(
    "record_price", "Store a fetched price, never an older one", writes=STOCK, asked_by=(API, WORKER)
)
FILL_STOCK: Final = _update("fill_stock", "Fill name and exchange from a provider's answer", writes=STOCK)
