"""Two runs of one migration: the later goes on, the earlier finds out before it writes any more."""

import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from lambda_src.migration.derive import Position
from lambda_src.migration.errors import Refused, TakenOver
from lambda_src.migration.phases.copy import copy
from lambda_src.migration.phases.cutover import open_api
from lambda_src.migration.phases.delta import delta
from lambda_src.migration.phases.rollback import rollback
from lambda_src.migration.phases.verify import verify
from lambda_src.migration.target.state import Hold, Journal
from tests.support.migration.jobs import RowsInHand, items_of, job
from tests.support.migration.ready import ready
from tests.support.migration.small_town import membership, neighborhood

NOTICED_SECONDS = 0.6  # a run asks every half second


class Killed(BaseException):
    """As if the process had ended."""


class Watched:
    """Progress that does something once, when a step has got somewhere."""

    def __init__(self, title, then):
        self._title = title
        self._then = [then]

    @contextmanager
    def step(self, title, total=None):
        def advance(_):
            if title == self._title and self._then:
                self._then.pop()()

        yield advance


@pytest.fixture
def interrupted(start):
    """`interrupted("Writing items", then)`: a run during whose step something else happens, and it oversleeps that."""

    def make(title, then, machine=""):
        def sleep():
            then()
            notice()

        return replace(start(machine), progress=Watched(title, sleep))

    return make


def notice(_=None):
    time.sleep(NOTICED_SECONDS)


def test_the_later_of_two_runs_goes_on_and_the_earlier_stops(start):
    copy(start())
    first, second = start().journal, start().journal
    first.begin(first.read())
    state = second.begin(second.read())
    with pytest.raises(Refused, match="taken over"):
        first.keep(state)
    assert second.keep(state).status == "copied"


def test_who_takes_over_waits_for_what_a_run_that_did_not_say_it_was_done_has_under_way(start):
    waited: list[float] = []

    def another():
        journal = Journal(start().place, sleep=waited.append)
        return journal, journal.begin(journal.read() or journal.start())

    copy(start())
    another()
    assert waited == [], "the copy said that it was done"
    journal, state = another()
    assert waited == [2.0], "the one before it may be about to write, or waits itself"
    Hold(journal, state)()
    journal, state = another()
    assert waited == [2.0, 2.0]
    Hold(journal, state)()
    journal.keep(state)
    another()
    assert waited == [2.0, 2.0]


def test_a_copy_goes_on_from_where_its_last_batch_says_it_was(start, client):
    first, second = start().journal, start().journal
    copy(start())
    begun = replace(first.read(), status="copying", position=Position(0, 10), rows={"neighborhoods": 10})
    first.begin(begun)

    def carry(journal, position):
        table, item = journal.progress(replace(begun, position=position, rows={"neighborhoods": position.row}))
        client.put_item(TableName=start().place.caller.physical_name(table), Item=item)

    carry(first, Position(0, 5))
    assert start().journal.read().position == Position(0, 10), "the state was written later than this batch"
    carry(first, Position(0, 25))
    assert (start().journal.read().position, start().journal.read().rows) == (Position(0, 25), {"neighborhoods": 25})
    second.begin(second.read())
    carry(first, Position(0, 30))
    assert start().journal.read().position == Position(0, 25), "a batch of a run that another one took over from"


def test_what_was_opened_while_a_delta_read_the_source_stays_as_people_made_it(start, source, client, names, tmp_path):
    copy(start())
    verify(start())
    slow = start()

    class OpenedMeanwhile(RowsInHand):
        def take(self, path, *, on_rows=lambda _: None):
            super().take(path, on_rows=on_rows)
            open_api(job(source, ready(client), names, tmp_path / "another"))
            del items[left]
            client.delete_item(TableName=names["main"], Key={"PK": {"S": left[0]}, "SK": {"S": left[1]}})

    items = items_of(client, names["main"])
    left = next(key for key in items if key[1].startswith("MEMBER#"))
    with pytest.raises(TakenOver, match="moved on"):
        delta(replace(slow, source=OpenedMeanwhile(source.mapping, source.rows)))
    assert start().journal.read().status == "opened"
    assert items_of(client, names["main"]).keys() == items.keys()


