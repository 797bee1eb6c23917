"""The options that decide about data are those of the first copy, until somebody says otherwise on purpose."""

from lambda_src.migration.errors import Refused
from lambda_src.migration.phases.job import Job


def refuse_other_options(job: Job) -> None:
    """Raises Refused when this run has other options than what is in the tables was made with. 1 request."""
    state = job.journal.read()
    if state is None or state.status in ("opened", "removing") or state.variant == job.mapping.variant:
        return
    raise Refused(
        f"What was copied was made with {state.variant or 'other options'}, this run says {job.mapping.variant}. "
        "Give the same options again; to change what was copied: `delta --change-options`"
    )
