"""A worker whose every step to the outside is counted, so that a test can act before any of them, or end it there.

    with stepped_worker(app, Steps(kill_before("TransactWriteItems", nth=2))) as worker:
        with pytest.raises(Killed):
            app.deliver(sent, worker=worker)

A step is one request to DynamoDB (named by its operation), one call of an outside service (`gemini <video id>`,
`youtube`, `yahoo`, ...) or one message sent (`send video`, `set aside`). Ending before step n+1 is the same as ending
after step n.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from lambda_src.runtime.outside import Http
from lambda_src.runtime.worker import QueueWorker
from lambda_src.services.stock_track_record.messages import Message
from tests.support import loopback
from tests.support.stepping import (
    Before,
    Killed,
    SteppedQueue,
    Steps,
    act_before_step,
    kill_before,
    kill_before_step,
    stepped_client,
)
from tests.support.stock_track_record import Applications

__all__ = ["Before", "Killed", "Steps", "act_before_step", "kill_before", "kill_before_step", "stepped_worker"]


@contextmanager
def stepped_worker(app: Applications, steps: Steps, **settings: Any) -> Iterator[QueueWorker[Message]]:
    """A worker of the application in a process of its own, as far as anybody outside can tell."""
    http = Http(transport=_SteppedTransport(steps))
    try:
        client = stepped_client(app.client, steps)
        yield app.another_worker(client=client, queue=SteppedQueue(app.queue, steps), http=http, **settings)
    finally:
        http.close()


class _SteppedTransport(httpx.BaseTransport):
    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._inner = loopback.transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        service = request.url.path.split("/")[1]
        video = re.search(rb"watch\?v=([\w-]+)", request.content)
        self._steps.take(f"{service} {video[1].decode()}" if video else service)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()
