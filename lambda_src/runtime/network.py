"""The network below httpx, with one end for everything that a call does on it.

httpx bounds connecting, and every single read and write; a server that sends one byte of a header now and then keeps
its caller as long as it likes (https://www.python-httpx.org/advanced/timeouts/). Here each step gets no more than what
is left of the call it belongs to. Only the resolver's own patience is not bounded: nothing but a thread could do that.
"""

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from lambda_src.runtime.deadline import Deadline

_deadline: ContextVar[Deadline] = ContextVar("deadline of the call under way")


@contextmanager
def until(deadline: Deadline) -> Iterator[None]:
    """Bounds what a client of `bounded` does inside the block, in this thread: later steps raise httpx's timeouts."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def bounded(client: httpx.Client) -> httpx.Client:
    """The same client; its calls are made inside `until`.

    httpcore lets its network be replaced (https://www.encode.io/httpcore/network-backends/), and httpx does not hand
    that on. So it is replaced where httpx keeps it, in every transport: those of proxies, too.
    """
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 -- as said above
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool  # noqa: SLF001
            pool._network_backend = _Network(pool._network_backend)  # noqa: SLF001
    return client


class _Network(httpcore.NetworkBackend):
    """Connects with what is left of the call under way."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """One address of the host after the other, each with `timeout`: their sum is what nobody else bounds."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError("The host has no address")
        for address in _addresses(host, port):
            seconds = _left(timeout, httpcore.ConnectTimeout)
            try:
                return _Stream(self._inner.connect_tcp(address, port, seconds, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection, of which each step gets what is left of the call under way.

    A request of ours fits into the buffer of a socket, so one write is one step. So is a handshake: Python's own code
    bounds all its reads together.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
    """Seconds for the next step, more than 0. Raises `late` when there are none."""
    seconds = _deadline.get().remaining_seconds()
    if seconds <= 0:
        raise late("The time of the call is over")
    return seconds if timeout is None else min(timeout, seconds)


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise httpcore.ConnectError(str(exc)) from exc
    return [str(address[0]) for *_, address in found]
