"""All rows of Stock Track Record together: ids, determinism, and the way back."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from lambda_src.dynamo.schema import Table
from lambda_src.migration.mappings.stock_track_record.mapping import mapping
from lambda_src.migration.snapshot import Snapshot
from lambda_src.services.stock_track_record.models import mention_id, video_id
from lambda_src.services.stock_track_record.tables import MAIN, STOCKS
from tests.support.migration.mapped import Item, items_of, one, rows_of
from tests.support.migration.stock_track_record_awkward import awkward_rows
from tests.support.migration.stock_track_record_rows import (
    channel_row,
    id_of,
    many_rows,
    video_row,
)

type Load = Callable[..., Snapshot]

AWKWARD = awkward_rows()


# ---- ids -----------------------------------------------------------------------------------------------------------


def test_ids_are_kept_and_new_ones_of_the_same_data_are_derived_as_ever(items):
    channel_id = "3f6c1c1e-7f4b-4a53-9c56-0d0e5f1a2b3c"
    found = items(
        ("channels", channel_row(1, id=channel_id)),
        ("videos", video_row(1, channel_id=channel_id, youtube_video_id="dQw4w9WgXcQ")),
    )

    assert one(found, "Video")["id"] == id_of("d", 1)
    assert video_id(channel_id, "dQw4w9WgXcQ") == "0c96dc99-bd2f-5c3b-8893-f1949b22dc60"
    assert mention_id("0c96dc99-bd2f-5c3b-8893-f1949b22dc60", "AAPL") == "eab676cd-7937-53a1-bc92-0d19d45d73fc"


def test_the_same_rows_become_the_same_items_in_whatever_order_they_come(load):
    rows = [(case.table, case.row) for case in AWKWARD] + list(many_rows(3_000))
    mixed = random.Random(3).sample(rows, len(rows))

    first, again, other = (items_of(load(given, mapping()), mapping()) for given in (rows, rows, mixed))

    assert first == again == other


def test_no_item_is_written_twice(load):
    found = items_of(load(many_rows(3_000), mapping(requeue=True)), mapping(requeue=True))

    keys = Counter((table.name, *(item[name] for name in table.key_names)) for table, item in found)
    assert [key for key, times in keys.items() if times > 1] == []
    assert len(keys) > 4_000


# ---- the way back --------------------------------------------------------------------------------------------------


def test_every_row_comes_back_from_the_items_it_became(load):
    service = mapping()
    snapshot = load([(case.table, case.row) for case in AWKWARD] + list(many_rows(2_000)), service)

    restored: dict[str, dict[Any, Mapping[str, Any]]] = {source.name: {} for source in service.sources}
    for table, item in items_of(snapshot, service):
        row = service.restore(table, dict(item))
        if row is not None:
            restored[row.table][row.fields[service.source(row.table).key[0]]] = row.fields

    for source in service.sources:
        expected = {
            row[source.key[0]]: {column.name: row[column.name] for column in source.columns}
            for row in rows_of(snapshot, source.name)
            if row["reject"] is None
        }
        assert restored[source.name] == expected


def test_what_only_the_service_writes_goes_back_to_no_row():
    service = mapping()

    assert service.restore(STOCKS, {"entity_type": "Stock", "ticker": "ZZZ", "listing": "rejected"}) is None
    assert service.restore(MAIN, {"entity_type": "Channel", "id": "c", "deleting": True}) is None
    assert service.restore(MAIN, {"entity_type": "Channel", "id": "c", "duplicate_of": "w"}) is None
    new_line = {
        "entity_type": "ProcessingLog",
        "SK": "LOG#2025-01-15T08:30:00.123Z#000001a1",
        "log_id": 1736929800123417,
    }
    assert service.restore(MAIN, new_line) is None
    assert service.restore(MAIN, {"PK": "MIGRATION", "SK": "STATE"}) is None


def test_the_migration_owns_what_it_writes_and_nothing_of_the_running_service(load):
    for requeue in (False, True):
        service = mapping(requeue=requeue)
        found = items_of(load([(case.table, case.row) for case in AWKWARD], service), service)
        assert {item["entity_type"] for _, item in found if not service.owns(*key_of(_, item))} == set()
        assert service.owns(MAIN, {"PK": "ACTIVE", "SK": "RUN#c"}) is requeue
        for partition, sort in (("ACTIVE", "PURGE#c"), ("RATE#yahoo", "RATE#yahoo"), ("MIGRATION", "STATE")):
            assert not service.owns(MAIN, {"PK": partition, "SK": sort})


def key_of(table: Table, item: Item) -> tuple[Table, dict[str, str]]:
    return table, {name: item[name] for name in table.key_names}


# ---- many rows -----------------------------------------------------------------------------------------------------


def test_as_many_rows_as_asked_are_made_and_a_few_of_them_are_awkward(load):
    rows = list(many_rows(2_000))
    snapshot = load(rows, mapping())

    assert len(rows) == 2_000
    assert rows == list(many_rows(2_000)) != list(many_rows(2_000, seed=2))
    rejected = sum(counts.total() for counts in snapshot.reject_counts().values())
    assert 10 < rejected < 200
    assert {"created_at_missing", "status_lost", "message_cut"} & {row["kind"] for row in snapshot.warnings()}
