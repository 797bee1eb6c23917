"""The application as Lambda calls it, with recorded events of an HTTP API."""

import base64
import copy
import gzip
import json
import logging
import random
import threading

import pytest
import snapshot_restore_py  # type: ignore[import-untyped]
from pydantic import BaseModel

from lambda_src.runtime.lambda_http import is_for_snapshot, prepare_for_snapshot, prime
from lambda_src.runtime.routing import Router


class NewChannel(BaseModel):
    url: str
    time_range_months: int = 12


@pytest.fixture
def app(make_app, router: Router):
    @router.get("/api/channels")
    def list_channels(page: int = 1, per_page: int = 20) -> dict[str, list[str] | int]:
        return {"page": page, "per_page": per_page, "items": ["channel"] * 500}

    @router.post("/api/channels", status_code=201)
    def create_channel(body: NewChannel) -> dict[str, object]:
        return body.model_dump()

    @router.get("/api/channels/{channel_id}/prime")
    def broken(channel_id: str) -> None:
        raise RuntimeError(channel_id)

    return make_app(router)


@pytest.fixture
def handler(app, handler_of):
    return handler_of(app)


def test_a_get_is_answered_compressed_as_base64(handler, event):
    answer = handler(event("api_gateway_v2_get"), None)
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is True
    assert answer["headers"]["content-encoding"] == "gzip"
    body = json.loads(gzip.decompress(base64.b64decode(answer["body"])))
    assert (body["page"], body["per_page"], len(body["items"])) == (1, 20, 500)


def test_the_request_id_is_the_gateways(handler, event):
    answer = handler(event("api_gateway_v2_get"), None)
    assert answer["headers"]["x-request-id"] == "EZ1aBhFbIAMEJ9Q="


def test_a_post_is_answered_as_text(handler, event):
    answer = handler(event("api_gateway_v2_post"), None)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (201, False)
    assert json.loads(answer["body"])["url"] == "https://www.youtube.com/@TestChannel"
    assert answer["headers"]["access-control-allow-origin"] == "http://localhost:5173"


def test_a_body_may_arrive_as_base64(handler, event):
    post = event("api_gateway_v2_post")
    post |= {"body": base64.b64encode(post["body"].encode()).decode(), "isBase64Encoded": True}
    assert handler(post, None)["statusCode"] == 201


def test_a_post_without_a_body_is_a_problem_in_plain_text(handler, event):
    post = event("api_gateway_v2_post")
    del post["body"]
    answer = handler(post, None)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (422, False)
    problem = json.loads(answer["body"])
    assert (problem["code"], problem["request_id"]) == ("validation_error", "EZ1bChGcIAMEKxA=")


def test_the_event_is_left_as_it_came(handler, event):
    get = event("api_gateway_v2_get")
    before = copy.deepcopy(get)
    handler(get, None)
    assert get == before


def test_something_runs_after_every_invocation(app, handler_of, event):
    calls = []
    handler = handler_of(app, after=lambda: calls.append(1))
    handler(event("api_gateway_v2_get"), None)
    with pytest.raises(KeyError):
        handler({"version": "2.0", "requestContext": {}}, None)
    assert calls == [1, 1]


def test_the_handler_may_be_called_from_another_thread(handler, event):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(handler(event("api_gateway_v2_get"), None)))
    thread.start()
    thread.join()
    assert answers[0]["statusCode"] == 200


def test_priming_serves_a_request_without_a_line_in_the_log(make_app, router: Router, handler_of, caplog):
    seen: list[int] = []

    @router.get("/api/channels")
    def list_channels(per_page: int = 20) -> None:
        logging.getLogger("lambda_src.sample").info("listing")
        seen.append(per_page)

    with caplog.at_level(logging.INFO):
        prime(handler_of(make_app(router)), "/api/channels?per_page=1")
    assert seen == [1]
    assert not caplog.records


def test_priming_that_fails_is_told_and_harms_nothing(handler, event, caplog):
    with caplog.at_level(logging.INFO):
        prime(handler, "/api/channels/x/prime")
        assert [record.message for record in caplog.records] == ["priming failed"]
        assert handler(event("api_gateway_v2_get"), None)["statusCode"] == 200
    assert "request served" in caplog.messages, "logging is on again"


def test_priming_survives_a_handler_that_raises(caplog):
    def handler(event, context):
        raise OSError("no route to host")

    prime(handler, "/api/channels")
    assert caplog.messages == ["priming failed"]


@pytest.mark.parametrize(("kind", "expected"), [("snap-start", True), ("on-demand", False), (None, False)])
def test_only_a_start_for_a_snapshot_is_one(monkeypatch, kind, expected):
    if kind is None:
        monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
    else:
        monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
    assert is_for_snapshot() is expected


@pytest.fixture
def restored():
    """Runs what was registered for the moment after a restoration, as Lambda's Python does, and forgets it."""

    def run() -> None:
        for hook, arguments, named in snapshot_restore_py.get_after_restore():
            hook(*arguments, **named)

    yield run
    snapshot_restore_py.get_after_restore().clear()


def test_a_start_for_a_snapshot_is_disconnected_and_seeds_its_copies_anew(monkeypatch, restored):
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    calls = []
    prepare_for_snapshot(lambda: calls.append("disconnected"))
    assert calls == ["disconnected"]
    before = random.getstate()
    restored()
    assert random.getstate() != before


def test_any_other_start_stays_connected(monkeypatch, restored):
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    prepare_for_snapshot(lambda: pytest.fail("disconnected"))
    assert snapshot_restore_py.get_after_restore() == []
