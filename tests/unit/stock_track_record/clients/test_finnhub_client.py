from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lambda_src.runtime.providers.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
)
from lambda_src.services.stock_track_record.market.clients import FinnhubClient

NOW = datetime(2025, 1, 15, 8, 30, 0, tzinfo=UTC)
QUOTE = {"c": 261.74, "d": 1.2, "dp": 0.4, "h": 263.31, "l": 260.68, "o": 261.07, "pc": 259.45, "t": 1582641000}


@pytest.fixture
def client(upstream, keys):
    return FinnhubClient(upstream.access(keys, repeats=2), base_url="https://finnhub.io/api/v1", clock=lambda: NOW)


def test_a_quote_is_the_current_price(client, upstream):
    upstream.will_answer(QUOTE)
    assert client.quote("BRK.B") == Decimal("261.7400")
    request = upstream.requests[0]
    assert str(request.url) == "https://finnhub.io/api/v1/quote?symbol=BRK.B"
    assert request.headers["X-Finnhub-Token"] == "key-one"
    assert request.extensions["timeout"]["read"] == 5


@pytest.mark.parametrize("current", [0, None])
def test_an_unknown_symbol_has_no_price(client, upstream, current):
    upstream.will_answer({"c": current, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0})
    assert client.quote("ZZZZ") is None


@pytest.mark.parametrize("body", [{}, [], "quote", None])
def test_an_answer_without_a_price_is_malformed(client, upstream, body):
    for _ in range(3):
        upstream.will_answer(body)
    with pytest.raises(MalformedAnswer):
        client.quote("AAPL")


def test_a_wrong_key_turns_finnhub_off(client, upstream):
    upstream.will_answer({"error": "Invalid API key"}, status=401)
    with pytest.raises(KeyRejected):
        client.quote("AAPL")


def test_refused_access_turns_finnhub_off(client, upstream):
    upstream.will_answer({"error": "You don't have access to this resource."}, status=403)
    with pytest.raises(ProviderDisabled):
        client.quote("AAPL")


@pytest.mark.parametrize(
    ("reset", "pause_seconds"),
    [
        (str(int(NOW.timestamp()) + 37), 37),
        (str(int(NOW.timestamp()) - 1), 60),
        (str(int(NOW.timestamp()) + 999_999), 60),
        ("soon", 60),
        ("9" * 400, 60),
        (None, 60),
    ],
)
def test_the_limit_is_kept_until_its_reset_or_for_a_minute(client, upstream, reset, pause_seconds):
    headers = {} if reset is None else {"X_Ratelimit_Reset": reset}
    upstream.will_answer({"error": "API limit reached. Please try again later."}, status=429, **headers)
    with pytest.raises(ProviderThrottled) as caught:
        client.quote("AAPL")
    assert caught.value.retry_after_seconds == pause_seconds


def test_a_server_error_passes(client, upstream):
    upstream.will_answer(status=500).will_answer(status=502).will_answer(QUOTE)
    assert client.quote("AAPL") == Decimal("261.7400")


def test_a_lasting_server_error_is_raised(client, upstream):
    upstream.will_answer(status=500).will_answer(status=500).will_answer(status=500)
    with pytest.raises(ProviderUnavailable):
        client.quote("AAPL")
