"""A server that answers one byte at a time, each soon enough for a client that bounds every read for itself."""

import socket
import ssl
import threading
from contextlib import closing
from typing import Final, Self

PAUSE_SECONDS: Final = 0.02


class DrippingServer:
    """Answers each request with `said` at once, and then with one byte of `drops` after the other.

    Until `stop()`; also a context manager. context: answer over TLS. is_rash: answer before there is a request, so that
    it meets a handshake.
    """

    def __init__(self, said: bytes, drops: bytes = b"", *, context: ssl.SSLContext | None = None, is_rash=False):
        self._said, self._drops, self._context, self._is_rash = said, drops, context, is_rash
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._is_over = threading.Event()
        self.connections = 0
        self.url = f"{'https' if context or is_rash else 'http'}://localhost:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _serve(self) -> None:
        while not self._is_over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with closing(connection):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            while self._is_rash or self._hears_a_request(connection):
                connection.sendall(self._said)
                for drop in self._drops:
                    if self._is_over.wait(PAUSE_SECONDS):
                        return
                    connection.sendall(bytes([drop]))
        except OSError:
            return  # the client hung up, as it should
        finally:
            connection.close()

    def _hears_a_request(self, connection: socket.socket) -> bool:
        """All of it; False when the client hung up instead."""
        heard = b""
        while not heard.endswith(b"\r\n\r\n"):
            more = connection.recv(4096)
            if not more:
                return False
            heard += more
        return True
