"""A migration under fire, of any size: seconds in `make test`, a hundred thousand rows in `make soak`."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import batched, cycle, islice
from threading import Event
from typing import TYPE_CHECKING, Any, Final, get_args

from sqlalchemy import make_url

from lambda_src.dynamo.batches import ITEMS_PER_WRITE
from lambda_src.migration.phases.copy import copy
from lambda_src.migration.phases.delta import delta
from lambda_src.migration.phases.rollback import rollback
from lambda_src.migration.phases.verify import verify
from lambda_src.migration.target.place import Place
from tests.support.dynamodb_front import NamedFault, fronting
from tests.support.migration.cutting_proxy import cutting
from tests.support.migration.jobs import items_of
from tests.support.migration.killing import (
    KILLED,
    Killer,
    kill_while,
    run_until_done,
    written_behind_the_checkpoint,
)
from tests.support.migration.migration_process import Phases
from tests.support.migration.operator import Operator
from tests.support.migration.scenes import Moving

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Tables = Mapping[str, Mapping[tuple[str, ...], Mapping[str, Any]]]

REPEATED_ROWS: Final = 500  # by a copy that goes on after a kill
_STATEMENTS_AT_ONCE: Final = 50
_READ_ROWS_PER_SECOND: Final = 40_000  # no machine is faster


def tables_of(client: "DynamoDBClient", operator: Operator) -> Tables:
    """Every item by its key, by declared name of its table."""
    return {name: items_of(client, physical) for name, physical in operator.tables.items()}


def killed_copy(
    moving: Moving, client: "DynamoDBClient", phases: Phases, *, rows: int, kills: int, kills_of_reading: int
) -> Sequence[int]:
    """Copy twice, once undisturbed and once under fire; how many rows were to be repeated after each kill.

    Raises AssertionError when the two differ.
    """
    moving.service.fill(moving.database, rows)
    undisturbed = moving.operator("undisturbed")
    moving.done(undisturbed, "copy")
    expected = tables_of(client, undisturbed)
    batches = sum(map(len, expected.values())) // ITEMS_PER_WRITE
    chance = random.Random(moving.service.name)
    killer = Killer(chance.sample(range(1, batches), kills), operations=("BatchWriteItem",))
    repeated: list[int] = []
    with fronting(moving.endpoint_url, killer) as front:
        operator = moving.operator("killed", endpoint_url=front.url)
        for _ in range(kills_of_reading):
            process = phases.start(operator, "copy", *moving.service.options)
            seconds = chance.uniform(0, rows / _READ_ROWS_PER_SECOND)
            assert kill_while(process, operator.folder / "snapshot.next.sqlite", seconds) == KILLED
        place = Place.of(moving.service.mapping, client, operator.tables)
        run_until_done(
            lambda: phases.start(operator, "copy", *moving.service.options),
            killer,
            after_death=lambda: repeated.append(written_behind_the_checkpoint(place, operator.folder)),
        )
    assert killer.deaths == kills
    assert tables_of(client, operator) == expected
    return repeated


class Faults:
    """A fault for each n-th request of a kind; see `DynamoDBFront`. All kinds in turn."""

    def __init__(self, *, every: int) -> None:
        self._every = every
        self._kinds = cycle(get_args(NamedFault.__value__))

    def __call__(self, operation: str, before: int) -> NamedFault | None:
        return next(self._kinds) if before % self._every == self._every // 2 else None


def rough_move(moving: Moving, client: "DynamoDBClient", *, rows: int, every: int, cuts: Sequence[int]) -> Counter[str]:
    """Copy, bring over changes and compare while one in `every` requests fails; how many did, by fault.

    cuts: bytes after which the connection to the source breaks, once each. Raises AssertionError when the tables
    differ from those of an undisturbed copy.
    """
    moving.service.fill(moving.database, rows)
    address = make_url(moving.database.url)
    assert address.port is not None
    with fronting(moving.endpoint_url, Faults(every=every)) as front, cutting(address.port, *cuts, None) as wire:
        operator = replace(
            moving.operator("rough", endpoint_url=front.url),
            url=address.set(port=wire.port).render_as_string(hide_password=False),
        )
        moving.done(operator, "copy")
        assert wire.connections == len(cuts) + 1
        moving.database.run(";".join(islice(moving.service.changes(rows, 1), rows // 10)))
        moving.done(operator, "delta", "--allow-deletions")
        moving.done(operator, "verify", "--full")
        spoiled = front.spoiled
    undisturbed = moving.operator("undisturbed")
    moving.done(undisturbed, "copy")
    assert tables_of(client, operator) == tables_of(client, undisturbed)
    return spoiled


def live_move(moving: Moving, client: "DynamoDBClient", *, rows: int, changes: int) -> None:
    """Copy while somebody changes the source, so often at least; then one delta.

    Raises AssertionError when the tables differ from the source, or from those of a fresh copy.
    """
    moving.service.fill(moving.database, rows)
    operator, fresh = moving.operator("live"), moving.operator("fresh")
    is_copied = Event()
    with ThreadPoolExecutor(1) as others:
        changing = others.submit(_change, moving, rows, changes, is_copied)
        try:
            moving.done(operator, "copy")
        finally:
            is_copied.set()
        assert changing.result() >= changes
    moving.done(operator, "delta", "--allow-deletions")
    moving.done(operator, "verify", "--full")
    moving.done(fresh, "copy")
    assert tables_of(client, operator) == tables_of(client, fresh)


def _change(moving: Moving, rows: int, at_least: int, is_copied: Event) -> int:
    """Change the source until it was copied; how many statements that were."""
    made = 0
    for statements in batched(moving.service.changes(rows, 1), _STATEMENTS_AT_ONCE, strict=False):
        if made >= at_least and is_copied.is_set():
            break
        moving.database.run(";".join(statements))
        made += len(statements)
    return made


def whole_move(moving: Moving, client: "DynamoDBClient", *, rows: int) -> None:
    """Copy, compare in full, copy again, and take it back. Raises AssertionError when a row is lost."""
    moving.service.fill(moving.database, rows)
    job = moving.job(moving.operator("whole"), client)
    copied = copy(job)
    read, rejected = copied.source.read, copied.source.rejected
    assert sum(read.values()) > rows
    assert all(rejected.values())
    found = verify(job, full=True)
    assert found.is_equal, found.differences
    assert found.restored == {table: count - rejected[table] for table, count in read.items()}
    again = delta(job)[1]
    assert (again.put, again.deleted, again.conflicts) == (0, 0, [])
    undone = rollback(job)
    assert (undone.removed, undone.kept) == (copied.items, 0)
    assert not any(items_of(client, name) for name in job.place.caller.names.values())
