"""An ASGI application on a free loopback port, served from a thread of the test process."""

import asyncio
import socket
from contextlib import ExitStack
from threading import Lock, Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Self

import httpx
import uvicorn
from starlette.types import ASGIApp

from tests.support import loopback

START_SECONDS = 10.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.002


class PromptServer(uvicorn.Server):
    """Uvicorn's server without its pauses of a tenth of a second: hundreds of tests start and end one or more."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Let `run` return; called from another thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not await self.on_tick(0):
            await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for each in sockets or []:
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 -- of uvicorn's making
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:  # an answer that still waits is dropped: its test is over
            for task in self.server_state.tasks:
                task.cancel()


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
        self._server = PromptServer(config)
        self._thread = Thread(target=self._server.run, args=([self._socket],), name=f"server {self.url}", daemon=True)
        self._thread.start()
        self._wait_until_started()

    def stop(self) -> None:
        """Ends the server and its thread; a second call does nothing."""
        self._server.end()
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


class LateServer:
    """Serves `app` from the first use of `client` until `stop()`; many threads may be first."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._starting = Lock()
        self._ends = ExitStack()
        self._client: httpx.Client | None = None

    @property
    def client(self) -> httpx.Client:
        with self._starting:
            if self._client is None:
                server = self._ends.enter_context(ThreadedServer(self._app))
                limits = httpx.Limits(max_connections=60, max_keepalive_connections=60)
                opened = loopback.client(server.url, timeout=60, limits=limits)
                self._client = self._ends.enter_context(opened)
            return self._client

    def stop(self) -> None:
        self._ends.close()
