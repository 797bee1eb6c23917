from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from cdk_app.local.standins import World, standins_app
from tests.support.http_server import ThreadedServer

type Serve = Callable[[World], httpx.Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a world over HTTP until the test is over, and hands out a client for it."""
    with ExitStack() as stack:

        def start(world: World) -> httpx.Client:
            server = stack.enter_context(ThreadedServer(standins_app(world)))
            return stack.enter_context(httpx.Client(base_url=server.url, timeout=10))

        yield start