def test_a_copy_writes_no_more_once_a_rollback_began(start, interrupted, client, names):
    overtaken = interrupted("Writing items", lambda: rollback(start("another"), sleep=notice))
    with pytest.raises(TakenOver, match="rolled it back"):
        copy(overtaken)
    assert items_of(client, names["main"]) == {}


def test_a_delta_mends_no_more_once_another_one_began(start, source, interrupted, client, names):
    copy(start())
    source.rows["neighborhoods"] = [
        neighborhood(n, f"Place {n}", minute=n, description="As of the first") for n in range(1, 31)
    ]

    def another():
        for row in source.rows["neighborhoods"]:
            row["description"] = "As of the second"
        delta(start("another"))
        assert verify(start("another")).is_equal

    with pytest.raises(TakenOver):
        delta(interrupted("Mending what differs", another))
    assert start().journal.read().status == "verified"
    assert verify(start()).is_equal


def test_a_delta_deletes_no_more_once_another_one_began(start, source, interrupted):
    copy(start())
    all_rows = source.rows
    source.rows = {
        "neighborhoods": [row for row in all_rows["neighborhoods"] if row["id"] <= 15],
        "memberships": [row for row in all_rows["memberships"] if row["neighborhood_id"] <= 15],
    }  # so that there is nothing to mend but 180 items to delete

    def another():
        source.rows = all_rows
        delta(start("another"))
        assert verify(start("another")).is_equal

    with pytest.raises(TakenOver):
        delta(interrupted("Mending what differs", another), allow_deletions=True)
    assert start().journal.read().status == "verified"
    assert verify(start()).is_equal


def test_a_rollback_that_overslept_removes_nothing_of_the_migration_after_it(start, interrupted, client, names):
    copy(start())

    def another():
        rollback(start("another"), sleep=notice)
        copy(start("another"))
        assert verify(start("another")).is_equal

    with pytest.raises(TakenOver):
        rollback(interrupted("Removing items", another), sleep=notice)
    assert start().journal.read().status == "verified"
    assert verify(start()).is_equal


def test_a_rollback_forgets_nothing_of_the_migration_after_it(start, client, names):
    (journal := start().journal).begin(journal.start())

    def another(_):
        (later := start("another").journal).read()
        later.begin(later.start())

    with pytest.raises(TakenOver, match="taken over"):
        rollback(start(), sleep=another)
    assert start().journal.read().status == "copying"


def test_a_copy_does_not_go_on_from_where_it_was_once_another_source_was_compared(start, source, interrupted):
    def die():
        raise Killed

    with pytest.raises(Killed):
        copy(interrupted("Writing items", die))
    assert start().journal.read().status == "copying"
    source.rows["neighborhoods"][0]["description"] = "Changed before the first machine reads it again"
    source.rows["memberships"].append(membership(999, "late", of=30))
    with pytest.raises(Killed):
        copy(interrupted("Mending what differs", die, "another"))
    copied = copy(start())
    assert copied.repairs is not None, "it compared"
    delta(start())
    assert verify(start()).is_equal


@pytest.mark.parametrize("is_empty_at_first", [False, True])
def test_a_rollback_removes_what_a_copy_that_went_on_for_a_moment_wrote(start, client, names, is_empty_at_first):
    copy(start())
    late = [item for key, item in items_of(client, names["main"]).items() if key[1].startswith("MEMBER#")][:7]

    if is_empty_at_first:
        rollback(start(), sleep=notice)
        (journal := start().journal).begin(journal.start())

    def pause(_):
        while late:
            client.put_item(TableName=names["main"], Item=late.pop())

    assert rollback(start(), sleep=pause).removed == (7 if is_empty_at_first else 360 + 7)
    assert items_of(client, names["main"]) == {}
