"""The proxy against a server that tells what reached it."""

import asyncio
import gzip
import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cdk_app.environments import LOCAL
from cdk_app.local import proxy
from cdk_app.local.paced_starts import START_SECONDS
from cdk_app.local.proxy import create_proxy
from cdk_app.local.web import WebServer
from tests.support import loopback
from tests.support.http_server import ThreadedServer
from tests.support.ports import free_port

PREFIX = b"/_aws/execute-api/abc123/$default"


@dataclass
class Emulator:
    """Remembers the last request and answers as told."""

    answer: Response = field(default_factory=Response)
    method: str = ""
    target: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def __call__(self, scope, receive, send) -> None:
        request = Request(scope, receive)
        self.method = request.method
        self.target = scope["raw_path"] + b"?" + scope["query_string"]
        self.headers = dict(request.headers)
        self.body = await request.body()
        await self.answer(scope, receive, send)


@pytest.fixture(scope="module")
def the_emulator() -> Emulator:
    return Emulator()


@pytest.fixture(scope="module")
def api(the_emulator: Emulator) -> Iterator[httpx.Client]:
    port = free_port()
    with ThreadedServer(Starlette(routes=[Route("/{path:path}", the_emulator)])) as upstream:
        server = WebServer("proxy", create_proxy(emulator_url=upstream.url, api_id="abc123"), port=port)
        server.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
        server.stop()


@pytest.fixture
def emulator(the_emulator: Emulator) -> Emulator:
    """The one emulator, having forgotten the test before."""
    for name, value in vars(Emulator()).items():
        setattr(the_emulator, name, value)
    return the_emulator


def test_the_emulator_is_told_which_api_is_meant(api, emulator):
    api.get("/health")
    assert emulator.target == PREFIX + b"/health?"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_passes(api, emulator, method):
    api.request(method, "/api/channels")
    assert emulator.method == method


def test_path_and_query_pass_as_they_were_written(api, emulator):
    target = b"/api/a%2Fb/../%23%20%c3%a9/?x=%2F&x=a+b&y"
    api.send(httpx.Request("GET", api.base_url, headers={"host": "localhost"}, extensions={"target": target}))
    assert emulator.target == PREFIX + target


def test_headers_pass_but_those_of_the_connection(api, emulator):
    api.get("/", headers={"origin": "http://localhost:5173", "x-request-id": "r1", "te": "trailers"})
    assert emulator.headers["origin"] == "http://localhost:5173"
    assert emulator.headers["x-request-id"] == "r1"
    assert "te" not in emulator.headers


def test_a_body_passes_byte_for_byte(api, emulator):
    body = bytes(range(256)) * 4000
    api.post("/", content=body)
    assert emulator.body == body


def test_an_answer_passes_with_status_cookies_and_compression(api, emulator):
    compressed = gzip.compress(b"long text " * 1000)
    emulator.answer = Response(compressed, status_code=418, headers={"content-encoding": "gzip"})
    emulator.answer.set_cookie("a", "1")
    emulator.answer.set_cookie("b", "2")
    with api.stream("GET", "/") as answer:
        assert b"".join(answer.iter_raw()) == compressed
    assert answer.status_code == 418
    assert answer.headers["content-length"] == str(len(compressed))
    assert [cookie.partition(";")[0] for cookie in answer.headers.get_list("set-cookie")] == ["a=1", "b=2"]


def test_an_answer_without_a_body_has_none(api, emulator):
    emulator.answer = Response(status_code=204)
    answer = api.delete("/api/channels/1")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("body_bytes", [proxy.MAX_BODY_BYTES + 1, proxy.MAX_EVENT_BYTES + 1])
def test_a_body_over_the_limit_of_the_gateway_or_of_lambda_is_refused(api, emulator, body_bytes):
    answer = api.post("/", content=b"x" * body_bytes)
    assert answer.status_code == 413
    assert emulator.method == ""


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x" * 6_291_000, {}, 200),
        (b"x" * 6_291_555, {}, 500),  # and two quotation marks around it
        (b'"' * 3_200_000, {}, 500),  # each is escaped
        (b"x" * 4_718_600, {"content-encoding": "zstd"}, 200),
        (b"x" * 4_718_670, {"content-encoding": "zstd"}, 500),  # as base64 a third more
    ],
    ids=["text that fits", "text", "quotation marks", "compressed that fits", "compressed"],
)
def test_an_answer_that_lambda_could_not_return_is_an_error(api, emulator, body, headers, status):
    emulator.answer = Response(body, headers=headers)
    with api.stream("GET", "/") as answer:
        received = b"".join(answer.iter_raw())
    assert answer.status_code == status
    assert received == (body if status == 200 else b'{"message":"Internal Server Error"}')


