"""What Stock Track Record asks of its tables.

Transactions are written `T1`..`T10`; their conditions stand beside their code in `repository/`.
"""

from typing import Final

from lambda_src.dynamo.schema import AccessPattern
from lambda_src.services.stock_track_record.tables.items import (
    ACTIVE_RUN,
    CHANNEL,
    CHANNEL_INDEX,
    CHANNEL_MENTION,
    COUNTER,
    GSI1,
    GSI2,
    GSI3,
    PENDING_PURGE,
    PROCESSING_LOG,
    STOCK,
    STOCK_MENTION,
    UNIQUE_CLAIM,
    VIDEO,
    VIDEO_CLAIM,
)

# ---- access patterns: channels -------------------------------------------------------------------------------------

CHANNEL_BY_ID: Final = AccessPattern(
    "channel_by_id", "Which channel is this?", ("GetItem",), reads=(CHANNEL,), cost="1 request; 1 RRU consistent"
)
CHANNELS_NEWEST_FIRST: Final = AccessPattern(
    "channels_newest_first", "Which channels are there, newest first?", ("Query",), index=GSI1, descending=True,
    reads=(CHANNEL,), cost="1 request per MB; 0.1 RRU per channel of 0.8 KB",
)  # fmt: skip
LISTED_CHANNEL_COUNT: Final = AccessPattern(
    "listed_channel_count", "How many channels are listed?", ("GetItem", "Query"), index=GSI1,
    reads=(COUNTER, CHANNEL), cost="1 request, 0.5 RRU; a COUNT over GSI1 only where the counter was never set",
)  # fmt: skip
CREATE_CHANNEL: Final = AccessPattern(
    "create_channel", "T1: add a channel whose YouTube identity is free", ("PutItem", "UpdateItem"),
    transaction=True, cost="1 request; 5 items, about 14 WRU with indexes",
)  # fmt: skip
RESTART_CHANNEL: Final = AccessPattern(
    "restart_channel", "T3: start a new run", ("UpdateItem", "PutItem"),
    transaction=True, cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip
CANCEL_CHANNEL: Final = AccessPattern(
    "cancel_channel", "T7: stop the current run", ("UpdateItem", "DeleteItem", "PutItem"),
    transaction=True, cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip
DELETE_CHANNEL: Final = AccessPattern(
    "delete_channel", "T8: take a channel off the list and free its identities",
    ("UpdateItem", "DeleteItem", "PutItem"), transaction=True, cost="1 request; 4 items + 1 per claim, 2 WRU each",
)  # fmt: skip
CLAIM_BY_IDENTITY: Final = AccessPattern(
    "claim_by_identity", "Which channel owns this YouTube identity?", ("GetItem",),
    reads=(UNIQUE_CLAIM,), cost="1 request; 1 RRU consistent",
)  # fmt: skip
CHANNELS_BY_IDENTITY: Final = AccessPattern(
    "channels_by_identity", "Audit: which channel items carry this YouTube identity?", ("Query",), index=GSI2,
    reads=(CHANNEL,), cost="1 request; 0.5 RRU",
)  # fmt: skip

# ---- access patterns: the run of a channel -------------------------------------------------------------------------

ACTIVE_RUN_OF_CHANNEL: Final = AccessPattern(
    "active_run_of_channel", "Which run of this channel is under way?", ("GetItem",),
    reads=(ACTIVE_RUN,), cost="1 request; 1 RRU consistent",
)  # fmt: skip
ACTIVE_WORK: Final = AccessPattern(
    "active_work", "Which runs and purges are under way?", ("Query",),
    reads=(ACTIVE_RUN, PENDING_PURGE), cost="1 request; 0.5 RRU per 4 KB, consistent x2",
)  # fmt: skip
CHANNELS_BY_IDS: Final = AccessPattern(
    "channels_by_ids", "What state are these channels in?", ("BatchGetItem",),
    reads=(CHANNEL,), cost="1 request and 1 RRU each per 100",
)  # fmt: skip
LEASE_LISTING: Final = AccessPattern(
    "lease_listing", "May this worker list the channel's uploads?", ("UpdateItem",), cost="1 request; 1 WRU"
)
RELEASE_LISTING: Final = AccessPattern(
    "release_listing", "Let another worker list the uploads", ("UpdateItem",), cost="1 request; 1 WRU"
)
MARK_TOUCHED: Final = AccessPattern("mark_touched", "The run only waits", ("UpdateItem",), cost="1 request; 1 WRU")
MARK_RESENT: Final = AccessPattern("mark_resent", "The run was sent again", ("UpdateItem",), cost="1 request; 1 WRU")
DROP_STALE_RUN: Final = AccessPattern(
    "drop_stale_run", "Forget a run whose channel is gone or elsewhere", ("DeleteItem",), cost="1 request; 1 WRU"
)
BEGIN_RUN: Final = AccessPattern(
    "begin_run", "pending to processing, with its start line", ("UpdateItem", "PutItem"),
    transaction=True, cost="1 request; 2 items, about 6 WRU with indexes",
)  # fmt: skip
REFRESH_CHANNEL: Final = AccessPattern(
    "refresh_channel", "What does YouTube call this channel today?", ("UpdateItem",), cost="1 request; 3 WRU"
)
ADOPT_IDENTITY: Final = AccessPattern(
    "adopt_identity", "T2: a handle turned out to be this YouTube id", ("PutItem", "UpdateItem"),
    transaction=True, cost="1 request; 2 items, about 8 WRU with indexes",
)  # fmt: skip
MERGE_DUPLICATE: Final = AccessPattern(
    "merge_duplicate", "T2m: another channel holds this YouTube id already",
    ("UpdateItem", "DeleteItem", "PutItem"), transaction=True, cost="1 request; 7 items, about 18 WRU with indexes",
)  # fmt: skip
FINISH_LISTING: Final = AccessPattern(
    "finish_listing", "The listing of this run is final", ("UpdateItem", "PutItem"),
    transaction=True, cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip
COMPLETE_RUN: Final = AccessPattern(
    "complete_run", "T5: every video of the run is finished", ("UpdateItem", "DeleteItem", "PutItem"),
    transaction=True, cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip
FAIL_RUN: Final = AccessPattern(
    "fail_run", "T6: the run cannot go on", ("UpdateItem", "DeleteItem", "PutItem"),
    transaction=True, cost="1 request; 3 items, about 8 WRU with indexes",
)  # fmt: skip

# ---- access patterns: videos ---------------------------------------------------------------------------------------

VIDEOS_OF_CHANNEL: Final = AccessPattern(
    "videos_of_channel", "Which videos of this channel are known?", ("Query",),
    reads=(VIDEO,), cost="1 request per MB; 0.15 RRU per video of 0.6 KB, consistent",
)  # fmt: skip
HAS_VIDEOS: Final = AccessPattern(
    "has_videos", "Has this channel any video?", ("Query",), reads=(VIDEO,), cost="1 request; 0.5 RRU"
)
CHANNEL_AND_VIDEO: Final = AccessPattern(
    "channel_and_video", "May this video be analysed now?", ("BatchGetItem",),
    reads=(CHANNEL, VIDEO), cost="1 request; 2 RRU consistent",
)  # fmt: skip
REGISTER_VIDEOS: Final = AccessPattern(
    "register_videos", "T10: add new videos to the run", ("ConditionCheckItem", "PutItem"), transaction=True,
    cost="1 request per 49 videos; 5 WRU per video and 2 per request",
)  # fmt: skip
REQUEUE_VIDEO: Final = AccessPattern(
    "requeue_video", "Analyse a failed or left-over video again", ("UpdateItem",), cost="1 request; 1 WRU"
)
LEASE_VIDEO: Final = AccessPattern(
    "lease_video", "May this worker analyse the video?", ("UpdateItem",), cost="1 request; 1 WRU"
)
RELEASE_VIDEO: Final = AccessPattern("release_video", "Let it be tried again", ("UpdateItem",), cost="1 request; 1 WRU")
HAND_OVER_VIDEO: Final = AccessPattern(
    "hand_over_video", "Keep the video for a delayed message", ("UpdateItem",), cost="1 request; 1 WRU"
)
SAVE_EXTRACTION: Final = AccessPattern(
    "save_extraction", "Keep the paid answer until its mentions are written", ("UpdateItem",),
    cost="1 request; 1 WRU per KB",
)  # fmt: skip
FINISH_VIDEO: Final = AccessPattern(
    "finish_video", "T4, T4u: write a video's outcome and mentions, and count it",
    ("UpdateItem", "PutItem", "ConditionCheckItem"), transaction=True,
    cost="1 request up to 48 mentions; about 12 WRU + 6 per mention with indexes",
)  # fmt: skip
VIDEOS_BY_YOUTUBE_ID: Final = AccessPattern(
    "videos_by_youtube_id", "Support: which channels hold this YouTube video?", ("Query", "BatchGetItem"), index=GSI3,
    reads=(VIDEO,), cost="2 requests",
)  # fmt: skip

# ---- access patterns: mentions and their prices --------------------------------------------------------------------

MENTIONS_OF_CHANNEL: Final = AccessPattern(
    "mentions_of_channel", "Which stocks did this channel mention, by ticker, first pick first?", ("Query",),
    reads=(CHANNEL_MENTION,), cost="1 request per MB; 0.1 RRU per mention of 0.8 KB, consistent x2",
)  # fmt: skip
MENTIONS_OF_STOCK: Final = AccessPattern(
    "mentions_of_stock", "When did this channel mention this stock?", ("Query",),
    reads=(CHANNEL_MENTION,), cost="1 request; 0.1 RRU per mention",
)  # fmt: skip
TICKERS_OF_CHANNEL: Final = AccessPattern(
    "tickers_of_channel", "Which tickers did this channel ever mention?", ("BatchGetItem",),
    reads=(CHANNEL, CHANNEL_INDEX), cost="1 request; 1.5 RRU",
)  # fmt: skip
COUNT_UNPRICED: Final = AccessPattern(
    "count_unpriced", "How many mentions still owe a price?", ("Query",), index=GSI2,
    reads=(CHANNEL_MENTION,), cost="1 request per MB of unpriced mentions, 0.5 RRU when there are none",
)  # fmt: skip
UNPRICED_MENTIONS: Final = AccessPattern(
    "unpriced_mentions", "Which mentions still owe a price?", ("Query",), index=GSI2,
    reads=(CHANNEL_MENTION,), cost="1 request per MB of unpriced mentions",
)  # fmt: skip
PRICE_MENTIONS: Final = AccessPattern(
    "price_mentions", "T9: write the price of up to 50 mentions", ("UpdateItem",), transaction=True,
    cost="1 request; 2 items per mention, about 7 WRU with indexes",
)  # fmt: skip
RECORD_NO_PRICE: Final = AccessPattern(
    "record_no_price", "The providers have no price for this mention", ("UpdateItem",), cost="1 request; 2 WRU"
)
REQUEST_CHANNEL_WORK: Final = AccessPattern(
    "request_channel_work", "May a backfill, refresh or upgrade be asked for?", ("UpdateItem",), cost="1 request; 1 WRU"
)
LOCK_BACKFILL: Final = AccessPattern(
    "lock_backfill", "May this worker price the channel's mentions?", ("UpdateItem",), cost="1 request; 1 WRU"
)
HAND_OVER_BACKFILL: Final = AccessPattern(
    "hand_over_backfill", "Keep the backfill for its next message", ("UpdateItem",), cost="1 request; 1 WRU"
)
UNLOCK_BACKFILL: Final = AccessPattern(
    "unlock_backfill", "Let another worker price the mentions", ("UpdateItem",), cost="1 request; 1 WRU"
)
MENTIONS_OF_TICKER: Final = AccessPattern(
    "mentions_of_ticker", "Support: who mentioned this ticker, in any channel?", ("Query",), index=GSI1,
    reads=(STOCK_MENTION,), cost="1 request per MB",
)  # fmt: skip
MENTIONS_OF_VIDEO: Final = AccessPattern(
    "mentions_of_video", "Which mentions did the reference store for this video?", ("Query",),
    reads=(STOCK_MENTION,), cost="1 request",
)  # fmt: skip
UPGRADE_VIDEO: Final = AccessPattern(
    "upgrade_video", "Bring a video of the reference to layout 2", ("PutItem", "UpdateItem", "ConditionCheckItem"),
    transaction=True, cost="1 request; 2 WRU per item",
)  # fmt: skip
UPGRADE_CHANNEL: Final = AccessPattern(
    "upgrade_channel", "Bring a channel of the reference to layout 2", ("PutItem", "UpdateItem"),
    transaction=True, cost="1 request; 2 items",
)  # fmt: skip

# ---- access patterns: logs, purge, rate slots ----------------------------------------------------------------------

NEWEST_LOGS: Final = AccessPattern(
    "newest_logs", "What happened last?", ("Query",), descending=True,
    reads=(PROCESSING_LOG,), cost="1 request; 0.03 RRU per line of 0.25 KB",
)  # fmt: skip
LOGS_SINCE: Final = AccessPattern(
    "logs_since", "What happened since?", ("Query",),
    reads=(PROCESSING_LOG,), cost="1 request; 0.03 RRU per line of 0.25 KB",
)  # fmt: skip
APPEND_LOG: Final = AccessPattern("append_log", "Add a line to the log", ("PutItem",), cost="1 request; 1 WRU")
PURGE_PAGE: Final = AccessPattern(
    "purge_page", "Remove what a deleted channel left behind", ("Query", "BatchWriteItem"),
    reads=(CHANNEL, VIDEO_CLAIM, CHANNEL_INDEX, PROCESSING_LOG, CHANNEL_MENTION, VIDEO, STOCK_MENTION),
    cost="1 Query per page of 500 and 1 BatchWriteItem per 25 items",
)  # fmt: skip
DROP_CHANNEL: Final = AccessPattern(
    "drop_channel", "Remove the channel item itself, last", ("DeleteItem",), cost="1 request; 1 WRU"
)
MARK_PURGE_RESENT: Final = AccessPattern(
    "mark_purge_resent", "This purge's message was sent again", ("UpdateItem",), cost="1 request; 1 WRU"
)
BEGIN_SECOND_PASS: Final = AccessPattern(
    "begin_second_pass", "Look once more for stragglers, later", ("UpdateItem",), cost="1 request; 1 WRU"
)
FORGET_PURGE: Final = AccessPattern("forget_purge", "The purge is over", ("DeleteItem",), cost="1 request; 1 WRU")
ACQUIRE_SLOT: Final = AccessPattern(
    "acquire_slot", "When may this process call the provider?", ("UpdateItem",), cost="1-2 requests; 1 WRU each"
)
PENALISE_SLOT: Final = AccessPattern(
    "penalise_slot", "The provider wants a pause", ("UpdateItem",), cost="1 request; 1 WRU"
)

# ---- access patterns: stocks ---------------------------------------------------------------------------------------

STOCK_BY_TICKER: Final = AccessPattern(
    "stock_by_ticker", "What is known of this share?", ("GetItem",), reads=(STOCK,), cost="1 request; 0.5 RRU"
)
STOCKS_BY_TICKERS: Final = AccessPattern(
    "stocks_by_tickers", "What is known of these shares?", ("BatchGetItem",),
    reads=(STOCK,), cost="1 request per 100; 0.5 RRU each",
)  # fmt: skip
ADD_STOCK: Final = AccessPattern(
    "add_stock", "Record a share the first time it is seen", ("PutItem",), cost="1 request; 1 WRU"
)
RECORD_PRICE: Final = AccessPattern(
    "record_price", "Store a fetched price, never an older one", ("UpdateItem",), cost="1 request; 1 WRU"
)
FILL_STOCK: Final = AccessPattern(
    "fill_stock", "Fill name and exchange from a provider's answer", ("UpdateItem",), cost="1 request; 1 WRU"
)
