"""Move the data of a SQL database into DynamoDB: checked before, resumable, verified after.

The order: check, plan, copy, verify; then, as often as you like while the legacy application is still in use, delta;
then freeze its database, delta and verify once more, cutover, cutover --open. Until then rollback takes it all back.

DATABASE_URL names the source (mysql://user:password@host/database, postgresql://...): the environment only, since
everybody on a machine can read its process list. It is read in one transaction, never written. AWS credentials and
region come from the environment as for the AWS CLI. Where a service has --in, rows come from the JSON documents that
`export` wrote instead.

A folder (.local/migration/<service>/<environment>) keeps a snapshot of the source, the rejected rows
(rejects.jsonl) and a report of each phase (<phase>.md). It holds personal data; delete it when you are done.

Exit codes: 0 done, 1 failed, 2 usage, 3 refused because of the state the migration is in, 4 compared and different.
Those of `export` and with --in: 0 done, 1 failed, different, or names that fold to one, 2 rows were rejected and
--allow-rejects was not given, 3 whatever prevents a run: usage, a source, file, table or state that does not allow it.
"""

from pathlib import Path
from typing import Annotated

import typer

from lambda_src.migration import reports
from lambda_src.migration.commands import Commands, add_command
from lambda_src.migration.errors import BadUsage
from lambda_src.migration.mappings.registry import MIGRATIONS
from lambda_src.migration.phases.check import plan as plan_of
from lambda_src.migration.phases.checks import shape_checks
from lambda_src.migration.phases.copy import copy as copy_items
from lambda_src.migration.phases.cutover import Checklist, checklist, open_api
from lambda_src.migration.phases.deciding import refuse_other_options
from lambda_src.migration.phases.delta import delta as bring_over
from lambda_src.migration.phases.export_s3 import export_s3 as write_shards
from lambda_src.migration.phases.job import Job
from lambda_src.migration.phases.reverse_export import reverse_export as write_rows
from lambda_src.migration.phases.rollback import rollback as remove
from lambda_src.migration.phases.verify import verify as compare
from lambda_src.migration.reports import Phase

app = typer.Typer(
    cls=Commands,
    help=__doc__,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Only = Annotated[
    list[str] | None, typer.Option(help="One entity, as `plan` names it, with - for blanks; may be repeated")
]
AllowDeletions = Annotated[
    bool, typer.Option("--allow-deletions", help="Also delete more than a fifth of what is there")
]


def _phase(work: Phase) -> Phase:
    """Make a command of a phase, under its own name."""
    add_command(app, work.__name__.replace("_", "-"), work)
    return work


# ---- phases --------------------------------------------------------------------------------------------------------


@_phase
def check(job: Job, title: str) -> reports.Outcome:
    """Compare the source with what is expected, decide about every row, and estimate items, time and cost.

    Writes nothing, neither there nor in DynamoDB.
    """
    source = job.source.examine()
    plan = None if source.stops else plan_of(job)
    checks = list(shape_checks(job))
    state = job.journal.read() if all(each.is_go for each in checks) else None
    return reports.of_check(title, source, plan, checks, state)


@_phase
def init(job: Job, title: str) -> reports.Outcome:
    """Look at the tables only: are they there, as declared, and empty? Needs no source.

    Where a service asks for it, somebody is let in who can administrate it afterwards.
    """
    checks = list(shape_checks(job))
    prepare = MIGRATIONS[job.mapping.service].prepare
    prepared = prepare(job) if prepare and all(check.is_go for check in checks) else {}
    return reports.of_init(title, checks, prepared)


@_phase
def plan(job: Job, title: str) -> reports.Outcome:
    """Do everything but the writes, and show ten items of each kind."""
    return reports.of_plan(title, plan_of(job))


@_phase
def copy(job: Job, title: str, *, only: Only = None, allow_deletions: AllowDeletions = False) -> reports.Outcome:
    """Write every item into empty tables. Killed or stopped, it goes on where it was when it is run again.

    Once it is complete, it compares, like delta.
    """
    narrowed = job.only(only or ())
    refuse_other_options(job)
    return reports.of_copy(_titled(title, only), copy_items(narrowed, allow_deletions=allow_deletions))


@_phase
def delta(
    job: Job,
    title: str,
    *,
    only: Only = None,
    allow_deletions: AllowDeletions = False,
    change_options: Annotated[
        bool, typer.Option("--change-options", help="From now on the options of this run are those of the migration")
    ] = False,
) -> reports.Outcome:
    """Bring over what changed in the source since, deletions too. Items that somebody else changed are left alone.

    With --only deletions wait for a run without it.
    """
    narrowed = job.only(only or ())
    if not change_options:
        refuse_other_options(job)
    done = bring_over(narrowed, allow_deletions=allow_deletions)
    return reports.of_delta(_titled(title, only), done, is_partial=narrowed.is_partial)


@_phase
def verify(
    job: Job,
    title: str,
    *,
    full: Annotated[bool, typer.Option("--full", help="Also read every item back to its row, field by field")] = False,
    only: Only = None,
) -> reports.Outcome:
    """Compare every source row with its items, and every item with what should be there."""
    if full and only:
        raise BadUsage("--full is about every item, --only about some: take one of them")
    narrowed = job.only(only or ())
    refuse_other_options(job)
    return reports.of_verify(_titled(title, only), compare(narrowed, full=full), narrowed)


@_phase
def cutover(
    job: Job,
    title: str,
    *,
    open_: Annotated[
        bool, typer.Option("--open", help="Hand the tables over to the API; there is no way back")
    ] = False,
    allow_rejects: Annotated[
        bool, typer.Option("--allow-rejects", help="The rejected rows may stay behind: somebody looked at them")
    ] = False,
) -> reports.Outcome:
    """Go or no go? With --open, and only on go: hand the tables over to the API."""
    refuse_other_options(job)
    stripped = open_api(job, allow_rejects=allow_rejects) if open_ else None
    found = Checklist(()) if open_ else checklist(job, allow_rejects=allow_rejects)
    command = "cutover --open --allow-rejects" if allow_rejects else "cutover --open"
    return reports.of_cutover(title, found, stripped, command)


@_phase
def rollback(job: Job, title: str) -> reports.Outcome:
    """Remove what the migration wrote. Refused once the API was opened."""
    return reports.of_rollback(title, remove(job))


@_phase
def export_s3(
    job: Job,
    title: str,
    *,
    out: Annotated[Path, typer.Option(help="Folder for the shards")],
    bucket: Annotated[str, typer.Option(help="The S3 bucket that the commands name")] = "BUCKET",
) -> reports.Outcome:
    """Write the same items as gzip shards for DynamoDB's own import from S3: for more than one machine can write."""
    return reports.of_export(title, write_shards(job, out, bucket=bucket), bucket, job.mapping.service)


@_phase
def reverse_export(
    job: Job, title: str, *, out: Annotated[Path, typer.Option(help="Folder for the files")]
) -> reports.Outcome:
    """Write what the tables hold now in files for an empty copy of the SQL schema. The API must be read-only."""
    way_back = MIGRATIONS[job.mapping.service].way_back
    return reports.of_reverse_export(title, write_rows(job, out, way_back), way_back.load)


# ---- beside them ---------------------------------------------------------------------------------------------------


def _titled(title: str, only: list[str] | None) -> str:
    return f"{title}, only {', '.join(only)}" if only else title


for _migration in MIGRATIONS.values():
    for _name, _work in _migration.phases.items():
        add_command(app, _name, _work)
