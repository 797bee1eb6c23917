"""Lambda's Runtime API for one fresh process at a time, and the CPU time that process has used when it calls.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. CPU time is read while the process waits for our
answer, so the speed of this server does not show in it. Linux only: other systems do not tell the CPU time of another
process in nanoseconds.
"""

import json
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.import_times import interpreter
from tests.support.peak_memory import peak_bytes

PATH_PREFIX: Final = "/2018-06-01/runtime"
TIMEOUT_SECONDS: Final = 60.0


class StartFailed(RuntimeError):
    """The function did not start, or answered its first request with an error."""


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start. CPU time is user and system time of all threads of the process."""

    init_ms: float
    first_request_ms: float
    peak_megabytes: float

    @property
    def total_ms(self) -> float:
        return self.init_ms + self.first_request_ms


class _Server(ThreadingHTTPServer):
    """Hands out one event, once, and notes when it was asked for and when it was answered."""

    daemon_threads = True

    def __init__(self, event: Mapping[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.event = json.dumps(event).encode()
        self.process_id = 0
        self.launched = threading.Event()
        self.finished = threading.Event()
        self.asked_ns: int | None = None
        self.answered_ns: int | None = None
        self.peak_megabytes = 0.0
        self.answer = b""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of the connection that breaks when the measured process is ended."""


class _Exchange(BaseHTTPRequestHandler):
    """The two calls of the Runtime API that matter, and whatever reports a failure."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        server.launched.wait(TIMEOUT_SECONDS)
        if server.asked_ns is not None:
            self.close_connection = True  # there is one event only
            return
        server.asked_ns = cpu_ns(server.process_id)
        self._reply(
            200,
            server.event,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + TIMEOUT_SECONDS) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:benchmark",
            },
        )

    def do_POST(self) -> None:
        server = self.server
        server.answered_ns = cpu_ns(server.process_id)
        server.peak_megabytes = peak_bytes(server.process_id) / 2**20
        server.answer = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.endswith("/response"):
            server.asked_ns = None  # an error of the start or of the handler
        self._reply(202, b"", {})
        server.finished.set()

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the base class's
        """Say nothing."""


def measure_start(
    *, folder: Path, handler: str, runtime: Path, event: Mapping[str, Any], environment: Mapping[str, str]
) -> Start:
    """Start one process as Lambda would and send it one event.

    folder: the unpacked bundle. runtime: a folder that holds `awslambdaric`. Raises StartFailed unless the answer has
    status 200.
    """
    server = _Server(event)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    process = subprocess.Popen(
        # Without `site`, so that nothing but the bundle, the runtime and the standard library can be imported.
        [interpreter(), "-S", "-m", "awslambdaric", handler],
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(runtime),
            "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's code folder is read-only
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "LAMBDA_TASK_ROOT": str(folder),
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        server.process_id = process.pid
        server.launched.set()
        server.finished.wait(TIMEOUT_SECONDS)
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()
        thread.join()
    return _start(server)


def _start(server: _Server) -> Start:
    if server.asked_ns is None or server.answered_ns is None:
        raise StartFailed(f"The function did not serve a request: {server.answer.decode()[:2000]}")
    if json.loads(server.answer).get("statusCode") != 200:
        raise StartFailed(f"The first request failed: {server.answer.decode()[:2000]}")
    return Start(
        init_ms=server.asked_ns / 1e6,
        first_request_ms=(server.answered_ns - server.asked_ns) / 1e6,
        peak_megabytes=server.peak_megabytes,
    )


def cpu_ns(process_id: int) -> int:
    """Nanoseconds of CPU time a process has used: the clock that clock_getcpuclockid(3) names on Linux."""
    return time.clock_gettime_ns((~process_id << 3) | 2)
