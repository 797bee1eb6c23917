"""Move nbhd.city's data through JSON files: out of PostgreSQL, into DynamoDB, and back.

The order: export; import --dry-run until you agree with import_report.json and rejects.jsonl; then make PostgreSQL
read-only, export, import, verify, open. A run that was stopped is simply started again; until it was opened,
`python -m lambda_src.migration rollback nbhd_city` takes it all back. reverse-export is the way back after that.

DATABASE_URL names the source (postgresql://user:password@host/database): the environment only, since everybody on a
machine can read its process list. AWS credentials and region come from the environment as for the AWS CLI;
DYNAMODB_ENDPOINT_URL names a local engine instead. The folders hold personal data; delete them when you are done.

Exit codes: 0 done; 1 differences, conflicts, names that fold to one, or a failure; 2 rows were rejected and
--allow-rejects was not given; 3 usage, or a file, table or state that does not allow it.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.table import Table as Grid

from lambda_src.dynamo.meter import Usage
from lambda_src.errors import AppError
from lambda_src.migration.assembly import Target, place_of
from lambda_src.migration.documents.errors import DONE, MISMATCH, PRECONDITION
from lambda_src.migration.documents.exporting import export
from lambda_src.migration.documents.files import REJECTS, REPORT, Manifest
from lambda_src.migration.documents.importing import Outcome, dry_run, import_files, open_table, verify_files
from lambda_src.migration.documents.reversing import LOAD, reverse_export
from lambda_src.migration.errors import BadUsage, MigrationError, Refused, SourceFailed
from lambda_src.migration.mappings.nbhd_city.mapping import OnNameCollision, mapping
from lambda_src.migration.progress import Bars
from lambda_src.migration.source.address import Address
from lambda_src.migration.target.place import WORKERS, Place
from lambda_src.migration.terminal import complain, printable, terminal
from lambda_src.runtime.settings import NON_PRODUCTION

app = typer.Typer(
    help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)
output = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

_NOT_READY: Final = (Refused, BadUsage, SourceFailed)

Out = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for the files; made where it is missing")]
In = Annotated[Path, typer.Option("--in", exists=True, file_okay=False, help="Folder with the files of an export")]
Table = Annotated[str, typer.Option("--table", help="Name of the DynamoDB table")]
AllowRejects = Annotated[bool, typer.Option("--allow-rejects", help="Leave rejected rows behind")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Requests at the same time")]
Shards = Annotated[
    int, typer.Option(envvar="NBHD_LIST_SHARDS", min=1, max=16, help="As the environment of the API has it")
]


class _Ended(Exception):
    """A command that came to its end with something to say. code: what the process ends with."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code. arguments: those of the process unless given."""
    try:
        app(arguments, prog_name="python -m lambda_src.migration.documents")
    except _Ended as end:
        return end.code
    except SystemExit as end:  # help, or usage, whose own code means something else here
        return PRECONDITION if end.code else DONE
    except MigrationError as exc:
        complain(str(exc))
        return PRECONDITION if isinstance(exc, _NOT_READY) else exc.exit_code
    except (AppError, BotoCoreError) as exc:
        complain(f"DynamoDB: {exc.__cause__ or exc}")
        return MISMATCH
    return DONE


@app.command("export")
def export_command(*, out: Out) -> None:
    """Write both tables of PostgreSQL to files, all rows of one instant."""
    _say(export(Address.from_environment(os.environ), out, progress=Bars(terminal, Usage)), out)


