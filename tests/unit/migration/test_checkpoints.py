"""How far a copy is, kept beside the writing: never far behind, and never holding it up without need."""

import threading

import pytest

from lambda_src.migration.errors import Refused
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
        if state == "refused":
            raise Refused("somebody took over")
        self.kept.append(state)
        return state


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def checkpoints(journal):
    return Checkpoints(journal, every=100, unkept=250)


def test_a_state_is_kept_once_enough_was_written(journal, checkpoints):
    with checkpoints:
        for items in (25, 50, 75):
            checkpoints.reached(items, 25)
        assert checkpoints._under_way is None
        checkpoints.reached(100, 25)
    assert journal.kept == [100]


def test_writing_goes_on_while_a_state_is_being_kept_and_the_next_one_is_the_newest(journal, checkpoints):
    with checkpoints:
        journal.may_keep.clear()
        for items in range(25, 250, 25):  # 225 unkept, and nobody waited
            checkpoints.reached(items, 25)
        assert journal.kept == []
        journal.may_keep.set()
        checkpoints.reached(250, 25)
    assert journal.kept == [100, 250]


def test_nothing_more_is_written_before_the_state_is_near_enough(journal, checkpoints):
    journal.may_keep.clear()
    for items in range(25, 250, 25):
        checkpoints.reached(items, 25)
    threading.Timer(0.1, journal.may_keep.set).start()
    checkpoints.reached(250, 25)  # waits for the state of 100
    assert journal.kept[0] == 100
    checkpoints.__exit__(None)


def test_a_run_that_was_taken_over_stops(checkpoints):
    with pytest.raises(Refused), checkpoints:
        checkpoints.reached("refused", 100)


def test_what_stops_the_writing_is_what_is_told(checkpoints):
    def write():
        with checkpoints:
            checkpoints.reached("refused", 100)
            raise KeyError

    with pytest.raises(KeyError):
        write()
