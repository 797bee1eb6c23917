"""Texts and maps that callers send: what DynamoDB could not hold is refused by name, and nothing else."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.values import from_item, to_item
from lambda_src.errors import InvalidInput
from lambda_src.services.algoitny.checks import MAX_DEPTH, checked_line, checked_map, checked_text


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        nested(MAX_DEPTH + 1), {"a": float("nan")}, {"a": float("inf")}, {"a": 10**38}, {"a": -(10**5000)},
        {"a": 1e-200}, {"a": 1e300}, {"a": Decimal("1." + "3" * 38)}, {"a": [None]}, {"": 1}, {1: 1},
        {"a": "\ud800"}, {"\udfff": 1}, {"a": object()}, {"a": {1}}, "text", None, [], {"a": "가" * 34},
    ],
)  # fmt: skip
def test_a_map_that_cannot_be_stored_is_refused(value):
    with pytest.raises(InvalidInput, match=r"^metadata: "):
        checked_map("metadata", value, max_bytes=100)


def test_a_map_of_the_greatest_depth_size_and_numbers_is_taken():
    assert checked_map("metadata", nested(MAX_DEPTH), max_bytes=1000) == nested(MAX_DEPTH)
    assert checked_map("metadata", {"a": "b" * 92}, max_bytes=100) == {"a": "b" * 92}
    assert checked_map("metadata", {"a": 10**37, "b": -0.1, "c": 0.0, "d": True, "e": None}, max_bytes=100) == {
        "a": 10**37, "b": Decimal("-0.1"), "c": 0, "d": True,
    }  # fmt: skip


json_values = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_what_is_taken_can_be_stored(value):
    try:
        taken = checked_map("metadata", value, max_bytes=1000)
    except InvalidInput:
        return
    from_item(to_item({"met": taken}))


@pytest.mark.parametrize("text", ["", "a" * 51, "python\n", "a\x00b", "\x7f", "\ud800", 5, None])
def test_a_line_that_would_be_no_part_of_a_key_is_refused(text):
    with pytest.raises(InvalidInput, match=r"^language: "):
        checked_line("language", text, characters=50)


def test_texts_are_measured_in_bytes():
    assert checked_text("code", "가" * 100, max_bytes=300) == "가" * 100
    with pytest.raises(InvalidInput, match="at most 299 bytes"):
        checked_text("code", "가" * 100, max_bytes=299)
    assert checked_line("language", "c#%", characters=50) == "c#%"
