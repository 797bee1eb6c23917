"""One run of a channel from its creation to its results."""

from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.stock_track_record import NOON, TestClock


def test_the_sample_channel_is_analysed_from_creation_to_results(new_app):
    clock = TestClock(NOON)
    app = new_app(world=World.sample(clock, gemini_delay_seconds=0), clock=clock)
    channel_id = app.add("https://www.youtube.com/@SampleStocks", time_range_months=6)

    app.drain()

    channel = app.channel(channel_id)
    assert channel["status"] == "completed"
    assert channel["processed_video_count"] == channel["video_count"] > 25
    stocks = app.api.get(f"/api/channels/{channel_id}/stocks").json()["stocks"]
    assert len(stocks) > 20
    assert any(stock["price_at_first_mention"] for stock in stocks)
    assert not app.queue.dead()
