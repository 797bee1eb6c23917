"""What somebody has to decide, before the first item is written and about what is there."""

from collections import Counter

from lambda_src.migration.errors import MigrationError, Refused, RowsRejected
from lambda_src.migration.phases.job import Job
from lambda_src.migration.snapshot import Snapshot


def open_question(job: Job, snapshot: Snapshot) -> MigrationError | None:
    """What has to be decided first, None for nothing. The results of the job get what is known of every row."""
    rejects = sum(snapshot.reject_counts().values(), Counter())
    question: MigrationError | None = None
    if undecided := job.mapping.undecided(rejects):
        question = MigrationError(f"Decide first, nothing can be copied before: {undecided}. Nothing was written.")
    elif rejects and not job.allow_rejects:
        told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(rejects.items()))
        question = RowsRejected(f"Nothing was written: look at the rejected rows ({told}), then --allow-rejects")
    job.results.planned(snapshot, is_decided=question is None)
    return question


def refuse_undecided(job: Job, snapshot: Snapshot) -> None:
    """Raises what has to be decided first."""
    if question := open_question(job, snapshot):
        raise question


def refuse_other_options(job: Job) -> None:
    """Raises Refused when this run has other options than what is in the tables was made with. 1 request.

    Those that decide about data are those of the first copy, until somebody says otherwise on purpose.
    """
    state = job.journal.read()
    if state is None or state.status in ("opened", "removing") or state.variant == job.mapping.variant:
        return
    raise Refused(
        f"What was copied was made with {state.variant or 'other options'}, this run says {job.mapping.variant}. "
        "Give the same options again; to change what was copied: `delta --change-options`"
    )
