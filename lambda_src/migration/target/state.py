"""How far a migration is, kept in the table it fills: whoever runs it next, and wherever, finds it.

`STATE` is written under the condition that no other run took over. `PROGRESS` goes along with the batches of a copy,
which know no conditions, and counts as long as the run that wrote it is the one that `STATE` names.
"""

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self

from boto3.dynamodb.conditions import Attr, ConditionBase

from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import to_item
from lambda_src.migration.content import WireItem
from lambda_src.migration.derive import Position
from lambda_src.migration.errors import TakenOver
from lambda_src.migration.snapshot import Summary
from lambda_src.migration.target.place import STATE_PARTITION, Place

type Status = Literal["copying", "copied", "verified", "opened", "removing"]

_STATE: Final = "STATE"
_PROGRESS: Final = "PROGRESS"


@dataclass(frozen=True, slots=True)
class State:
    """copying: a copy began. copied: every item was written. verified: compared, and nothing differed. opened: the API
    may write, and the migration must not any more. removing: a rollback began, and nothing else may be done.

    source_digest, mapping_version: of the snapshot the items came from. position: everything before it is written.
    variant: the options that the mapping was made with. rows: written so far, by stream.
    """

    status: Status
    source_digest: str
    started_at: str
    updated_at: str
    mapping_version: str
    variant: str = ""
    position: Position = field(default_factory=Position)
    rows: Mapping[str, int] = field(default_factory=dict)


class Journal:
    """Reads and writes the state. Of two runs at the same time the one that began later goes on, the other stops."""

    def __init__(self, place: Place, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._table = place.mapping.state_table
        self._variant = place.mapping.variant
        self._store = place.store
        self._clock = clock
        self._run = uuid.uuid4().hex

    def read(self) -> State | None:
        """The state, None before the first copy. 1 request, 2 while a copy is under way."""
        item = self._store.get(self._table, self._key(_STATE), consistent=True)
        state = None if item is None else _state(item)
        if item is None or state is None or state.status != "copying":
            return state
        progress = self._store.get(self._table, self._key(_PROGRESS), consistent=True)
        if progress is None or progress["run"] != item["run"] or Position(*progress["position"]) < state.position:
            return state
        return replace(state, position=Position(*progress["position"]), rows=progress["rows"])

    def begin(self, state: State) -> State:
        """Take the migration over; earlier runs stop when they next keep their state. 1 request."""
        return self._write(state, None)

    def keep(self, state: State) -> State:
        """Keep what was reached. Raises TakenOver when another run did. 1 request."""
        return self._write(state, Attr("run").eq(self._run))

    def progress(self, state: State) -> tuple[Table, WireItem]:
        """What a batch takes along to say how far a copy is, and the table it belongs to."""
        item = {**self._key(_PROGRESS), "entity_type": "MigrationProgress", "run": self._run, **_reached(state)}
        return self._table, to_item(item)

    def start(self, summary: Summary) -> State:
        """A state at the very beginning; not written yet."""
        now = self._now()
        return State("copying", summary.digest, now, now, summary.mapping_version, self._variant)

    def forget(self) -> None:
        """Remove the state. 1 request."""
        self._store.batch_write(self._table, deletes=map(self._key, (_STATE, _PROGRESS)))

    def _key(self, name: str) -> dict[str, str]:
        return dict(zip(self._table.key_names, (STATE_PARTITION, name), strict=True))

    def _write(self, state: State, condition: ConditionBase | None) -> State:
        state = replace(state, updated_at=self._now())
        item: dict[str, object] = {
            **self._key(_STATE),
            "entity_type": "Migration",
            "run": self._run,
            "status": state.status,
            "source_digest": state.source_digest,
            "started_at": state.started_at,
            "updated_at": state.updated_at,
            "mapping_version": state.mapping_version,
            "variant": state.variant,
            **_reached(state),
        }
        try:
            self._store.put(self._table, item, condition=condition)
        except ConditionFailed as exc:
            raise TakenOver("Another run of this migration has taken over; let it finish") from exc
        return state

    def _now(self) -> str:
        return self._clock().isoformat(timespec="seconds")


class Checkpoints:
    """Keeps the state now and then, while the caller works on, and so notices another run. A context manager.

    every: items between two of them. It costs a request each.
    """

    def __init__(self, journal: Journal, *, every: int) -> None:
        self._journal = journal
        self._every = every
        self._items = 0
        self._under_way: Future[State] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")

    def reached(self, state: State, items: int) -> None:
        """Tell of a state, and how many items were written for it. Raises TakenOver when another run has taken over."""
        self._items += items
        if self._items >= self._every:
            self._items = 0
            self._settle()
            self._under_way = self._pool.submit(self._journal.keep, state)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=True)
        if kind is None:
            self._settle()

    def _settle(self) -> None:
        if self._under_way is not None:
            self._under_way.result()


def _reached(state: State) -> dict[str, object]:
    return {"position": [state.position.stream, state.position.row], "rows": dict(state.rows)}


def _state(item: Mapping[str, Any]) -> State:
    return State(
        status=item["status"],
        source_digest=item["source_digest"],
        started_at=item["started_at"],
        updated_at=item["updated_at"],
        mapping_version=item["mapping_version"],
        variant=item.get("variant", ""),
        position=Position(*item["position"]),
        rows=item["rows"],
    )
