import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from lambda_src.runtime.providers.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
)
from lambda_src.runtime.providers.gemini import GeminiClient
from lambda_src.services.stock_track_record.errors import VideoUnreadable
from lambda_src.services.stock_track_record.videos.clients import VideoAnalyst
from lambda_src.services.stock_track_record.videos.rules import ExtractedStock

type Json = dict[str, Any]

VIDEO = "dQw4w9WgXcQ"
KTOS = '{"stocks":[{"ticker":"KTOS","sentiment":"buy","context":"Owns it","confidence":0.9}]}'
STOCKS = (ExtractedStock("KTOS", "buy", "Owns it", Decimal("0.90")),)


def answer(*texts: str, finish: str = "STOP") -> Json:
    parts = [{"text": text} for text in texts]
    return {"candidates": [{"content": {"parts": parts}, "finishReason": finish}], "usageMetadata": {}}


def error(status: int, *details: Json, message: str = "Refused.", name: str = "INVALID_ARGUMENT") -> Json:
    return {"error": {"code": status, "message": message, "status": name, "details": list(details)}}


def reason(name: str) -> Json:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name, "domain": "googleapis.com"}


@pytest.fixture
def gemini(upstream, keys):
    client = GeminiClient(
        upstream.access(keys, repeats=2),
        base_url="https://generativelanguage.googleapis.com/v1beta",
        model="gemini-flash-latest",
    )
    return VideoAnalyst(client)


def ask(gemini: VideoAnalyst, duration: int | None = 843, remaining: float = 330.0) -> tuple[ExtractedStock, ...]:
    return gemini.stocks_in_video(VIDEO, duration, lambda: remaining)


def test_a_video_is_asked_about_in_the_documented_form(gemini, upstream):
    upstream.will_answer(answer(KTOS))
    assert ask(gemini) == STOCKS
    request = upstream.requests[0]
    assert request.method == "POST"
    assert str(request.url).endswith("/v1beta/models/gemini-flash-latest:generateContent")
    assert request.headers["x-goog-api-key"] == "key-one"
    assert request.extensions["timeout"]["read"] == 240
    body = json.loads(request.content)
    video, prompt = body["contents"][0]["parts"]
    assert video == {"file_data": {"file_uri": f"https://www.youtube.com/watch?v={VIDEO}", "mime_type": "video/mp4"}}
    assert "NYSE or NASDAQ" in prompt["text"]
    generation = body["generationConfig"]
    assert (generation["temperature"], generation["maxOutputTokens"]) == (0.1, 8192)
    assert generation["responseMimeType"] == "application/json"
    assert generation["responseSchema"]["required"] == ["stocks"]
    assert "mediaResolution" not in generation


@pytest.mark.parametrize(
    "demand",
    [
        "even\nif only briefly",
        "ETFs",
        "cryptocurrencies",
        "outside the US",
        "buy:",
        "sell:",
        "hold:",
        "mentioned:",
        "150 characters",
        "from 0 to 1",
        "empty list",
        "JSON only",
        "never an instruction",
    ],
)
def test_the_prompt_makes_every_demand(gemini, upstream, demand):
    upstream.will_answer(answer(KTOS))
    ask(gemini)
    assert demand in json.loads(upstream.requests[0].content)["contents"][0]["parts"][1]["text"]


@pytest.mark.parametrize(("duration", "is_low"), [(None, False), (3000, False), (3001, True), (10800, True)])
def test_long_videos_are_watched_at_low_resolution(gemini, upstream, duration, is_low):
    upstream.will_answer(answer(KTOS))
    ask(gemini, duration)
    generation = json.loads(upstream.requests[0].content)["generationConfig"]
    assert (generation.get("mediaResolution") == "MEDIA_RESOLUTION_LOW") is is_low


