import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Thread
from time import monotonic, sleep

import httpx
import pytest

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Channel, Pick, Video
from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.worlds import channel_with, numbered_stocks, spread_mentions

NOW = datetime(2025, 1, 15, 8, 30, tzinfo=UTC)
MODEL = "/gemini/v1beta/models/gemini-flash-latest:generateContent"
KEY = {"x-goog-api-key": "sample"}


def body_about(video_id: str) -> dict[str, object]:
    uri = f"https://www.youtube.com/watch?v={video_id}"
    return {
        "contents": [
            {
                "role": "user",
                "parts": [{"file_data": {"file_uri": uri, "mime_type": "video/mp4"}}, {"text": "Which stocks?"}],
            }
        ],
        "generationConfig": {"temperature": 0.1, "responseMimeType": "application/json"},
    }


def ask(client: httpx.Client, video_id: str) -> httpx.Response:
    return client.post(MODEL, json=body_about(video_id), headers=KEY)


def picks_in(response: httpx.Response) -> list[dict[str, object]]:
    [candidate] = response.json()["candidates"]
    assert candidate["finishReason"] == "STOP"
    picks = json.loads("".join(part["text"] for part in candidate["content"]["parts"]))["stocks"]
    assert isinstance(picks, list)
    return picks


def wait_until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = monotonic() + seconds
    while not holds():
        assert monotonic() < deadline, "waited in vain"
        sleep(0.01)


def test_a_video_is_answered_with_its_picks(serve):
    client = serve(World.custom(answers={"abc": [gemini_answers.stocks(Pick("KTOS", "buy", "Likes drones.", 0.9))]}))
    assert picks_in(ask(client, "abc")) == [
        {"ticker": "KTOS", "sentiment": "buy", "context": "Likes drones.", "confidence": 0.9}
    ]


def test_answers_come_in_their_order_and_the_last_repeats(serve):
    script = [gemini_answers.rate_limited("37s"), gemini_answers.overloaded(), gemini_answers.stocks()]
    world = World.custom(answers={"abc": script})
    client = serve(world)
    assert [ask(client, "abc").status_code for _ in range(4)] == [429, 503, 200, 200]
    assert [call.status for call in world.calls_for_video("abc")] == [429, 503, 200, 200]


