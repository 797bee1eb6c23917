"""How far a migration is, kept as one item in the table it fills: whoever runs it next, and wherever, finds it."""

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self

from boto3.dynamodb.conditions import Attr, ConditionBase

from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.migration.derive import Position
from lambda_src.migration.errors import TakenOver
from lambda_src.migration.snapshot import Summary
from lambda_src.migration.target.place import STATE_PARTITION, Place

type Status = Literal["copying", "copied", "verified", "opened", "removing"]

_SORT: Final = "STATE"


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
        """The state, None before the first copy. 1 request."""
        item = self._store.get(self._table, self._key, consistent=True)
        return None if item is None else _state(item)

    def begin(self, state: State) -> State:
        """Take the migration over; earlier runs stop at their next checkpoint. 1 request."""
        return self._write(state, None)

    def keep(self, state: State) -> State:
        """Keep what was reached. Raises TakenOver when another run did. 1 request."""
        return self._write(state, Attr("run").eq(self._run))

    def start(self, summary: Summary) -> State:
        """A state at the very beginning; not written yet."""
        now = self._now()
        return State("copying", summary.digest, now, now, summary.mapping_version, self._variant)

    def forget(self) -> None:
        """Remove the state. 1 request."""
        self._store.delete(self._table, self._key)

    @property
    def _key(self) -> dict[str, str]:
        values = (STATE_PARTITION, _SORT)
        return dict(zip(self._table.key_names, values, strict=False))

    def _write(self, state: State, condition: ConditionBase | None) -> State:
        state = replace(state, updated_at=self._now())
        item: dict[str, object] = {
            **self._key,
            "entity_type": "Migration",
            "run": self._run,
            "status": state.status,
            "source_digest": state.source_digest,
            "started_at": state.started_at,
            "updated_at": state.updated_at,
            "mapping_version": state.mapping_version,
            "variant": state.variant,
            "position": [state.position.stream, state.position.row],
            "rows": dict(state.rows),
        }
        try:
            self._store.put(self._table, item, condition=condition)
        except ConditionFailed as exc:
            raise TakenOver("Another run of this migration has taken over; let it finish") from exc
        return state

    def _now(self) -> str:
        return self._clock().isoformat(timespec="seconds")


class Checkpoints:
    """Keeps states while the caller works on: the newest one, whenever the one before is kept. A context manager.

    unkept: of items written, this many at most may not be told by the state that is kept; then `reached` waits.
    """

    def __init__(self, journal: Journal, *, every: int, unkept: int) -> None:
        self._journal = journal
        self._every = every
        self._most = unkept
        self._unkept = 0
        self._covered = 0  # of those, by the state under way
        self._under_way: Future[State] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")

    def reached(self, state: State, items: int) -> None:
        """Tell of a state, and how many items were written for it. Raises TakenOver like `keep`. 0 or 1 request."""
        self._unkept += items
        is_idle = self._under_way is None or self._under_way.done()
        if (is_idle and self._unkept - self._covered >= self._every) or self._unkept >= self._most:
            self._settle()
            self._under_way, self._covered = self._pool.submit(self._journal.keep, state), self._unkept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=True)
        if kind is None:
            self._settle()

    def _settle(self) -> None:
        if self._under_way is not None:
            self._under_way.result()
            self._unkept -= self._covered
            self._under_way, self._covered = None, 0


def _state(item: Mapping[str, Any]) -> State:
    stream, row = item["position"]
    return State(
        status=item["status"],
        source_digest=item["source_digest"],
        started_at=item["started_at"],
        updated_at=item["updated_at"],
        mapping_version=item["mapping_version"],
        variant=item.get("variant", ""),
        position=Position(stream, row),
        rows=item["rows"],
    )
