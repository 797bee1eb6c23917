import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cdk_app.local.web import WebServer
from tests.support import loopback
from tests.support.ports import free_port


def test_a_request_that_is_dropped_at_the_end_leaves_no_traceback(capfd):
    asked = Event()

    async def endless(_: Request) -> Response:
        asked.set()
        await asyncio.sleep(60)
        return Response()

    port = free_port()
    server = WebServer("sample", Starlette(routes=[Route("/", endless)]), port=port)
    server.start()
    with loopback.client(f"http://127.0.0.1:{port}", timeout=20) as client, ThreadPoolExecutor(1) as threads:
        answer = threads.submit(client.get, "/")
        assert asked.wait(10)
        server.stop()
        assert answer.result().status_code == 500
    assert "Traceback" not in capfd.readouterr().err
