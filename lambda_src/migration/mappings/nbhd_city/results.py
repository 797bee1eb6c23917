"""What became of every row of an export, in files beside it: the ids, the rejected rows, and a report."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from lambda_src.migration.drafts import Draft
from lambda_src.migration.errors import MigrationError
from lambda_src.migration.mapping import Row
from lambda_src.migration.mappings.nbhd_city.mapping import NAME_COLLISION, nbhd_id_of
from lambda_src.migration.mappings.nbhd_city.way_back import ID_MAPPING
from lambda_src.migration.phases.results import Results
from lambda_src.migration.phases.verify import Verified
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.target.repair import Repairs

REJECTS: Final = "rejects.jsonl"
REPORT: Final = "import_report.json"
TABLES: Final = ("neighborhoods", "memberships")
KINDS: Final = (
    "orphan_membership",
    "duplicate_membership",
    "duplicate_neighborhood_id",
    NAME_COLLISION,
    "invalid_name",
    "invalid_user_id",
    "invalid_timestamp",
    "item_too_large",
)


type Mode = Literal["dry-run", "import", "verify"]


def _zero() -> dict[str, int]:
    return dict.fromkeys(TABLES, 0)


@dataclass(kw_only=True, slots=True)
class Report:
    """The members of the JSON object in their order: rows by source table, rejects by kind.

    In a dry run `written` says what an import would write.

    rejected_rows: rejects by table; what `rejected` cannot tell, since a kind may occur in both. It is not written.
    """

    format: Literal[1] = 1
    mode: Mode
    source: dict[str, int]
    written: dict[str, int] = field(default_factory=_zero)
    already_present: dict[str, int] = field(default_factory=_zero)
    rejected: dict[str, int]
    rejected_rows: dict[str, int]
    renamed: list[Row]
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[Row]
    verify: dict[str, Any] = field(default_factory=lambda: {"checked": 0, "missing": [], "different": [], "extra": []})
    ok: bool = True

    @classmethod
    def of(cls, snapshot: Snapshot, mode: Mode) -> "Report":
        """What the rows alone say; nothing is written yet."""
        by_table = snapshot.reject_counts()
        by_kind = sum(by_table.values(), Counter(dict.fromkeys(KINDS, 0)))
        renamed = snapshot.rows(
            'SELECT id, renamed_from AS "from", name AS "to" FROM neighborhoods '
            "WHERE reject IS NULL AND renamed_from IS NOT NULL ORDER BY id"
        )
        return cls(
            mode=mode,
            source=dict(snapshot.summary().rows),
            rejected_rows={table: by_table[table].total() for table in TABLES},
            rejected={kind: by_kind[kind] for kind in (*KINDS, *sorted(by_kind.keys() - set(KINDS)))},
            renamed=list(renamed),
            warnings=snapshot.warnings(),
        )

    @property
    def accepted(self) -> dict[str, int]:
        """Rows that become items, by table."""
        return {table: self.source[table] - self.rejected_rows[table] for table in TABLES}

    def check_arithmetic(self) -> None:
        """Every row is written, already present, rejected or in conflict. Raises MigrationError: one was lost."""
        in_conflict = self.rows_in_conflict()
        for table in TABLES:
            told = self.written[table] + self.already_present[table] + self.rejected_rows[table] + in_conflict[table]
            if told != self.source[table]:
                raise MigrationError(f"The report accounts for {told} of {self.source[table]} {table}: {self}")

    def rows_in_conflict(self) -> Counter[str]:
        """Rows by table that have an item in conflict; a neighborhood may have two."""
        wanted = [conflict["wanted"] for conflict in self.conflicts if conflict["wanted"] is not None]
        members = {(item["neighborhood_id"], item["user_id"]) for item in wanted if "user_id" in item}
        neighborhoods = {item.get("id") or item["nbhd_id"] for item in wanted if "user_id" not in item}
        return Counter(neighborhoods=len(neighborhoods), memberships=len(members))

    def add_repairs(self, repairs: Repairs) -> None:
        """What a run did that compared: rows were there already, but for those in conflict."""
        self.conflicts = [asdict(conflict) for conflict in repairs.conflicts]
        in_conflict = self.rows_in_conflict()
        self.already_present = {table: rows - in_conflict[table] for table, rows in self.accepted.items()}
        if mended := repairs.put + repairs.deleted:
            self.warn("mended", mended, f"items put back: {repairs.put}, items removed: {repairs.deleted}")

    def add_verified(self, verified: Verified) -> None:
        """What a comparison found. The lists show the first 50 of each; a warning counts all where there are more."""
        self.verify["checked"] = verified.items
        for difference in verified.differences:
            self.verify[difference.verdict].append({"key": difference.key, "attributes": difference.attributes})
        for verdict, count in verified.counts.items():
            if count > len(self.verify[verdict]):
                self.warn(verdict, count, f"the first {len(self.verify[verdict])} are listed under verify")
        self.ok = verified.is_equal

    def warn(self, kind: str, times: int, sentence: str) -> None:
        """Add a warning that is about no source table."""
        self.warnings.append({"source": "", "kind": kind, "times": times, "sentence": sentence})

    def members(self) -> Iterable[tuple[str, Any]]:
        """The members of the JSON object."""
        return ((name, value) for name, value in asdict(self).items() if name != "rejected_rows")


class ImportFiles(Results):
    """The files, in the folder of the export. Each phase writes them anew, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = (folder / REPORT, folder / REJECTS)

    def planned(self, snapshot: Snapshot, *, is_decided: bool) -> None:
        """Ids and rejects are complete before the first item is written."""
        with Draft(self._folder) as draft:
            draft.object(ID_MAPPING, _ids(snapshot))
            draft.lines(REJECTS, _rejects(snapshot))
        report = Report.of(snapshot, "dry-run")
        report.written = report.accepted
        report.ok = is_decided
        self._keep(report)

    def written(
        self, snapshot: Snapshot, *, rows: Mapping[str, int], rows_before: Mapping[str, int], repairs: Repairs | None
    ) -> None:
        """Where a run compared, what it did not find in conflict is there already."""
        report = Report.of(snapshot, "import")
        if repairs is None:
            report.written = {table: rows.get(table, 0) for table in TABLES}
            report.already_present = {table: rows_before.get(table, 0) for table in TABLES}
        else:
            report.add_repairs(repairs)
        report.ok = not report.conflicts
        self._keep(report)

    def verified(self, snapshot: Snapshot, verified: Verified) -> None:
        """What differs is listed."""
        report = Report.of(snapshot, "verify")
        report.already_present = report.accepted
        report.add_verified(verified)
        self._keep(report)

    def _keep(self, report: Report) -> None:
        report.check_arithmetic()
        with Draft(self._folder) as draft:
            draft.object(REPORT, report.members())


def _ids(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Of all rows, rejected ones too: their ids are taken for good."""
    for row in snapshot.rows("SELECT DISTINCT id FROM neighborhoods ORDER BY id"):
        assert isinstance(row["id"], int)
        yield str(row["id"]), nbhd_id_of(row["id"])


def _rejects(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    for rejected in snapshot.rejected():
        reason = f"{rejected.column}: {rejected.reason}" if rejected.column else rejected.reason
        yield {"kind": rejected.kind, "reason": reason, "row": rejected.row}