@app.command("import")
def import_command(
    *,
    folder: In,
    table: Table,
    dry: Annotated[bool, typer.Option("--dry-run", help="Everything but the writes")] = False,
    on_name_collision: Annotated[
        OnNameCollision, typer.Option(help="Two names that are one now: stop, or call the younger `name (2)`")
    ] = "fail",
    allow_rejects: AllowRejects = False,
    workers: Workers = WORKERS,
    list_shards: Shards = 1,
) -> None:
    """Write the rows of an export as items, or go on where a run was stopped."""
    if dry:
        service = mapping(on_name_collision=on_name_collision, list_shards=list_shards)
        _end(folder, dry_run(folder, service, allow_rejects=allow_rejects, progress=Bars(terminal, Usage)))
    place = _place(table, workers, list_shards, on_name_collision)
    outcome = import_files(folder, place, allow_rejects=allow_rejects, progress=Bars(terminal, place.usage))
    if outcome[0].mode == "dry-run":
        complain("Nothing was written: look at the rejected rows, then --allow-rejects or --on-name-collision suffix")
    _end(folder, outcome)


@app.command("verify")
def verify_command(
    *,
    folder: In,
    table: Table,
    full: Annotated[bool, typer.Option("--full", help="Also read every item back to its row, field by field")] = False,
    workers: Workers = WORKERS,
    list_shards: Shards = 1,
) -> None:
    """Compare every row of an export with its items, and every item with what should be there."""
    place = _place(table, workers, list_shards)
    _end(folder, verify_files(folder, place, full=full, progress=Bars(terminal, place.usage)))


@app.command("open")
def open_command(
    *,
    folder: In,
    table: Table,
    allow_rejects: AllowRejects = False,
    workers: Workers = WORKERS,
    list_shards: Shards = 1,
) -> None:
    """Hand a verified table over to the API. After that there is no import, verify or rollback any more."""
    place = _place(table, workers, list_shards)
    is_production = table.rpartition("-")[2] not in NON_PRODUCTION
    bars = Bars(terminal, place.usage)
    opened = open_table(folder, place, is_production=is_production, allow_rejects=allow_rejects, progress=bars)
    output.print(f"{opened:,} items are the API's now")


@app.command("reverse-export")
def reverse_export_command(*, folder: In, out: Out, table: Table, workers: Workers = WORKERS) -> None:
    """Write what the table holds now as files for PostgreSQL, with the ids it had there. The API must be read-only."""
    place = _place(table, workers)
    bars = Bars(terminal, place.usage)
    _say(reverse_export(folder, out, place, now=datetime.now(UTC), progress=bars), out)
    output.print(f"How to load them: {out / LOAD}")


def _place(table: str, workers: int, list_shards: int = 1, on_name_collision: OnNameCollision = "suffix") -> Place:
    """on_name_collision: once an import got through, no two names were one, or it was told to suffix."""
    target = Target("", os.environ.get("DYNAMODB_ENDPOINT_URL"), (f"main={table}",), None, workers)
    return place_of(mapping(on_name_collision=on_name_collision, list_shards=list_shards), target)


def _end(folder: Path, outcome: Outcome) -> NoReturn:
    """Show what the report says, and end with its exit code."""
    report, exit_code = outcome
    in_conflict = report.rows_in_conflict()
    grid = Grid(report.mode, "rows", "written", "already there", "rejected", "in conflict")
    for table, rows in report.source.items():
        numbers = (rows, report.written[table], report.already_present[table], report.rejected_rows[table])
        grid.add_row(table, *(f"{number:,}" for number in (*numbers, in_conflict[table])))
    output.print(grid)
    for kind, count in report.rejected.items():
        if count:
            output.print(f"rejected, {kind}: {count:,}")
    for warning in report.warnings:
        example = printable(str(warning["sentence"]))
        output.print(f"warning, {warning['kind']}: {warning['times']:,}, such as: {example}")
    for verdict in ("missing", "different", "extra"):
        for found in report.verify[verdict]:
            output.print(f"{verdict}: {printable(' / '.join(found['key'].values()))}")
    output.print(f"Report: {folder / REPORT}   Rejected rows: {folder / REJECTS}")
    raise _Ended(exit_code)


def _say(manifest: Manifest, folder: Path) -> None:
    output.print(
        f"{manifest.neighborhoods.count:,} neighborhoods and {manifest.memberships.count:,} memberships in {folder}"
    )
