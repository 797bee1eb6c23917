"""import, verify, open. Everything is decided over all rows, and stands in files, before the first item is written."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from lambda_src.migration.documents import files
from lambda_src.migration.documents.errors import DONE, MISMATCH, REJECTS
from lambda_src.migration.documents.report import Report
from lambda_src.migration.documents.taking import FileSource
from lambda_src.migration.drafts import Draft
from lambda_src.migration.errors import MigrationError, Refused
from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.mappings.nbhd_city.mapping import nbhd_id_of
from lambda_src.migration.phases.copy import Copied, copy, refuse_verified
from lambda_src.migration.phases.cutover import open_api
from lambda_src.migration.phases.job import SNAPSHOT, Advance, Job, Progress, Silent, alone
from lambda_src.migration.phases.verify import verify
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.version import mapping_version
from lambda_src.migration.target.place import Place

WORK: Final = "import"
"""What a run works with, in the folder of the files: it lets the next one go on, and may go when all is verified."""

type Outcome = tuple[Report, int]
"""A report, which is written already, and the exit code."""


def dry_run(
    folder: Path, mapping: ServiceMapping, *, allow_rejects: bool = False, progress: Progress | None = None
) -> Outcome:
    """What an import would do. Writes id_mapping.json, rejects.jsonl and the report, and knows no table."""
    source = FileSource(folder, mapping)
    with alone(folder / WORK), _decided(source, progress or Silent()) as snapshot:
        return _planned(source, snapshot, allow_rejects=allow_rejects)


def import_files(
    folder: Path, place: Place, *, allow_rejects: bool = False, progress: Progress | None = None
) -> Outcome:
    """Write the items of an export, or go on where a run was stopped.

    Before the first item come all the files of a dry run, and where that does not end well, it is all that happens.
    Raises BadDocument; Refused for a table that is not empty, holds another export, or is verified; TargetFailed.
    """
    source = FileSource(folder, place.mapping)
    job = _job(source, place, progress or Silent())
    state = job.journal.read()
    if state is not None:
        refuse_verified(state)
    with alone(job.folder):
        with _decided(source, job.progress) as snapshot:
            report, exit_code = _planned(source, snapshot, allow_rejects=allow_rejects)
            digest = snapshot.summary().digest
        if exit_code:
            return report, exit_code
        if state is not None and state.source_digest != digest:
            raise Refused("The table holds items of another export: roll that back first, or take an empty table")
        copied = copy(_with_what_was_decided(job))
        _tell_copied(report, copied)
        return _finish(folder, report, MISMATCH if report.conflicts else DONE)


def verify_files(folder: Path, place: Place, *, full: bool = False, progress: Progress | None = None) -> Outcome:
    """Compare an export with the table, item by item in both directions.

    full: besides, read every item back to its row. Raises BadDocument, Refused before the import is complete.
    """
    job = _job(FileSource(folder, place.mapping), place, progress or Silent())
    with alone(job.folder):
        verified = verify(job, full=full)
        snapshot = Snapshot.open(job.folder / SNAPSHOT, place.mapping)
        if snapshot is None:
            raise MigrationError(f"{job.folder / SNAPSHOT} is gone")
        with snapshot:
            report = Report.of(snapshot, "verify")
        report.already_present = report.accepted
        report.add_verified(verified)
        return _finish(folder, report, DONE if verified.is_equal else MISMATCH)


def open_table(
    folder: Path, place: Place, *, is_production: bool, allow_rejects: bool = False, progress: Progress | None = None
) -> int:
    """Hand a verified table over to the API: what tells migrated items from others goes; how many items had it.

    is_production: the table has to be protected. Raises BadDocument, Refused when something speaks against it.
    """
    job = _job(FileSource(folder, place.mapping), place, progress or Silent())
    with alone(job.folder):
        return open_api(replace(job, is_production=is_production), allow_rejects=allow_rejects)


# ---- deciding ------------------------------------------------------------------------------------------------------


@contextmanager
def _decided(source: FileSource, progress: Progress) -> Iterator[Snapshot]:
    """Every row with what becomes of it; the ids and the rejects are in their files."""
    path = source.folder / WORK / SNAPSHOT
    with progress.step("Reading the files", source.rows) as advance:
        source.take(path, on_rows=advance)
    snapshot = Snapshot.open(path, source.mapping)
    if snapshot is None:
        raise MigrationError(f"{path} cannot be read: is the disk full?")
    with snapshot:
        with Draft(source.folder) as draft:
            draft.object(files.ID_MAPPING, _ids(snapshot))
            draft.lines(files.REJECTS, _rejects(snapshot))
        yield snapshot


def _ids(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Of all rows, rejected ones too: their ids are taken for good."""
    for row in snapshot.rows("SELECT DISTINCT id FROM neighborhoods ORDER BY id"):
        assert isinstance(row["id"], int)
        yield str(row["id"]), nbhd_id_of(row["id"])


def _rejects(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    for rejected in snapshot.rejected():
        reason = f"{rejected.column}: {rejected.reason}" if rejected.column else rejected.reason
        yield {"kind": rejected.kind, "reason": reason, "row": rejected.row}


def _planned(source: FileSource, snapshot: Snapshot, *, allow_rejects: bool) -> Outcome:
    report = Report.of(snapshot, "dry-run")
    report.written = report.accepted
    exit_code = DONE
    if any(report.rejected.values()) and not allow_rejects:
        exit_code = REJECTS
    if any(report.rejected[kind] for kind in source.mapping.stops_on):
        exit_code = MISMATCH
    return _finish(source.folder, report, exit_code)


# ---- writing -------------------------------------------------------------------------------------------------------


def _job(source: FileSource, place: Place, progress: Progress) -> Job:
    return Job(place, source.folder / WORK, source.take, mapping_version(place.mapping), progress)


def _with_what_was_decided(job: Job) -> Job:
    """The same job, whose source is the snapshot that was just taken."""

    def take(path: Path, *, on_rows: Advance) -> None:  # noqa: ARG001
        shutil.copyfile(job.folder / SNAPSHOT, path)

    return replace(job, take=take)


def _tell_copied(report: Report, copied: Copied) -> None:
    report.mode = "import"
    if copied.repairs is None:
        report.written = {table: copied.rows.get(table, 0) for table in report.source}
        report.already_present = {table: copied.rows_before.get(table, 0) for table in report.source}
        return
    report.conflicts = [asdict(conflict) for conflict in copied.repairs.conflicts]
    in_conflict = report.rows_in_conflict()
    report.written = dict.fromkeys(report.source, 0)
    report.already_present = {table: rows - in_conflict[table] for table, rows in report.accepted.items()}
    if copied.repairs.put or copied.repairs.deleted:
        sentence = f"items put back: {copied.repairs.put}, items removed: {copied.repairs.deleted}"
        report.warn("mended", copied.repairs.put + copied.repairs.deleted, sentence)


def _finish(folder: Path, report: Report, exit_code: int) -> Outcome:
    report.ok = exit_code == DONE
    report.check_arithmetic()
    with Draft(folder) as draft:
        draft.object(files.REPORT, report.members())
    return report, exit_code
