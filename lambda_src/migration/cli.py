"""Move the data of a SQL database into DynamoDB: checked before, resumable, verified after.

The order: check, plan, copy, verify; then, as often as you like while the old application is still in use, delta;
then freeze the old database, delta and verify once more, cutover, cutover --open. Until then rollback takes it all
back.

DATABASE_URL names the source (mysql://user:password@host/database, postgresql://...): the environment only, since
everybody on a machine can read its process list. It is read in one transaction, never written. AWS credentials and
region come from the environment as for the AWS CLI.

A folder (.local/migration/<service>/<environment>) keeps a snapshot of the source, the rejected rows
(rejects.jsonl) and a report of each phase (<phase>.md). It holds personal data; delete it when you are done.

Exit codes: 0 done, 1 failed, 2 usage, 3 refused because of the state the migration is in, 4 compared and different.
"""

import inspect
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from botocore.exceptions import BotoCoreError

from lambda_src.errors import AppError
from lambda_src.migration import reports
from lambda_src.migration.assembly import Target, job_of, place_of
from lambda_src.migration.documents.commands import main as documents_main
from lambda_src.migration.errors import FAILED, BadUsage, MigrationError, TakenOver
from lambda_src.migration.mappings.registry import MIGRATIONS, Option, package_of, refuse_what_others_have
from lambda_src.migration.phases.check import plan as plan_of
from lambda_src.migration.phases.checks import shape_checks
from lambda_src.migration.phases.copy import copy as copy_items
from lambda_src.migration.phases.cutover import Checklist, checklist, open_api
from lambda_src.migration.phases.delta import delta as bring_over
from lambda_src.migration.phases.export_s3 import export_s3 as write_shards
from lambda_src.migration.phases.job import Job, alone
from lambda_src.migration.phases.options import refuse_other_options
from lambda_src.migration.phases.reverse_export import reverse_export as write_rows
from lambda_src.migration.phases.rollback import rollback as remove
from lambda_src.migration.phases.verify import verify as compare
from lambda_src.migration.report import Report
from lambda_src.migration.reports import Phase
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.reader import check_source
from lambda_src.migration.target.place import WORKERS
from lambda_src.migration.terminal import complain, output, terminal

_FOLDER: Final = Path(".local") / "migration"

app = typer.Typer(
    help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)
_EXPECTED: Final = (MigrationError, AppError, BotoCoreError, OSError, sqlite3.Error)
_OPTIONS: Final = {option.name: option for migration in MIGRATIONS.values() for option in migration.options}

Only = Annotated[
    list[str] | None, typer.Option(help="One entity, as `plan` names it, with - for blanks; may be repeated")
]
AllowDeletions = Annotated[
    bool, typer.Option("--allow-deletions", help="Also delete more than a fifth of what is there")
]


def _phase(work: Phase) -> Phase:
    """Make a command of a phase, under its own name."""
    _add_command(work.__name__.replace("_", "-"), work)
    return work


def _add_command(name: str, work: Phase) -> None:
    """A command takes the service, options of the phase, those that all phases share, and those of single services."""

    def command(context: typer.Context, service: str, **values: Any) -> None:
        own = {parameter: values.pop(parameter) for parameter in _own_parameters(work)}
        chosen = {option: values.pop(option) for option in _OPTIONS}
        flags = {option.flag for option in _OPTIONS.values() if _is_typed(context, option)}
        _run(Asked(name, service, Shared(**values), chosen, frozenset({name, *flags}), own), work)

    parameters = [
        *inspect.signature(_takes_service, eval_str=True).parameters.values(),
        *_own_parameters(work).values(),
        *(
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(Shared, eval_str=True).parameters.values()
        ),
        *map(_parameter, _OPTIONS.values()),
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what typer reads
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app.command(name, help=inspect.getdoc(work))(command)


def _own_parameters(work: Phase) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(work, eval_str=True).parameters
    return {name: parameter for name, parameter in parameters.items() if name not in ("job", "title")}


def _parameter(option: Option) -> inspect.Parameter:
    """An option of a service, as typer reads it."""
    least, most = option.between or (None, None)
    told = typer.Option(option.flag, envvar=option.variable, help=option.help, min=least, max=most)
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=option.default,
        annotation=Annotated[option.type, told],
    )


def _is_typed(context: typer.Context, option: Option) -> bool:
    """Whether the command itself names it: a variable may be there for another service."""
    source = context.get_parameter_source(option.name)
    return source is not None and source.name == "COMMANDLINE"


