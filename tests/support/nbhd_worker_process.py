"""A worker of nbhd.city as a process of its own, for one invocation, in the middle of which it may be killed.

    python -m tests.support.nbhd_worker_process '{"endpoint": ..., "settings": {...}, "event": {...}}'

Writes a line when its work begins, and one with its answer when it is done.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from cdk_app.local.layout import ROOT
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.resources import Resources, metered
from lambda_src.services.nbhd_city import wiring
from lambda_src.services.nbhd_city.settings import WorkerSettings
from tests.support.nbhd_city import PlayedCity
from tests.support.played import Invocation, PlayedQueue, Sent, record


def work(endpoint: str, settings: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """One invocation. What it would send to a queue would be lost, so it may send nothing."""
    client = make_client(region="us-east-1", endpoint_url=endpoint, read_timeout_seconds=30)
    queue = PlayedQueue()
    given = WorkerSettings(**settings)
    worker = wiring.worker(given, Resources(client=metered(Boto3Client(client), given, Metrics()), queue=queue))
    print("begins", flush=True)  # noqa: T201 -- to whom started it
    answer = worker(event, Invocation())
    assert not queue.every, "the worker ran out of time"
    print(json.dumps(answer), flush=True)  # noqa: T201


def deliver_in_a_process(city: PlayedCity, message: Sent, *, receive_count: int, killed_after_seconds: float) -> bool:
    """One delivery to a worker in a process of its own, which is killed with kill -9 after so many seconds of work.

    Returns whether it had done its work by then.
    """
    plan = {
        "endpoint": city.client.meta.endpoint_url,
        "settings": city.worker_settings.model_dump(),
        "event": {"Records": [record(message, receive_count=receive_count)]},
    }
    with subprocess.Popen(
        [sys.executable, "-m", __name__, json.dumps(plan)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begins\n"
            time.sleep(killed_after_seconds)
        finally:  # also when the test is interrupted
            process.kill()
        answer = process.stdout.read()
    if not answer:
        assert process.returncode == -9, "the worker ended by itself"
        return False
    assert json.loads(answer) == {"batchItemFailures": []}
    return True


if __name__ == "__main__":
    work(**json.loads(sys.argv[1]))
