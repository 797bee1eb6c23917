"""Helpers for tests of the runtime: recorded events, a client for ASGI applications, and AWS on loopback."""

import asyncio
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from lambda_src.dynamo.client import Response
from lambda_src.dynamo.meter import UsageMeter
from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.http import create_app
from lambda_src.runtime.lambda_http import LambdaHandler, lambda_handler
from lambda_src.runtime.resources import Resources
from lambda_src.runtime.routing import Router
from lambda_src.runtime.settings import ServiceSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette would rather have httpx2, which is not among our dependencies
    from starlette.testclient import TestClient

EVENTS = Path(__file__).parents[2] / "events"
ORIGIN = "http://localhost:5173"
CORS = CorsRules(origins=(ORIGIN,), methods=("GET", "POST", "DELETE", "OPTIONS"))

type Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def event() -> Callable[[str], dict[str, Any]]:
    """A recorded event by name."""
    return lambda name: json.loads((EVENTS / f"{name}.json").read_text())


class Engine:
    """What stands below the tables: answers with nothing, and says what it took. calls: operations so far."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.is_closed = False

    def call(self, operation: str, request: dict[str, Any], pattern: str) -> Response:
        self.calls.append(operation)
        return {"ConsumedCapacity": {"CapacityUnits": 0.5}}

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def resources(engine: Engine) -> Resources:
    return Resources(client=UsageMeter(engine))


@pytest.fixture
def make_app(resources: Resources) -> Callable[..., FastAPI]:
    """`make_app(router)`: an application with sensible defaults, of the routes of some routers."""

    def make(*routers: Router, environment: str = "local", **options: Any) -> FastAPI:
        given = {"title": "Sample", "version": "1.0.0", "cors": CORS, "provided": (), "resources": resources, **options}
        return create_app(settings=ServiceSettings(environment=environment), routers=routers, **given)

    return make


@pytest.fixture
def router() -> Router:
    return Router(tags=["sample"])


@pytest.fixture
def client_of() -> Iterator[Callable[[FastAPI], TestClient]]:
    """A client that shows what a caller sees: exceptions that escape the application fail the test."""
    opened: list[TestClient] = []

    def make(app: FastAPI) -> TestClient:
        opened.append(TestClient(app, base_url="http://127.0.0.1"))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def handler_of() -> Iterator[Callable[..., LambdaHandler]]:
    """`handler_of(app)`: an application as Lambda calls it; one in a test, as it has an event loop of its own."""
    yield lambda_handler
    asyncio.get_event_loop_policy().get_event_loop().close()
    asyncio.set_event_loop(None)


@dataclass
class LoopbackAws:
    """A server that speaks AWS's JSON protocol: answers by operation, in order, the last one again and again."""

    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, list[Answer | Callable[[dict[str, Any]], Answer]]] = field(default_factory=dict)

    def bodies(self, operation: str) -> list[dict[str, Any]]:
        return [body for name, body in self.calls if name == operation]

    def answer(self, operation: str, body: dict[str, Any]) -> Answer:
        self.calls.append((operation, body))
        queued = self.answers.get(operation, [(200, {})])
        answer = queued.pop(0) if len(queued) > 1 else queued[0]
        return answer(body) if callable(answer) else answer


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackAws]:
    """AWS on a free port of this machine; boto3 clients made during the test go there."""
    state = LoopbackAws()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, answer = state.answer(self.headers["x-amz-target"].split(".")[-1], body)
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_arguments: object) -> None:
            """Nothing: the test's output is for the test."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    for name, value in {
        "AWS_ENDPOINT_URL": state.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
