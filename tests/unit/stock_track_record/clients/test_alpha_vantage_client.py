import logging
from datetime import date
from decimal import Decimal

import httpx
import pytest

from lambda_src.runtime.providers.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderUnavailable,
    QuotaExhausted,
)
from lambda_src.services.stock_track_record.market.clients import AlphaVantageClient

ROW = {"1. open": "182.16", "2. high": "184.26", "3. low": "180.93", "4. close": "183.63", "5. volume": "65603041"}


@pytest.fixture
def client(upstream, keys):
    return AlphaVantageClient(upstream.access(keys, repeats=2), base_url="https://www.alphavantage.co")


def test_daily_closes_come_by_date(client, upstream):
    series = {"2024-01-16": ROW, "2024-01-12": ROW | {"4. close": "185.9200"}, "2024-01-11": ROW | {"4. close": "0"}}
    upstream.will_answer({"Meta Data": {"2. Symbol": "BRK-B"}, "Time Series (Daily)": series})
    assert client.daily_closes("BRK.B") == {date(2024, 1, 16): Decimal("183.63"), date(2024, 1, 12): Decimal("185.92")}
    assert upstream.paths == ["/query"]
    assert upstream.queries == [
        {"function": "TIME_SERIES_DAILY", "symbol": "BRK-B", "outputsize": "compact", "apikey": "key-one"}
    ]
    assert upstream.requests[0].extensions["timeout"]["read"] == 15


def test_an_unknown_symbol_has_definitely_no_closes(client, upstream):
    upstream.will_answer({"Error Message": "Invalid API call. Please retry or visit the documentation"})
    assert client.daily_closes("ZZZZ") is None


@pytest.mark.parametrize("member", ["Note", "Information"])
def test_the_limit_comes_with_status_200_and_is_said_without_the_key(client, upstream, member):
    upstream.will_answer({member: "We have detected your API key as key-one and our standard limit is 25 a day"})
    with pytest.raises(QuotaExhausted) as caught:
        client.daily_closes("AAPL")
    assert "key-one" not in str(caught.value)


@pytest.mark.parametrize("body", [{}, [], {"Time Series (Daily)": None}, {"Time Series (Daily)": {"yesterday": ROW}}])
def test_an_answer_of_another_shape_is_malformed(client, upstream, body):
    upstream.will_answer(body)
    with pytest.raises(MalformedAnswer):
        client.daily_closes("AAPL")


def test_a_server_error_is_not_repeated(client, upstream):
    upstream.will_answer(status=502)
    with pytest.raises(ProviderUnavailable):
        client.daily_closes("AAPL")


def test_a_refused_key_is_an_error_of_the_key(client, upstream):
    upstream.will_answer(status=401)
    with pytest.raises(KeyRejected):
        client.daily_closes("AAPL")


def test_the_key_in_the_address_reaches_no_log(client, upstream, keys, caplog):
    caplog.set_level(logging.DEBUG)
    keys.current = "secret-key"
    upstream.will_answer({"Time Series (Daily)": {}}).will_raise(httpx.ConnectError("refused"))
    client.daily_closes("AAPL")
    with pytest.raises(ProviderUnavailable) as caught:
        client.daily_closes("AAPL")
    assert "secret-key" not in f"{caught.value} {caught.value.__cause__}"
    assert caplog.records
    assert not [record for record in caplog.records if "secret-key" in f"{record.__dict__}"]
