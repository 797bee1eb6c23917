"""The report of an import accounts for every row, or says that one was lost."""

import json
from dataclasses import replace

import pytest

from lambda_src.migration.errors import MigrationError
from lambda_src.migration.mappings.nbhd_city.results import KINDS, Report
from lambda_src.migration.phases.verify import Difference, Verified
from lambda_src.migration.snapshot import Tally
from lambda_src.migration.target.state import State

METADATA = {"PK": "NBHD#1", "SK": "METADATA", "id": "1", "name": "One"}
SENTINEL = {"PK": "NBHDNAME#one", "SK": "NAME", "item_type": "nbhd_name", "nbhd_id": "1"}
MEMBER = {"PK": "NBHD#1", "SK": "MEMBER#did:plc:bob", "neighborhood_id": "1", "user_id": "did:plc:bob"}


def conflict(wanted):
    return {"table": "main", "key": {}, "stored": None, "wanted": wanted}


@pytest.fixture
def report():
    return Report(
        mode="import",
        source={"neighborhoods": 4, "memberships": 10},
        rejected_rows={"neighborhoods": 1, "memberships": 2},
        rejected=dict.fromkeys(KINDS, 0) | {"invalid_timestamp": 3},
        renamed=[],
        warnings=[],
        written={"neighborhoods": 2, "memberships": 5},
        already_present={"neighborhoods": 0, "memberships": 2},
        conflicts=[conflict(METADATA), conflict(SENTINEL), conflict(MEMBER), conflict(None)],
    )


def test_rows_written_present_rejected_and_in_conflict_are_all_rows(report):
    report.check_arithmetic()
    assert report.accepted == {"neighborhoods": 3, "memberships": 8}
    assert report.rows_in_conflict() == {"neighborhoods": 1, "memberships": 1}


@pytest.mark.parametrize("table", ["neighborhoods", "memberships"])
@pytest.mark.parametrize("number", [-1, 1])
def test_a_row_that_is_lost_or_counted_twice_is_noticed(report, table, number):
    lost = replace(report, source={**report.source, table: report.source[table] + number})
    with pytest.raises(MigrationError, match=f"accounts for .* {table}"):
        lost.check_arithmetic()


def test_the_members_are_those_that_were_agreed(report):
    written = json.loads(json.dumps(dict(report.members())))
    assert list(written) == [
        "format", "mode", "source", "written", "already_present", "rejected", "renamed", "conflicts", "warnings",
        "verify", "ok",
    ]  # fmt: skip
    assert written["format"] == 1
    assert list(written["rejected"]) == list(KINDS)
    assert written["verify"] == {"checked": 0, "missing": [], "different": [], "extra": []}


def test_differences_beyond_those_that_are_listed_are_counted(report):
    found = Verified(
        state=State("copied", "", "", "", ""),
        items=100,
        counts={"missing": 1, "different": 70, "extra": 0},
        differences=(
            Difference("missing", "main", {"PK": "a"}),
            Difference("different", "main", {"PK": "b"}, {"name": ("stored", "wanted")}),
        ),
        restored=None,
        unlike=(),
        source=Tally({}, {}),
    )
    report.add_verified(found)
    assert not report.ok
    assert report.verify["missing"] == [{"key": {"PK": "a"}, "attributes": {}}]
    assert report.verify["different"][0]["attributes"] == {"name": ("stored", "wanted")}
    assert [(warning["kind"], warning["times"]) for warning in report.warnings] == [("different", 70)]
