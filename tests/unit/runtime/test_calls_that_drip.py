"""A server that never stops answering holds its caller no longer than the call may take."""

import socket
import ssl
import threading
import time
from contextlib import ExitStack, closing, contextmanager

import pytest
import trustme

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.outside import AnswerTooLate, Call, Http, NoAnswer
from tests.support.dripping_server import DrippingServer

LIMIT_SECONDS = 0.4
GRACE_SECONDS = 5.0  # for a busy machine; a call that were not cut would take 20 s


@pytest.fixture
def serve():
    with ExitStack() as servers:
        yield lambda *arguments, **options: servers.enter_context(DrippingServer(*arguments, **options))


@pytest.fixture
def http():
    with closing(Http()) as it:
        yield it


@contextmanager
def takes_no_longer_than(seconds):
    started, threads = time.monotonic(), threading.enumerate()
    yield
    assert time.monotonic() - started < seconds
    assert set(threading.enumerate()) <= set(threads), "a thread outlives the call"


LONG = b"x" * 1_000
DRIPS = {
    "status line": (b"", b"HTTP/1.1 " + LONG),
    "header": (b"HTTP/1.1 200 OK\r\nx-long: ", LONG),
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 200),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 40),
    "body": (b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", LONG),
    "chunks": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 200),
}


@pytest.mark.parametrize("drip", DRIPS)
def test_an_answer_that_drips_is_cut_when_the_time_of_the_call_is_over(serve, http, drip):
    server = serve(*DRIPS[drip])

    with takes_no_longer_than(LIMIT_SECONDS + GRACE_SECONDS), pytest.raises(AnswerTooLate):
        http.exchange(server.url, Call("read", "/x", LIMIT_SECONDS), provider="test")


def test_an_answer_over_tls_that_drips_is_cut_too(serve, http, tmp_path, monkeypatch):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = serve(*DRIPS["header"], context=context)

    with takes_no_longer_than(LIMIT_SECONDS + GRACE_SECONDS), pytest.raises(AnswerTooLate):
        http.exchange(server.url, Call("read", "/x", LIMIT_SECONDS), provider="test")


def test_a_handshake_that_drips_is_cut(serve, http):
    record_of_16_kib = b"\x16\x03\x03\x40\x00"
    server = serve(record_of_16_kib, LONG, is_rash=True)

    with takes_no_longer_than(LIMIT_SECONDS + GRACE_SECONDS), pytest.raises(AnswerTooLate):
        http.exchange(server.url, Call("read", "/x", LIMIT_SECONDS), provider="test")


def test_a_call_over_a_kept_connection_has_its_own_time(serve, http):
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
    server = serve(whole, b"0123456789")

    for _ in range(4):  # each of at least 0.2 s
        call = Call("read", "/x", 2 * LIMIT_SECONDS)
        assert http.exchange(server.url, call, provider="test").content == b"0123456789"
    assert server.connections == 1


def resolving_to(*addresses):
    """A resolver that knows a host of many addresses, and of addresses what everybody knows."""
    resolve = socket.getaddrinfo

    def answer(host, port, *rest, **options):
        if host in addresses:
            return resolve(host, port, *rest, **options)
        return [entry for each in addresses for entry in resolve(each, port, *rest, **options)]

    return answer


def test_a_host_with_many_dead_addresses_does_not_cost_a_timeout_for_each(http, monkeypatch):
    tried = []

    def connect(address, *_rest, **_options):
        tried.append(address)
        raise TimeoutError  # after no time: what is left is looked at below

    left = iter([1.0, 0.6, 0.2, 0.0])
    monkeypatch.setattr(Deadline, "remaining_seconds", lambda _self: next(left))
    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to(*(f"192.0.2.{n}" for n in range(9))))

    with pytest.raises(AnswerTooLate):
        http.exchange("http://many.example", Call("read", "/x", 1), provider="test")

    assert tried == [("192.0.2.0", 80), ("192.0.2.1", 80), ("192.0.2.2", 80)]


def test_a_dead_address_leaves_the_next_one_its_chance(serve, http, monkeypatch):
    server = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("::1", "127.0.0.1"))  # nobody listens at the first

    assert http.exchange(server.url, Call("read", "/x", 2), provider="test").content == b"ok"


def test_a_host_without_an_address_gives_no_answer(http, monkeypatch):
    def knows_nothing(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", knows_nothing)
    with pytest.raises(NoAnswer):
        http.exchange("http://nowhere.example", Call("read", "/x", 2), provider="test")


def test_a_call_through_a_proxy_is_bounded_like_any_other(serve, http, monkeypatch):
    server = serve(*DRIPS["header"])
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    with takes_no_longer_than(LIMIT_SECONDS + GRACE_SECONDS), pytest.raises(AnswerTooLate):
        http.exchange("http://elsewhere.example", Call("read", "/x", LIMIT_SECONDS), provider="test")
    assert server.connections == 1
