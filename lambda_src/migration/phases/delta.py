"""delta: what changed in the source since the copy, while the source is still in use."""

from collections import Counter
from dataclasses import replace

from lambda_src.migration.errors import Refused
from lambda_src.migration.phases.job import Job
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.target.repair import Repairs, repair
from lambda_src.migration.target.state import Journal, State


def delta(job: Job) -> tuple[State, Repairs]:
    """Read the source anew, compare every item by digest, and write, change and delete what differs.

    It may run as often as one likes; each run leaves less to do for the next. The cost in the source is reading it
    once; in the target a Scan, and two requests per item that differs. Raises Refused before the first copy and once
    the API was opened.
    """
    journal = job.journal
    state = journal.read()
    if state is None:
        raise Refused("Nothing was copied yet: begin with `copy`")
    if state.status == "opened":
        raise Refused("The API was opened: what it wrote since must not be undone from the old database")
    with job.fresh_snapshot() as snapshot:
        return reconcile(job, snapshot, journal, journal.begin(state))


def reconcile(job: Job, snapshot: Snapshot, journal: Journal, state: State) -> tuple[State, Repairs]:
    """Bring the tables to what follows from the snapshot, item by item, each on condition.

    A run that is killed in between is simply run again: the state says so until the end.
    """
    place = job.place
    with job.comparison() as comparison:
        with job.progress.step("Working out what should be there") as advance:
            comparison.expect(snapshot, on_items=advance)
        with job.progress.step("Reading what is there") as advance:
            comparison.scan(on_items=advance)
        with job.progress.step("Mending what differs", sum(comparison.counts().values())) as advance:
            repairs = repair(place, snapshot, comparison, on_items=advance)
    if job.is_partial:  # nothing is known of the other entities, nor of what is too many
        return journal.keep(replace(state, status="copying" if state.status == "copying" else "copied")), repairs
    summary = snapshot.summary()
    rows = Counter({stream.name: snapshot.count(stream.query) for stream in place.mapping.streams})
    state = replace(
        state,
        status="copied",
        source_digest=summary.digest,
        mapping_version=summary.mapping_version,
        rows=dict(rows),
    )
    return journal.keep(state), repairs
