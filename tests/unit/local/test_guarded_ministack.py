"""Who may use the emulator: programs of this machine, and browsers only through the proxy of an API."""

import asyncio
from typing import Any

import pytest

from cdk_app.local.guarded_ministack import guarded, is_welcome


@pytest.mark.parametrize(
    "host", ["localhost:4570", "127.0.0.1:4570", "LOCALHOST:4570", "localhost", "bucket.localhost:1", "[::1]:4570"]
)
def test_a_program_that_names_this_machine_is_welcome(host):
    assert is_welcome([(b"host", host.encode())])


@pytest.mark.parametrize(
    "host",
    ["", "evil.example:4570", "localhost.evil.example:4570", "127.0.0.1.evil.example", "xlocalhost", "0.0.0.0:4570"],
)
def test_a_name_that_was_bent_to_this_machine_is_not(host):
    assert not is_welcome([(b"host", host.encode())])
    assert not is_welcome([(b"host", host.encode()), (b"x-handed-on-by-proxy", b"1")])


@pytest.mark.parametrize(
    "sent_by_a_browser",
    [
        (b"origin", b"https://evil.example"),
        (b"origin", b"null"),
        (b"origin", b"http://localhost:8000"),
        (b"sec-fetch-site", b"cross-site"),
        (b"sec-fetch-site", b"same-site"),
        (b"sec-fetch-site", b"same-origin"),
        (b"sec-fetch-site", b"none"),
    ],
)
def test_a_browser_is_not_welcome_but_through_the_proxy(sent_by_a_browser):
    headers = [(b"host", b"localhost:4570"), sent_by_a_browser]
    assert not is_welcome(headers)
    assert is_welcome([*headers, (b"x-handed-on-by-proxy", b"1")])


def through_the_door(scope: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Scopes that reached the application, and messages that were sent without it."""
    reached: list[Any] = []
    sent: list[Any] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def knock() -> None:
        await guarded(application)(scope, receive, send)

    asyncio.run(knock())
    return reached, sent


def test_what_is_welcome_comes_without_the_mark_of_the_proxy():
    host = (b"host", b"localhost")
    headers = [host, (b"x-handed-on-by-proxy", b"1")]
    reached, sent = through_the_door({"type": "http", "path": "/a", "headers": headers})
    assert reached == [{"type": "http", "path": "/a", "headers": [host]}]
    assert sent == []


@pytest.mark.parametrize(("kind", "answer"), [("http", ("status", 403)), ("websocket", ("code", 1008))])
def test_what_is_not_is_answered_at_the_door(kind, answer):
    headers = [(b"host", b"localhost"), (b"origin", b"https://evil.example")]
    reached, sent = through_the_door({"type": kind, "path": "/", "headers": headers})
    assert reached == []
    assert answer in sent[0].items()


def test_start_and_end_of_the_server_pass():
    assert through_the_door({"type": "lifespan"})[0] == [{"type": "lifespan"}]
