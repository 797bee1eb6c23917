"""rollback: remove what the migration wrote, as long as nobody else could write."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from lambda_src.migration.errors import Refused, TargetFailed
from lambda_src.migration.phases.job import Job
from lambda_src.migration.target import marks
from lambda_src.migration.target.meeting import add_up
from lambda_src.migration.target.state import SETTLES_SECONDS, Hold

_PASSES: Final = 10


@dataclass(frozen=True, slots=True)
class RolledBack:
    """removed: items deleted. kept: of items that the migration wrote and somebody changed since; they stay.

    kept_keys: of the first 50 of these, as `table: partition / sort`.
    """

    removed: int
    kept: int
    kept_keys: tuple[str, ...] = ()


def rollback(job: Job, *, sleep: Callable[[float], None] = time.sleep) -> RolledBack:
    """Delete every item that carries the migration's mark and is as the migration wrote it; the state goes last.

    From its first write on, nothing else can be done before it is finished; one that was killed is run again. It looks
    again until there is nothing left to delete, because a copy that it took over from may still have had writes under
    way. Raises Refused once the API was opened. Costs two Scans at least, and a write of each item.
    """
    journal = job.journal
    state = journal.read()
    if state is None and not marks.has_ours(job.place):
        raise Refused("There is nothing to roll back: no migration has written here")
    if state is not None and state.status == "opened":
        raise Refused(
            "The API was opened, and what people wrote since is in these tables only. "
            "To go back, keep people from writing and use `reverse-export` (docs/migration.md)"
        )
    state = journal.begin(replace(state or journal.start(), status="removing"))
    total, hold = 0, Hold(journal, state)
    with job.progress.step("Removing items") as advance:
        for number in range(_PASSES):
            found = marks.remove_items(job.place, hold=hold, on_items=advance)
            total += found.removed
            if number and not found.removed:
                break
            sleep(SETTLES_SECONDS)
        else:
            raise TargetFailed("Somebody goes on writing migrated items: end that run, then run `rollback` again")
    add_up(job.place, hold=hold)
    if not found.kept:
        journal.forget()
    return RolledBack(total, found.kept, found.kept_keys)
