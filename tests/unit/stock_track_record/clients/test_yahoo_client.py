from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from lambda_src.runtime.providers.errors import MalformedAnswer, ProviderThrottled, ProviderUnavailable
from lambda_src.services.stock_track_record.market.clients import YahooClient

type Json = dict[str, Any]

META: Json = {
    "currency": "USD",
    "symbol": "AAPL",
    "exchangeName": "NMS",
    "instrumentType": "EQUITY",
    "longName": "Apple Inc.",
    "exchangeTimezoneName": "America/New_York",
    "regularMarketPrice": 230.49,
    "regularMarketTime": 1756238401,
}
NOT_FOUND = {
    "chart": {
        "result": None,
        "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
    }
}
OUT_OF_RANGE = {
    "chart": {
        "result": None,
        "error": {
            "code": "Bad Request",
            "description": "Data doesn't exist for startDate = 1705276800, endDate = 1705363200",
        },
    }
}


def chart(timestamps: Sequence[Any] | None = (1705329000,), closes: Sequence[Any] = (185.92,), **meta: Any) -> Json:
    result: Json = {"meta": META | meta, "indicators": {"quote": [{"close": list(closes)}]}}
    if timestamps is not None:
        result["timestamp"] = list(timestamps)
    return {"chart": {"error": None, "result": [result]}}


@pytest.fixture
def client(upstream):
    return YahooClient(upstream.access(repeats=2), base_url="https://query2.finance.yahoo.com")


def test_a_recent_chart_says_what_a_symbol_is_and_costs(client, upstream):
    upstream.will_answer(chart())
    found = client.recent("AAPL")
    assert (found.symbol, found.instrument_type, found.currency, found.exchange_code, found.long_name) == (
        "AAPL",
        "EQUITY",
        "USD",
        "NMS",
        "Apple Inc.",
    )
    assert found.market_price == Decimal("230.4900")
    assert found.closes == {date(2024, 1, 15): Decimal("185.9200")}
    request = upstream.requests[0]
    assert str(request.url) == "https://query2.finance.yahoo.com/v8/finance/chart/AAPL?range=5d&interval=1d"
    assert request.headers["User-Agent"].startswith("Mozilla/5.0")
    assert request.extensions["timeout"]["read"] == 10


def test_a_history_is_asked_for_by_period_and_in_yahoos_spelling(client, upstream):
    upstream.will_answer(chart())
    client.history("BRK.B", 1704672000, 1705881600)
    assert upstream.paths == ["/v8/finance/chart/BRK-B"]
    assert upstream.queries == [
        {"period1": "1704672000", "period2": "1705881600", "interval": "1d", "events": "history"}
    ]


def test_the_trading_date_is_that_of_the_exchange(client, upstream):
    upstream.will_answer(chart(timestamps=[1705107000], exchangeTimezoneName="America/New_York"))
    assert list(client.history("AAPL", 0, 1).closes) == [date(2024, 1, 12)]  # the 13th in UTC
    upstream.will_answer(chart(timestamps=[1705107000], exchangeTimezoneName="Asia/Tokyo"))
    assert list(client.history("AAPL", 0, 1).closes) == [date(2024, 1, 13)]


def test_rows_without_a_close_are_left_out(client, upstream):
    upstream.will_answer(chart(timestamps=[1705069800, 1705329000, 1705415400], closes=[None, 0, 183.63]))
    assert client.history("AAPL", 0, 1).closes == {date(2024, 1, 16): Decimal("183.6300")}


@pytest.mark.parametrize("quote", [[{"close": []}], [{}], []])
def test_a_range_without_rows_has_no_closes(client, upstream, quote):
    body = chart(timestamps=None)
    body["chart"]["result"][0]["indicators"]["quote"] = quote
    upstream.will_answer(body)
    assert client.history("AAPL", 0, 1).closes == {}


@pytest.mark.parametrize(("status", "body"), [(404, NOT_FOUND), (400, OUT_OF_RANGE), (422, OUT_OF_RANGE)])
def test_no_data_is_a_definite_answer(client, upstream, status, body):
    upstream.will_answer(body, status=status)
    assert client.history("ZZZZ", 0, 1) is None


@pytest.mark.parametrize("status", [401, 429, 500, 502, 503])
def test_a_refusal_asks_for_a_minute_of_pause_and_is_not_repeated(client, upstream, status):
    upstream.will_answer(text="Too Many Requests", status=status)
    with pytest.raises(ProviderThrottled) as caught:
        client.recent("AAPL")
    assert caught.value.retry_after_seconds == 60


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (404, "<html>not here</html>"),
        (400, '{"chart":{"result":null,"error":{"code":"Bad Request","description":"Invalid input"}}}'),
        (404, "{}"),
        (403, "Forbidden"),
        (302, ""),
    ],
)
def test_any_other_refusal_is_no_definite_answer(client, upstream, status, text):
    for _ in range(3):
        upstream.will_answer(text=text, status=status)
    with pytest.raises(ProviderUnavailable):
        client.recent("AAPL")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"chart": {"result": [], "error": None}},
        {"chart": {"result": [None]}},
        {"chart": {"result": [{"meta": {}}]}},
        chart(timestamps=[1705329000, 1705415400], closes=[1]),
        chart(timestamps=["today"]),
        chart(exchangeTimezoneName="Mars/Olympus"),
        chart(exchangeTimezoneName=None),
    ],
)
def test_an_answer_of_another_shape_is_malformed(client, upstream, body):
    for _ in range(3):
        upstream.will_answer(body)
    with pytest.raises(MalformedAnswer):
        client.recent("AAPL")


def test_what_yahoo_does_not_tell_is_none(client, upstream):
    upstream.will_answer({"chart": {"error": None, "result": [{"meta": {"symbol": "X"}}]}})
    found = client.recent("X")
    assert (found.instrument_type, found.currency, found.long_name, found.market_price) == (None, None, None, None)
