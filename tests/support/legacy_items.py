"""A channel of the legacy application: only its own keys and attributes, no copies, claims, index or layout."""

from decimal import Decimal

CHANNEL_ID = "3f6c1c1e-7f4b-4a53-9c56-0d0e5f1a2b3c"
WRITTEN = "2024-05-01T12:00:00.000Z"
# (video, YouTube id, date, [(ticker, sentiment, price)]) in no useful order
VIDEOS: tuple[tuple[str, str, str, list[tuple[str, str, str | None]]], ...] = (
    ("video-b", "ytb", "2024-03-05", [("AAPL", "hold", "170.12"), ("NVDA", "buy", None)]),
    ("video-a", "yta", "2024-01-15", [("AAPL", "buy", "185.5")]),
    ("video-c", "ytc", "2024-04-02", []),
    ("video-d", "ytd", "2024-03-05", [("BRK.B", "mentioned", None)]),
)


def legacy_items(
    channel_id: str = CHANNEL_ID, *, identity: str = "handle:reference", before: str = ""
) -> list[dict[str, object]]:
    """The channel with four videos and four mentions. before: stands in front of the ids of its videos."""
    items = [legacy_channel(channel_id, identity)]
    for name, youtube_id, day, mentions in VIDEOS:
        video_id = before + name
        items.append(_video(channel_id, video_id, youtube_id, day))
        items += [_mention(video_id, *mention) for mention in mentions]
    return items


def legacy_channel(channel_id: str = CHANNEL_ID, identity: str = "handle:reference") -> dict[str, object]:
    key = f"CHANNEL#{channel_id}"
    return {
        "PK": key, "SK": key, "GSI1PK": "CHANNELS", "GSI1SK": WRITTEN, "GSI2PK": f"YT#{identity}",
        "entity_type": "Channel", "id": channel_id, "youtube_channel_id": identity, "name": "Reference",
        "url": "https://www.youtube.com/@Reference", "status": "completed", "video_count": 4,
        "processed_video_count": 4, "time_range_months": 12, "created_at": WRITTEN, "updated_at": WRITTEN,
    }  # fmt: skip


def _video(channel_id: str, video_id: str, youtube_id: str, day: str) -> dict[str, object]:
    return {
        "PK": f"CHANNEL#{channel_id}", "SK": f"VIDEO#{video_id}", "GSI3PK": f"YTVID#{youtube_id}",
        "entity_type": "Video", "id": video_id, "channel_id": channel_id, "youtube_video_id": youtube_id,
        "title": f"Title of {video_id}", "url": f"https://www.youtube.com/watch?v={youtube_id}", "published_at": day,
        "transcript_status": "fetched", "analysis_status": "completed", "created_at": WRITTEN,
    }  # fmt: skip


def _mention(video_id: str, ticker: str, sentiment: str, price: str | None) -> dict[str, object]:
    return {
        "PK": f"VIDEO#{video_id}", "SK": f"MENTION#{video_id}-{ticker}", "GSI1PK": f"TICKER#{ticker}",
        "GSI1SK": WRITTEN, "entity_type": "StockMention", "id": f"{video_id}-{ticker}", "video_id": video_id,
        "ticker": ticker, "sentiment": sentiment, "price_at_mention": None if price is None else Decimal(price),
        "confidence_score": Decimal("0.9"), "context_snippet": f"About {ticker}.", "created_at": WRITTEN,
    }  # fmt: skip
