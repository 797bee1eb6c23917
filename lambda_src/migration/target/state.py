"""How far a migration is, kept in the table it fills: whoever runs it next, and wherever, finds it.

`STATE` is written on condition: by a run that goes on, that none took over; by one that takes over, that nothing
happened since it looked. `PROGRESS` goes along with the batches of a copy, which know no conditions, and counts as long
as the run that wrote it is the one that `STATE` names.
"""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from lambda_src.dynamo.conditions import Attr, Condition
from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Item, to_item
from lambda_src.errors import AppError
from lambda_src.migration.content import WireItem
from lambda_src.migration.derive import Position
from lambda_src.migration.errors import MigrationError, TakenOver, TargetFailed
from lambda_src.migration.target.place import STATE_PARTITION, Place

type Status = Literal["copying", "copied", "verified", "opened", "removing"]

_STATE: Final = "STATE"
_PROGRESS: Final = "PROGRESS"
_HOLDS_SECONDS: Final = 0.5
SETTLES_SECONDS: Final = 2.0  # until a run that was writing has noticed, and what it had under way has arrived
_TAKEN_OVER: Final = "Another run of this migration has taken over, or rolled it back"
_MOVED_ON: Final = "The migration moved on while this run prepared itself: run it again"


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
    """Reads and writes the state, for one run: of two at the same time the one that began later goes on."""

    def __init__(
        self,
        place: Place,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = place.mapping.state_table
        self._variant = place.mapping.variant
        self._items = place.items
        self._clock = clock
        self._sleep = sleep
        self._run = uuid.uuid4().hex
        self._seen: str | None = None

    def read(self) -> State | None:
        """The state, None before the first copy. 1 request, 2 while a copy is under way."""
        item = self._items.get(self._table, self._key(_STATE))
        self._seen = None if item is None else item["run"]
        state = None if item is None else _state(item)
        if state is None or state.status != "copying":
            return state
        progress = self._items.get(self._table, self._key(_PROGRESS))
        if progress is None or progress["run"] != self._seen or Position(*progress["position"]) < state.position:
            return state
        return replace(state, position=Position(*progress["position"]), rows=progress["rows"])

    def begin(self, state: State) -> State:
        """Take the migration over; earlier runs stop when they next have to hold it. 1 request.

        Of a run that did not say that it was done, and may still be writing, it waits for what that has under way.

        Raises TakenOver when the state is not the one that `read` saw: reading a source takes long, and what a run
        decided before may be wrong after it.
        """
        was_seen = Attr("run").not_exists() if self._seen is None else Attr("run").eq(self._seen)
        unmoved = was_seen | Attr("run").eq(self._run)
        state, replaced = self._write(state, unmoved, _MOVED_ON, is_writing=True)
        if replaced and replaced.get("is_writing"):  # also after a lost answer: our own state hides the one before
            self._sleep(SETTLES_SECONDS)
        return state

    def keep(self, state: State, *, is_writing: bool = False) -> State:
        """Keep what was reached. Raises TakenOver when another run took over. 1 request.

        is_writing: this run may go on to write items, until it keeps a state without that.
        """
        state, _ = self._write(state, Attr("run").eq(self._run), _TAKEN_OVER, is_writing=is_writing)
        return state

    def progress(self, state: State) -> tuple[Table, WireItem]:
        """What a batch takes along to say how far a copy is, and the table it belongs to."""
        item = {**self._key(_PROGRESS), "entity_type": "MigrationProgress", "run": self._run, **_reached(state)}
        return self._table, to_item(item)

    def start(self, source_digest: str = "", mapping_version: str = "", *, started_at: str = "") -> State:
        """A state at the very beginning; not written yet. started_at: now, unless given."""
        now = self._now()
        return State("copying", source_digest, started_at or now, now, mapping_version, self._variant)

    def forget_progress(self) -> None:
        """Remove what batches took along: the state says more. 1 request."""
        self._items.delete(self._table, self._key(_PROGRESS))

    def forget(self) -> None:
        """Remove everything. Raises TakenOver like `keep`. 2 requests."""
        self.forget_progress()
        try:
            self._items.delete(self._table, self._key(_STATE), condition=Attr("run").eq(self._run))
        except ConditionFailed as exc:
            if self._items.get(self._table, self._key(_STATE)) is not None:
                raise TakenOver(_TAKEN_OVER) from exc

    def _key(self, name: str) -> dict[str, str]:
        return dict(zip(self._table.key_names, (STATE_PARTITION, name), strict=True))

    def _write(
        self, state: State, condition: Condition, otherwise: str, *, is_writing: bool = False
    ) -> tuple[State, Item | None]:
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
            "is_writing": is_writing,
            **_reached(state),
        }
        try:
            return state, self._items.put(self._table, item, condition=condition)
        except ConditionFailed as exc:
            raise TakenOver(otherwise) from exc

    def _now(self) -> str:
        return self._clock().isoformat(timespec="seconds")


class Hold:
    """The right to write, which another run may take. Whoever writes calls this right before each request.

    It keeps the newest state, at most every half second. Safe to use from many threads.
    """

    def __init__(self, journal: Journal, state: State, *, clock: Callable[[], float] = time.time) -> None:
        """clock: goes on while a machine sleeps."""
        self._journal = journal
        self._state = state
        self._clock = clock
        self._lock = threading.Lock()
        self._kept_at = float("-inf")
        self._lost: MigrationError | None = None

    def reached(self, state: State) -> None:
        """Tell of a newer state."""
        self._state = state

    def __call__(self) -> None:
        """Raises TakenOver when another run took over, TargetFailed when nobody knows, from then on. 0 or 1 request."""
        with self._lock:
            if self._lost is not None:
                raise self._lost
            now = self._clock()
            if not 0 <= now - self._kept_at < _HOLDS_SECONDS:
                try:
                    self._journal.keep(self._state, is_writing=True)
                except TakenOver as exc:
                    self._lost = exc
                    raise
                except AppError as exc:
                    self._lost = TargetFailed(f"DynamoDB did not keep the state: {exc.__cause__ or exc}")
                    raise self._lost from exc
                self._kept_at = now


def _reached(state: State) -> dict[str, object]:
    return {"position": [state.position.stream, state.position.row], "rows": dict(state.rows)}


def _state(item: Mapping[str, Any]) -> State:
    return State(
        status=item["status"],
        source_digest=item.get("source_digest", ""),  # the store keeps no empty texts
        started_at=item["started_at"],
        updated_at=item["updated_at"],
        mapping_version=item.get("mapping_version", ""),
        variant=item.get("variant", ""),
        position=Position(*item["position"]),
        rows=item["rows"],
    )
