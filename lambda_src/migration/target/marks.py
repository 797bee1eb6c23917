"""The marks on migrated items: by them a rollback knows what to remove, and they go once the API was opened."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import Any, Final

from lambda_src.dynamo.batches import ITEMS_PER_WRITE, write_all
from lambda_src.dynamo.conditions import Attr
from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import to_key
from lambda_src.migration.content import WireItem, is_ours, is_untouched
from lambda_src.migration.errors import TargetFailed
from lambda_src.migration.mapping import MARK
from lambda_src.migration.target.parallel import in_order
from lambda_src.migration.target.place import Place, key_text
from lambda_src.migration.target.scan import pages

_NAMED: Final = 50


@dataclass(slots=True)
class Removed:
    """How many items were deleted, how many of ours somebody had changed and were not, and 50 keys of those."""

    removed: int = 0
    kept: int = 0
    kept_keys: tuple[str, ...] = ()


def remove_items(
    place: Place, *, hold: Callable[[], None], on_items: Callable[[int], None] = lambda _: None
) -> Removed:
    """Delete what the migration wrote and nobody changed since. Costs a Scan, and 1 request per 25 items.

    hold: called right before each request, may raise.
    """
    total = Removed()
    for table in place.tables():
        with closing(_ours(place, table)) as ours:
            chunks = batched(ours, ITEMS_PER_WRITE, strict=False)
            for chunk in in_order(place.workers, partial(_delete, place, hold, table), chunks):
                total.removed += chunk.removed
                total.kept += chunk.kept
                total.kept_keys = (*total.kept_keys, *chunk.kept_keys)[:_NAMED]
                on_items(chunk.removed)
    return total


def has_ours(place: Place) -> bool:
    """Whether any item carries the mark of this migration. Costs a Scan where none does."""
    return any(True for table in place.tables() for _ in _ours(place, table))


def strip(place: Place, *, on_items: Callable[[int], None] = lambda _: None) -> int:
    """Take the marks off, whatever else the items say by now; how many. Costs a Scan, and 1 request per item."""
    stripped = 0
    for table in place.tables():
        with closing(_ours(place, table)) as ours:
            for done in in_order(place.workers, partial(_strip, place, table), ours):
                stripped += done
                on_items(done)
    return stripped


def _ours(place: Place, table: Table) -> Generator[WireItem]:
    with closing(pages(place, table)) as found:
        for page in found:
            for item in page:
                if is_ours(item, place.migration_id):
                    yield item


def _delete(place: Place, hold: Callable[[], None], table: Table, items: tuple[WireItem, ...]) -> Removed:
    def send(writes: Mapping[str, Sequence[Any]]) -> Any:
        hold()
        return place.caller.client.call("BatchWriteItem", {"RequestItems": writes}, "migration")

    untouched = [item for item in items if is_untouched(item, place.migration_id)]
    if untouched:
        place.budget.wait()
        requests = [{"DeleteRequest": {"Key": to_key(key_text(table, item))}} for item in untouched]
        left = write_all(place.caller, {place.caller.physical_name(table): requests}, send=send)
        place.budget.used(place.usage().write_units)
        if left:
            raise TargetFailed(f"{left} deletions stayed unprocessed: run again")
    changed = [item for item in items if not is_untouched(item, place.migration_id)]
    keys = tuple(f"{table.name}: {' / '.join(key_text(table, item).values())}" for item in changed)
    return Removed(len(untouched), len(changed), keys)


def _strip(place: Place, table: Table, item: WireItem) -> int:
    place.budget.wait()
    condition = Attr(MARK).eq(item[MARK]["S"])
    try:
        place.items.update(table, key_text(table, item), Update().remove(MARK), condition=condition)
    except ConditionFailed:  # deleted meanwhile, or stripped by another run
        return 0
    place.budget.used(place.usage().write_units)
    return 1
