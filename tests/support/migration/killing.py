"""A migration under kill -9: a process of its own that dies at given requests and is started again."""

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import batched, chain, islice
from pathlib import Path
from signal import SIGKILL
from typing import Final

from lambda_src.dynamo.batches import KEYS_PER_READ
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Request, to_key
from lambda_src.migration.content import WireItem
from lambda_src.migration.derive import derive
from lambda_src.migration.phases.job import SNAPSHOT
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.target.place import Place, key_text
from lambda_src.migration.target.state import Journal
from tests.support.dynamodb_front import Fault
from tests.support.migration.migration_process import Running

KILLED: Final = -SIGKILL
WRITES: Final = frozenset({"BatchWriteItem", "PutItem", "DeleteItem", "UpdateItem"})
_POLL_SECONDS: Final = 0.002
_APPEARS_SECONDS: Final = 30.0
_LOOKED_AT: Final = 1_000  # rows behind a checkpoint: twice as many as may be written there


class Killer:
    """Kills a process when the n-th write goes by, for each n; see `DynamoDBFront`. Whether that one counts is chance.

    at: of all writes of all runs, repeated ones included. deaths: so far.
    """

    def __init__(self, at: Iterable[int], *, operations: Collection[str] = WRITES, seed: int = 1) -> None:
        self.deaths = 0
        self._at = sorted(at, reverse=True)
        self._operations = operations
        self._chance = random.Random(seed)
        self._seen = 0
        self._victim: Running | None = None

    def aim(self, process: Running) -> None:
        """Let this one be next."""
        self._victim = process

    def __call__(self, operation: str, _: int) -> Fault | None:
        if operation not in self._operations:
            return None
        self._seen += 1
        if self._victim is None or not self._at or self._seen < self._at[-1]:
            return None
        self._at.pop()
        self._victim.kill()
        self._victim = None  # what it sent before it died may still go by
        self.deaths += 1
        return self._chance.choice((None, "drop before"))


def run_until_done(
    start: Callable[[], Running], killer: Killer, after_death: Callable[[], None] = lambda: None
) -> None:
    """Start a phase, and start it again whenever it was killed. Raises AssertionError when it ends in another way."""
    while True:
        process = start()
        killer.aim(process)
        code = process.wait()
        if code != KILLED:
            assert code == 0, process.said()
            return
        after_death()


def kill_while(process: Running, path: Path, seconds: float) -> int:
    """Kill a process so long after a file appeared; the exit code, which is that of its end if it was faster."""
    deadline = time.monotonic() + _APPEARS_SECONDS
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    time.sleep(seconds)
    process.kill()
    return process.wait()


def written_behind_the_checkpoint(place: Place, folder: Path) -> int:
    """How many rows a copy that was killed will repeat: they have items in the table, and the state says otherwise."""
    state = Journal(place).read()
    snapshot = Snapshot.open(folder / SNAPSHOT, place.mapping)
    if state is None or snapshot is None:
        return 0
    with snapshot:
        answers = islice(derive(snapshot, place.mapping, place.migration_id, start=state.position), _LOOKED_AT)
        keys = [[(table, key_text(table, item)) for table, item in answer.items] for answer in answers]
    written = {
        (table, *key_text(table, item).values())
        for table in place.tables()
        for item in _found(place, table, [key for of, key in chain.from_iterable(keys) if of is table])
    }
    return sum(any((table, *key.values()) in written for table, key in of_row) for of_row in keys)


def _found(place: Place, table: Table, keys: Iterable[Mapping[str, str]]) -> Iterator[WireItem]:
    """The items that exist, with their keys alone."""
    name = place.caller.physical_name(table)
    names = {f"#{number}": key_name for number, key_name in enumerate(table.key_names)}
    how = {"ConsistentRead": True, "ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
    unique = {tuple(key.values()): to_key(key) for key in keys}
    for chunk in batched(unique.values(), KEYS_PER_READ, strict=False):
        left: Request = {name: {"Keys": [*chunk], **how}}
        while left:
            answer = place.caller.call("BatchGetItem", {"RequestItems": left}, "test")
            yield from answer["Responses"].get(name, ())
            left = {**answer["UnprocessedKeys"]}
