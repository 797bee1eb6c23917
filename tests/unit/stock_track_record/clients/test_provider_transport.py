import logging
from typing import Any

import httpx
import pytest

from lambda_src.runtime.outside import Call, Http
from lambda_src.runtime.providers.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
)
from lambda_src.runtime.providers.provider import Answer, ApiKeys, Provider
from lambda_src.services.stock_track_record.market.clients import FinnhubClient

BASE = "https://provider.example/api/"


class Sample(Provider):
    name = "Sample"

    def number(self, timeout_seconds: float = 10.0) -> object:
        return self._ask(Call("number", "/number", timeout_seconds, params={"a": "b c"}), self._read)

    def _read(self, answer: Answer) -> object:
        if answer.status == 429:
            raise ProviderThrottled
        if answer.status != 200:
            raise self._unavailable(answer)
        return answer.json()


def sample(upstream: Any, repeats: int = 2) -> Sample:
    return Sample(upstream.access(repeats=repeats), base_url=BASE)


def finnhub(upstream: Any, keys: ApiKeys) -> FinnhubClient:
    return FinnhubClient(upstream.access(keys), base_url=BASE)


def test_a_call_joins_base_url_path_and_parameters(upstream):
    upstream.will_answer(7)
    assert sample(upstream).number() == 7
    assert str(upstream.requests[0].url) == "https://provider.example/api/number?a=b+c"
    assert upstream.requests[0].method == "GET"


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectTimeout("timed out"),
        httpx.ReadTimeout("timed out"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("closed"),
    ],
)
def test_a_short_call_is_repeated_after_one_and_two_seconds(upstream, failure):
    upstream.will_raise(failure).will_answer(status=503).will_answer(7)
    assert sample(upstream).number() == 7
    assert upstream.slept == [1.0, 2.0]


def test_the_last_failure_is_raised(upstream):
    upstream.will_answer(status=503).will_answer(text="<html>").will_raise(httpx.ReadTimeout("timed out"))
    with pytest.raises(ProviderUnavailable, match="Sample did not answer"):
        sample(upstream).number()
    assert upstream.slept == [1.0, 2.0]


def test_a_long_call_is_not_repeated(upstream):
    upstream.will_answer(status=503)
    with pytest.raises(ProviderUnavailable, match="status 503"):
        sample(upstream).number(timeout_seconds=10.1)


def test_nothing_is_repeated_where_somebody_waits(upstream):
    upstream.will_answer(status=503)
    with pytest.raises(ProviderUnavailable):
        sample(upstream, repeats=0).number()
    assert upstream.slept == []


def test_a_provider_that_asks_for_a_pause_is_not_asked_again(upstream):
    upstream.will_answer(status=429)
    with pytest.raises(ProviderThrottled):
        sample(upstream).number()


@pytest.mark.parametrize(
    "text", ["", "<html>", "{", "NaN", "[1e999999999999999999999]", "\x80", "[" * 100_000, "1" * 5000]
)
def test_a_body_that_is_no_json_is_malformed(upstream, text):
    upstream.will_answer(text=text)
    with pytest.raises(MalformedAnswer):
        sample(upstream, repeats=0).number()


def test_a_redirect_is_not_followed(upstream):
    upstream.will_answer(status=302, location="https://elsewhere.example/")
    with pytest.raises(ProviderUnavailable, match="status 302"):
        sample(upstream, repeats=0).number()


def test_an_endless_body_is_cut(upstream):
    upstream.will_answer(text="[" + "1," * 4_100_000 + "1]")
    with pytest.raises(ProviderUnavailable):
        sample(upstream, repeats=0).number()


def test_every_phase_of_a_call_has_a_timeout(upstream):
    upstream.will_answer(7)
    sample(upstream).number(timeout_seconds=8)
    assert upstream.requests[0].extensions["timeout"] == {"connect": 5.0, "read": 8, "write": 8, "pool": 8}


def test_the_client_is_made_at_the_first_call_and_kept(upstream):
    access = upstream.access()
    http = access.http
    assert http._client is None
    upstream.will_answer(1).will_answer(2)
    provider = Sample(access, base_url=BASE)
    assert provider.number() == 1
    client = http._client
    assert provider.number() == 2
    assert http._client is client


def test_loopback_is_never_reached_through_a_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Http()._open() as client:
        direct = client._transport
        assert client._transport_for_url(httpx.URL("http://127.0.0.1:8001/x")) is direct
        assert client._transport_for_url(httpx.URL("http://localhost:8001/x")) is direct
        assert client._transport_for_url(httpx.URL("http://elsewhere.example/x")) is not direct


def test_latency_is_logged_without_address_or_headers(upstream, caplog):
    caplog.set_level(logging.DEBUG)
    upstream.will_answer(7)
    sample(upstream).number()
    (record,) = [each for each in caplog.records if each.message == "upstream answered"]
    assert (record.provider, record.operation, record.status, record.milliseconds) == ("Sample", "number", 200, 0)


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_a_refused_key_is_read_anew_and_the_call_sent_once_more(upstream, keys):
    keys.newer = "key-two"
    upstream.will_answer({"error": "Invalid API key"}, status=401).will_answer({"c": 261.74})
    assert str(finnhub(upstream, keys).quote("AAPL")) == "261.7400"
    assert [request.headers["X-Finnhub-Token"] for request in upstream.requests] == ["key-one", "key-two"]


def test_a_refused_key_is_not_tried_twice(upstream, keys):
    upstream.will_answer({"error": "Invalid API key"}, status=401)
    with pytest.raises(KeyRejected):
        finnhub(upstream, keys).quote("AAPL")
    assert keys.refreshes == 1


def test_a_newer_key_that_is_refused_too_is_the_end(upstream, keys):
    keys.newer = "key-two"
    upstream.will_answer(status=401).will_answer(status=401)
    with pytest.raises(KeyRejected):
        finnhub(upstream, keys).quote("AAPL")
    assert keys.refreshes == 1


@pytest.mark.parametrize("key", ["", "  ", None])
def test_without_a_key_nothing_is_sent(upstream, keys, key):
    keys.current = key
    with pytest.raises(ProviderDisabled, match="No Finnhub API key is configured"):
        finnhub(upstream, keys).quote("AAPL")


@pytest.mark.parametrize("key", ["bad\nkey", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_not_quoted_by_any_error(upstream, keys, key):
    keys.current = key
    with pytest.raises(ProviderDisabled) as caught:
        finnhub(upstream, keys).quote("AAPL")
    assert key not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_key_is_read_at_each_call(upstream, keys):
    client = finnhub(upstream, keys)
    upstream.will_answer({"c": 1}).will_answer({"c": 1})
    client.quote("AAPL")
    keys.current = "key-two"
    client.quote("AAPL")
    assert [request.headers["X-Finnhub-Token"] for request in upstream.requests] == ["key-one", "key-two"]


def test_no_log_line_of_any_library_holds_a_key(upstream, keys, caplog):
    caplog.set_level(logging.DEBUG)
    keys.current = "secret-key"
    upstream.will_answer({"c": 1}).will_answer(status=401).will_answer(status=500).will_raise(httpx.ReadTimeout("t"))
    client = finnhub(upstream, keys)
    client.quote("AAPL")
    for _ in range(3):
        with pytest.raises((ProviderDisabled, ProviderUnavailable)):
            client.quote("AAPL")
    assert len(caplog.records) >= 4
    assert not [record for record in caplog.records if "secret-key" in f"{record.__dict__}"]
