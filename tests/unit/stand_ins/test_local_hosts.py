"""Who is answered by the servers of this machine, by the Host that a request names."""

import asyncio
from typing import Any

import pytest

from cdk_app.services.stand_ins.hosts import LocalNamesOnly


def answered(*hosts: bytes, kind: str = "http") -> tuple[bool, list[Any]]:
    """Whether a request with these Host headers reaches the application, and what was sent instead."""
    reached: list[Any] = []
    sent: list[Any] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "headers": [(b"accept", b"*/*"), *((b"host", host) for host in hosts)]}
    asyncio.run(LocalNamesOnly(application)(scope, receive, send))
    return bool(reached), sent


@pytest.mark.parametrize(
    "host", [b"localhost", b"localhost:8010", b"LocalHost:8010", b"127.0.0.1", b"127.0.0.1:8010", b"[::1]", b"[::1]:80"]
)
def test_this_machine_is_answered_under_each_of_its_names(host):
    assert answered(host) == (True, [])


@pytest.mark.parametrize(
    "hosts",
    [
        [b"evil.example"],
        [b"evil.example:8010"],
        [b"localhost.evil.example"],
        [b"127.0.0.1.evil.example:8010"],
        [b"xlocalhost"],
        [b"localhost:8010.evil.example"],
        [b"localhost\n"],
        [b"0.0.0.0:8010"],  # reaches this machine, too, from a page on any origin
        [b"[::1].evil.example"],
        [b"[::ffff:7f00:1]"],
        [b""],
        [],
        [b"localhost", b"evil.example"],
    ],
)
def test_any_other_name_is_refused(hosts):
    reached, sent = answered(*hosts)
    assert not reached
    assert sent[0]["status"] == 400


def test_a_websocket_for_another_name_is_closed():
    assert answered(b"evil.example", kind="websocket") == (False, [{"type": "websocket.close", "code": 1008}])


def test_start_and_end_of_a_server_pass():
    assert answered(kind="lifespan") == (True, [])