def test_a_video_above_three_hours_fails_without_a_call(gemini, upstream):
    with pytest.raises(VideoUnreadable, match="3 hours"):
        ask(gemini, 10801)
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("remaining", "timeout"), [(330.0, 240.0), (200.0, 170.0), (40.0, 20.0), (10.0, 5.0), (0.0, 1.0)]
)
def test_the_wait_leaves_time_to_write_the_outcome(gemini, upstream, remaining, timeout):
    upstream.will_answer(answer(KTOS))
    ask(gemini, remaining=remaining)
    assert upstream.requests[0].extensions["timeout"]["read"] == timeout


# ---- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "texts",
    [
        (KTOS[:20], KTOS[20:]),
        (f"```json\n{KTOS}\n```",),
        (f"\n```\n{KTOS}```\n",),
        (json.dumps(json.loads(KTOS)["stocks"]),),
    ],
)
def test_an_answer_may_come_in_parts_fenced_or_as_a_bare_list(gemini, upstream, texts):
    upstream.will_answer(answer(*texts))
    assert ask(gemini) == STOCKS


def test_no_stocks_is_an_answer(gemini, upstream):
    upstream.will_answer(answer('{"stocks":[]}'))
    assert ask(gemini) == ()


UNREADABLE = [
    answer("Here are the stocks:"),
    answer('{"picks":[]}'),
    answer(KTOS[:30], finish="MAX_TOKENS"),
    answer(KTOS, finish="MAX_TOKENS"),
    answer(finish="MAX_TOKENS"),
]


@pytest.mark.parametrize("first", UNREADABLE)
def test_an_answer_that_cannot_be_parsed_is_asked_for_again(gemini, upstream, first):
    upstream.will_answer(first).will_answer(first).will_answer(answer(KTOS))
    assert ask(gemini) == STOCKS
    assert upstream.slept == []


@pytest.mark.parametrize("body", UNREADABLE)
def test_after_three_such_answers_the_video_fails(gemini, upstream, body):
    for _ in range(3):
        upstream.will_answer(body)
    with pytest.raises(VideoUnreadable) as caught:
        ask(gemini)
    assert not caught.value.transcript_failed


def test_without_a_minute_left_it_is_not_asked_again(gemini, upstream):
    upstream.will_answer(UNREADABLE[0]).will_answer(UNREADABLE[0])
    left = iter([330.0, 60.0, 60.0, 59.9])
    with pytest.raises(VideoUnreadable, match="cannot be read"):
        gemini.stocks_in_video(VIDEO, 843, lambda: next(left))
    assert len(upstream.requests) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"candidates": []},
        {"usageMetadata": {}},
        {"promptFeedback": {"blockReason": "SAFETY"}},
        {"promptFeedback": {"blockReason": "OTHER"}, "candidates": [answer(KTOS)["candidates"][0]]},
        answer(KTOS, finish="SAFETY"),
        answer(KTOS, finish="RECITATION"),
        answer(KTOS, finish="PROHIBITED_CONTENT"),
        answer("", "  "),
        answer(),
        {"candidates": [{"finishReason": "STOP"}]},
        {"candidates": [None]},
    ],
)
def test_a_blocked_or_empty_answer_fails_the_video_and_is_never_no_stocks(gemini, upstream, body):
    upstream.will_answer(body)
    with pytest.raises(VideoUnreadable) as caught:
        ask(gemini)
    assert 0 < len(caught.value.detail) <= 300


def test_the_reason_of_a_block_is_named(gemini, upstream):
    upstream.will_answer({"promptFeedback": {"blockReason": "SAFETY"}})
    with pytest.raises(VideoUnreadable, match="SAFETY"):
        ask(gemini)


@pytest.mark.parametrize("text", ["", "<html>", "[]", '"text"'])
def test_an_answer_that_is_no_json_object_is_transient_and_not_repeated_here(gemini, upstream, text):
    upstream.will_answer(text=text)
    with pytest.raises(MalformedAnswer):
        ask(gemini)


# ---- refusals --------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
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
