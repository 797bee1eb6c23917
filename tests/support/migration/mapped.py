"""Rows of Stock Track Record in memory, and the items that they become."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import from_item
from lambda_src.migration.derive import derive
from lambda_src.migration.mapping import MARK, Row, ServiceMapping
from lambda_src.migration.snapshot import Snapshot
from tests.support.migration.jobs import RowsInHand
from tests.support.migration.stock_track_record_rows import (
    rows_by_table,
)

type Item = Mapping[str, Any]


def snapshot_of(rows: Iterable[tuple[str, Row]], service: ServiceMapping, path: Path) -> Snapshot:
    RowsInHand(service, rows_by_table(rows)).take(path)
    snapshot = Snapshot.open(path, service)
    assert snapshot is not None
    return snapshot


def items_of(snapshot: Snapshot, service: ServiceMapping) -> list[tuple[Table, Item]]:
    found: list[tuple[Table, Item]] = []
    for derived in derive(snapshot, service, "m1"):
        for table, item in derived.items:
            plain = from_item(item)
            del plain[MARK]
            found.append((table, plain))
    return found


def rows_of(snapshot: Snapshot, table: str) -> list[Row]:
    """The rows of a table in the order they came in, with what was decided about each."""
    return list(snapshot.rows(f"SELECT * FROM {table} ORDER BY n"))  # noqa: S608 -- one of five names


def of_type(items: Iterable[Item], entity_type: str) -> list[Item]:
    return [item for item in items if item["entity_type"] == entity_type]


def one(items: Iterable[Item], entity_type: str) -> Item:
    (item,) = of_type(items, entity_type)
    return item
