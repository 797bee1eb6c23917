"""What holds between the items of the main table at every moment, whatever was interrupted, repeated or raced."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.stock_track_record import Applications

type Row = Mapping[str, Any]

_MENTION_FACTS = ("id", "video_id", "ticker", "sentiment", "published_at", "price_at_mention", "context_snippet")
_ACTIVE = ("pending", "processing")


def assert_invariants(app: Applications) -> None:
    """Read every item and check what must agree. Channels without `layout` have no copies and claims yet: left out."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for item in app.items():
        rows[item["entity_type"]].append(item)
    channels = {channel["id"]: channel for channel in rows["Channel"] if channel.get("layout")}
    if len(channels) == len(rows["Channel"]):
        _check_list(channels, rows["Counter"])
    _check_identities(channels, rows["UniqueClaim"])
    _check_active_runs(channels, rows["ActiveRun"])
    _check_video_claims(channels, rows["Video"], rows["VideoClaim"])
    _check_mentions(channels, rows)
    for channel in channels.values():
        if not channel.get("deleting"):
            _check_counts(channel, [video for video in rows["Video"] if video["channel_id"] == channel["id"]])
            _check_ends(channel, [line for line in rows["ProcessingLog"] if line["channel_id"] == channel["id"]])


def _check_list(channels: Mapping[str, Row], counters: Iterable[Row]) -> None:
    """`total` counts what is listed; a listed channel is known by exactly the identity it carries."""
    listed = [channel for channel in channels.values() if "GSI1PK" in channel]
    assert sum(counter["value"] for counter in counters) == len(listed)
    for channel in channels.values():
        is_gone = bool(channel.get("deleting") or channel.get("duplicate_of"))
        assert ("GSI1PK" in channel) is not is_gone
        assert channel.get("GSI2PK") == (None if is_gone else f"YT#{channel['youtube_channel_id']}")


def _check_identities(channels: Mapping[str, Row], claims: Iterable[Row]) -> None:
    """Every claim points to a living channel that lists it, and every listed claim points back."""
    claimed = {(claim["PK"].removeprefix("UNIQUE#YT#"), claim["channel_id"]) for claim in claims}
    held = {
        (identity, channel["id"])
        for channel in channels.values()
        if not channel.get("deleting")
        for identity in channel.get("claims", ())
    }
    assert {pair for pair in claimed if pair[1] in channels} == held
    assert all("GSI1PK" in channels[channel_id] for _, channel_id in held)


def _check_active_runs(channels: Mapping[str, Row], active: Iterable[Row]) -> None:
    """A run is known as active exactly while its channel is pending or processing."""
    expected = {
        channel["id"]: channel["run_id"]
        for channel in channels.values()
        if channel["status"] in _ACTIVE and not channel.get("deleting")
    }
    assert {run["channel_id"]: run["run_id"] for run in active} == expected


def _check_video_claims(channels: Mapping[str, Row], videos: Iterable[Row], claims: Iterable[Row]) -> None:
    living = {f"CHANNEL#{id_}" for id_, channel in channels.items() if not channel.get("deleting")}
    registered = {(video["PK"], video["youtube_video_id"], video["id"]) for video in videos if video["PK"] in living}
    claimed = {
        (claim["PK"], claim["SK"].removeprefix("CLAIM#"), claim["video_id"])
        for claim in claims
        if claim["PK"] in living
    }
    assert registered == claimed


def _check_mentions(channels: Mapping[str, Row], rows: Mapping[str, list[Row]]) -> None:
    """Every copy has its home and vice versa, they say the same, and the index knows their tickers."""
    living = {id_ for id_, channel in channels.items() if not channel.get("deleting")}
    channel_of = {video["id"]: video["channel_id"] for video in rows["Video"]}
    homes = [_facts(home) for home in rows["StockMention"] if channel_of.get(home["video_id"]) in living]
    copies = [copy for copy in rows["ChannelMention"] if copy["channel_id"] in living]
    assert Counter(homes) == Counter(map(_facts, copies))
    tickers = {index["PK"]: index.get("tickers", ()) for index in rows["ChannelIndex"]}
    assert all(copy["ticker"] in tickers[copy["PK"]] for copy in copies)


def _facts(mention: Row) -> tuple[object, ...]:
    return tuple(mention.get(name) for name in _MENTION_FACTS)


def _check_counts(channel: Row, videos: list[Row]) -> None:
    """processed = skipped + finished while the run was active."""
    total, processed = channel["video_count"], channel["processed_video_count"]
    assert 0 <= channel["failed_video_count"] <= processed <= total
    if not channel["listed"] or total != len(videos):  # older videos lie outside the range of this run
        return
    run_id = channel["run_id"]
    finished = sum(
        video["analysis_status"] == "completed" or (video["analysis_status"] == "failed" and video["run_id"] == run_id)
        for video in videos
    )
    assert processed <= finished
    if channel["status"] in ("processing", "completed"):  # later results are stored without being counted
        assert processed == finished
    if channel["status"] == "completed":
        assert processed == total
        assert not [video for video in videos if video["analysis_status"] == "pending"]


def _check_ends(channel: Row, lines: list[Row]) -> None:
    """No run ends twice, and the run of a completed channel said so."""
    texts = [line["message"] for line in lines]
    begun = sum("queued for analysis" in text for text in texts)
    completed = sum(text.startswith("Analysis completed") for text in texts)
    otherwise = sum(text.startswith(("Analysis failed", "Analysis cancelled", "This is the channel")) for text in texts)
    assert completed + otherwise <= begun - (channel["status"] in _ACTIVE)
    assert completed >= (channel["status"] == "completed")
