"""The check after a deployment, run against the real API, and against one that fails at every step in every way."""

import string
import time
from itertools import cycle

import pytest
from typer.testing import CliRunner, Result

from cdk_app.operations.smoke import app as command
from cdk_app.services.stock_track_record import smoke as stock_track_record
from tests.support.failing_api import Failing
from tests.support.http_server import ThreadedServer
from tests.support.ports import free_port
from tests.support.stock_track_record import Applications

PATIENCE_SECONDS = 1.0


def smoke(url: str, *options: str) -> Result:
    return CliRunner().invoke(command, [url, "--step-seconds", str(PATIENCE_SECONDS), *options])


def address(app: Applications) -> str:
    return str(app.api.base_url)


def channels(app: Applications) -> int:
    total = app.api.get("/api/channels").json()["total"]
    assert isinstance(total, int)
    return total


def test_an_api_that_works_is_said_to_work_with_time_and_status_of_each_step(new_app):
    result = smoke(address(new_app()))
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()[1:-1]]
    assert {line[0] for line in lines} == {"ok"}
    assert [next(word for word in line if word.isdigit()) for line in lines] == ["200", "200", "201", "204", "404"]
    assert all("ms" in line for line in lines)
    assert result.output.endswith("StockTrackRecord works\n")


def test_nothing_is_left_and_youtube_was_not_asked(new_app):
    app = new_app()
    smoke(address(app))
    assert channels(app) == 0
    app.drain()
    app.forward(minutes=20)  # the second pass of a purge
    app.sweep()
    app.drain()
    assert {item["entity_type"] for item in app.items()} <= {"Counter"}
    assert app.world.ledger.calls("youtube") == ()


def test_channels_of_others_stay(new_app):
    app = new_app()
    mine = app.add()
    assert smoke(address(app)).exit_code == 0
    assert app.channel(mine)["id"] == mine


def test_a_channel_that_was_there_before_is_not_deleted(new_app, monkeypatch):
    app = new_app()
    theirs = app.add(f"https://www.youtube.com/channel/UC{string.ascii_letters[:22]}")
    letters = cycle(string.ascii_letters[:22])
    monkeypatch.setattr("secrets.choice", lambda _: next(letters))
    result = smoke(address(app))
    assert result.exit_code == 1
    assert "FAILED write" in result.output
    assert "channel_exists" in result.output
    assert app.channel(theirs)["id"] == theirs


@pytest.mark.parametrize(
    ("step", "method", "path", "fault"),
    [
        ("health", "GET", "/health", "500"),
        ("health", "GET", "/health", "page"),
        ("health", "GET", "/health", "elsewhere"),
        ("health", "GET", "/health", "hang"),
        ("health", "GET", "/health", "trickle"),
        ("read", "GET", "/api/channels", "500"),
        ("read", "GET", "/api/channels", "list"),
        ("write", "POST", "/api/channels", "500"),
        ("write", "POST", "/api/channels", "other body"),
        ("write", "POST", "/api/channels", "hang"),
        ("delete", "DELETE", "/api/channels/", "500"),
        ("delete", "DELETE", "/api/channels/", "hang"),
        ("is gone", "GET", "/api/channels/", "500"),
        ("is gone", "GET", "/api/channels/", "page"),
    ],
)
def test_the_first_failure_is_named_and_ends_the_check_and_the_channel_is_gone(new_app, step, method, path, fault):
    """The request takes effect and its answer is lost: the worst case for whoever has to clean up."""
    app = new_app()
    failing = Failing(app.app, method, path, fault, after=True)
    with ThreadedServer(failing) as server:
        started = time.monotonic()
        result = smoke(server.url)
    assert result.exit_code == 1
    assert f"FAILED {step} " in result.output
    assert result.output.endswith(f"step `{step}` failed\n")
    assert channels(app) == 0
    assert time.monotonic() - started < 4 * PATIENCE_SECONDS + 5


def test_a_channel_that_cannot_be_deleted_is_named(new_app):
    app = new_app()
    failing = Failing(app.app, "DELETE", "/api/channels/", "500", after=False)
    with ThreadedServer(failing) as server:
        result = smoke(server.url)
    [left] = app.api.get("/api/channels").json()["items"]
    assert result.exit_code == 1
    assert f"delete the one whose youtube_channel_id is {left['youtube_channel_id']}" in result.output


def test_a_write_that_took_no_effect_leaves_nothing_to_look_for(new_app, monkeypatch):
    monkeypatch.setattr(stock_track_record, "PAUSE_SECONDS", 0)
    app = new_app()
    failing = Failing(app.app, "POST", "/api/channels", "500", after=False)
    with ThreadedServer(failing) as server:
        result = smoke(server.url)
    assert result.exit_code == 1
    assert result.output.count("ok     look for remains") == stock_track_record.LOOKS
    assert "may have left" not in result.output


def test_a_server_that_is_not_there_is_a_clear_line():
    result = smoke(f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert "no answer: All connection attempts failed" in result.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["api.example"], "is no http or https address"),
        (["https://api.example", "--service", "Other"], "is none of"),
        (["http://abc.execute-api.localhost:4570"], "take the address that `make run` prints"),
    ],
)
def test_a_wrong_call_is_refused_before_any_request(arguments, complaint):
    result = smoke(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output
