"""AWS's rules for capacity units, for what no local engine states: transactions, and estimates.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from lambda_src.dynamo.schema import Index, Table
from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.dynamo.values import is_absent

_WRITE_STEP_BYTES: Final = 1024
_READ_STEP_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Write:
    """An item before and after a write; None where there is none. A condition check has the same on both sides."""

    table: Table
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


def read_units(size_bytes: int, *, consistent: bool = False) -> float:
    """Units of a GetItem of an item of this size, or of a Query that reads this much; at least one step of 4 KB."""
    return max(1, ceil(size_bytes / _READ_STEP_BYTES)) * (1.0 if consistent else 0.5)


def write_units(write: Write, *, transactional: bool = False) -> int:
    """Units of a write: per KB of the larger of before and after, twice in a transaction, and what its indexes take."""
    larger = max(item_size_bytes(write.before or {}), item_size_bytes(write.after or {}))
    of_table = _write_steps(larger) * (2 if transactional else 1)
    return of_table + sum(_index_write_units(write, index) for index in write.table.indexes)


def transact_write_units(writes: Iterable[Write]) -> int:
    """Units of a transaction that is carried out."""
    return sum(write_units(write, transactional=True) for write in writes)


def _index_write_units(write: Write, index: Index) -> int:
    """One write for an entry that comes, goes or changes; two for one that moves to another key."""
    before, after = _entry(write, index, write.before), _entry(write, index, write.after)
    if before == after:
        return 0
    moved = before and after and any(before[name] != after[name] for name in index.attributes)
    steps = [_write_steps(item_size_bytes(entry)) for entry in (before, after) if entry]
    return sum(steps) if moved else max(steps)


def _entry(write: Write, index: Index, item: Mapping[str, object] | None) -> dict[str, object]:
    """What the index holds of an item; nothing if the item lacks one of the index's keys."""
    if item is None or any(is_absent(item.get(name)) for name in index.attributes):
        return {}
    keys = {*write.table.key_names, *index.attributes}
    return {name: value for name, value in item.items() if name in keys or index.holds(name)}


def _write_steps(size_bytes: int) -> int:
    return max(1, ceil(size_bytes / _WRITE_STEP_BYTES))
