"""copy: every item into an empty table, and on from where a run stopped."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from lambda_src.migration.content import is_ours
from lambda_src.migration.derive import derive
from lambda_src.migration.errors import Refused
from lambda_src.migration.phases.deciding import refuse_undecided
from lambda_src.migration.phases.delta import reconcile, refuse_removing
from lambda_src.migration.phases.job import Job
from lambda_src.migration.snapshot import Snapshot, Tally
from lambda_src.migration.target.marks import has_ours
from lambda_src.migration.target.meeting import add_up
from lambda_src.migration.target.place import key_text
from lambda_src.migration.target.repair import Repairs
from lambda_src.migration.target.scan import some_item
from lambda_src.migration.target.state import Hold, Journal, State
from lambda_src.migration.target.writer import Note, write


@dataclass(frozen=True, slots=True)
class Copied:
    """What a run did. rows: written by this run, by stream; rows_before: by runs before it, which it continued.

    repairs: where the copy had ended before, so that this run compared instead.
    """

    state: State
    rows: Mapping[str, int]
    rows_before: Mapping[str, int]
    items: int
    source: Tally
    repairs: Repairs | None = None


def copy(job: Job, *, allow_deletions: bool = False) -> Copied:
    """Write what follows from the source. A second run continues the first, and once that is done, compares.

    Of some entities only, it compares from the start, and the copy is not complete before a run of all. In tables
    that were imported from S3, it compares too: the marks on their items tell. allow_deletions: as for `delta`.

    Raises Refused when the tables hold items of somebody else, or of another export, or when the migration is
    verified, opened or being rolled back; SourceFailed and TargetFailed; MigrationError when rows were rejected for a
    reason that needs a decision first.
    """
    journal = job.journal
    state = journal.read()
    if state is None:
        with job.fresh_snapshot() as snapshot:
            refuse_undecided(job, snapshot)
            is_imported = refuse_filled(job)
            summary = snapshot.summary()
            state = journal.start(summary.digest, summary.mapping_version, started_at=summary.begun_at)
            if is_imported:  # whoever takes over after a kill has to compare again
                state = replace(state, status="copied")
            state = journal.begin(state)
            if is_imported or job.is_partial:
                return _compare(job, snapshot, journal, state, allow_deletions=allow_deletions)
            return _write(job, snapshot, journal, state)
    refuse_verified(state)
    is_under_way = state.status == "copying"
    is_kept = is_under_way and not job.source.is_fixed
    with job.kept_snapshot(state.source_digest) if is_kept else job.fresh_snapshot() as snapshot:
        refuse_undecided(job, snapshot)
        summary = snapshot.summary()
        if job.source.is_fixed and summary.digest != state.source_digest:
            raise Refused(
                "The table holds items of another export: roll that back first, or take an empty table. "
                "`delta` brings over in what they differ"
            )
        is_same = (summary.digest, summary.mapping_version) == (state.source_digest, state.mapping_version)
        if is_under_way and is_same and not job.is_partial:
            return _write(job, snapshot, journal, journal.begin(state))
        return _compare(job, snapshot, journal, state, allow_deletions=allow_deletions)


def refuse_verified(state: State) -> None:
    """Raises Refused when the migration is past the point up to which a copy may be repeated."""
    refuse_removing(state)
    if state.status in ("verified", "opened"):
        raise Refused(
            f"The migration is {state.status}. Copying again could undo what happened since; "
            "before it is opened, `delta` brings over what changed in the source"
        )


def refuse_filled(job: Job) -> bool:
    """Raises Refused when a table holds items of somebody else; whether one holds items of ours, imported from S3.

    Where rows get along with what is there, nothing is refused.
    """
    if job.mapping.meeting is not None:
        return has_ours(job.place)
    found = {table: some_item(job.place, table) for table in job.place.tables()}
    filled = [
        f"{job.place.caller.physical_name(table)} ({' / '.join(key_text(table, item).values())})"
        for table, item in found.items()
        if item is not None and not is_ours(item, job.place.migration_id)
    ]
    if filled:
        raise Refused(f"These tables are not empty: {', '.join(filled)}. A migration begins in empty tables")
    return any(found.values())


def _compare(job: Job, snapshot: Snapshot, journal: Journal, state: State, *, allow_deletions: bool) -> Copied:
    state, repairs = reconcile(job, snapshot, journal, state, allow_deletions=allow_deletions)
    return _told(job, snapshot, Copied(state, {}, state.rows, repairs.put, snapshot.tally(), repairs))


def _write(job: Job, snapshot: Snapshot, journal: Journal, state: State) -> Copied:
    place = job.place
    rows_before, rows, items = state.rows, Counter(state.rows), 0
    derived = closing(derive(snapshot, place.mapping, place.migration_id, start=state.position))

    def note() -> Note:
        return journal.progress(state)

    hold = Hold(journal, state)
    with (
        job.progress.step("Writing items") as advance,
        derived as answers,
        closing(write(place, answers, note=note, hold=hold)) as batches,
    ):
        for done in batches:
            rows.update(done.rows)
            items += done.items
            advance(done.items)
            state = replace(state, position=done.after or state.position, rows=dict(rows))
            hold.reached(state)
    add_up(place, hold=hold)
    state = journal.keep(replace(state, status="copied"))
    journal.forget_progress()
    return _told(job, snapshot, Copied(state, rows - Counter(rows_before), rows_before, items, snapshot.tally()))


def _told(job: Job, snapshot: Snapshot, copied: Copied) -> Copied:
    if not job.is_partial:
        job.results.written(snapshot, rows=copied.rows, rows_before=copied.rows_before, repairs=copied.repairs)
    return copied
