"""A wire that breaks: a TCP proxy that cuts its connections, or falls silent, after so many bytes from the server."""

import contextlib
import socket
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from typing import Final

_CHUNK_BYTES: Final = 1_024
_WAIT_SECONDS: Final = 10.0


class CuttingProxy:
    """Hands bytes on between clients and a server on this machine, each connection up to its limit.

    limits: of the first connection, the second, ... in bytes from the server; the last one is for all that follow, and
    None is no limit. falls_silent: at its limit a connection stays, and nothing comes any more. connections: how many
    there were.
    """

    def __init__(self, server_port: int, limits: Sequence[int | None], *, falls_silent: bool = False) -> None:
        self.connections = 0
        self._ends = Event()
        if not falls_silent:
            self._ends.set()
        self._server_port = server_port
        self._limits = limits
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        # A plain close does not wake the thread that waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_WAIT_SECONDS)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                limit = self._limits[min(self.connections, len(self._limits) - 1)]
                self.connections += 1
                server = socket.create_connection(("127.0.0.1", self._server_port), timeout=_WAIT_SECONDS)
                server.settimeout(None)
                Thread(target=_pump, args=(client, server, None, self._ends), daemon=True).start()
                Thread(target=_pump, args=(server, client, limit, self._ends), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, limit: int | None, ends: Event) -> None:
    with contextlib.suppress(OSError):  # the other direction was cut
        while limit is None or limit > 0:
            chunk = source.recv(_CHUNK_BYTES if limit is None else min(_CHUNK_BYTES, limit))
            if not chunk:
                break
            target.sendall(chunk)
            limit = None if limit is None else limit - len(chunk)
        if limit is not None:
            ends.wait()
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextlib.contextmanager
def cutting(server_port: int, *limits: int | None, falls_silent: bool = False) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(server_port, limits, falls_silent=falls_silent)
    try:
        yield proxy
    finally:
        proxy.stop()
