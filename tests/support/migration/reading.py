"""What a test asks of a source."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.findings import Finding, Severity, SourceReport
from lambda_src.migration.source.reader import take_snapshot

_RAW: Final = 'SELECT raw FROM "{}" ORDER BY n'

type Rows = Mapping[str, list[dict[str, Any]]]


def read(url: str, mapping: ServiceMapping, folder: Path, on_rows: Callable[[int], None] = lambda _: None) -> Rows:
    """The rows of each table as a snapshot holds them, in the order they were read."""
    path = folder / "snapshot"
    take_snapshot(Address.parse(url), mapping, path, on_rows=on_rows)
    return kept(path, mapping)


def kept(path: Path, mapping: ServiceMapping) -> Rows:
    """The rows of each table in a finished snapshot."""
    snapshot = Snapshot.open(path, mapping)
    assert snapshot is not None
    with snapshot:
        return {
            source.name: [json.loads(str(row["raw"])) for row in snapshot.rows(_RAW.format(source.name))]
            for source in mapping.sources
        }


def findings(report: SourceReport, severity: Severity) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity == severity]


def sentences(report: SourceReport, severity: Severity) -> list[str]:
    return [str(finding) for finding in findings(report, severity)]
