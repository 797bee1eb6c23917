"""A run may write as long as no other one took over, and finds out soon."""

import pytest

from lambda_src.dynamo.boto3_client import make_client
from lambda_src.dynamo.conditions import ABSENT
from lambda_src.errors import StoreUnavailable
from lambda_src.migration.errors import TakenOver, TargetFailed
from lambda_src.migration.target.place import Place
from lambda_src.migration.target.state import Hold, State
from tests.support.botocore_faults import BotocoreFaults
from tests.support.migration.sample_source import MAPPING
from tests.support.sample_tables import NOTES, note_item


class Journal:
    """Keeps what it is told, until another run took over."""

    def __init__(self):
        self.kept = []
        self.asked = 0
        self.failure = None

    def keep(self, state, *, is_writing):
        assert is_writing, "so that whoever takes over waits"
        self.asked += 1
        if self.failure is not None:
            raise self.failure
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
    journal.failure = TakenOver()
    clock.now += slept  # less than nothing: the clock was set back
    with pytest.raises(TakenOver):
        hold()


@pytest.mark.parametrize(("failure", "told"), [(TakenOver(), TakenOver), (StoreUnavailable("silent"), TargetFailed)])
def test_what_one_thread_found_out_no_other_one_asks_again(journal, hold, failure, told):
    journal.failure = failure
    for _ in range(3):
        with pytest.raises(told):
            hold()
    assert journal.asked == 1


def test_a_write_is_not_repeated_by_a_run_that_was_taken_over_meanwhile():
    client = make_client(region="us-east-1", endpoint_url="http://127.0.0.1:9")
    faults = BotocoreFaults(client)
    faults.error("ThrottlingException", times=2)

    def hold():
        raise TakenOver

    items = Place.of(MAPPING, client, {"notes": "Notes"}).held_items(hold)
    with pytest.raises(TakenOver):
        items.put(NOTES, note_item(1), condition=ABSENT)
    assert len(faults.requests) == 1
    client.close()
