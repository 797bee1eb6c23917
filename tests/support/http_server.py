"""An ASGI application on a free loopback port, served from a thread of the test process."""

import socket
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

START_SECONDS = 10.0
STOP_SECONDS = 5.0


class ThreadedServer:
    """Serves `app` from construction until `stop()`; also a context manager.

    url: `http://127.0.0.1:<port>`, no slash at the end. The port is bound before the constructor returns, so that
    two servers never meet. Raises TimeoutError when the server does not come up within 10 s.
    """

    def __init__(self, app: ASGIApp) -> None:
        # With the protocol named, asyncio sends answers without waiting for more to fill a packet (TCP_NODELAY):
        # its check compares `socket.proto`, which is 0 for a socket of socket.create_server. 40 ms a request.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            http="h11",
            ws="none",
            timeout_graceful_shutdown=1,  # an answer that still waits is dropped: its test is over
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, args=([self._socket],), name=f"server {self.url}", daemon=True)
        self._thread.start()
        self._wait_until_started()

    def stop(self) -> None:
        """Ends the server and its thread; a second call does nothing."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._socket.close()
        if self._thread.is_alive():
            raise TimeoutError(f"the server at {self.url} did not stop within {STOP_SECONDS} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_started(self) -> None:
        deadline = monotonic() + START_SECONDS
        while not self._server.started:
            if monotonic() > deadline or not self._thread.is_alive():
                self._server.should_exit = True
                raise TimeoutError(f"the server at {self.url} did not start within {START_SECONDS} s")
            sleep(0.005)
