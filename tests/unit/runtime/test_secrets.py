"""Secrets against a server that speaks the Secrets Manager protocol."""

import json
from typing import Any

import pytest

from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.secrets import MIN_REFRESH_SECONDS, Secret, SecretMalformed, SecretUnavailable

DENIED = (400, {"__type": "AccessDeniedException", "message": "no"})


def holding(value: object) -> tuple[int, dict[str, str]]:
    text = value if isinstance(value, str) else json.dumps(value)
    return 200, {"ARN": "arn", "Name": "keys", "VersionId": "1", "SecretString": text}


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def secret(aws, now):
    return Secret("keys", monotonic=lambda: now[0])


def reads(aws: Any) -> int:
    return len(aws.bodies("GetSecretValue"))


def test_nothing_is_read_before_it_is_needed(aws, secret):
    assert aws.calls == []


def test_a_member_is_read_by_name_and_the_secret_once(aws, secret):
    aws.answers["GetSecretValue"] = [holding({"youtube_api_key": "k1", "gemini_api_key": ""})]
    assert secret.get("youtube_api_key") == "k1"
    assert secret.get("gemini_api_key") == ""
    assert aws.bodies("GetSecretValue") == [{"SecretId": "keys"}]


def test_a_value_is_read_again_when_it_is_too_old(aws):
    aws.answers["GetSecretValue"] = [holding({"current": "old"}), holding({"current": "new"})]
    secret = Secret("keys", max_age_seconds=0)
    assert [secret.get("current"), secret.get("current")] == ["old", "new"]


def test_a_missing_member_may_have_a_default(aws, secret):
    aws.answers["GetSecretValue"] = [holding({"current": "k"})]
    assert secret.get("previous", default="") == ""
    with pytest.raises(SecretMalformed, match="previous"):
        secret.get("previous")


def test_a_member_may_be_an_object(aws, secret):
    aws.answers["GetSecretValue"] = [holding({"jwt": {"current": {"kid": "k1"}}, "text": "hunter2"})]
    assert secret.section("jwt") == {"current": {"kid": "k1"}}
    assert secret.section("oauth") == {}
    with pytest.raises(SecretMalformed) as caught:
        secret.section("text")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", ["no json: hunter2", "[]", '"hunter2"', '{"current": 5}', '{"current": null}', ""])
def test_a_secret_of_the_wrong_shape_is_an_error_that_does_not_show_it(aws, secret, value):
    aws.answers["GetSecretValue"] = [holding(value)]
    with pytest.raises(SecretMalformed) as caught:
        secret.get("current")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_refused_read_is_retryable_and_succeeds_later(aws, secret):
    aws.answers["GetSecretValue"] = [DENIED, holding({"current": "k"})]
    with pytest.raises(SecretUnavailable) as caught:
        secret.get("current")
    assert caught.value.retryable
    assert isinstance(caught.value, StoreUnavailable)
    assert secret.get("current") == "k"


def test_refresh_reads_anew_but_not_more_often_than_allowed(aws, secret, now):
    aws.answers["GetSecretValue"] = [holding({"current": value}) for value in ("first", "second", "third")]
    assert secret.get("current") == "first"
    secret.refresh()
    assert (secret.get("current"), reads(aws)) == ("first", 1)
    now[0] += MIN_REFRESH_SECONDS
    secret.refresh()
    assert (secret.get("current"), reads(aws)) == ("second", 2)
    secret.refresh()
    assert (secret.get("current"), reads(aws)) == ("second", 2)
    now[0] += MIN_REFRESH_SECONDS
    secret.refresh()
    assert (secret.get("current"), reads(aws)) == ("third", 3)


def test_a_refresh_that_failed_is_not_forgotten(aws, secret, now):
    aws.answers["GetSecretValue"] = [holding({"current": "old"}), DENIED, holding({"current": "new"})]
    secret.get("current")
    now[0] += MIN_REFRESH_SECONDS
    secret.refresh()
    with pytest.raises(SecretUnavailable):
        secret.get("current")
    assert secret.get("current") == "new"
