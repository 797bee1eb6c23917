"""Values: exact both ways, and the same as boto3's own serialiser makes of them."""

from decimal import Decimal, Inexact
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.values import from_item, from_value, to_item, to_key, to_value

steady = settings(derandomize=True, deadline=None)
decimals = st.decimals(min_value=-(10**15), max_value=10**15, places=4)
leaves = st.one_of(
    st.text(min_size=1, max_size=20),
    st.booleans(),
    st.integers(-(10**38) + 1, 10**38 - 1),
    decimals,
    st.binary(min_size=1, max_size=20),
    st.frozensets(st.text(min_size=1, max_size=5), min_size=1, max_size=4),
)
names = st.text(min_size=1, max_size=8)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)
items = st.dictionaries(names, values, max_size=6)


@steady
@given(items)
def test_an_item_comes_back_as_it_was(item):
    assert from_item(to_item(item)) == item


@steady
@given(items)
def test_boto3_reads_what_we_write_and_we_read_what_boto3_writes(item):
    read: Any = TypeDeserializer()
    write: Any = TypeSerializer()
    theirs = {name: write.serialize(value) for name, value in item.items()}
    assert from_item(theirs) == item
    assert {name: plain(read.deserialize(value)) for name, value in to_item(item).items()} == item


def plain(value: Any) -> Any:
    """boto3's Binary and mutable sets as the plain values they equal."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.value if hasattr(value, "value") else value


def test_integral_numbers_are_int_and_others_are_exact_decimals():
    read = from_item({"a": {"N": "3"}, "b": {"N": "-3"}, "c": {"N": "1E+2"}, "d": {"N": "261.7400"}, "e": {"N": "2.0"}})
    assert read == {"a": 3, "b": -3, "c": 100, "d": Decimal("261.74"), "e": 2}
    assert {name: type(value) for name, value in read.items()} == {
        "a": int, "b": int, "c": int, "d": Decimal, "e": int,
    }  # fmt: skip


def test_all_types_of_the_wire_are_read():
    wire: dict[str, dict[str, Any]] = {
        "null": {"NULL": True},
        "numbers": {"NS": ["1", "2.5"]},
        "binaries": {"BS": [b"a", b"b"]},
        "map": {"M": {"list": {"L": [{"S": ""}, {"BOOL": False}]}}},
    }
    assert from_item(wire) == {
        "null": None,
        "numbers": frozenset({1, Decimal("2.5")}),
        "binaries": frozenset({b"a", b"b"}),
        "map": {"list": ["", False]},
    }
    assert from_value({"S": "x"}) == "x"


def test_absent_values_are_left_out_at_every_depth():
    item: dict[str, object] = {"a": None, "b": "", "c": set(), "d": {"e": None, "f": "x"}, "g": [], "h": 0, "i": False}
    assert to_item(item) == {"d": {"M": {"f": {"S": "x"}}}, "g": {"L": []}, "h": {"N": "0"}, "i": {"BOOL": False}}


def test_true_is_no_number_and_a_set_is_sorted():
    assert to_item({"a": True, "b": {"z", "a"}}) == {"a": {"BOOL": True}, "b": {"SS": ["a", "z"]}}


def test_kinds_of_text_and_maps_are_taken_as_what_they_are():
    class Colour(StrEnum):
        RED = "red"

    assert to_value(Colour.RED) == {"S": "red"}
    assert to_value(MappingProxyType({"a": (1,)})) == {"M": {"a": {"L": [{"N": "1"}]}}}


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), Decimal("NaN"), Decimal("Infinity"), None, object(), {1, 2}, set()]
)
def test_what_dynamodb_cannot_hold_is_refused(value):
    with pytest.raises(TypeError):
        to_value(value)


def test_a_float_is_refused_wherever_it_hides():
    with pytest.raises(TypeError, match="Decimal"):
        to_item({"a": [{"b": 0.1}]})


@pytest.mark.parametrize("number", [10**38 + 1, Decimal("1." + "1" * 38)])
def test_a_number_of_more_than_38_digits_is_refused_rather_than_rounded(number):
    with pytest.raises(Inexact):
        to_value(number)


def test_keys_are_text():
    assert to_key({"PK": "a", "SK": "b"}) == {"PK": {"S": "a"}, "SK": {"S": "b"}}
