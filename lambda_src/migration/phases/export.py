"""export: the rows of a database as documents, all of one instant and exactly as they are."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lambda_src.migration.drafts import Draft, private_folder
from lambda_src.migration.errors import DONE
from lambda_src.migration.instants import in_one_form
from lambda_src.migration.mapping import Row, Scalar, SourceTable
from lambda_src.migration.phases.job import Job
from lambda_src.migration.report import Report
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.documents import array_name, write_documents


def export_phase(
    job: Job, title: str, *, out: Annotated[Path, typer.Option(help="Folder for the files")]
) -> tuple[Report, int]:
    """Write every row of the database as it is into JSON documents, from which --in reads."""
    private_folder(out)
    with job.fresh_snapshot() as snapshot, Draft(out) as draft:
        taken_at = in_one_form(snapshot.summary().taken_at)
        parts = write_documents(draft, job.mapping, partial(_rows, snapshot), exported_at=taken_at).parts
    report = Report(title)
    rows = [(array_name(table), part.count, part.sha256[:16]) for table, part in parts.items()]
    report.table("Documents", ("File", "Rows", "SHA-256 begins"), rows)
    report.verdict = f"{' and '.join(f'{part.count:,} {table}' for table, part in parts.items())} in {out}."
    return report, DONE


def _rows(snapshot: Snapshot, source: SourceTable) -> Iterator[Row]:
    order = ", ".join(f'"{name}"' for name in (*source.key, "n"))
    for row in snapshot.rows(f'SELECT raw FROM "{source.name}" ORDER BY {order}'):
        yield dict(_values(source, json.loads(str(row["raw"]))))


def _values(source: SourceTable, raw: Mapping[str, Scalar]) -> Iterator[tuple[str, Scalar]]:
    for column in source.columns:
        value = raw[column.name]
        yield column.name, in_one_form(value) if column.kind == "datetime" and isinstance(value, str) else value
