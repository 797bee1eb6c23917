"""A run may write as long as no other one took over, and finds out soon."""

import pytest

from lambda_src.migration.errors import TakenOver
from lambda_src.migration.target.state import Hold, State


class Journal:
    """Keeps what it is told, until another run took over."""

    def __init__(self):
        self.kept = []
        self.is_taken = False

    def keep(self, state):
        if self.is_taken:
            raise TakenOver
        self.kept.append(state)
        return state


def state_of(name):
    return State("copying", "", name, "", "")


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def hold(journal, clock):
    return Hold(journal, state_of("begun"), clock=clock)


def test_the_newest_state_is_kept_at_most_every_half_second(journal, clock, hold):
    hold()
    hold.reached(state_of("first"))
    clock.now += 0.4
    hold()
    hold.reached(state_of("second"))
    clock.now += 0.2
    hold()
    hold()
    assert [state.started_at for state in journal.kept] == ["begun", "second"]


@pytest.mark.parametrize("slept", [0.6, 86_400, -3_600])
def test_a_run_that_slept_asks_before_it_writes_again(journal, clock, hold, slept):
    hold()
    journal.is_taken = True
    clock.now += slept  # less than nothing: the clock was set back
    with pytest.raises(TakenOver):
        hold()
    with pytest.raises(TakenOver):
        hold()
