"""Channels that the legacy application wrote: only its own keys and attributes, no copies, claims, index or layout."""

from decimal import Decimal
from typing import Any

import pytest

from lambda_src.services.stock_track_record.models import Stock
from lambda_src.services.stock_track_record.tables import STOCK
from tests.support.legacy_items import CHANNEL_ID, VIDEOS, legacy_channel, legacy_items
from tests.support.stock_track_record import QUEUE, Applications, Sent


@pytest.fixture
def app(new_app) -> Applications:
    """A channel of the legacy application with four videos and four mentions."""
    applications: Applications = new_app()
    applications.put_items(*legacy_items())
    stock = Stock("AAPL", name="Apple Inc.", last_price=Decimal("195.25"))
    applications.put_items(STOCK.item(stock), table="stocks")
    return applications


def read(app: Applications, path: str) -> dict[str, Any]:
    answer = app.api.get(f"/api/channels/{CHANNEL_ID}/{path}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert isinstance(body, dict)
    return body


def results(app: Applications) -> dict[str, Any]:
    return {path: read(app, path) for path in ("stocks", "timeline", "stocks/aapl", "stocks/ZZZZ")}


def upgrade(app: Applications) -> None:
    message = Sent(QUEUE, "upgrade-of-the-test", f'{{"v":1,"type":"upgrade","channel_id":"{CHANNEL_ID}"}}')
    assert app.deliver(message) == []


# ---- before the upgrade --------------------------------------------------------------------------------------------


def test_results_are_answered_from_the_items_of_the_legacy_application(app):
    found = results(app)

    [apple, berkshire, nvidia] = found["stocks"]["stocks"]
    assert (apple["ticker"], apple["first_mention_date"], apple["first_mention_video_id"]) == (
        "AAPL",
        "2024-01-15",
        "video-a",
    )
    assert (apple["price_at_first_mention"], apple["price_change_percent"]) == (185.5, 5.2561)
    assert (apple["buy_count"], apple["hold_count"], apple["total_mentions"]) == (1, 1, 2)
    assert (berkshire["ticker"], berkshire["mentioned_count"]) == ("BRK.B", 1)
    assert (nvidia["ticker"], nvidia["price_at_first_mention"]) == ("NVDA", None)
    entries = found["timeline"]["timeline"]
    assert [entry["video"]["id"] for entry in entries] == ["video-b", "video-d", "video-a"]
    assert [mention["ticker"] for mention in entries[0]["mentions"]] == ["AAPL", "NVDA"]
    detail = found["stocks/aapl"]
    assert detail["ticker"] == "AAPL"
    assert [mention["video"]["title"] for mention in detail["mentions"]] == ["Title of video-a", "Title of video-b"]
    assert [mention["context_snippet"] for mention in detail["mentions"]] == ["About AAPL."] * 2
    assert found["stocks/ZZZZ"]["mentions"] == []


def test_reading_asks_for_one_upgrade_in_ten_minutes(app):
    for _ in range(3):
        read(app, "stocks")
        read(app, "timeline")
    assert len(app.queue.of_type("upgrade")) == 1

    app.forward(minutes=11)
    read(app, "stocks")
    assert len(app.queue.of_type("upgrade")) == 2


def test_the_list_is_counted_where_no_counter_was_ever_written(app):
    body = app.api.get("/api/channels").json()

    assert body["total"] == 1
    assert [item["id"] for item in body["items"]] == [CHANNEL_ID]


def test_prices_of_a_channel_of_the_legacy_application_are_refreshed(app):
    body = app.api.post(f"/api/channels/{CHANNEL_ID}/refresh-prices").json()

    assert body["prices"] == {"AAPL": 195.25}
    assert body["queued"] == 3  # the stored price of AAPL has no time


def test_a_channel_of_the_legacy_application_can_be_deleted_with_everything_it_has(app):
    assert app.api.delete(f"/api/channels/{CHANNEL_ID}").status_code == 204
    app.drain()
    app.drain()

    assert app.items() == []


# ---- after the upgrade ---------------------------------------------------------------------------------------------


def test_after_the_upgrade_the_same_results_take_the_requests_of_any_channel(app):
    before = results(app)

    upgrade(app)

    with app.counted() as for_stocks:
        read(app, "stocks")
    with app.counted() as for_timeline:
        read(app, "timeline")
    with app.counted() as for_one:
        read(app, "stocks/aapl")
    assert results(app) == before
    assert for_stocks == {"GetItem": 1, "Query": 1, "BatchGetItem": 1}
    assert for_timeline == for_one == {"GetItem": 1, "Query": 1}


def test_the_upgrade_adds_copies_claims_index_and_layout(app):
    upgrade(app)

    [channel] = app.items_of("Channel")
    assert channel["layout"] == 2
    assert channel["claims"] == {"handle:reference"}
    [claim] = app.items_of("UniqueClaim")
    assert claim["channel_id"] == CHANNEL_ID
    assert {claim["video_id"] for claim in app.items_of("VideoClaim")} == {video_id for video_id, *_ in VIDEOS}
    [index] = app.items_of("ChannelIndex")
    assert index["tickers"] == {"AAPL", "BRK.B", "NVDA"}
    copies = {item["id"]: item for item in app.items_of("ChannelMention")}
    homes = {item["id"]: item for item in app.items_of("StockMention")}
    assert copies.keys() == homes.keys()
    assert all("GSI1PK" not in copy for copy in copies.values())
    assert {copy["ticker"] for copy in copies.values() if "GSI2PK" in copy} == {"NVDA", "BRK.B"}
    assert all(homes[name]["published_at"] == copies[name]["published_at"] for name in homes)
    assert not any("GSI2PK" in home for home in homes.values())


def test_an_upgrade_may_be_repeated_and_changes_nothing_then(app):
    upgrade(app)
    once = sorted(map(str, app.items_of("ChannelMention")))

    upgrade(app)

    assert sorted(map(str, app.items_of("ChannelMention"))) == once


def test_an_upgrade_without_time_goes_on_with_its_next_message(app):
    late = Sent(QUEUE, "late", f'{{"v":1,"type":"upgrade","channel_id":"{CHANNEL_ID}"}}')

    assert app.deliver(late, milliseconds=1) == []
    assert "layout" not in app.items_of("Channel")[0]
    app.drain()

    assert app.items_of("Channel")[0]["layout"] == 2


def test_unpriced_mentions_are_priced_after_the_upgrade(app):
    read(app, "stocks")

    app.drain()

    assert len(app.queue.of_type("backfill")) == 1
    priced = {item["ticker"]: item.get("price_at_mention") for item in app.items_of("ChannelMention")}
    assert priced["NVDA"] is not None


def test_the_identity_of_an_upgraded_channel_cannot_be_taken(app):
    upgrade(app)

    answer = app.api.post("/api/channels", json={"url": "https://www.youtube.com/@Reference"})

    assert answer.status_code == 400
    assert answer.json()["code"] == "channel_exists"


def test_two_channels_of_one_identity_are_reported_and_only_one_is_upgraded(app):
    app.put_items(legacy_channel("second"))
    upgrade(app)
    second = Sent(QUEUE, "second", '{"v":1,"type":"upgrade","channel_id":"second"}')

    assert app.deliver(second) == []

    assert {item["id"]: item.get("layout") for item in app.items_of("Channel")} == {CHANNEL_ID: 2, "second": None}
    assert any("identity" in text for text in app.messages("second"))
