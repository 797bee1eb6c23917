"""What became of every row, as `import_report.json` says it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from lambda_src.migration.errors import MigrationError
from lambda_src.migration.mapping import Row
from lambda_src.migration.mappings.nbhd_city.mapping import NAME_COLLISION
from lambda_src.migration.phases.verify import Verified
from lambda_src.migration.snapshot import Snapshot

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

_ORDER: Final = (
    "mode", "source", "written", "already_present", "rejected", "renamed", "conflicts", "warnings", "verify", "ok",
)  # fmt: skip

type Mode = Literal["dry-run", "import", "verify"]


def _zero() -> dict[str, int]:
    return dict.fromkeys(TABLES, 0)


@dataclass(slots=True)
class Report:
    """Rows by source table, rejects by kind. In a dry run `written` says what an import would write.

    rejected_rows: rejects by table; what `rejected` cannot tell, since a kind may occur in both. It is not written.
    """

    mode: Mode
    source: dict[str, int]
    rejected_rows: dict[str, int]
    rejected: dict[str, int]
    renamed: list[Row]
    warnings: list[Row]
    written: dict[str, int] = field(default_factory=_zero)
    already_present: dict[str, int] = field(default_factory=_zero)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
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
        """The members of the JSON object, in the order in which people read them."""
        told = asdict(self)
        del told["rejected_rows"]
        yield "format", 1
        for name in sorted(told, key=_ORDER.index):
            yield name, told[name]
