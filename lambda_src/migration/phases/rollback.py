"""rollback: remove what the migration wrote, as long as nobody else could write."""

from dataclasses import dataclass

from lambda_src.migration.errors import Refused
from lambda_src.migration.phases.job import Job
from lambda_src.migration.target import marks


@dataclass(frozen=True, slots=True)
class RolledBack:
    """removed: items deleted. kept: items that the migration wrote and somebody changed since; they stay."""

    removed: int
    kept: int


def rollback(job: Job) -> RolledBack:
    """Delete every item that carries the migration's mark and is as the migration wrote it; the state goes last.

    Raises Refused once the API was opened. Costs a Scan, and a write of each item.
    """
    journal = job.journal
    state = journal.read()
    if state is None:
        raise Refused("There is nothing to roll back: no migration has written here")
    if state.status == "opened":
        raise Refused(
            "The API was opened, and what people wrote since is in these tables only. "
            "To go back, keep people from writing and use `reverse-export` (docs/migration.md)"
        )
    journal.begin(state)
    with job.progress.step("Removing items") as advance:
        removed, kept = marks.remove_items(job.place, on_items=advance)
    if not kept:
        journal.forget()
    return RolledBack(removed, kept)
