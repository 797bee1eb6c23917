"""What requests cost: as the engine states it, as the meter adds it up, and as AWS's rules have it."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from boto3.dynamodb.conditions import Attr, Key

from lambda_src.dynamo.capacity import Write, item_size_bytes, read_units, transact_write_units, write_units
from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.meter import Usage, UsageMeter
from lambda_src.dynamo.store import Put, Store
from lambda_src.dynamo.updates import Update
from tests.support.dynamodb_faults import Faults
from tests.support.sample_tables import BY_TOPIC, NOTES, PLACES, note, note_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

INDEXED = {"GSI1PK": "TOPIC#t", "GSI1SK": "1", "GSI2PK": "OWNER#o"}


@dataclass(frozen=True, slots=True)
class Metered:
    """A store, and what it uses."""

    store: Store
    meter: UsageMeter
    client: "DynamoDBClient"


@pytest.fixture
def metered(dynamodb_endpoint, make_tables) -> Iterator[Metered]:
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    meter = UsageMeter()
    meter.attach(client)
    store = Store(client, make_tables([NOTES, PLACES]), sleep=lambda _: None)
    yield Metered(store=store, meter=meter, client=client)
    client.close()


def test_a_read_costs_half_a_unit_per_four_kilobytes_and_one_when_consistent(metered):
    item = note(text="x" * 9_000)
    metered.store.put(NOTES, item)
    before = metered.meter.snapshot()
    metered.store.get(NOTES, note_key())
    assert metered.meter.since(before) == Usage(1, read_units(item_size_bytes(item)), 0) == Usage(1, 1.5, 0)
    before = metered.meter.snapshot()
    metered.store.get(NOTES, note_key(), consistent=True)
    metered.store.get(NOTES, note_key(404), consistent=True)
    assert metered.meter.since(before) == Usage(2, 3 + 1, 0)


def test_a_query_costs_what_it_reads_and_a_filter_or_count_saves_nothing(metered):
    items = [note(number, text="x" * 700) for number in range(20)]
    metered.store.batch_write(NOTES, puts=items)
    key = Key("PK").eq("BOOK#b")
    expected = Usage(1, read_units(sum(map(item_size_bytes, items))), 0)
    reads: tuple[Callable[[], object], ...] = (
        lambda: metered.store.query_items(NOTES, key),
        lambda: metered.store.query_items(NOTES, key, filter=Attr("number").eq(1), projection=("SK",)),
        lambda: metered.store.count(NOTES, key),
    )
    for read in reads:
        before = metered.meter.snapshot()
        read()
        assert metered.meter.since(before) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, {"text": "small"}),
        (None, {**INDEXED, "text": "x" * 2_500}),
        ({**INDEXED, "text": "x" * 2_500}, {**INDEXED, "text": "y" * 1_500}),
        ({**INDEXED, "text": "x" * 2_500}, {**INDEXED, "text": "x" * 2_500}),
        ({**INDEXED, "text": "x"}, {**INDEXED, "GSI1SK": "2", "text": "x"}),
        (INDEXED, {"text": "left the indexes"}),
        ({"text": "x" * 5_000}, INDEXED),
    ],
)
def test_a_write_costs_what_the_rules_say_with_its_indexes(metered, before, after):
    old = None if before is None else note(**before)
    if old is not None:
        metered.store.put(NOTES, old)
    start = metered.meter.snapshot()
    metered.store.put(NOTES, note(**after))
    assert metered.meter.since(start) == Usage(1, 0, write_units(Write(NOTES, old, note(**after))))


def test_an_update_and_a_delete_cost_the_larger_of_before_and_after(metered):
    item = note(text="x" * 2_100)
    metered.store.put(NOTES, item)
    start = metered.meter.snapshot()
    metered.store.update(NOTES, note_key(), Update().remove("text"))
    assert metered.meter.since(start) == Usage(1, 0, write_units(Write(NOTES, item, note()))) == Usage(1, 0, 3)
    start = metered.meter.snapshot()
    metered.store.delete(NOTES, note_key())
    assert metered.meter.since(start) == Usage(1, 0, 1)


def test_batches_cost_the_sum_of_their_items(metered):
    items = [note(number, text="x" * 1_500) for number in range(30)]
    start = metered.meter.snapshot()
    metered.store.batch_write(NOTES, puts=items)
    assert metered.meter.since(start) == Usage(2, 0, 60)
    start = metered.meter.snapshot()
    metered.store.batch_get([(NOTES, note_key(number)) for number in range(30)])
    assert metered.meter.since(start) == Usage(1, 15, 0)


def test_a_transaction_is_counted_and_its_units_follow_the_rules(metered):
    items = [note(number, **INDEXED, text="x" * 1_500) for number in range(3)]
    start = metered.meter.snapshot()
    metered.store.transact([Put(NOTES, item) for item in items])
    assert metered.meter.since(start).requests == 1
    # each: 2 KB twice for the table, 2 KB in the index that holds all of it, 1 in the one that holds its keys
    assert transact_write_units(Write(NOTES, None, item) for item in items) == 3 * (4 + 2 + 1)


def test_requests_that_fail_are_counted_by_operation(metered):
    Faults(metered.client).silence()
    metered.store.put(NOTES, note())
    with pytest.raises(ConditionFailed):
        metered.store.put(NOTES, note(), condition=Attr("PK").not_exists())
    metered.store.query_items(NOTES, Key("GSI1PK").eq("t"), index=BY_TOPIC)
    assert metered.meter.calls == {"PutItem": 3, "Query": 1}
    assert metered.meter.snapshot().requests == 4


def test_threads_are_counted_together(metered):
    def write(number: int) -> None:
        for offset in range(10):
            metered.store.put(NOTES, note(number * 100 + offset))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metered.meter.snapshot() == Usage(60, 0, 60)
