"""What becomes of Stock Track Record's MySQL rows: every rule, on rows in memory and a snapshot on disk."""

import re
from collections.abc import Callable
from decimal import Decimal
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from lambda_src.migration.mappings.stock_track_record.items import run_of
from lambda_src.migration.mappings.stock_track_record.mapping import mapping
from lambda_src.migration.snapshot import Snapshot
from lambda_src.services.stock_track_record.models import Channel, ChannelId, Mention, Video, VideoId
from lambda_src.services.stock_track_record.tables import CHANNEL, CHANNEL_MENTION, STOCK_MENTION, VIDEO
from tests.support.migration.mapped import of_type, one, rows_of, snapshot_of
from tests.support.migration.stock_track_record_awkward import YOUTUBE_ID, Awkward, awkward_rows
from tests.support.migration.stock_track_record_rows import (
    channel_row,
    id_of,
    log_row,
    mention_row,
    stock_row,
    video_row,
)

type Load = Callable[..., Snapshot]

AWKWARD = awkward_rows()


# ---- every awkward row ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory):
    """All awkward rows in one snapshot: of each table the prepared rows, in the order they came in."""
    service = mapping()
    rows = ((case.table, case.row) for case in AWKWARD)
    with snapshot_of(rows, service, tmp_path_factory.mktemp("awkward") / "snapshot.sqlite") as snapshot:
        yield {source.name: rows_of(snapshot, source.name) for source in service.sources}


def name_of(case: Awkward) -> str:
    return f"{case.table}: {case.what}"


@pytest.mark.parametrize("case", AWKWARD, ids=name_of)
def test_an_awkward_row_becomes_what_was_decided(case: Awkward, decided):
    place = [other for other in AWKWARD if other.table == case.table].index(case)

    found = decided[case.table][place]

    assert (found["reject"] or "") == case.reject
    assert {name: found[name] for name in case.fields} == case.fields


@pytest.mark.parametrize("case", [case for case in AWKWARD if not case.reject], ids=name_of)
def test_a_row_that_is_kept_is_warned_of_where_it_was_mended(case: Awkward):
    kinds: list[str] = []

    mapping().source(case.table).prepare(case.row, lambda kind, _: kinds.append(kind))

    assert sorted(kinds) == sorted(case.warnings)


def test_a_reject_names_its_column_and_keeps_the_row_as_it_was(load):
    rows = [("videos", video_row(1, published_at="0000-00-00"))]

    (rejected,) = load(rows, mapping()).rejected()

    assert (rejected.table, rejected.kind, rejected.column) == ("videos", "invalid_date", "published_at")
    assert rejected.key == {"id": id_of("d", 1)}
    assert rejected.row == rows[0][1]


# ---- items are those of the service --------------------------------------------------------------------------------


def test_a_channel_is_what_the_service_would_have_stored(items):
    found = items(("channels", channel_row(1, thumbnail_url="")))

    channel = one(found, "Channel")
    expected = CHANNEL.item(
        Channel(
            id=ChannelId(id_of("c", 1)),
            youtube_channel_id="UC0000000000000000000001",
            name="Channel 1",
            url="https://www.youtube.com/@channel1",
            status="completed",
            time_range_months=12,
            created_at="2024-01-15T08:30:00.000Z",
            updated_at="2024-02-01T10:00:00.000Z",
            run_id=run_of(id_of("c", 1)),
            video_count=3,
            processed_video_count=3,
            listed=True,
            claims=frozenset({"UC0000000000000000000001", "handle:channel1"}),
            layout=2,
        )
    )
    assert channel == expected
    assert UUID(channel["run_id"]).version == 5
    assert one(found, "Counter") == {
        "PK": "COUNTER#CHANNELS", "SK": "COUNTER#CHANNELS", "entity_type": "Counter", "value": 1,
    }  # fmt: skip
    assert not of_type(found, "ProcessingLog")


def test_a_channel_is_claimed_under_its_identity_and_the_name_in_its_address(items):
    found = items(("channels", channel_row(1)))

    claims = of_type(found, "UniqueClaim")
    assert [claim["PK"] for claim in claims] == ["UNIQUE#YT#UC0000000000000000000001", "UNIQUE#YT#handle:channel1"]
    assert all(claim["SK"] == claim["PK"] for claim in claims)
    assert {claim["channel_id"] for claim in claims} == {id_of("c", 1)}
    assert {claim["created_at"] for claim in claims} == {"2024-01-15T08:30:00.000Z"}


