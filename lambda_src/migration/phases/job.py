"""What every phase is given, and the files a migration keeps in its folder."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Final, Protocol

from lambda_src.errors import AppError
from lambda_src.migration.drafts import Draft
from lambda_src.migration.errors import BadUsage, MigrationError, TakenOver
from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.phases.results import Results
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.kind import Source
from lambda_src.migration.target.comparison import Comparison
from lambda_src.migration.target.meeting import residents
from lambda_src.migration.target.place import Place
from lambda_src.migration.target.state import Journal

type Advance = Callable[[int], None]

SNAPSHOT: Final = "snapshot.sqlite"
REJECTS: Final = "rejects.jsonl"
NOTES: Final = "notes.jsonl"
_NEXT_SNAPSHOT: Final = "snapshot.next.sqlite"
_COMPARISON: Final = "comparison.sqlite"
_LOCK: Final = ".lock"


class Progress(Protocol):
    """Shows how far a step is. total: things to do, None where nobody knows."""

    def step(self, title: str, total: int | None = None) -> AbstractContextManager[Advance]: ...


class Silent:
    """Progress that nobody watches."""

    def step(self, title: str, total: int | None = None) -> AbstractContextManager[Advance]:  # noqa: ARG002
        return nullcontext(lambda _: None)


@dataclass(frozen=True, slots=True)
class Job:
    """One migration: from a source, into a place, with a folder for what it keeps.

    mapping_version: of the code that takes snapshots now; one that was taken by other code is not used again.
    is_production: its tables have to be protected before they are handed over. is_partial: of some entities only, see
    `only`. allow_rejects: a copy may leave rejected rows behind. environment: by name.
    """

    place: Place
    folder: Path
    source: Source
    mapping_version: str
    progress: Progress = field(default_factory=Silent)
    is_production: bool = True
    is_partial: bool = False
    allow_rejects: bool = True
    results: Results = field(default_factory=Results)
    environment: str = ""

    def only(self, entities: Collection[str]) -> "Job":
        """The same migration of some entities, its streams by name; of all of them when none is named.

        It compares, and knows nothing of items that are too many. Raises BadUsage.
        """
        known = {stream.name.replace(" ", "-"): stream for stream in self.mapping.streams}
        if unknown := sorted(set(entities) - known.keys()):
            raise BadUsage(f"--only {', '.join(unknown)}: known are {', '.join(known)}")
        if not entities:
            return self
        streams = tuple(stream for name, stream in known.items() if name in entities)
        place = replace(self.place, mapping=replace(self.mapping, streams=streams))
        return replace(self, place=place, is_partial=True)

    @property
    def mapping(self) -> ServiceMapping:
        return self.place.mapping

    @property
    def journal(self) -> Journal:
        """A new one is a new run: others of the same migration stop when it begins to write."""
        return Journal(self.place)

    @contextmanager
    def fresh_snapshot(self) -> Iterator[Snapshot]:
        """The source as it is now; its rejects are written beside it. Replaces the snapshot before it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / _NEXT_SNAPSHOT
        with self.progress.step("Reading the source", self.source.total) as advance:
            self.source.take(path, on_rows=advance)
        if self.mapping.meeting is not None:
            self._meet(path)
        path.replace(self.folder / SNAPSHOT)
        kept = self._opened()
        if kept is None:
            raise MigrationError("The snapshot just taken cannot be read: is the disk full?")
        with kept:
            with Draft(self.folder) as draft:
                draft.lines(REJECTS, (rejected.as_json() for rejected in kept.rejected()))
                if self.mapping.lists_notes:
                    draft.lines(NOTES, kept.notes())
            yield kept

    @contextmanager
    def kept_snapshot(self, digest: str) -> Iterator[Snapshot]:
        """The snapshot with this digest where it is still there, else a fresh one."""
        kept = self._opened()
        if kept is not None:
            with kept:
                summary = kept.summary()
                is_same = (summary.digest, summary.mapping_version) == (digest, self.mapping_version)
                if is_same and (self.mapping.meeting is None or kept.has_met(residents(self.place), self._begun_at())):
                    yield kept
                    return
        with self.fresh_snapshot() as fresh:
            yield fresh

    def _meet(self, path: Path) -> None:
        """Let the rows of a new snapshot meet what is in the tables."""
        taken = Snapshot.open(path, self.mapping)
        if taken is not None:
            with taken:
                taken.meet(residents(self.place), self._begun_at())

    def _begun_at(self) -> str:
        """When the migration began, or begins now. 1 or 2 requests."""
        try:
            state = self.journal.read()
        except AppError:  # no table yet: what comes next says so
            state = None
        return state.started_at if state else datetime.now(UTC).isoformat(timespec="microseconds")

    def comparison(self) -> Comparison:
        """An empty comparison; the one before it is removed."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Comparison(self.folder / _COMPARISON, self.place, of_everything=not self.is_partial)

    def _opened(self) -> Snapshot | None:
        return Snapshot.open(self.folder / SNAPSHOT, self.mapping)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Raises TakenOver while another process of this machine works in the folder: they would share its files."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / _LOCK).touch(mode=0o600)
    with (folder / _LOCK).open("a") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)  # goes with the process
        except BlockingIOError:
            raise TakenOver(f"Another phase works in {folder}: let it end, or end it") from None
        yield
