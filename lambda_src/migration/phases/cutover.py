"""cutover: is everything ready to open the API? And then, opening it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from lambda_src.migration.errors import Refused
from lambda_src.migration.phases.checks import Check, protection_checks
from lambda_src.migration.phases.job import Job
from lambda_src.migration.target import marks
from lambda_src.migration.target.state import State

MANUAL_STEPS: Final = (
    "The legacy application is read-only or stopped, and stays so",
    "A backup of the SQL database was taken after that",
    "The new application is deployed and its /health answers; nobody was sent to it yet, and its worker is stopped",
    "Somebody decides, with this page in hand, and it is written down who",
    "The old database is kept, read-only, for 14 days",
)


@dataclass(frozen=True, slots=True)
class Checklist:
    """is_go: every check is. checks: what the command looked at. manual: what only people can see."""

    checks: tuple[Check, ...]
    manual: tuple[str, ...] = MANUAL_STEPS

    @property
    def is_go(self) -> bool:
        return all(check.is_go for check in self.checks)


def checklist(job: Job, *, allow_rejects: bool = False) -> Checklist:
    """Look at everything that can be looked at. Reads the source once more; writes nothing."""
    state = job.journal.read()
    return Checklist(tuple(_checks(job, state, allow_rejects=allow_rejects)))


def open_api(job: Job, *, allow_rejects: bool = False) -> int:
    """From here on the tables belong to the API: no copy, delta or rollback any more. How many marks were taken off.

    Raises Refused when the checklist says no. A run that is killed while it takes the marks off is run again.
    """
    journal = job.journal
    state = journal.read()
    if state is None or state.status != "opened":
        found = checklist(job, allow_rejects=allow_rejects)
        if state is None or not found.is_go:
            reasons = "; ".join(f'not "{check.what}": {check.because}' for check in found.checks if not check.is_go)
            raise Refused(f"No go: {reasons}")
        journal.begin(replace(state, status="opened"))
    with job.progress.step("Taking the marks off") as advance:
        return marks.strip(job.place, on_items=advance)


def _checks(job: Job, state: State | None, *, allow_rejects: bool) -> Iterator[Check]:
    status = state.status if state else "not begun"
    yield Check("Everything was compared, and nothing differed", status == "verified", f"the migration is {status}")
    with job.fresh_snapshot() as snapshot:
        is_frozen = state is not None and snapshot.summary().digest == state.source_digest
        because = "it is as it was verified" if is_frozen else "it changed: freeze it, run `delta`, then `verify`"
        if status != "verified":
            is_frozen, because = False, "nobody knows before `verify`"
        yield Check("The source stands still", is_frozen, because)
        rejects = sum(snapshot.reject_counts().values(), Counter())
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(rejects.items())) or "none"
        is_open = any(kind not in job.mapping.stays_behind for kind in rejects)
        if is_open and not allow_rejects:
            told += "; once somebody has looked at rejects.jsonl: --allow-rejects"
        yield Check("Rejected rows are accounted for", allow_rejects or not is_open, told)
    if job.is_production:
        yield from protection_checks(job)
    else:
        yield Check("Tables are protected", True, "not asked for outside production")
