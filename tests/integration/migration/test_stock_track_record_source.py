"""Stock Track Record's rows in a real MariaDB: they are decided about like the same rows in memory."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lambda_src.migration.mapping import Row
from lambda_src.migration.mappings.stock_track_record.mapping import mapping
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.reader import take_snapshot
from tests.support.migration.jobs import RowsInHand
from tests.support.migration.stock_track_record_awkward import awkward_rows
from tests.support.migration.stock_track_record_rows import many_rows, rows_by_table


def decided(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Every prepared or rejected row, by its table, in the order of its key."""
    service = mapping()
    snapshot = Snapshot.open(path, service)
    assert snapshot is not None
    with snapshot:
        return {
            source.name: sorted(
                ({**row, "n": 0, "raw": ""} for row in snapshot.rows(f'SELECT * FROM "{source.name}"')),  # noqa: S608
                key=str,
            )
            for source in service.sources
        }


def fitting_rows() -> Iterable[tuple[str, Row]]:
    """Everything that MariaDB takes with its checks off."""
    yield from ((case.table, case.row) for case in awkward_rows() if case.fits)
    yield from many_rows(1_500)


def test_rows_from_a_server_are_decided_about_like_rows_in_memory(stock_track_record_database, tmp_path):
    rows = rows_by_table(fitting_rows())
    for table, found in rows.items():
        stock_track_record_database.insert(table, found)
    RowsInHand(mapping(), rows).take(tmp_path / "memory")

    take_snapshot(Address.parse(stock_track_record_database.url), mapping(), tmp_path / "server")

    assert decided(tmp_path / "server") == decided(tmp_path / "memory")
