"""How a phase becomes a command: the options it takes, its report, and what the process ends with."""

import inspect
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from botocore.exceptions import BotoCoreError
from typer.core import TyperGroup

from lambda_src.errors import AppError
from lambda_src.migration import reports
from lambda_src.migration.assembly import Shared, job_of
from lambda_src.migration.errors import EXIT_CODES, FAILED, MigrationError, TakenOver
from lambda_src.migration.mappings.registry import (
    EXPORT,
    FOLDER,
    MIGRATIONS,
    Option,
    package_of,
    refuse_what_others_have,
)
from lambda_src.migration.phases.job import Job, alone
from lambda_src.migration.report import Report
from lambda_src.migration.reports import Phase
from lambda_src.migration.source import documents
from lambda_src.migration.terminal import complain, output, terminal

_EXPECTED: Final = (MigrationError, AppError, BotoCoreError, OSError, sqlite3.Error)
_OPTIONS: Final = {option.name: option for migration in MIGRATIONS.values() for option in migration.options}


class Commands(TyperGroup):
    """The phases. What ends one becomes the exit code of the process here, mistakes in the command among it."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """As typer has it, which raises SystemExit in the end."""
        typed = sys.argv[1:] if args is None else list(args)
        is_of_documents = typed[:1] == [EXPORT] or any(word.partition("=")[0] == FOLDER.flag for word in typed)
        codes = documents.EXIT_CODES if is_of_documents else EXIT_CODES
        try:
            return super().main(typed, *rest, **options)
        except SystemExit as end:
            raise SystemExit(codes.get(end.code, end.code) if isinstance(end.code, int) else end.code) from None


def add_command(app: typer.Typer, name: str, work: Phase) -> None:
    """A command takes the service, options of the phase, those that all phases share, and those of single services."""
    options = [option for option in _OPTIONS.values() if option.is_of(name)]
    own = {key: value for key, value in _parameters(work).items() if key not in ("job", "title")}

    def command(context: typer.Context, service: str, **values: Any) -> None:
        arguments = {key: values.pop(key) for key in own}
        chosen = {option.name: values.pop(option.name) for option in options}
        shared = Shared(**values)

        def job() -> Job:
            package = package_of(service)
            refuse_what_others_have(package, [name, *(each.flag for each in options if _is_typed(context, each))])
            return job_of(package, shared, chosen, is_asked=name != EXPORT)

        _run(name, shared.environment, job, work, arguments)

    shared_options = (each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in _parameters(Shared).values())
    parameters = [*_parameters(_first).values(), *own.values(), *shared_options, *map(_parameter, options)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what typer reads
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app.command(name, help=inspect.getdoc(work))(command)


def _first(context: typer.Context, service: Annotated[str, typer.Argument(help=" or ".join(MIGRATIONS))]) -> None:
    """What all phases are given first."""


def _parameters(of: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(of, eval_str=True).parameters


def _parameter(option: Option) -> inspect.Parameter:
    """An option of a service, as typer reads it."""
    least, most = option.between or (None, None)
    told = typer.Option(option.flag, envvar=option.variable, help=option.help, min=least, max=most)
    kind, annotation = inspect.Parameter.KEYWORD_ONLY, Annotated[option.type, told]
    return inspect.Parameter(option.name, kind, default=option.default, annotation=annotation)


def _is_typed(context: typer.Context, option: Option) -> bool:
    """Whether the command itself names it: a variable may be there for another service."""
    source = context.get_parameter_source(option.name)
    return source is not None and source.name == "COMMANDLINE"


# ---- running one ---------------------------------------------------------------------------------------------------


def _run(
    phase: str, environment: str, make_job: Callable[[], Job], work: Phase, arguments: Mapping[str, object]
) -> None:
    """Do a phase, show and keep its report, and end with its exit code. A phase that fails leaves a report too."""
    page = f"{phase}-open.md" if arguments.get("open_") else f"{phase}.md"  # the page that somebody decided by stays
    try:
        job = make_job()
    except _EXPECTED as exc:
        complain(f"{phase}: {_what_failed(exc)}")
        raise typer.Exit(_exit_code(exc)) from exc
    title = f"{phase} {job.mapping.service} to {environment}"
    begun_at = datetime.now(UTC)
    try:
        with alone(job.folder):
            report, exit_code = work(job, title, **arguments)
    except TakenOver as exc:  # the page of the run that goes on stays as it is
        complain(f"{phase}: {exc}")
        raise typer.Exit(exc.exit_code) from exc
    except _EXPECTED as exc:
        report, exit_code = reports.of_failure(title, _what_failed(exc), _exit_code(exc))
        complain(f"{phase}: {_what_failed(exc)}")
    else:
        report.effort = reports.effort(begun_at, datetime.now(UTC), job.place.usage())
        report.show(output)
    raise typer.Exit(_keep(report, job.folder / page, exit_code, job.results.files))


def _keep(report: Report, page: Path, exit_code: int, others: Sequence[Path]) -> int:
    """Write the page; the exit code, of a failure where the folder cannot be written to."""
    try:
        report.write(page)
    except OSError as exc:
        complain(f"No report: {exc}")
        return exit_code or FAILED
    for written in (page, *filter(Path.exists, others)):
        terminal.print(f"Report: {written}", style="dim")
    return exit_code


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
