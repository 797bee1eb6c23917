"""What the reports of single phases say."""

import pytest

from lambda_src.migration import reports
from lambda_src.migration.errors import DIFFERENCES
from lambda_src.migration.mapping import MARK
from lambda_src.migration.phases.delta import Delta
from lambda_src.migration.snapshot import Tally
from lambda_src.migration.target.repair import Conflict, Repairs
from lambda_src.migration.target.state import State

KEY = {"PK": "NBHD#1", "SK": "METADATA"}
WANTED = {**KEY, MARK: "m1:0", "name": "Place", "text": "A place"}


@pytest.mark.parametrize(
    ("stored", "wanted", "told"),
    [
        (WANTED | {"text": "By hand", MARK: "m1:1"}, WANTED, "text: 'By hand', 'A place'"),
        (WANTED | {"flag": True}, WANTED, "flag: True, None"),
        (WANTED | {"text": "x" * 1_000, "name": "Z"}, WANTED, f"name: 'Z', 'Place'; text: '{'x' * 199}..., 'A place'"),
        (WANTED | {MARK: "m1:1"}, WANTED, "equal but for its mark"),
        (WANTED, None, "no row asks for it"),
        (None, WANTED, "somebody deleted it meanwhile"),
    ],
)
def test_of_an_item_that_was_left_alone_only_what_differs_is_shown(stored, wanted, told):
    repairs = Repairs(conflicts=[Conflict("main", KEY, stored, wanted)])
    done = Delta(State("copied", "", "", "", ""), repairs, Tally({"places": 3}, {"places": 1}))

    report, exit_code = reports.of_delta("delta", done, is_partial=False)

    [left_alone] = [section for section in report.sections if section.heading == "Left alone"]
    assert left_alone.rows == (("main", "NBHD#1 / METADATA", told),)
    assert exit_code == DIFFERENCES
