"""Sizes and units by AWS's rules, with worked examples."""

from decimal import Decimal
from typing import Any

import pytest

from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.migration.capacity import Write, read_units, transact_write_units, write_units
from tests.support.sample_tables import NOTES, PLACES, note_item


@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [
        ("héllo", 6),
        (True, 1),
        (0, 1),
        (7, 2),
        (-7, 3),
        (27, 2),
        (127, 3),
        (1000, 2),
        (Decimal("261.74"), 4),
        (10**37 + 1, 20),
        (-(10**38 - 1), 21),
        (b"abc", 3),
        ({"ab", "c"}, 3),
        ([], 3),
        (["ab", 1], 3 + 2 + 2 + 2),
        ({"k": "ab"}, 3 + 1 + 1 + 2),
    ],
)
def test_a_value_has_the_size_of_the_rules(value, size_bytes):
    assert item_size_bytes({"name": value}) == len("name") + size_bytes


def test_absent_values_have_no_size():
    assert item_size_bytes({"a": None, "b": "", "c": {"d": None}}) == 1 + 3


@pytest.mark.parametrize(("size", "units"), [(0, 0.5), (4096, 0.5), (4097, 1.0), (1_048_576, 128.0)])
def test_reads_round_up_to_four_kilobytes(size, units):
    assert read_units(size) == units
    assert read_units(size, consistent=True) == 2 * units


def test_a_check_costs_a_transaction_what_a_write_costs():
    item = {"name": "attic", "text": "x" * 1_100}
    assert write_units(Write(PLACES, item, item)) == 2
    assert transact_write_units([Write(PLACES, item, item), Write(PLACES, None, {"name": "cellar"})]) == 4 + 2


def test_an_entry_that_moves_to_another_key_is_written_twice():
    topic: dict[str, Any] = {"GSI1PK": "TOPIC#t", "GSI1SK": "1"}
    assert write_units(Write(NOTES, note_item(**topic), note_item(**{**topic, "GSI1SK": "2"}))) == 1 + 2
    assert write_units(Write(NOTES, note_item(**topic), note_item())) == 1 + 1
    assert write_units(Write(NOTES, None, note_item(GSI1PK="TOPIC#t"))) == 1, (
        "without all its keys an item is in no index"
    )


def test_a_value_without_a_type_has_no_size():
    with pytest.raises(TypeError):
        item_size_bytes({"a": 1.5})
