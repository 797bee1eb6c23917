"""Waits are bounded and jittered; clients give up in time and need no credentials on this machine."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.boto3_client import make_client
from lambda_src.dynamo.calls import Backoff

steady = settings(derandomize=True, deadline=None)


@steady
@given(st.integers(0, 200), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_between_nothing_and_its_bound(n, chance):
    backoff = Backoff()
    assert 0 <= backoff.delay(n, lambda: chance) <= min(1.0, 0.025 * 2.0**n)


def test_waits_double_up_to_the_cap_and_use_all_of_the_range():
    backoff = Backoff(base_seconds=0.1, cap_seconds=0.5)
    assert [backoff.delay(n, lambda: 1.0) for n in range(4)] == [0.1, 0.2, 0.4, 0.5]
    assert [backoff.delay(n, lambda: 0.0) for n in range(4)] == [0, 0, 0, 0]


def test_a_client_gives_up_in_time_and_leaves_retries_to_the_store(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = make_client(region="eu-west-1")
    config: Any = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.0, 5.0)
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert client.meta.region_name == "eu-west-1"


@pytest.mark.parametrize(("in_environment", "used"), [(None, "local"), ("AKIATEST", "AKIATEST")])
def test_a_local_engine_is_given_dummy_credentials_unless_there_are_some(monkeypatch, in_environment, used):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    if in_environment:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", in_environment)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client: Any = make_client(region="us-east-1", endpoint_url="http://127.0.0.1:1")
    assert client._request_signer._credentials.access_key == used
    assert client.meta.endpoint_url == "http://127.0.0.1:1"


def test_the_defaults_are_those_of_the_contract():
    assert Backoff() == Backoff(attempts=8, base_seconds=0.025, cap_seconds=1.0, connection_attempts=3, rounds=10)
