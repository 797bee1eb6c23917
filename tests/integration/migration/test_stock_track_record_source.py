"""Stock Track Record's rows in a real MariaDB: they are decided about like the same rows in memory."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lambda_src.migration.mapping import Row
from lambda_src.migration.mappings.stock_track_record.mapping import mapping
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.reader import take_snapshot
from lambda_src.services.stock_track_record.tables import TABLES
from tests.support.migration.jobs import RowsInHand
from tests.support.migration.operator import Operator
from tests.support.migration.stock_track_record_awkward import awkward_rows
from tests.support.migration.stock_track_record_rows import (
    channel_row,
    id_of,
    log_row,
    many_rows,
    mention_row,
    rows_by_table,
    stock_row,
    video_row,
)

UNSIGNED = 2**64 - 1
WIDER = """
ALTER TABLE channels MODIFY video_count BIGINT UNSIGNED, MODIFY time_range_months BIGINT UNSIGNED;
ALTER TABLE stocks MODIFY last_price DECIMAL(65,30);
ALTER TABLE stock_mentions MODIFY price_at_mention DECIMAL(65,0), MODIFY confidence_score DECIMAL(65,30);
ALTER TABLE processing_logs MODIFY id BIGINT UNSIGNED
"""
"""Columns as wide as MariaDB has them."""


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


def test_a_value_out_of_every_range_costs_its_own_row_at_most(
    stock_track_record_database, dynamodb_endpoint, make_tables, tmp_path
):
    database = stock_track_record_database
    database.run(WIDER)
    rows: dict[str, list[Row]] = {
        "channels": [
            channel_row(1), channel_row(2, video_count=UNSIGNED), channel_row(3, video_count=2**63),
            channel_row(4, time_range_months=UNSIGNED), channel_row(5, status="", created_at="0001-01-01 00:00:00"),
            channel_row(6, status="pending", updated_at="9999-12-31 23:59:59"),
        ],
        "stocks": [stock_row("AAPL", last_price=f"{'9' * 35}.{'9' * 30}"), stock_row("F", last_price=f"0.{'0' * 29}1")],
        "videos": [video_row(1), video_row(2, published_at="0000-00-00"), video_row(3, 2)],
        "stock_mentions": [mention_row(1, price_at_mention="9" * 65, confidence_score=f"0.{'9' * 30}")],
        "processing_logs": [log_row(7), log_row(UNSIGNED), log_row(2**63)],
    }  # fmt: skip
    for table, found in rows.items():
        database.insert(table, found)
    operator = Operator("stock_track_record", database.url, dynamodb_endpoint, make_tables(TABLES), tmp_path / "kept")
    for phase in ("check", "plan", "copy", "delta", "copy", "verify --full", "cutover --allow-rejects"):
        done = operator.does(*phase.split())
        assert done.code == 0, (phase, done.said)
    rejects = map(json.loads, (tmp_path / "kept" / "rejects.jsonl").read_text("utf-8").splitlines())
    assert [(row["table"], str(row["key"]["id"]), row["kind"], row["column"]) for row in rejects] == [
        ("channels", id_of("c", 2), "integer_out_of_range", "video_count"),
        ("channels", id_of("c", 3), "integer_out_of_range", "video_count"),
        ("videos", id_of("d", 2), "invalid_date", "published_at"),
        ("videos", id_of("d", 3), "orphan", "channel_id"),
        ("processing_logs", str(2**63), "log_id_out_of_range", "id"),
        ("processing_logs", str(UNSIGNED), "log_id_out_of_range", "id"),
    ]
    assert "| channels | 6 | 2 | 4 |" in operator.does("check").report
