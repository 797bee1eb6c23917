"""Between DynamoDB's clients and the engine: an HTTP server that sees every request and may spoil it.

Faults from inside a client (`dynamodb_faults`) do not reach another process; these do, and connections really break.
"""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal, NamedTuple, override
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """Of the engine. length: as announced, and the connection ends after the content."""

    status: int
    headers: dict[str, str]
    content: bytes
    length: int | None = None


type Damage = Callable[[Answer], Answer]
"""What becomes of the engine's answer on its way back."""
type NamedFault = Literal["throttle", "unprocessed", "server error", "drop before", "drop after"]
type Fault = NamedFault | Damage
"""unprocessed: every third item of a batch comes back. drop: the connection ends before or after the engine acted."""
type Spoil = Callable[[str, int], Fault | None]
"""Called with an operation (`BatchWriteItem`) and how many of those came before; by one thread at a time."""

_HELD_BACK_OF: Final = 3
_ENGINE_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0
_BACKUPS: Final = {
    "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"},
    }
}


class DynamoDBFront(ThreadingHTTPServer):
    """Serves from construction until `stop`. What the engine does not know of AWS (backups) is answered here.

    spoil: may be replaced. seen: requests by operation. spoiled: those among them that met a fault, by fault.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, engine_url: str, spoil: Spoil) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.engine = urlsplit(engine_url).netloc
        self.seen: Counter[str] = Counter()
        self.spoiled: Counter[str] = Counter()
        self.spoil = spoil
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def fault(self, operation: str) -> Fault | None:
        """What becomes of the next request."""
        with self._lock:
            fault = self.spoil(operation, self.seen[operation])
            self.seen[operation] += 1
            if fault:
                self.spoiled["damage" if callable(fault) else fault] += 1
            return fault

    def stop(self) -> None:
        self.shutdown()
        self._thread.join(_STOP_SECONDS)
        self.server_close()

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed, or that does not wait any more, is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: DynamoDBFront
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer is one packet

    @override
    def setup(self) -> None:
        super().setup()
        self._engine = http.client.HTTPConnection(self.server.engine, timeout=_ENGINE_SECONDS)

    @override
    def finish(self) -> None:
        self._engine.close()
        super().finish()

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match self.server.fault(operation):
            case "throttle":
                self._refuse(400, "ProvisionedThroughputExceededException")
            case "server error":
                self._refuse(500, "InternalServerError")
            case "drop before":
                self.close_connection = True
            case "drop after":
                self._ask(body)
                self.close_connection = True
            case "unprocessed" if operation == "BatchWriteItem":
                self._answer(200, self._with_a_part(json.loads(body)))
            case damage if callable(damage):
                self._pass_on(damage(self._asked(body)))
            case _ if operation == "DescribeContinuousBackups":
                self._answer(200, json.dumps(_BACKUPS).encode())
            case _:
                self._answer(*self._ask(body))

    def _ask(self, body: bytes) -> tuple[int, bytes]:
        answer = self._asked(body)
        return answer.status, answer.content

    def _asked(self, body: bytes) -> Answer:
        self._engine.request("POST", "/", body, {**self.headers, "Content-Length": str(len(body))})
        answer = self._engine.getresponse()
        kept = {name: answer.headers[name] for name in ("Content-Type", "x-amz-crc32")}
        return Answer(answer.status, kept, answer.read())

    def _with_a_part(self, request: Any) -> bytes:
        """The engine's answer to the rest of a batch, with what was held back among the unprocessed."""
        batch = request["RequestItems"]
        held = {name: writes[::_HELD_BACK_OF] for name, writes in batch.items()}
        passed = {
            name: [write for number, write in enumerate(writes) if number % _HELD_BACK_OF]
            for name, writes in batch.items()
        }
        passed = {name: writes for name, writes in passed.items() if writes}
        answer: dict[str, Any] = {"UnprocessedItems": {}, "ConsumedCapacity": []}
        if passed:
            status, content = self._ask(json.dumps({**request, "RequestItems": passed}).encode())
            assert status == HTTPStatus.OK, content
            answer = json.loads(content)
        return json.dumps({**answer, "UnprocessedItems": held}).encode()

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode())

    def _answer(self, status: int, content: bytes) -> None:
        self._pass_on(Answer(status, {"Content-Type": "application/x-amz-json-1.0"}, content))

    def _pass_on(self, answer: Answer) -> None:
        self.send_response(answer.status)
        length = len(answer.content) if answer.length is None else answer.length
        for name, value in {**answer.headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)
        self.close_connection = self.close_connection or answer.length is not None

    @override
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def fronting(engine_url: str, spoil: Spoil = lambda _operation, _before: None) -> Iterator[DynamoDBFront]:
    front = DynamoDBFront(engine_url, spoil)
    try:
        yield front
    finally:
        front.stop()
