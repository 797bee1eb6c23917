"""What others wrote into the tables, and the numbers that follow from all items, whoever wrote them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from lambda_src.dynamo.client import CallRefused
from lambda_src.dynamo.conditions import ABSENT, Attr
from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import Item, from_item
from lambda_src.errors import AppError
from lambda_src.migration.content import WireItem, is_ours
from lambda_src.migration.errors import TargetFailed
from lambda_src.migration.mapping import AddedUp, Resident
from lambda_src.migration.target.place import Place
from lambda_src.migration.target.scan import pages

_TRIES: Final = 5


def residents(place: Place) -> tuple[Resident, ...]:
    """What rows have to get along with, none where a table is missing or the mapping asks for none. Costs a Scan."""
    meeting = place.mapping.meeting
    if meeting is None:
        return ()
    try:
        return tuple(
            resident
            for table in place.tables()
            for page in pages(place, table)
            for item in page
            for resident in meeting.residents(table, from_item(item), is_ours(item, place.migration_id))
        )
    except AppError as exc:
        if isinstance(exc.__cause__, CallRefused) and exc.__cause__.code == "ResourceNotFoundException":
            return ()  # `check` says that it is missing
        raise


def is_foreign(place: Place, item: WireItem) -> bool:
    """Whether an item is of somebody else and stays: the migration neither expects nor mends it."""
    return place.mapping.meeting is not None and not is_ours(item, place.migration_id)


@dataclass(frozen=True, slots=True)
class Sum:
    """A number as it is stored and as it should be, None where there is no item."""

    added_up: AddedUp
    stored: int | None
    wanted: int | None

    @property
    def key(self) -> dict[str, str]:
        return {name: self.added_up.item[name] for name in self.added_up.table.key_names}

    @property
    def is_right(self) -> bool:
        if self.wanted is not None and self.stored is not None and self.added_up.is_least:
            return self.stored >= self.wanted
        return self.stored == self.wanted


def sums(place: Place) -> Iterator[Sum]:
    """Every number of the mapping. 1 request each, and a Scan of each table; nothing where there are none."""
    stored = [_stored(place, each) for each in place.mapping.added_up]  # before the Scan: see `add_up`
    wanted: list[int | None] = [None] * len(stored)
    for table in place.tables() if stored else ():
        for item in (from_item(item) for page in pages(place, table) for item in page):
            for number, each in enumerate(place.mapping.added_up):
                if each.table is table and (more := each.of(item)) is not None:
                    wanted[number] = _joined(each, wanted[number], more)
    yield from map(Sum, place.mapping.added_up, stored, wanted)


def add_up(place: Place, *, hold: Callable[[], None]) -> None:
    """Write every number that is not what it should be, on condition that it is as it was before the Scan.

    A number that changes meanwhile, since somebody added an item with it, is worked out anew, five times at most.
    hold: called right before each write, may raise. Raises TargetFailed.
    """
    for _ in range(_TRIES):
        wrong = [each for each in sums(place) if not each.is_right]
        if not [each for each in wrong if not _is_written(place, each, hold)]:
            return
    raise TargetFailed("Somebody goes on writing items that are counted: end that, then run this again")


def _is_written(place: Place, each: Sum, hold: Callable[[], None]) -> bool:
    table, number = each.added_up.table, each.added_up.number
    still = ABSENT if each.stored is None else Attr(number).eq(each.stored)
    hold()
    try:
        if each.wanted is None:
            place.items.delete(table, each.key, condition=still)
        elif each.stored is None:
            place.items.put(table, {**each.added_up.item, number: each.wanted}, condition=still)
        else:
            place.items.update(table, each.key, Update().set(**{number: each.wanted}), condition=still)
    except ConditionFailed:
        return _stored(place, each.added_up) == each.wanted  # our own write, whose answer was lost
    return True


def _stored(place: Place, each: AddedUp) -> int | None:
    found: Item | None = place.items.get(each.table, {name: each.item[name] for name in each.table.key_names})
    return None if found is None else int(found.get(each.number, 0))


def _joined(each: AddedUp, so_far: int | None, more: int) -> int:
    if so_far is None:
        return more
    return max(so_far, more) if each.is_least else so_far + more
