"""What a run leaves behind for programs, beside the pages of its phases."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.target.repair import Repairs

if TYPE_CHECKING:
    from lambda_src.migration.phases.verify import Verified


class Results:
    """Of a run that reads a database: nothing. Others say it of every row, in files.

    files: for an operator to look at.
    """

    files: tuple[Path, ...] = ()

    def planned(self, snapshot: Snapshot, *, is_decided: bool) -> None:
        """Every row was decided about; nothing was written. is_decided: a copy may follow."""

    def written(
        self, snapshot: Snapshot, *, rows: Mapping[str, int], rows_before: Mapping[str, int], repairs: Repairs | None
    ) -> None:
        """Every item is there. rows: written by this run, by stream; rows_before: by runs before it.

        repairs: where this run compared instead.
        """

    def verified(self, snapshot: Snapshot, verified: "Verified") -> None:
        """Every row was compared with its items, and every item with its row."""
