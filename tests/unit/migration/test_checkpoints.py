"""The state is kept beside the writing, now and then, and another run is noticed by it."""

import threading

import pytest

from lambda_src.migration.errors import TakenOver
from lambda_src.migration.target.state import Checkpoints

WAIT_SECONDS = 5


class Journal:
    """Keeps what it is told when it is let."""

    def __init__(self):
        self.kept = []
        self.may_keep = threading.Event()
        self.may_keep.set()

    def keep(self, state):
        assert self.may_keep.wait(WAIT_SECONDS)
        if state == "taken over":
            raise TakenOver
        self.kept.append(state)
        return state


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def checkpoints(journal):
    return Checkpoints(journal, every=100)


def test_a_state_is_kept_once_enough_was_written(journal, checkpoints):
    with checkpoints:
        for items in range(25, 225, 25):
            checkpoints.reached(items, 25)
    assert journal.kept == [100, 200]


def test_writing_goes_on_while_a_state_is_being_kept(journal, checkpoints):
    with checkpoints:
        journal.may_keep.clear()
        for items in range(25, 200, 25):
            checkpoints.reached(items, 25)
        assert journal.kept == []
        threading.Timer(0.1, journal.may_keep.set).start()
        checkpoints.reached(200, 25)  # waits for the state of 100: no run is further ahead of its state
        assert journal.kept[0] == 100
    assert journal.kept == [100, 200]


def test_a_run_that_was_taken_over_stops(checkpoints):
    with pytest.raises(TakenOver), checkpoints:
        checkpoints.reached("taken over", 100)


def test_what_stops_the_writing_is_what_is_told(checkpoints):
    def write():
        with checkpoints:
            checkpoints.reached("taken over", 100)
            raise KeyError

    with pytest.raises(KeyError):
        write()