def test_a_body_with_two_lengths_passes_with_the_one_it_has(api, emulator):
    """https://www.rfc-editor.org/rfc/rfc9112#section-6.3 - the announced length counts for nothing."""
    both = b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"
    with socket.create_connection((api.base_url.host, api.base_url.port), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n" + both + b"\r\n3\r\nabc\r\n0\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert emulator.body == b"abc"
    assert emulator.headers["content-length"] == "3"


def test_a_caller_that_hangs_up_in_the_middle_is_no_error(api, emulator, caplog):
    logger = logging.getLogger("uvicorn.error")  # propagates to a logger of uvicorn that does not
    logger.addHandler(caplog.handler)
    with socket.create_connection((api.base_url.host, api.base_url.port), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nabc")
        time.sleep(0.1)
    assert api.get("/next").status_code == 200
    logger.removeHandler(caplog.handler)
    assert caplog.messages == []
    assert emulator.method == "GET"


def test_of_two_equal_cors_headers_the_last_one_passes(api, emulator):
    emulator.answer.raw_headers += [
        (b"access-control-allow-origin", b"http://of.the.function"),
        (b"set-cookie", b"a=1"),
        (b"Access-Control-Allow-Origin", b"http://of.the.gateway"),
        (b"set-cookie", b"b=2"),
    ]
    answer = api.get("/")
    assert answer.headers.get_list("access-control-allow-origin") == ["http://of.the.gateway"]
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_a_foreign_host_name_is_refused(api, emulator):
    assert api.get("/", headers={"host": "rebound.example"}).status_code == 400
    assert emulator.method == ""


def test_an_emulator_that_is_gone_is_a_bad_gateway():
    port = free_port()
    server = WebServer("proxy", create_proxy(emulator_url=f"http://127.0.0.1:{free_port()}", api_id="a"), port=port)
    server.start()
    answer = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
    server.stop()
    assert answer.status_code == 502


@pytest.fixture
def hurried(monkeypatch) -> Iterator[tuple[httpx.Client, list[str]]]:
    """A proxy with one connection and little patience, and the paths that reached an emulator that takes its time."""
    monkeypatch.setattr(proxy, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(proxy, "TIMEOUT", httpx.Timeout(1.5, pool=0.2))
    reached: list[str] = []

    async def answer_late(request: Request) -> Response:
        reached.append(request.path_params["path"].rpartition("/")[2])
        await asyncio.sleep(1 if reached[-1] == "slow" else 5)
        return Response("done")

    with ThreadedServer(Starlette(routes=[Route("/{path:path}", answer_late)])) as upstream:
        port = free_port()
        server = WebServer("proxy", create_proxy(emulator_url=upstream.url, api_id="a"), port=port)
        server.start()
        with loopback.client(f"http://127.0.0.1:{port}", timeout=10) as client:
            yield client, reached
        server.stop()


def test_what_is_refused_for_want_of_a_connection_was_never_asked_and_what_was_asked_is_answered(hurried):
    client, reached = hurried
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(client.get, "/slow")
        while not reached:
            time.sleep(0.01)
        second = threads.submit(client.get, "/never")
        assert (second.result().status_code, first.result().text) == (503, "done")
    assert reached == ["slow"]


def test_an_answer_that_never_comes_is_no_promise_that_nothing_was_done(hurried):
    client, _ = hurried
    answer = client.get("/endless")
    assert (answer.status_code, answer.json()) == (
        504,
        {"message": "No answer in time; what was asked may still be done"},
    )


def test_the_proxy_is_more_patient_than_a_function_may_be_slow():
    assert START_SECONDS + LOCAL.api_size.timeout_seconds < proxy.ANSWER_SECONDS


def test_a_redirect_is_for_the_caller_to_follow(api, emulator):
    emulator.answer = Response(status_code=302, headers={"location": "/elsewhere"})
    assert api.get("/").headers["location"] == "/elsewhere"
