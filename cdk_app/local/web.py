"""ASGI applications of the runner itself (the console, the proxies), each on a loopback port in a thread of its own."""

import asyncio
import logging
import threading
import time
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from cdk_app.local.layout import HOST, LocalCloudError

START_TIMEOUT_SECONDS: Final = 10
STOP_TIMEOUT_SECONDS: Final = 5


class WebServer:
    """One application on one port, from `start` to `stop`."""

    def __init__(self, name: str, app: ASGIApp, *, port: int) -> None:
        self.name = name
        config = uvicorn.Config(
            app, host=HOST, port=port, log_level="warning", access_log=False, server_header=False,
            date_header=False, timeout_graceful_shutdown=1,  # a live page never hangs up by itself
        )  # fmt: skip
        logging.getLogger("uvicorn.error").addFilter(_is_worth_a_line)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """Return once the port is served. Raises LocalCloudError when that fails."""
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise LocalCloudError(f"The {self.name} could not be started on port {self._server.config.port}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server; requests under way are given a second."""
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_SECONDS)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:  # uvicorn's word for "the port is taken", already logged
            return


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Not that a request was dropped at the end: a traceback each would hide what the person is told."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