def test_a_name_in_an_address_is_claimed_by_one_channel_only(items):
    address = "https://www.youtube.com/@Shared"
    found = items(
        ("channels", channel_row(3, url=address, created_at="2024-01-02 00:00:00")),
        ("channels", channel_row(2, url=address, created_at="2024-01-01 00:00:00")),
        ("channels", channel_row(1, url="https://www.youtube.com/@Known", created_at="2024-01-01 00:00:00")),
        ("channels", channel_row(4, youtube_channel_id="handle:known", created_at="2024-01-03 00:00:00")),
    )

    owners = {claim["PK"].removeprefix("UNIQUE#YT#"): claim["channel_id"] for claim in of_type(found, "UniqueClaim")}
    assert owners["handle:shared"] == id_of("c", 2)
    assert owners["handle:known"] == id_of("c", 4)
    claims = {channel["id"]: channel["claims"] for channel in of_type(found, "Channel")}
    assert claims[id_of("c", 3)] == {"UC0000000000000000000003"}
    assert claims[id_of("c", 4)] == {"handle:known"}


def test_of_two_channels_with_one_identity_the_older_stays_and_the_other_goes_with_all_it_has(items):
    found = items(
        ("channels", channel_row(1, youtube_channel_id=YOUTUBE_ID, created_at="2024-01-02 00:00:00")),
        ("channels", channel_row(2, youtube_channel_id=f"channel_id:{YOUTUBE_ID}", created_at="2024-01-01 00:00:00")),
        ("stocks", stock_row("AAPL")),
        ("videos", video_row(1, channel=1)),
        ("videos", video_row(2, channel=2)),
        ("stock_mentions", mention_row(1, video=1)),
        ("stock_mentions", mention_row(2, video=2)),
        ("processing_logs", log_row(1, channel=1)),
        ("processing_logs", log_row(2, channel=2)),
    )

    for entity, names in (("Channel", "id"), ("Video", "channel_id"), ("ProcessingLog", "channel_id")):
        assert one(found, entity)[names] == id_of("c", 2)
    assert one(found, "ChannelMention")["channel_id"] == id_of("c", 2)
    assert one(found, "Counter")["value"] == 1


def test_a_video_is_what_the_service_would_have_stored_with_its_own_id_and_claim(items):
    found = items(("channels", channel_row(1)), ("videos", video_row(1, youtube_video_id="dQw4w9WgXcQ")))

    expected = VIDEO.item(
        Video(
            id=VideoId(id_of("d", 1)),
            channel_id=ChannelId(id_of("c", 1)),
            youtube_video_id="dQw4w9WgXcQ",
            title="Video 1",
            published_at="2024-01-10",
            created_at="2024-01-15T08:31:00.000Z",
            transcript_status="fetched",
            analysis_status="completed",
            run_id=run_of(id_of("c", 1)),
        )
    )
    assert one(found, "Video") == expected
    assert one(found, "VideoClaim") == {
        "PK": f"CHANNEL#{id_of('c', 1)}",
        "SK": "CLAIM#dQw4w9WgXcQ",
        "entity_type": "VideoClaim",
        "video_id": id_of("d", 1),
        "created_at": "2024-01-15T08:31:00.000Z",
    }


@pytest.mark.parametrize("price", ["185.5000", None])
def test_a_mention_is_stored_at_home_and_beside_its_channel(items, price):
    found = items(
        ("channels", channel_row(1)),
        ("stocks", stock_row("BRK.B")),
        ("videos", video_row(1)),
        ("stock_mentions", mention_row(1, ticker="brk-b", price_at_mention=price)),
    )

    mention = Mention(
        id=id_of("e", 1),
        channel_id=ChannelId(id_of("c", 1)),
        video_id=VideoId(id_of("d", 1)),
        ticker="BRK.B",
        sentiment="buy",
        published_at="2024-01-10",
        created_at="2024-01-15T08:32:00.000Z",
        youtube_video_id="video-00001",
        video_title="Video 1",
        video_created_at="2024-01-15T08:31:00.000Z",
        price_at_mention=None if price is None else Decimal("185.5"),
        confidence_score=Decimal("0.8"),
        context_snippet="Buys brk-b.",
    )
    assert one(found, "StockMention") == STOCK_MENTION.item(mention)
    assert one(found, "ChannelMention") == CHANNEL_MENTION.item(mention)
    assert ("GSI2PK" in one(found, "ChannelMention")) is (price is None)
    assert one(found, "ChannelIndex") == {
        "PK": f"CHANNEL#{id_of('c', 1)}", "SK": "INDEX#", "entity_type": "ChannelIndex", "tickers": {"BRK.B"},
    }  # fmt: skip


def test_a_share_keeps_its_exact_price_and_is_not_verified_yet(items):
    found = items(("stocks", stock_row("NYSE:F", last_price="12345678.9012", exchange="NYSE")))

    assert one(found, "Stock") == {
        "entity_type": "Stock",
        "ticker": "F",
        "name": "NYSE:F Corporation",
        "exchange": "NYSE",
        "last_price": Decimal("12345678.9012"),
        "price_updated_at": "2024-02-01T10:00:00.000Z",
        "listing": "unverified",
    }


