"""Writes derived items into tables that nobody else writes to: many batches at a time, acknowledged in order.

Each batch carries a note of how far everything was acknowledged when it was made, so that whoever goes on after a kill
repeats little. With two batches per worker under way, any of them may write its note last, and each of them was made
when two per worker were under way: with 4 workers the note is at most 15 batches old, which are 360 items.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from lambda_src.dynamo.batches import ITEMS_PER_WRITE, WIRE_BYTES_PER_WRITE, write_all
from lambda_src.dynamo.schema import Table
from lambda_src.errors import AppError
from lambda_src.migration.content import WireItem
from lambda_src.migration.derive import Derived, Position
from lambda_src.migration.errors import TargetFailed
from lambda_src.migration.target.parallel import in_order
from lambda_src.migration.target.place import Place, key_text
from lambda_src.migration.target.spelled import Answer, put_text

type Note = tuple[Table, WireItem]
"""An item that says how far a copy is, and its table."""

ITEMS_PER_BATCH: Final = ITEMS_PER_WRITE - 1  # the last one is the note
_WIRE_BYTES_PER_BATCH: Final = WIRE_BYTES_PER_WRITE - 4_096  # and the note


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Everything derived before `after` is in the table (None: not one whole answer yet).

    rows, items: how many this batch brought, rows by stream.
    """

    after: Position | None
    rows: Counter[str]
    items: int


@dataclass(slots=True)
class _Batch:
    """Up to 24 items, spelled out, of whole answers where they fit, and a note; none where answers have no items.

    after: the place behind the last whole answer.
    """

    writes: dict[str, list[str]] = field(default_factory=dict)
    keys: dict[tuple[str, ...], None] = field(default_factory=dict)
    after: Position | None = None
    rows: Counter[str] = field(default_factory=Counter)
    items: int = 0
    wire_bytes: int = 0


def write(
    place: Place, derived: Iterable[Derived], *, note: Callable[[], Note], hold: Callable[[], None]
) -> Generator[Acknowledged]:
    """Write the items, and say after each batch how far everything is written.

    A batch is named when it and all before it are acknowledged; others behind it may be written too. note: asked for
    with each batch, says how far the last one named was. hold: called right before each request, may raise.
    Raises TargetFailed when DynamoDB refuses or stays silent beyond all patience. 1 request per 24 items.
    """
    after: Position | None = None
    for batch in in_order(place.workers, partial(_write_batch, place, hold), _batches(place, derived, note)):
        after = batch.after or after
        yield Acknowledged(after, batch.rows, batch.items)


def _write_batch(place: Place, hold: Callable[[], None], batch: _Batch) -> _Batch:
    def send(writes: Mapping[str, Sequence[Any]]) -> Answer:
        hold()
        return place.spelled.send(writes)

    place.budget.wait()
    try:
        left = write_all(place.caller, batch.writes, send=send) if batch.writes else 0
    except AppError as exc:
        keys = [f"{table}: {' / '.join(key)}" for table, *key in batch.keys]
        told = f"DynamoDB did not take a batch, from {keys[0]} to {keys[-1]}"
        raise TargetFailed(f"{told}: {exc.__cause__ or exc}") from exc
    place.budget.used(place.usage().write_units)
    if left:
        raise TargetFailed(f"{left} items of a batch stayed unprocessed: lower the write units, then run again")
    return batch


def _batches(place: Place, derived: Iterable[Derived], note: Callable[[], Note]) -> Iterator[_Batch]:
    for batch in _batches_of_items(place, derived):
        if batch.items:
            table, item = note()
            batch.writes.setdefault(place.caller.physical_name(table), []).append(put_text(item))
        yield batch


def _batches_of_items(place: Place, derived: Iterable[Derived]) -> Iterator[_Batch]:
    batch = _Batch()
    for answer in derived:
        for table, item in answer.items:
            text = put_text(item)
            key = (table.name, *key_text(table, item).values())
            is_full = batch.items == ITEMS_PER_BATCH or batch.wire_bytes + len(text) > _WIRE_BYTES_PER_BATCH
            if is_full or key in batch.keys:  # of two items with one key the later stays; a comparison tells
                yield batch
                batch = _Batch()
            batch.writes.setdefault(place.caller.physical_name(table), []).append(text)
            batch.keys[key] = None
            batch.wire_bytes += len(text)
            batch.items += 1
        batch.after = answer.after
        batch.rows[answer.stream.name] += 1
    if batch.after is not None:
        yield batch
