"""What was noticed about a source before its rows are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

type Severity = Literal["stop", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """severity: `stop` for what makes the rows unreadable or unreliable, `note` for what the operator should know."""

    severity: Severity
    table: str
    column: str
    sentence: str

    def __str__(self) -> str:
        place = ".".join(filter(None, (self.table, self.column)))
        return f"{place}: {self.sentence}" if place else self.sentence


@dataclass(frozen=True, slots=True)
class SourceReport:
    """A source as it is. server: facts by name, for the report.

    present: of each expected table that is there, those of the mapping's columns that are there. counts: rows by table,
    at the instant of the transaction.
    """

    server: Mapping[str, str]
    findings: tuple[Finding, ...]
    present: Mapping[str, frozenset[str]]
    counts: Mapping[str, int]

    @property
    def stops(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "stop")
