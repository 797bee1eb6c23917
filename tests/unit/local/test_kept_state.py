"""What of the emulator's state is written down while it goes on working."""

import sys
import time
from copy import deepcopy
from threading import Event, Thread

import pytest

from cdk_app.local.kept_state import DEPLOYING, StateKeeper


def test_a_state_that_never_stops_changing_is_copied_all_the_same():
    """Each call of a function adds a stream to the log: in a busy emulator no try meets a quiet moment."""
    streams = {str(number): {"events": [{"message": "a line"}]} for number in range(3_000)}
    done = Event()

    def call_functions() -> None:
        number = len(streams)
        while not done.is_set():
            number += 1
            streams[str(number)] = {"events": []}
            time.sleep(0.0002)

    calls = Thread(target=call_functions)
    calls.start()
    before = sys.getswitchinterval()
    try:
        copied = [StateKeeper._payload(lambda: deepcopy(streams)) for _ in range(3)]
    finally:
        done.set()
        calls.join()
    assert min(map(len, copied)) >= 3_000
    assert sys.getswitchinterval() == before


@pytest.mark.parametrize(
    ("status", "is_deploying"),
    [
        ("CREATE_IN_PROGRESS", True),
        ("UPDATE_ROLLBACK_IN_PROGRESS", True),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", True),
        ("REVIEW_IN_PROGRESS", False),
        ("UPDATE_COMPLETE", False),
    ],
)
def test_only_a_deployment_under_way_keeps_the_state_from_being_written(status, is_deploying):
    text = f'{{"StackName": "x", "StackStatus": "{status}"}}'.encode()
    assert (DEPLOYING.search(text) is not None) is is_deploying
