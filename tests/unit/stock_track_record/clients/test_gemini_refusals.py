"""What Gemini's refusals mean: a pause, the end of the run, or only of this video."""

from typing import Any

import httpx
import pytest

from lambda_src.runtime.providers.errors import (
    KeyRejected,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExhausted,
)
from lambda_src.services.stock_track_record.errors import VideoUnreadable
from tests.support.gemini_calls import ask

type Json = dict[str, Any]


def error(status: int, *details: Json, message: str = "Refused.", name: str = "INVALID_ARGUMENT") -> Json:
    return {"error": {"code": status, "message": message, "status": name, "details": list(details)}}


def reason(name: str) -> Json:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name, "domain": "googleapis.com"}


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("37s", 37.0), ("37.5s", 37.5), ("soon", None), (None, None)],
)
def test_a_throttle_says_how_long_to_wait(gemini, upstream, delay, seconds):
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    quota = {"@type": "type.googleapis.com/google.rpc.QuotaFailure"}
    upstream.will_answer(error(429, quota, retry, name="RESOURCE_EXHAUSTED"), status=429)
    with pytest.raises(ProviderThrottled) as caught:
        ask(gemini)
    assert caught.value.retry_after_seconds == seconds


RETRY_SOON = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}


def quotas(*ids: str) -> Json:
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    violations = [{"quotaMetric": metric, "quotaId": name} for name in ids]
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}


PER_MINUTE = quotas("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")
PER_DAY = quotas("GenerateRequestsPerMinutePerProjectPerModel", "GenerateRequestsPerDayPerProjectPerModel-FreeTier")
BY_METRIC = {"violations": [{"quotaMetric": "generativelanguage.googleapis.com/generate_requests_per_model_per_day"}]}
BY_LIMIT = {"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit": "GenerateContentRequestsPerDay"}}
TOMORROW = {**RETRY_SOON, "retryDelay": "43200s"}


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ([PER_DAY, RETRY_SOON], "You exceeded your current quota."),
        ([BY_METRIC], "You exceeded your current quota."),
        ([BY_LIMIT], "Quota exceeded."),
        ([TOMORROW], "You exceeded your current quota."),
        ([RETRY_SOON], "You can upload no more than 8 hours of YouTube video per day."),
    ],
)
def test_the_quota_of_a_day_is_no_pause(gemini, upstream, details, message):
    upstream.will_answer(error(429, *details, message=message, name="RESOURCE_EXHAUSTED"), status=429)
    with pytest.raises(QuotaExhausted, match="midnight Pacific"):
        ask(gemini)


def test_credits_that_are_used_up_are_no_pause_either(gemini, upstream):
    message = "Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing."
    upstream.will_answer(error(429, message=message, name="RESOURCE_EXHAUSTED"), status=429)
    with pytest.raises(ProviderDisabled, match="paid"):
        ask(gemini)


@pytest.mark.parametrize("details", [[PER_MINUTE, RETRY_SOON], [quotas("InputTokensPerModelPerMinute")], []])
def test_the_quota_of_a_minute_is_one(gemini, upstream, details):
    message = "You exceeded your current quota, please check your plan and billing details. Please retry in 37s."
    upstream.will_answer(error(429, *details, message=message, name="RESOURCE_EXHAUSTED"), status=429)
    with pytest.raises(ProviderThrottled):
        ask(gemini)


LOCATION = "User location is not supported for the API use."
FREE_TIER = "Gemini API free tier is not available in your country. Please enable billing on your project."


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, error(400, message=LOCATION, name="FAILED_PRECONDITION"), "location"),
        (400, error(400, message=FREE_TIER, name="FAILED_PRECONDITION"), "billing"),
        (400, error(400, message="Not as things are.", name="FAILED_PRECONDITION"), "FAILED_PRECONDITION"),
        (403, error(403, reason("BILLING_DISABLED"), message="Enable it."), "billing"),
        (403, error(403, message="This API method requires billing to be enabled."), "billing"),
        (403, error(403, reason("CONSUMER_INVALID")), "CONSUMER_INVALID"),
        (403, error(403, reason("LOCATION_POLICY_VIOLATED")), "LOCATION_POLICY_VIOLATED"),
    ],
)
def test_what_concerns_our_project_disables_gemini_with_its_reason(gemini, upstream, status, body, expected):
    upstream.will_answer(body, status=status)
    with pytest.raises(ProviderDisabled, match=expected) as caught:
        ask(gemini)
    assert type(caught.value) is ProviderDisabled


def test_a_message_that_quotes_the_key_is_not_repeated(gemini, upstream):
    message = "Permission denied: Consumer 'api_key:AIzaSyD-example' has been suspended."
    upstream.will_answer(error(403, reason("CONSUMER_SUSPENDED"), message=message), status=403)
    with pytest.raises(ProviderDisabled) as caught:
        ask(gemini)
    assert "AIza" not in caught.value.detail


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, error(400, message="API key expired. Please renew the API key."), KeyRejected),
        (400, error(400, reason("API_KEY_INVALID"), message="API key not valid."), KeyRejected),
        (401, error(401), KeyRejected),
        (403, error(403, reason("SERVICE_DISABLED")), ProviderDisabled),
        (403, error(403, reason("API_KEY_SERVICE_BLOCKED")), KeyRejected),
        (403, error(403, reason("CONSUMER_SUSPENDED")), ProviderDisabled),
        (403, error(403, message="Your API key was reported as leaked."), KeyRejected),
        (404, error(404, message="models/x is not found"), ProviderDisabled),
    ],
)
def test_a_refused_key_service_or_model_disables_gemini(gemini, upstream, status, body, expected):
    upstream.will_answer(body, status=status)
    with pytest.raises(ProviderDisabled) as caught:
        ask(gemini)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, error(400, message="Cannot fetch content from the provided URL.")),
        (400, error(400, message="The File is not in an ACTIVE state.", name="FAILED_PRECONDITION")),
        (403, error(403, message="The caller does not have permission", name="PERMISSION_DENIED")),
    ],
)
def test_a_video_that_cannot_be_opened_fails_alone(gemini, upstream, status, body):
    upstream.will_answer(body, status=status)
    with pytest.raises(VideoUnreadable) as caught:
        ask(gemini)
    assert caught.value.transcript_failed
    assert body["error"]["message"] in caught.value.detail


@pytest.mark.parametrize("text", ["", "<html>Forbidden</html>", "[]"])
def test_a_refusal_without_details_is_read_by_its_status(gemini, upstream, text):
    upstream.will_answer(text=text, status=403)
    with pytest.raises(VideoUnreadable, match="403"):
        ask(gemini)


def test_a_long_reason_is_cut(gemini, upstream):
    upstream.will_answer(error(400, message="x" * 5000), status=400)
    with pytest.raises(VideoUnreadable) as caught:
        ask(gemini)
    assert len(caught.value.detail) <= 300


@pytest.mark.parametrize("status", [500, 503, 504, 502, 302, 409])
def test_a_server_error_is_transient_and_left_to_the_message(gemini, upstream, status):
    upstream.will_answer(error(status), status=status)
    with pytest.raises(ProviderUnavailable) as caught:
        ask(gemini)
    assert not isinstance(caught.value, ProviderThrottled)


@pytest.mark.parametrize("remaining", [330.0, 5.0])
def test_a_time_out_is_transient_and_left_to_the_message(gemini, upstream, remaining):
    upstream.will_raise(httpx.ReadTimeout("timed out"))
    with pytest.raises(ProviderUnavailable):
        ask(gemini, remaining=remaining)
