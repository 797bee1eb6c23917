"""Brings single items to what they should be, and touches only what the migration wrote and nobody changed since."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import and_
from typing import Any, Literal

from lambda_src.dynamo.conditions import ABSENT, Attr, Condition
from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Item, from_item, to_item
from lambda_src.migration.content import WireItem, is_untouched, veiled
from lambda_src.migration.derive import derive
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.target.comparison import Comparison, Finding
from lambda_src.migration.target.items import TableItems
from lambda_src.migration.target.parallel import in_order
from lambda_src.migration.target.place import Place, key_text

type Done = Literal["put", "deleted"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """An item that is not ours to change: somebody wrote or changed it. Both versions, for the operator to decide."""

    table: str
    key: dict[str, str]
    stored: Item | None
    wanted: Item | None


@dataclass(frozen=True, slots=True)
class _Hand:
    """What a write is made with. hold: whether this run may still make it."""

    place: Place
    items: TableItems
    hold: Callable[[], None]


@dataclass(slots=True)
class Repairs:
    """What was done, by number of items, and what was left to the operator."""

    put: int = 0
    deleted: int = 0
    conflicts: list[Conflict] = field(default_factory=list)


def repair(
    place: Place,
    snapshot: Snapshot,
    comparison: Comparison,
    *,
    hold: Callable[[], None],
    on_items: Callable[[int], None] = lambda _: None,
) -> Repairs:
    """Put what is missing or different and delete what is extra, each on condition that it is as it was seen.

    hold: called right before each write, may raise. About 2 requests per item that is not as it should be, none else.
    """
    comparison.mark_due()
    hand = _Hand(place, place.held_items(hold), hold)
    repairs = Repairs()
    with closing(_due(place, snapshot, comparison)) as due:
        for done in in_order(place.workers, partial(_put, hand), due):
            _count(repairs, done)
            on_items(1)
    extra = (finding for finding in comparison.findings() if finding.verdict == "extra")
    for done in in_order(place.workers, partial(_remove, hand), extra):
        _count(repairs, done)
        on_items(1)
    return repairs


def _due(place: Place, snapshot: Snapshot, comparison: Comparison) -> Generator[tuple[Table, WireItem]]:
    with closing(derive(snapshot, place.mapping, place.migration_id)) as answers:
        for answer in answers:
            for table, item in answer.items:
                if comparison.due(table, key_text(table, item)):
                    yield table, item


def _put(hand: _Hand, wanted: tuple[Table, WireItem]) -> Done | Conflict:
    place, items = hand.place, hand.items
    table, wire_item = wanted
    item, key = from_item(wire_item), key_text(table, wire_item)
    stored = items.get(table, key)
    if stored is not None and not is_untouched(to_item(stored), place.migration_id):
        return _conflict(place, table, key, stored, item)
    condition = ABSENT if stored is None else _still(stored)
    place.budget.wait()
    hand.hold()
    try:
        items.put(table, item, condition=condition)
    except ConditionFailed:
        now = items.get(table, key)
        if now is None or to_item(now) != wire_item:  # equal when it was our own put, whose answer was lost
            return _conflict(place, table, key, now, item)
    place.budget.used(place.usage().write_units)
    return "put"


def _remove(hand: _Hand, finding: Finding) -> Done | Conflict:
    place, items = hand.place, hand.items
    if not finding.untouched:
        return _conflict(place, finding.table, finding.key, items.get(finding.table, finding.key), None)
    stored = items.get(finding.table, finding.key)
    if stored is None:
        return "deleted"
    if not is_untouched(to_item(stored), place.migration_id):
        return _conflict(place, finding.table, finding.key, stored, None)
    hand.hold()
    try:
        items.delete(finding.table, finding.key, condition=_still(stored))
    except ConditionFailed:
        now = items.get(finding.table, finding.key)
        if now is not None:  # gone when it was our own deletion, whose answer was lost
            return _conflict(place, finding.table, finding.key, now, None)
    return "deleted"


def _conflict(place: Place, table: Table, key: dict[str, str], stored: Item | None, wanted: Item | None) -> Conflict:
    seen, due = (item if item is None else veiled(item, place.mapping.confidential) for item in (stored, wanted))
    return Conflict(table.name, key, seen, due)


def _still(stored: dict[str, Any]) -> Condition:
    """Every attribute is what it was; the mark among them vouches that there is no other."""
    return reduce(and_, (Attr(name).eq(value) for name, value in stored.items()))


def _count(repairs: Repairs, done: Done | Conflict) -> None:
    if isinstance(done, Conflict):
        repairs.conflicts.append(done)
    elif done == "put":
        repairs.put += 1
    else:
        repairs.deleted += 1
