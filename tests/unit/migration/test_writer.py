"""Batches: what goes into one, and how far everything is written after it."""

import threading
from collections.abc import Iterable
from typing import Any

import pytest

from lambda_src.dynamo.batches import WIRE_BYTES_PER_WRITE
from lambda_src.dynamo.boto3_client import make_client
from lambda_src.migration.derive import Derived, Position
from lambda_src.migration.errors import TargetFailed
from lambda_src.migration.mapping import Stream
from lambda_src.migration.target.parallel import in_order
from lambda_src.migration.target.place import Place
from lambda_src.migration.target.writer import _batches, write
from tests.support.botocore_faults import BotocoreFaults
from tests.support.migration.sample_source import MAPPING
from tests.support.sample_tables import NOTES, note_item

STREAM = Stream("notes", "", lambda _: ())


@pytest.fixture
def place():
    """One that is never asked: every batch in these tests is looked at, or answered before it leaves."""
    client = make_client(region="us-east-1", endpoint_url="http://127.0.0.1:9")
    yield Place.of(MAPPING, client, {"notes": "Notes"}, workers=2)
    client.close()


def wire(number: int, **attributes: str) -> dict[str, Any]:
    return {**{name: {"S": str(value)} for name, value in (note_item(number) | attributes).items()}}


def answers(*sizes: int) -> Iterable[Derived]:
    """Answers of so many items each."""
    number = 0
    for place, size in enumerate(sizes, start=1):
        items = tuple((NOTES, wire(number + n)) for n in range(size))
        number += size
        yield Derived(STREAM, items, Position(0, place))


def last_note():
    return NOTES, wire(0, text="how far it is")


def free():
    """Nobody has taken over."""


def batches_of(place, answers):
    return list(_batches(place, answers, last_note))


def shape(batches):
    return [(batch.items, batch.after and batch.after.row, batch.rows["notes"]) for batch in batches]


def test_a_batch_has_24_items_of_whole_answers_where_they_fit(place):
    assert shape(batches_of(place, answers(*[1] * 60))) == [(24, 24, 24), (24, 48, 24), (12, 60, 12)]


def test_an_answer_that_goes_over_two_batches_counts_with_the_second(place):
    assert shape(batches_of(place, answers(23, 2, 1))) == [(24, 1, 1), (2, 3, 2)]


def test_an_answer_of_more_than_a_batch_is_acknowledged_in_the_end(place):
    assert shape(batches_of(place, answers(60))) == [(24, None, 0), (24, None, 0), (12, 1, 1)]


def test_answers_without_items_move_the_place_on(place):
    assert shape(batches_of(place, answers(1, 0, 0))) == [(1, 3, 3)]
    assert shape(batches_of(place, answers())) == []
    [done] = write(place, answers(0, 0), note=last_note, hold=free)  # and nothing is sent
    assert (done.after, done.items) == (Position(0, 2), 0)


def test_each_batch_says_how_far_the_one_named_last_was(place):
    faults = BotocoreFaults(place.operator)
    faults.answer({"UnprocessedItems": {}}, times=7)
    named: list[object] = []
    batches = write(place, answers(*[1] * 24 * 7), note=lambda: (NOTES, wire(0, text=str(len(named)))), hold=free)
    named.extend(batches)
    notes = [body["RequestItems"]["Notes"][-1]["PutRequest"]["Item"]["text"]["S"] for body in faults.requests]
    assert sorted(notes) == list("0000123"), "4 batches are under way"


def test_two_items_of_one_key_never_meet_in_a_batch(place):
    twice = [Derived(STREAM, ((NOTES, wire(1)),), Position(0, row)) for row in (1, 2)]
    assert shape(batches_of(place, twice)) == [(1, 1, 1), (1, 2, 1)]


def test_large_items_make_small_batches(place):
    text = "\N{WAXING CRESCENT MOON SYMBOL}" * 90_000  # 360 KB, and 1 MB as JSON spells it
    large = [Derived(STREAM, ((NOTES, wire(n, text=text)),), Position(0, n + 1)) for n in range(30)]
    batches = batches_of(place, large)
    assert sum(batch.items for batch in batches) == 30
    for batch in batches:
        assert sum(len(text.encode()) for text in batch.writes["Notes"]) < WIRE_BYTES_PER_WRITE


def test_a_batch_that_is_refused_stops_the_writing(place):
    BotocoreFaults(place.operator).error("ValidationException", times=4)
    with pytest.raises(TargetFailed, match="from notes: BOOK#b / NOTE#0000 to notes: BOOK#b / NOTE#0023"):
        list(write(place, answers(*[1] * 30), note=last_note, hold=free))


def test_results_come_in_the_order_of_the_things_however_long_each_takes():
    last_is_done = threading.Event()

    def work(thing):
        if thing == 0:
            last_is_done.wait(5)
        if thing == 2:
            last_is_done.set()
        return thing

    assert list(in_order(3, work, range(3))) == [0, 1, 2]


def test_no_more_things_are_taken_than_may_be_under_way():
    taken = []

    def things():
        for thing in range(100):
            taken.append(thing)
            yield thing

    results: Any = in_order(4, lambda thing: thing, things())
    next(results)
    assert len(taken) == 8
    results.close()
