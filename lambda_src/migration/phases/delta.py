"""delta: what changed in the source since the copy, while the source is still in use."""

from collections import Counter
from dataclasses import replace
from typing import Final, NamedTuple

from lambda_src.migration.errors import Refused
from lambda_src.migration.phases.deciding import refuse_undecided
from lambda_src.migration.phases.job import Job
from lambda_src.migration.snapshot import Snapshot, Tally
from lambda_src.migration.target.meeting import add_up
from lambda_src.migration.target.repair import Repairs, repair
from lambda_src.migration.target.state import Hold, Journal, State

_SHARE: Final = 0.2
_FEW: Final = 25


class Delta(NamedTuple):
    """What a run did. source: the rows it read."""

    state: State
    repairs: Repairs
    source: Tally


def delta(job: Job, *, allow_deletions: bool = False) -> Delta:
    """Read the source anew, compare every item by digest, and write, change and delete what differs.

    It may run as often as one likes; each run leaves less to do for the next. The cost in the source is reading it
    once; in the target a Scan, and two requests per item that differs. Raises Refused before the first copy, once the
    API was opened or a rollback began, and when it would delete much, unless `allow_deletions`; MigrationError when
    rows were rejected for a reason that needs a decision first.
    """
    journal = job.journal
    state = journal.read()
    if state is None:
        raise Refused("Nothing was copied yet: begin with `copy`")
    refuse_removing(state)
    if state.status == "opened":
        raise Refused("The API was opened: what it wrote since must not be undone from the old database")
    with job.fresh_snapshot() as snapshot:
        refuse_undecided(job, snapshot)
        state, repairs = reconcile(job, snapshot, journal, state, allow_deletions=allow_deletions)
        if not job.is_partial:
            job.results.written(snapshot, rows={}, rows_before=state.rows, repairs=repairs)
        return Delta(state, repairs, snapshot.tally())


def refuse_removing(state: State) -> None:
    """Raises Refused when a rollback began."""
    if state.status == "removing":
        raise Refused("A rollback was begun: run `rollback` until it is done, then begin with `copy`")


def reconcile(
    job: Job, snapshot: Snapshot, journal: Journal, state: State, *, allow_deletions: bool = False
) -> tuple[State, Repairs]:
    """Bring the tables to what follows from the snapshot, item by item, each on condition.

    A run that is killed in between is simply run again: the state says until the end that nothing is verified. Raises
    Refused when more than a fifth of what is there would be deleted, unless `allow_deletions`: an empty or a wrong
    database looks like one from which everything was deleted.
    """
    place = job.place
    summary = snapshot.summary()
    if state.status == "verified":
        state = replace(state, status="copied")
    elif (summary.digest, summary.mapping_version) != (state.source_digest, state.mapping_version):
        state = replace(state, mapping_version="")  # of two, from here on: a copy cannot go on any more, only compare
    state = journal.begin(state)
    with job.comparison() as comparison:
        with job.progress.step("Working out what should be there") as advance:
            comparison.expect(snapshot, on_items=advance)
        with job.progress.step("Reading what is there") as advance:
            found = comparison.scan(on_items=advance)
        if not allow_deletions and not job.is_partial:
            _refuse_deletions(comparison.counts()["extra"], found)
        hold = Hold(journal, state)
        with job.progress.step("Mending what differs", sum(comparison.counts().values())) as advance:
            repairs = repair(place, snapshot, comparison, hold=hold, on_items=advance)
        add_up(place, hold=hold)
    if job.is_partial:  # nothing is known of the other entities, nor of what is too many
        return journal.keep(replace(state, status="copying" if state.status == "copying" else "copied")), repairs
    rows = Counter({stream.name: snapshot.count(stream.query) for stream in place.mapping.streams})
    state = replace(
        state,
        status="copied",
        source_digest=summary.digest,
        mapping_version=summary.mapping_version,
        variant=place.mapping.variant,
        rows=dict(rows),
    )
    state = journal.keep(state)
    journal.forget_progress()
    return state, repairs


def _refuse_deletions(extra: int, found: int) -> None:
    if extra > max(_FEW, found * _SHARE):
        raise Refused(
            f"{extra:,} of {found:,} items would be deleted, because the source does not have their rows. Is "
            "DATABASE_URL the right database? If so: --allow-deletions"
        )
