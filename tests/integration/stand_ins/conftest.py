from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from cdk_app.services.stock_track_record.stand_ins.app import standins_app
from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support import loopback
from tests.support.http_server import ThreadedServer

type Serve = Callable[[World], httpx.Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a world over HTTP until the test is over, and hands out a client for it."""
    with ExitStack() as stack:

        def start(world: World) -> httpx.Client:
            server = stack.enter_context(ThreadedServer(standins_app(world)))
            return stack.enter_context(loopback.client(server.url, timeout=10))

        yield start