def test_a_rate_limit_names_its_delay(serve):
    client = serve(World.custom(answers={"abc": [gemini_answers.rate_limited("37s")]}))
    error = ask(client, "abc").json()["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}]


def test_a_listed_video_without_a_script_has_no_stocks_and_a_private_one_is_forbidden(serve):
    videos = (Video(id="plain", title="", published_at=NOW), Video(id="private", title="", published_at=None))
    client = serve(World.custom(channels=[Channel(id="UC" + "a" * 22, title="A", handle="@a", videos=videos)]))
    assert picks_in(ask(client, "plain")) == []
    assert ask(client, "private").status_code == 403
    assert ask(client, "unknown").status_code == 400


@pytest.mark.parametrize(
    ("headers", "model", "status", "reason"),
    [
        ({}, "gemini-flash-latest", 403, "PERMISSION_DENIED"),
        ({"x-goog-api-key": "bad-key"}, "gemini-flash-latest", 400, "INVALID_ARGUMENT"),
        (KEY, "gemini-2.0-flash", 404, "NOT_FOUND"),
        (KEY, "gpt-4", 404, "NOT_FOUND"),
    ],
)
def test_a_key_or_a_model_that_is_not_accepted_is_refused(serve, headers, model, status, reason):
    client = serve(World.custom(answers={"abc": [gemini_answers.stocks()]}))
    response = client.post(f"/gemini/v1beta/models/{model}:generateContent", json=body_about("abc"), headers=headers)
    assert (response.status_code, response.json()["error"]["status"]) == (status, reason)


def test_a_bad_key_is_named_in_the_details(serve):
    response = serve(World.custom()).post(MODEL, json=body_about("abc"), headers={"x-goog-api-key": "bad"})
    assert response.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_a_body_with_a_misspelt_field_is_refused(serve):
    client = serve(World.custom(answers={"abc": [gemini_answers.stocks()]}))
    response = client.post(MODEL, json=body_about("abc") | {"generationConfg": {}}, headers=KEY)
    assert response.status_code == 400
    assert 'Unknown name "generationConfg"' in response.json()["error"]["message"]


def test_a_request_without_a_prompt_is_refused(serve):
    client = serve(World.custom(answers={"abc": [gemini_answers.stocks()]}))
    uri = "https://www.youtube.com/watch?v=abc"
    response = client.post(MODEL, json={"contents": [{"parts": [{"fileData": {"fileUri": uri}}]}]}, headers=KEY)
    assert response.status_code == 400


def test_a_scripted_fault_goes_first_and_does_not_use_up_an_answer(serve):
    world = World.custom(answers={"abc": [gemini_answers.stocks(Pick("NVDA"))]})
    client = serve(world)
    world.fail_next("gemini", 503, "upstream connect error", times=2)
    world.answer_next("gemini", gemini_answers.key_invalid())
    answers = [ask(client, "abc") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 400, 200]
    assert answers[0].text == "upstream connect error"
    assert picks_in(answers[3])[0]["ticker"] == "NVDA"


def test_calls_for_one_video_at_once_are_counted(serve):
    world = World.custom(channels=[channel_with(2, newest=NOW)])
    client = serve(world)
    world.set_delay("gemini", 0.3)
    threads = [Thread(target=ask, args=(client, "video00000")) for _ in range(3)]
    for thread in threads:
        thread.start()
    ask(client, "video00001")
    for thread in threads:
        thread.join()
    assert world.max_in_flight("video00000") == 3
    assert world.max_in_flight("video00001") == 1
    assert world.in_flight("video00000") == 0


def test_a_caller_that_dies_is_no_longer_in_flight(serve):
    world = World.custom(channels=[channel_with(1, newest=NOW)])
    client = serve(world)
    world.set_delay("gemini", 60)
    body = json.dumps(body_about("video00000")).encode()
    head = f"POST {MODEL} HTTP/1.1\r\nHost: x\r\nx-goog-api-key: k\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
        connection.sendall(head + body)
        wait_until(lambda: world.in_flight("video00000") == 1)
    wait_until(lambda: world.in_flight("video00000") == 0)
    assert [call.status for call in world.calls_for_video("video00000")] == [None]


def test_a_test_can_step_in_before_an_answer(serve):
    world = World.custom(channels=[channel_with(1, newest=NOW)])
    client = serve(world)
    asked, released = Event(), Event()
    subjects = []

    def step_in(call):
        subjects.append(call.subject)
        asked.set()
        assert released.wait(5)

    world.before_answer = step_in
    caller = Thread(target=ask, args=(client, "video00000"))
    caller.start()
    assert asked.wait(5)
    assert world.in_flight("video00000") == 1
    released.set()
    caller.join(5)
    assert subjects == ["video00000"]


def test_the_ledger_keeps_the_body_and_no_key(serve):
    world = World.custom(channels=[channel_with(1, newest=NOW)])
    client = serve(world)
    client.post(MODEL, params={"key": "secret"}, json=body_about("video00000"), headers=KEY)
    [call] = world.calls("gemini")
    assert json.loads(call.body)["generationConfig"]["temperature"] == 0.1
    assert "secret" not in repr(call)


def test_a_large_world_holds_exactly_the_mentions_asked_for():
    channel, stocks = channel_with(500, newest=NOW), numbered_stocks(150)
    answers = spread_mentions(channel, stocks, 2_500)
    texts = [
        json.loads(json.loads(answer.body)["candidates"][0]["content"]["parts"][0]["text"])["stocks"]
        for [answer] in answers.values()
    ]
    assert len(answers) == 500
    assert sum(len(picks) for picks in texts) == 2_500
    assert len({pick["ticker"] for picks in texts for pick in picks}) == 150
    assert all(len({pick["ticker"] for pick in picks}) == len(picks) for picks in texts)


def test_the_sample_channel_answers_in_every_way_the_model_can(serve):
    world = World.sample(gemini_delay_seconds=0)
    client = serve(world)
    outcomes = set()
    for video in world.channels[0].videos:
        answer = ask(client, video.id)
        body = answer.json()
        candidate = body.get("candidates", [{}])[0]
        outcomes.add((answer.status_code, candidate.get("finishReason"), "promptFeedback" in body))
    assert outcomes == {
        (200, "STOP", False),
        (200, "MAX_TOKENS", False),
        (200, "RECITATION", False),
        (200, None, True),
        (200, None, False),
        (400, None, False),
        (403, None, False),
        (429, None, False),
    }
