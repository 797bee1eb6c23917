"""Every value of Stock Track Record's MySQL that needs a decision, and the decision."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lambda_src.migration.mapping import Row, Scalar
from tests.support.migration.stock_track_record_rows import (
    channel_row,
    id_of,
    log_row,
    mention_row,
    stock_row,
    video_row,
)

type Changes = dict[str, Any]

EPOCH = "1970-01-01T00:00:00.000Z"
YOUTUBE_ID = "UC_x5XG1OV2P6uZZ5FSM9Ttw"


@dataclass(frozen=True, slots=True)
class Awkward:
    """A row and what becomes of it.

    reject: the kind it is rejected with, "" where it is kept. fields: what it is prepared to, as far as it matters.
    warnings: their kinds. fits: whether MySQL's usual schema holds the row once `sql_mode` is empty and foreign keys
    are off; otherwise only one with wider columns or another collation does.
    """

    what: str
    table: str
    row: Row
    reject: str
    fields: Mapping[str, Scalar]
    warnings: tuple[str, ...]
    fits: bool


def awkward_rows() -> tuple[Awkward, ...]:
    """Good rows and everything that goes wrong with their kin. All of them together make one database."""
    return (*_identities(), *_channels(), *_stocks(), *_videos(), *_mentions(), *_logs())


def _case(
    table: str, what: str, row: Row, *warnings: str, reject: str = "", fits: bool = True, **fields: Any
) -> Awkward:
    return Awkward(what, table, row, reject, fields, warnings, fits)


def _identities() -> Iterator[Awkward]:
    case = partial(_case, "channels")
    yield case("a good channel", channel_row(1), alias="handle:channel1", was_active=0, status="completed")

    of = "youtube_channel_id"
    yield case("a handle in mixed case", channel_row(10, **{of: "handle:FooBar"}), youtube_channel_id="handle:foobar")
    yield case("a custom name", channel_row(11, **{of: "custom:Straße"}), youtube_channel_id="custom:strasse")
    yield case("a user name", channel_row(12, **{of: "user:Foo"}), youtube_channel_id="user:foo", alias=None)
    yield case("YouTube's own id", channel_row(13, **{of: f"channel_id:{YOUTUBE_ID}"}), youtube_channel_id=YOUTUBE_ID)
    younger: Changes = {of: YOUTUBE_ID, "created_at": "2024-01-16 00:00:00"}
    yield case("a second channel of an identity", channel_row(14, **younger), reject="duplicate_identity")
    unknown = "channel_id:Other"
    yield case("an id that is none of YouTube's", channel_row(15, **{of: unknown}), youtube_channel_id=unknown)
    yield case("an identity of no known kind", channel_row(21, **{of: "Some-Body"}), youtube_channel_id="Some-Body")
    yield case("an empty identity", channel_row(16, **{of: ""}), reject="invalid_identity")
    yield case("an identity without a name", channel_row(17, **{of: "handle:"}), reject="invalid_identity")
    long = "handle:" + "\N{LATIN SMALL LIGATURE FFI}" * 43  # folds into three letters each
    yield case("a name that folds beyond 120 characters", channel_row(18, **{of: long}), reject="invalid_identity")
    taken: Changes = {"url": "https://www.youtube.com/@FOOBAR"}
    yield case("a handle that another channel is known by", channel_row(19, **taken), alias=None)
    shared: Changes = {"url": "https://www.youtube.com/@channel1"}
    yield case("a handle that an older channel has", channel_row(20, **shared), alias=None)


def _channels() -> Iterator[Awkward]:
    case = partial(_case, "channels")
    # ids
    yield case("an id in upper case", channel_row(0xABC, id=id_of("c", 0xABC).upper()), "id_in_upper_case")
    yield case("an id that is no UUID", channel_row(22, id="channel-22"), "id_is_no_uuid", id="channel-22")
    yield case("an id that no path can hold", channel_row(23, id="a/b"), reject="invalid_id")

    # texts
    nameless: Changes = {"name": "", "youtube_channel_id": "handle:nameless"}
    yield case("no name", channel_row(24, **nameless), "name_empty", name="nameless")
    yield case("a name of 300", channel_row(25, name="n" * 300), "name_cut", name="n" * 255, fits=False)
    made = f"https://www.youtube.com/channel/UC{26:022d}"
    yield case("no address", channel_row(26, url=""), "url_empty", url=made, alias=None)
    yield case("an address of 600", channel_row(27, url="u" * 600), reject="value_too_long", fits=False)
    yield case("a foreign address", channel_row(28, url="https://youtu.be/x"), "url_names_no_channel", alias=None)
    yield case("an empty thumbnail", channel_row(29, thumbnail_url=""), thumbnail_url=None)
    yield case("no thumbnail", channel_row(30, thumbnail_url=None), thumbnail_url=None)
    longer = "https://" + "t" * 500
    dropped = "thumbnail_url_dropped"
    yield case("a thumbnail of 508", channel_row(31, thumbnail_url=longer), dropped, thumbnail_url=None, fits=False)

    # status
    stopped: Changes = {"status": "cancelled", "was_active": 1}
    yield case("no status", channel_row(40, status=None), "status_missing", "interrupted_run", **stopped)
    for number, status in enumerate(("pending", "processing"), start=41):
        yield case(f"status {status}", channel_row(number, status=status), "interrupted_run", **stopped)
    for number, status in enumerate(("failed", "cancelled"), start=43):
        yield case(f"status {status}", channel_row(number, status=status), status=status, was_active=0)
    yield case("a lost status", channel_row(45, status=""), "status_lost", "interrupted_run", **stopped)
    yield case("an unknown status", channel_row(46, status="queued"), reject="invalid_value", fits=False)

    # numbers
    none: Changes = {"video_count": None, "processed_video_count": None, "time_range_months": None}
    zero: Changes = {"video_count": 0, "processed_video_count": 0, "time_range_months": 12}
    yield case("no numbers", channel_row(50, **none), **zero)
    counts: Changes = {"video_count": 2, "processed_video_count": 9}
    yield case("more processed than there are", channel_row(51, **counts), "processed_video_count_lowered",
               processed_video_count=2)  # fmt: skip
    counts = {"video_count": -2, "processed_video_count": -1}
    yield case("negative counts", channel_row(52, **counts), "video_count_negative", "processed_video_count_negative",
               video_count=0, processed_video_count=0)  # fmt: skip
    unsigned = 2**64 - 1
    for number, count in ((55, unsigned), (56, 2**63)):
        yield case(f"{count} videos", channel_row(number, video_count=count), reject="integer_out_of_range", fits=False)
    counts = {"video_count": 2**63 - 1, "processed_video_count": unsigned}
    yield case("2^64 - 1 processed", channel_row(57, **counts), "processed_video_count_lowered",
               processed_video_count=2**63 - 1, fits=False)  # fmt: skip
    for number, months, kept in ((53, 0, 1), (54, 99, 36), (58, unsigned, 36)):
        yield case(f"{months} months", channel_row(number, time_range_months=months), "time_range_months_changed",
                   time_range_months=kept)  # fmt: skip

    # times
    never: Changes = {"created_at": None, "updated_at": None}
    yield case("no times", channel_row(60, **never), "created_at_missing", created_at=EPOCH, updated_at=EPOCH)
    zeros: Changes = {"created_at": "0000-00-00 00:00:00", "updated_at": "2024-00-00 00:00:00"}
    yield case("zero dates", channel_row(61, **zeros), "created_at_invalid", "updated_at_invalid", created_at=EPOCH,
               updated_at=EPOCH)  # fmt: skip
    yield case("never updated", channel_row(62, updated_at=None), updated_at="2024-01-15T08:30:00.000Z")
    fine: Changes = {"created_at": "2024-01-15 08:30:00.999999"}
    yield case("microseconds", channel_row(63, **fine), created_at="2024-01-15T08:30:00.999Z", fits=False)
    end: Changes = {"status": "processing", "updated_at": "9999-12-31 23:59:59"}
    yield case("the end of time", channel_row(64, **end), "interrupted_run", updated_at="9999-12-31T23:59:59.000Z",
               was_active=1)  # fmt: skip


def _stocks() -> Iterator[Awkward]:
    case = partial(_case, "stocks")
    yield case("a good share", stock_row("AAPL"), name="AAPL Corporation", exchange="NASDAQ", last_price="195.25")
    yield case("another good share", stock_row("NVDA", last_price="100.0000"), last_price="100")
    yield case("a share spelled otherwise", stock_row("BRK/B", exchange="NYSE"), ticker="BRK.B")
    yield case("the same share again", stock_row("brk-b"), reject="duplicate_ticker")
    yield case("a share with its exchange", stock_row("NYSE:F"), ticker="F")
    for ticker in ("HO.PA", "GOOGLE", "7203", "SPY", ""):
        yield case(f"{ticker!r} as a share", stock_row(ticker), reject="invalid_ticker")
    nothing: Changes = {"name": None, "last_price": None, "price_updated_at": None}
    yield case("a share that nothing is known of", stock_row("GM", **nothing), **nothing)
    yield case("an empty name", stock_row("KO", name=""), name=None)
    yield case("a lost exchange", stock_row("PEP", exchange=""), "exchange_lost", exchange="NYSE")
    yield case("another exchange", stock_row("SAP", exchange="XETRA"), reject="invalid_value", fits=False)
    for ticker, price in (("T", "0.0000"), ("VZ", "-1.5000")):
        yield case(f"a price of {price}", stock_row(ticker, last_price=price), "last_price_dropped", last_price=None)
    digits: Changes = {"last_price": "12345678901234567890123456789.5"}
    yield case("a price of 30 digits", stock_row("MMM", **digits), "last_price_dropped", last_price=None, fits=False)
    places: Changes = {"last_price": "1.00005"}
    yield case("a price of 5 places", stock_row("MO", **places), "last_price_rounded", last_price="1", fits=False)
    zero: Changes = {"price_updated_at": "0000-00-00 00:00:00"}
    yield case("a price of no time", stock_row("WMT", **zero), "price_updated_at_invalid", price_updated_at=None)


def _videos() -> Iterator[Awkward]:
    case = partial(_case, "videos")
    yield case("a good video", video_row(1), title="Video 1", analysis_status="completed")
    yield case("a video without a channel", video_row(10, 9_999), reject="orphan")
    yield case("a video of a rejected channel", video_row(11, 14), reject="orphan")
    yield case("its channel in another case", video_row(12, channel_id=id_of("c", 0xABC).upper()),
               channel_id=id_of("c", 0xABC))  # fmt: skip
    yield case("an id in upper case", video_row(0xDEF, id=id_of("d", 0xDEF).upper()), "id_in_upper_case")
    for number, youtube_id in ((13, ""), (14, "has blank"), (15, "täter")):
        yield case(f"YouTube id {youtube_id!r}", video_row(number, youtube_video_id=youtube_id),
                   reject="invalid_youtube_video_id")  # fmt: skip
    same: Changes = {"youtube_video_id": "video-00001", "created_at": "2024-01-16 00:00:00"}
    yield case("the same video again", video_row(16, **same), reject="duplicate_video", fits=False)
    blank: Changes = {"title": " ", "youtube_video_id": "untitled"}
    yield case("a blank title", video_row(17, **blank), "title_empty", title="untitled")
    long = "x" * 600
    yield case("a title of 600", video_row(18, title=long), "title_cut", title="x" * 500, fits=False)
    own = "https://www.youtube.com/watch?v=video-00019"
    yield case("no address", video_row(19, url=""), "video_url_replaced", url=own)
    yield case("another address", video_row(20, url="https://youtu.be/video-00020"), "video_url_replaced")
    for number, published_at in ((21, "0000-00-00"), (22, "2024-01-00"), (23, None)):
        yield case(f"published {published_at}", video_row(number, published_at=published_at), reject="invalid_date",
                   fits=published_at is not None)  # fmt: skip
    statuses: Changes = {"transcript_status": None, "analysis_status": None}
    pending: Changes = dict.fromkeys(statuses, "pending")
    missing = [f"{name}_missing" for name in statuses]
    yield case("no status", video_row(24, **statuses), *missing, **pending)
    lost: Changes = dict.fromkeys(statuses, "")
    yield case("lost status", video_row(25, **lost), "transcript_status_lost", "analysis_status_lost", **pending)
    yield case("no time", video_row(26, created_at=None), "created_at_missing", created_at=EPOCH)


def _mentions() -> Iterator[Awkward]:
    case = partial(_case, "stock_mentions")
    yield case("a good mention", mention_row(1), price_at_mention="185.5", confidence_score="0.8")
    yield case("a mention without a video", mention_row(10, 9_999), reject="orphan")
    yield case("a mention in a rejected video", mention_row(11, 21), reject="orphan")
    yield case("a mention of an unknown share", mention_row(12, ticker="ORCL"), reject="unknown_stock")
    yield case("a mention of a rejected share", mention_row(13, ticker="SPY"), reject="invalid_ticker")
    yield case("a share spelled otherwise", mention_row(14, ticker="BRK-B"), ticker="BRK.B")
    yield case("the mention it meets", mention_row(15, ticker="brk/b"), reject="duplicate_mention")
    yield case("a share in lower case", mention_row(16, 19, ticker="nvda"), ticker="NVDA")
    yield case("its video in another case", mention_row(17, video_id=id_of("d", 0xDEF).upper()),
               video_id=id_of("d", 0xDEF))  # fmt: skip
    yield case("an id with blanks", mention_row(18, 19, id="a b"), reject="invalid_id")
    yield case("a lost sentiment", mention_row(19, 12, sentiment=""), "sentiment_lost", sentiment="mentioned")
    yield case("no price", mention_row(20, 17, price_at_mention=None), price_at_mention=None)
    yield case("a price of zero", mention_row(21, 26, "NVDA", price_at_mention="0.0000"), "price_at_mention_dropped",
               price_at_mention=None)  # fmt: skip
    for number, video, score, kept in ((22, 20, "9.99", "1"), (23, 24, "-0.50", "0")):
        yield case(f"confidence {score}", mention_row(number, video, confidence_score=score),
                   "confidence_score_changed", confidence_score=kept)  # fmt: skip
    yield case("no confidence", mention_row(24, 25, confidence_score=None), confidence_score=None)
    yield case("an empty snippet", mention_row(25, 26, context_snippet=""), context_snippet=None)
    long = "é" * 30_000
    yield case("a snippet of 60 KB", mention_row(26, 1, "NVDA", context_snippet=long), context_snippet=long)
    huge = "é" * 200_000
    yield case("a snippet of 400 KB", mention_row(27, 20, "NVDA", context_snippet=huge), reject="value_too_long",
               fits=False)  # fmt: skip
    yield case("no time", mention_row(28, 17, "NVDA", created_at=None), "created_at_missing", created_at=EPOCH)


def _logs() -> Iterator[Awkward]:
    case = partial(_case, "processing_logs")
    yield case("a good log line", log_row(7), message="Line 7", created_at="2024-01-15T08:33:00.000Z")
    yield case("another one of that second", log_row(8))
    yield case("a line without a channel", log_row(9, 9_999), reject="orphan")
    yield case("a line of a rejected channel", log_row(10, 14), reject="orphan")
    yield case("the last id there is a key for", log_row(0xFFFFFFFF), fits=False)
    yield case("an id beyond", log_row(0x100000000), reject="log_id_out_of_range", fits=False)
    yield case("an id of 0", log_row(0), reject="log_id_out_of_range", fits=False)
    yield case("no level", log_row(11, log_level=None), "log_level_missing", log_level="info")
    yield case("a lost level", log_row(12, log_level=""), "log_level_lost", log_level="info")
    yield case("an empty message", log_row(13, message=""), "message_empty", message="-")
    yield case("a message of 3000", log_row(14, message="m" * 3_000), "message_cut", message="m" * 2_000)
    yield case("no time", log_row(15, created_at=None), "created_at_missing", created_at=EPOCH)
