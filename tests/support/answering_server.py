"""A server whose answers are written down beforehand: for what a real service says only on a bad day."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self

CLOSE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Written:
    """One answer. promised_bytes: a Content-Length that is not that of the body. is_held: it stays open after it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    promised_bytes: int | None = None
    is_held: bool = False


class AnsweringServer:
    """Answers every request with `answer`. Until `stop()`; also a context manager.

    asked: (method, path) of what came. headers: of the last request, by names in lower case.
    """

    def __init__(self, answer: Written | None = None) -> None:
        self.answer = answer or Written()
        self.asked: list[tuple[str, str]] = []
        self.headers: Mapping[str, str] = {}
        self._is_over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # which lets a client go on that asks first whether it may

            def do_GET(self) -> None:
                outer._give(self)

            do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 -- names that the base class looks for

            def log_message(self, *_arguments: object) -> None:
                """Nothing: the test's output is for the test."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, name=f"answers {self.url}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _give(self, request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("content-length", 0)))
        self.asked.append((request.command, request.path))
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self.answer
        request.send_response(answer.status)
        for name, value in answer.headers.items():
            request.send_header(name, value)
        request.send_header(
            "content-length", str(len(answer.body) if answer.promised_bytes is None else answer.promised_bytes)
        )
        request.send_header("connection", "close")
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(answer.body)
            request.wfile.flush()
        if answer.is_held:
            self._is_over.wait(CLOSE_SECONDS)
