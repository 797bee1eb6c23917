"""A HEAD is the GET without its body where that writes nothing, and refused where it may write."""

import pytest

from lambda_src.services.stock_track_record.models import Stock
from tests.support.legacy_items import CHANNEL_ID, legacy_items
from tests.support.price_calls import quoted
from tests.support.track_record_items import channel_named, store

CHANNEL = channel_named("head")


@pytest.mark.parametrize("path", ["/", "/health", "/api/channels", "/api/channels/{id}", "/api/channels/{id}/logs"])
def test_a_head_is_the_get_without_its_body_where_that_writes_nothing(new_app, path):
    app = new_app()
    store(app, CHANNEL)
    full = app.api.get(path.format(id=CHANNEL.id))

    answer = app.api.head(path.format(id=CHANNEL.id))

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == full.headers["content-length"]


@pytest.mark.parametrize("result", ["stocks", "timeline", "stocks/AAPL"])
def test_a_head_of_results_is_refused_and_asks_for_no_upgrade(new_app, result):
    app = new_app()
    app.put_items(*legacy_items())
    before = app.items()

    answer = app.api.head(f"/api/channels/{CHANNEL_ID}/{result}")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert app.items() == before
    assert app.queue.every == []
    assert app.api.get(f"/api/channels/{CHANNEL_ID}/{result}").status_code == 200
    assert len(app.queue.of_type("upgrade")) == 1


def test_a_head_of_a_price_is_refused_and_nobody_is_asked_for_it(new_app):
    app = new_app()
    store(app, CHANNEL, stocks=[Stock("AAPL")])
    app.world.answer_next("finnhub", quoted(195.5))

    with app.counted() as requests:
        answer = app.api.head("/api/stocks/AAPL/price")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert not requests
    assert not app.world.calls("finnhub")
    app.api.get("/api/stocks/AAPL/price")
    assert app.shares.stock_by_ticker("AAPL").last_price is not None