def _takes_service(
    context: typer.Context, service: Annotated[str, typer.Argument(help=" or ".join(MIGRATIONS))]
) -> None:
    """What all phases are given first."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The options that all phases share."""

    environment: Annotated[
        str, typer.Option(envvar="ENVIRONMENT", help="local, dev, staging or prod: names the tables")
    ]
    endpoint_url: Annotated[
        str | None, typer.Option(envvar="DYNAMODB_ENDPOINT_URL", help="Of a local engine; without it, AWS")
    ] = None
    table: Annotated[list[str] | None, typer.Option(help="main=NAME: a table that is not called as declared")] = None
    folder: Annotated[
        Path | None, typer.Option(help=f"What the migration keeps; else {_FOLDER}/<service>/<environment>")
    ] = None
    write_units: Annotated[
        float | None, typer.Option(min=25, help="Write units per second, at most; fewer while DynamoDB throttles")
    ] = None
    workers: Annotated[int, typer.Option(min=1, max=64, help="Requests at the same time")] = WORKERS


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it was given. options: of single services, by name, all of them. own: options of the phase.

    typed: the phase, and the flags of single services that the command itself names.
    """

    phase: str
    service: str
    shared: Shared
    options: Mapping[str, object]
    typed: frozenset[str]
    own: Mapping[str, object]


# ---- phases --------------------------------------------------------------------------------------------------------


@_phase
def check(job: Job, title: str) -> reports.Outcome:
    """Compare the source with what is expected, decide about every row, and estimate items, time and cost.

    Writes nothing, neither there nor in DynamoDB.
    """
    source = check_source(Address.from_environment(os.environ), job.mapping)
    plan = None if source.stops else plan_of(job)
    return reports.of_check(title, source, plan, shape_checks(job), job.mapping)


@_phase
def init(job: Job, title: str) -> reports.Outcome:
    """Look at the tables only: are they there, as declared, and empty? Needs no source."""
    return reports.of_init(title, shape_checks(job))


@_phase
def plan(job: Job, title: str) -> reports.Outcome:
    """Do everything but the writes, and show ten items of each kind."""
    return reports.of_plan(title, plan_of(job), job.mapping)


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
    job: Job, title: str, *, out: Annotated[Path, typer.Option(help="Folder for the file")]
) -> reports.Outcome:
    """Write what the tables hold now as statements for an empty copy of the SQL schema. The API must be read-only."""
    return reports.of_reverse_export(title, write_rows(job, out))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False)
def documents(context: typer.Context) -> None:
    """nbhd.city through JSON files: export, import, verify, reverse-export; `documents --help` has their exit codes."""
    raise typer.Exit(documents_main(context.args))


# ---- running one ---------------------------------------------------------------------------------------------------


def _run(asked: Asked, work: Phase) -> None:
    """Do a phase, show and keep its report, and end with its exit code. A phase that fails leaves a report too."""
    phase = asked.phase
    page = f"{phase}-open.md" if asked.own.get("open_") else f"{phase}.md"  # the page that somebody decided by stays
    try:
        job = _job(asked)
    except _EXPECTED as exc:
        complain(f"{phase}: {_what_failed(exc)}")
        raise typer.Exit(_exit_code(exc)) from exc
    title = f"{phase} {job.mapping.service} to {asked.shared.environment}"
    begun_at = datetime.now(UTC)
    try:
        with alone(job.folder):
            report, exit_code = work(job, title, **asked.own)
    except TakenOver as exc:  # the page of the run that goes on stays as it is
        complain(f"{phase}: {exc}")
        raise typer.Exit(exc.exit_code) from exc
    except _EXPECTED as exc:
        report, exit_code = reports.of_failure(title, _what_failed(exc), _exit_code(exc))
        complain(f"{phase}: {_what_failed(exc)}")
    else:
        report.effort = reports.effort(begun_at, datetime.now(UTC), job.place.usage())
        report.show(output)
    raise typer.Exit(_keep(report, job.folder / page, exit_code))


def _keep(report: Report, page: Path, exit_code: int) -> int:
    """Write the page; the exit code, of a failure where the folder cannot be written to."""
    try:
        report.write(page)
    except OSError as exc:
        complain(f"No report: {exc}")
        return exit_code or FAILED
    terminal.print(f"Report: {page}", style="dim")
    return exit_code


def _titled(title: str, only: list[str] | None) -> str:
    return f"{title}, only {', '.join(only)}" if only else title


def _exit_code(error: Exception) -> int:
    return error.exit_code if isinstance(error, MigrationError) else FAILED


def _what_failed(error: Exception) -> str:
    match error:
        case MigrationError():
            return str(error)
        case AppError() | BotoCoreError():
            told = f"DynamoDB: {error.__cause__ or error}"
            return f"{told}. `init` says which table" if "ResourceNotFoundException" in told else told
        case _:  # the disk is full, or the folder is somebody else's
            return f"This machine: {error}"


def _job(asked: Asked) -> Job:
    package, shared = package_of(asked.service), asked.shared
    refuse_what_others_have(package, asked.typed)
    migration = MIGRATIONS[package]
    mapping = migration.make(**{option.name: asked.options[option.name] for option in migration.options})
    target = Target(shared.environment, shared.endpoint_url, shared.table or (), shared.write_units, shared.workers)
    folder = shared.folder or _FOLDER / package / shared.environment
    return job_of(place_of(mapping, target), folder, terminal, environment=shared.environment)


for _migration in MIGRATIONS.values():
    for _name, _work in _migration.phases.items():
        _add_command(_name, _work)
