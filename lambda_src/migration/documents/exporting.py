"""export: PostgreSQL -> files, all rows of one instant, exactly as they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lambda_src.migration.documents import files
from lambda_src.migration.drafts import Draft
from lambda_src.migration.instants import instant
from lambda_src.migration.mapping import Row, SourceTable
from lambda_src.migration.mappings.nbhd_city.mapping import mapping
from lambda_src.migration.phases.job import Progress, Silent
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.reader import take_snapshot
from lambda_src.services.nbhd_city.rules.times import timestamp


def export(address: Address, folder: Path, *, progress: Progress | None = None) -> files.Manifest:
    """Write both tables and their manifest. Raises SourceFailed, BadUsage; leaves no file then."""
    progress = progress or Silent()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    service = mapping()
    with TemporaryDirectory(dir=folder, prefix=".export-") as work:
        path = Path(work) / "snapshot.sqlite"
        with progress.step("Reading the source") as advance:
            summary = take_snapshot(address, service, path, on_rows=advance)
        with Snapshot(path, service) as snapshot, Draft(folder) as draft:
            parts = {
                source.name: files.write_array(draft, files.array_name(source.name), _entries(snapshot, source))
                for source in service.sources
            }
            manifest = files.Manifest(
                exported_at=timestamp(instant(summary.taken_at)[0]),
                neighborhoods=parts["neighborhoods"],
                memberships=parts["memberships"],
            )
            draft.object(files.MANIFEST, manifest.model_dump().items())
    return manifest


def _entries(snapshot: Snapshot, source: SourceTable) -> Iterator[dict[str, Any]]:
    for row in snapshot.rows(f'SELECT raw FROM "{source.name}" ORDER BY id, n'):
        yield dict(_entry(source, json.loads(str(row["raw"]))))


def _entry(source: SourceTable, raw: Row) -> Iterator[tuple[str, Any]]:
    for column in source.columns:
        value = raw[column.name]
        yield column.name, _time(value) if column.kind == "datetime" and isinstance(value, str) else value


def _time(text: str) -> str:
    """A time in the one form of all times. One without an offset stays so, for the import to say; no time stays."""
    try:
        moment, has_offset = instant(text)
    except ValueError:
        return text
    written = timestamp(moment)
    return written if has_offset else written.removesuffix("Z")
