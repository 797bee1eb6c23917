import json
from decimal import Decimal
from typing import Any

import pytest

from lambda_src.runtime.providers.errors import MalformedAnswer
from lambda_src.services.stock_track_record.errors import VideoUnreadable
from lambda_src.services.stock_track_record.videos.rules import ExtractedStock
from tests.support.gemini_calls import VIDEO, ask

type Json = dict[str, Any]

KTOS = '{"stocks":[{"ticker":"KTOS","sentiment":"buy","context":"Owns it","confidence":0.9}]}'
STOCKS = (ExtractedStock("KTOS", "buy", "Owns it", Decimal("0.90")),)


def answer(*texts: str, finish: str = "STOP") -> Json:
    parts = [{"text": text} for text in texts]
    return {"candidates": [{"content": {"parts": parts}, "finishReason": finish}], "usageMetadata": {}}


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


@pytest.mark.parametrize(
    "text",
    [
        f"Here are the stocks that are discussed:\n```json\n{KTOS}\n```",
        f"The speaker [a fund manager] owns one {{of several}} shares.\n\n{KTOS}",
        f"{KTOS}\n\nLet me know if you need more, for example [charts].",
        f"```json\n{KTOS}\n```\nSources: [1], [2]",
        f'```json\n{{"stocks":[]}}\n```\nOn second thought:\n```json\n{KTOS}\n```',
        f'```json\n{{"stocks":[{{"ticker":"KT\n```\nAgain, whole:\n```json\n{KTOS}\n```',
        f'```json\n{KTOS}\n```\n```json\n{{"note":"All prices in US dollars"}}\n```',
        f'```json\n{{"result":{KTOS}}}\n```',
    ],
    ids=["prose, fence", "prose", "prose after", "footnotes", "corrected", "begun anew", "two fences", "wrapped"],
)
def test_an_answer_among_other_words_is_read_with_one_call(gemini, upstream, text):
    upstream.will_answer(answer(text))
    assert ask(gemini) == STOCKS


def test_thoughts_are_no_part_of_the_answer(gemini, upstream):
    thoughts = {"text": '{"stocks":[{"ticker":"GME","sentiment":"buy"}]} or not?', "thought": True}
    body = answer(KTOS)
    body["candidates"][0]["content"]["parts"].insert(0, thoughts)
    upstream.will_answer(body)
    assert ask(gemini) == STOCKS


def test_thoughts_alone_are_an_empty_answer(gemini, upstream):
    upstream.will_answer({"candidates": [{"content": {"parts": [{"text": KTOS, "thought": True}]}}]})
    with pytest.raises(VideoUnreadable, match="empty"):
        ask(gemini)


def test_no_stocks_is_an_answer(gemini, upstream):
    upstream.will_answer(answer('{"stocks":[]}'))
    assert ask(gemini) == ()


UNREADABLE = [
    answer("Here are the stocks:"),
    answer('{"picks":[]}'),
    answer('{"stocks":[{"ticker":"KTOS","sources":[]},{"tick'),
    answer(f'```json\n{{"stocks":[{KTOS[11:-2]},{{"ticker":'),
    answer("Here are the stocks [1] of ['KTOS']: {stocks: none}"),
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