def test_the_index_of_a_channel_holds_every_ticker_of_all_its_videos(items):
    found = items(
        ("channels", channel_row(1)),
        ("channels", channel_row(2)),
        *(("stocks", stock_row(ticker)) for ticker in ("AAPL", "NVDA", "F")),
        ("videos", video_row(1)),
        ("videos", video_row(2)),
        *(("stock_mentions", mention_row(number, video, ticker)) for number, video, ticker in
          ((1, 1, "AAPL"), (2, 1, "NVDA"), (3, 2, "NVDA"), (4, 2, "F"))),
    )  # fmt: skip

    assert one(found, "ChannelIndex")["tickers"] == {"AAPL", "NVDA", "F"}


# ---- log lines -----------------------------------------------------------------------------------------------------


def test_log_lines_of_one_second_keep_the_order_and_the_numbers_they_had(items):
    found = items(("channels", channel_row(1)), *(("processing_logs", log_row(number)) for number in (8, 7, 300)))

    lines = sorted(of_type(found, "ProcessingLog"), key=lambda line: line["SK"])
    assert [line["log_id"] for line in lines] == [7, 8, 300]
    assert [line["SK"] for line in lines] == [
        f"LOG#2024-01-15T08:33:00.000Z#{suffix}" for suffix in ("00000007", "00000008", "0000012c")
    ]
    expected = str(uuid5(NAMESPACE_URL, "stock-track-record/log/7"))
    assert lines[0]["id"] == "00000007" + expected[8:]
    assert "expires_at" not in lines[0]


def test_a_failed_channel_is_told_why_by_its_newest_error_line(items):
    found = items(
        *(("channels", channel_row(n, status=status)) for n, status in enumerate(("failed", "completed", "failed"), 1)),
        ("processing_logs", log_row(2, log_level="error", message="The newer of one second")),
        ("processing_logs", log_row(1, log_level="error", message="The older")),
        ("processing_logs", log_row(3, log_level="warning", message="No reason")),
        ("processing_logs", log_row(4, channel=2, log_level="error", message="Of a run before")),
        ("processing_logs", log_row(5, channel=3, log_level="error", message="x" * 2000)),
    )
    reasons = {item["id"]: item.get("failure") for item in of_type(found, "Channel")}
    assert reasons == {id_of("c", 1): "The newer of one second", id_of("c", 2): None, id_of("c", 3): "x" * 350}


@pytest.mark.parametrize("status", [None, "pending", "processing"])
def test_an_interrupted_analysis_is_cancelled_with_a_line_at_the_end_of_the_log(items, status):
    found = items(
        ("channels", channel_row(1, status=status, updated_at="2024-01-15 08:00:00")),
        ("processing_logs", log_row(999)),
    )

    first, last = sorted(of_type(found, "ProcessingLog"), key=lambda line: line["SK"])
    assert first["log_id"] == 999
    assert (last["log_level"], last["created_at"]) == ("info", "2024-01-15T08:33:00.001Z")
    assert "cancelled" in last["message"]
    assert last["log_id"] > first["log_id"]
    assert one(found, "Channel")["status"] == "cancelled"
    assert not of_type(found, "ActiveRun")


@pytest.mark.parametrize(
    ("status", "requeue", "told"),
    [
        ("processing", False, "processing became cancelled: .* with --requeue it is queued again"),
        (None, False, "nothing became cancelled: "),
        ("processing", True, "processing became pending: "),
    ],
)
def test_an_interrupted_analysis_is_told_with_its_status_before_and_after(load, status, requeue, told):
    snapshot = load([("channels", channel_row(1, status=status))], mapping(requeue=requeue))

    [sentence] = [warning["sentence"] for warning in snapshot.warnings() if warning["kind"] == "interrupted_run"]
    assert re.match(told, sentence)


def test_a_status_that_mysql_lost_is_told_as_what_it_was_taken_for(load):
    snapshot = load([("channels", channel_row(1, status=""))], mapping())

    sentences = {warning["kind"]: str(warning["sentence"]) for warning in snapshot.warnings()}
    assert sentences["status_lost"].endswith("taken for 'pending'")
    assert sentences["interrupted_run"].startswith("nothing became cancelled")


def test_an_interrupted_analysis_is_queued_again_on_demand(items):
    found = items(
        ("channels", channel_row(1, status="processing")),
        ("channels", channel_row(2, status="failed")),
        ("videos", video_row(1, analysis_status="pending")),
        requeue=True,
    )

    channel, failed = of_type(found, "Channel")
    assert (channel["status"], channel["listed"]) == ("pending", False)
    assert (failed["status"], failed["listed"]) == ("failed", True)
    assert one(found, "ActiveRun") == {
        "PK": "ACTIVE",
        "SK": f"RUN#{channel['id']}",
        "entity_type": "ActiveRun",
        "channel_id": channel["id"],
        "run_id": channel["run_id"],
        "requested_at": "2024-02-01T10:00:00.000Z",
    }
    assert one(found, "Video")["run_id"] != channel["run_id"]  # the new run takes its videos over one by one
    assert "queued" in one(found, "ProcessingLog")["message"]
