"""What requests cost: as the engine states it, as the meter adds it up, and as AWS's rules have it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled
from lambda_src.dynamo.meter import Usage, UsageMeter
from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.dynamo.store import ABSENT, Attr, Delete, Put, Store, Update, UpdateItem
from lambda_src.errors import StoreUnavailable
from lambda_src.migration.capacity import Write, read_units, transact_write_units, write_units
from tests.support.dynamodb_faults import Faults
from tests.support.sample_tables import (
    ADD_NOTE,
    KEEP_NOTE,
    NOTE,
    NOTE_BY_NUMBER,
    NOTES,
    NOTES_AT_ONCE,
    NOTES_OF_BOOK,
    NOTES_OF_TOPIC,
    PLACE_OF_BOOK,
    PLACES,
    Note,
    note_key,
)

INDEXED = Note(topic="t", owner="o", shard=1, written_at="2025")


@dataclass(frozen=True, slots=True)
class Metered:
    """A store, what it uses, and how many transactions met another one."""

    store: Store
    meter: UsageMeter
    faults: Faults
    conflicts: list[str]


@pytest.fixture
def metered(dynamodb_client, make_tables) -> Metered:
    faults = Faults(Boto3Client(dynamodb_client))
    conflicts: list[str] = []
    meter = UsageMeter(faults, on_conflict=lambda: conflicts.append("conflict"))
    store = Store(meter, make_tables([NOTES, PLACES]), sleep=lambda _: None)
    return Metered(store=store, meter=meter, faults=faults, conflicts=conflicts)


def test_a_read_costs_half_a_unit_per_four_kilobytes_and_one_when_consistent(metered):
    note = Note(text="x" * 9_000)
    metered.store.put(KEEP_NOTE, Put(NOTE, note))
    before = metered.meter.snapshot()
    metered.store.get(PLACE_OF_BOOK, name="nowhere")
    metered.store.items(NOTES_OF_BOOK, book="b")
    expected = Usage(2, 0.5 + read_units(item_size_bytes(NOTE.item(note))), 0)
    assert metered.meter.since(before) == expected == Usage(2, 0.5 + 1.5, 0)
    before = metered.meter.snapshot()
    metered.store.get(NOTE_BY_NUMBER, book="b", number=1)
    metered.store.get(NOTE_BY_NUMBER, book="b", number=404)
    assert metered.meter.since(before) == Usage(2, 3 + 1, 0)


def test_a_query_costs_what_it_reads_and_a_filter_or_count_saves_nothing(metered):
    items = [NOTE.item(Note(number=number, text="x" * 700)) for number in range(20)]
    metered.store.batch_write(NOTES_AT_ONCE, puts=items)
    expected = Usage(1, read_units(sum(map(item_size_bytes, items))), 0)
    reads: tuple[Callable[[], object], ...] = (
        lambda: metered.store.items(NOTES_OF_BOOK, book="b"),
        lambda: metered.store.items(NOTES_OF_BOOK, book="b", where=Attr("number").eq(1)),
        lambda: metered.store.rows(NOTES_OF_BOOK, "SK", book="b"),
        lambda: metered.store.count(NOTES_OF_BOOK, book="b"),
    )
    for read in reads:
        before = metered.meter.snapshot()
        read()
        assert metered.meter.since(before) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, Note(text="small")),
        (None, replace(INDEXED, text="x" * 2_500)),
        (replace(INDEXED, text="x" * 2_500), replace(INDEXED, text="y" * 1_500)),
        (replace(INDEXED, text="x" * 2_500), replace(INDEXED, text="x" * 2_500)),
        (replace(INDEXED, text="x"), replace(INDEXED, topic="u", text="x")),
        (replace(INDEXED, text="x"), replace(INDEXED, text="y")),
        (replace(INDEXED, title="x" * 1_500), replace(INDEXED, title="y")),
        (INDEXED, Note(text="left the indexes")),
        (Note(text="x" * 5_000), INDEXED),
    ],
)
def test_a_write_costs_what_the_rules_say_with_its_indexes(metered, before, after):
    if before is not None:
        metered.store.put(KEEP_NOTE, Put(NOTE, before))
    start = metered.meter.snapshot()
    metered.store.put(KEEP_NOTE, Put(NOTE, after))
    write = Write(NOTES, None if before is None else NOTE.item(before), NOTE.item(after))
    assert metered.meter.since(start) == Usage(1, 0, write_units(write))


def test_an_index_holds_what_it_includes_and_only_that_costs_a_write(metered):
    """Text is in the first index alone, the title in that and the third, and the second holds keys."""
    changes = (
        replace(INDEXED, text="y"),
        replace(INDEXED, title="y"),
        replace(INDEXED, status="y", written_at="2026"),
    )
    assert [write_units(Write(NOTES, NOTE.item(INDEXED), NOTE.item(changed))) for changed in changes] == [
        1 + 1,
        1 + 1 + 1,
        1 + 1 + 2,
    ]


def test_an_update_and_a_delete_cost_the_larger_of_before_and_after(metered):
    note = Note(text="x" * 2_100)
    metered.store.put(KEEP_NOTE, Put(NOTE, note))
    start = metered.meter.snapshot()
    metered.store.update(KEEP_NOTE, UpdateItem(note_key(), Update().remove("text")))
    expected = Usage(1, 0, write_units(Write(NOTES, NOTE.item(note), NOTE.item(Note()))))
    assert metered.meter.since(start) == expected == Usage(1, 0, 3)
    start = metered.meter.snapshot()
    metered.store.delete(KEEP_NOTE, Delete(note_key()))
    assert metered.meter.since(start) == Usage(1, 0, 1)


def test_batches_cost_the_sum_of_their_items(metered):
    items = [NOTE.item(Note(number=number, text="x" * 1_500)) for number in range(30)]
    start = metered.meter.snapshot()
    metered.store.batch_write(NOTES_AT_ONCE, puts=items)
    assert metered.meter.since(start) == Usage(2, 0, 60)
    start = metered.meter.snapshot()
    metered.store.batch_get(NOTE_BY_NUMBER, [note_key(number) for number in range(30)])
    assert metered.meter.since(start) == Usage(1, 30, 0)


def test_a_transaction_is_counted_and_its_units_follow_the_rules(metered):
    notes = [Note(number=number, topic="t", owner="o", text="x" * 1_500) for number in range(3)]
    start = metered.meter.snapshot()
    metered.store.transact(ADD_NOTE, [Put(NOTE, note) for note in notes])
    assert metered.meter.since(start).requests == 1
    # each: 2 KB twice for the table, 2 KB in the index that holds all of it, 1 in the one that holds its keys
    assert transact_write_units(Write(NOTES, None, NOTE.item(note)) for note in notes) == 3 * (4 + 2 + 1)


def test_requests_that_fail_are_counted_by_operation(metered):
    metered.faults.silence()
    metered.store.put(KEEP_NOTE, Put(NOTE, Note()))
    with pytest.raises(ConditionFailed):
        metered.store.put(KEEP_NOTE, Put(NOTE, Note(), ABSENT))
    metered.store.items(NOTES_OF_TOPIC, topic="t")
    assert metered.meter.calls == {"PutItem": 3, "Query": 1}
    assert metered.meter.snapshot().requests == 4


def test_only_transactions_that_met_another_one_are_told(metered):
    add = [Put(NOTE, Note(), ABSENT)]
    metered.faults.cancelled(["TransactionConflict"], times=2)
    metered.store.transact(ADD_NOTE, add)
    with pytest.raises(TransactionCancelled):
        metered.store.transact(ADD_NOTE, add)
    metered.faults.cancelled(["ThrottlingError"], times=8)
    with pytest.raises(StoreUnavailable):
        metered.store.transact(ADD_NOTE, add)
    assert metered.conflicts == ["conflict"] * 2
    assert metered.meter.calls == {"TransactWriteItems": 3 + 1 + 8}


def test_threads_are_counted_together(metered):
    def write(number: int) -> None:
        for offset in range(10):
            metered.store.put(KEEP_NOTE, Put(NOTE, Note(number=number * 100 + offset)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metered.meter.snapshot() == Usage(60, 0, 60)
