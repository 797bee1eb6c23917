"""Digests: equal for equal items, however their values are spelt, and for no others."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.dynamo.values import to_item
from lambda_src.migration.content import digest, is_ours, is_untouched, marked, unmarked

ITEM: dict[str, Any] = {
    "PK": {"S": "A"},
    "n": {"N": "1.50"},
    "tags": {"SS": ["b", "a"]},
    "deep": {"M": {"list": {"L": [{"N": "100"}, {"BOOL": True}]}}},
}


@pytest.mark.parametrize(
    "same",
    [
        {"n": {"N": "1.5"}},
        {"n": {"N": "15e-1"}},
        {"tags": {"SS": ["a", "b"]}},
        {"deep": {"M": {"list": {"L": [{"N": "1E+2"}, {"BOOL": True}]}}}},
    ],
)
def test_another_spelling_of_a_value_is_the_same_item(same):
    assert digest(ITEM | same) == digest(ITEM)


@pytest.mark.parametrize(
    "other",
    [
        {"n": {"N": "1.51"}},
        {"n": {"S": "1.50"}},
        {"PK": {"S": "a"}},
        {"PK": {"S": "A "}},
        {"tags": {"SS": ["a"]}},
        {"tags": {"L": [{"S": "b"}, {"S": "a"}]}},
        {"deep": {"M": {"list": {"L": [{"BOOL": True}, {"N": "100"}]}}}},
        {"more": {"S": ""}},
    ],
)
def test_another_value_is_another_item(other):
    assert digest(ITEM | other) != digest(ITEM)


def test_the_order_of_attributes_is_no_part_of_an_item():
    assert digest(dict(reversed(ITEM.items()))) == digest(ITEM)


def test_a_mark_says_whose_an_item_is_and_whether_it_was_changed():
    item = marked(ITEM, "m1")
    assert unmarked(item) == ITEM
    assert (is_ours(item, "m1"), is_untouched(item, "m1")) == (True, True)
    assert (is_ours(item, "m2"), is_untouched(item, "m2")) == (False, False)
    changed = item | {"PK": {"S": "B"}}
    assert (is_ours(changed, "m1"), is_untouched(changed, "m1")) == (True, False)
    assert (is_ours(ITEM, "m1"), is_untouched(ITEM, "m1")) == (False, False)


@given(
    st.dictionaries(st.text(min_size=1), st.text() | st.integers(-(10**30), 10**30) | st.booleans()),
    st.dictionaries(st.text(min_size=1), st.text() | st.integers(-(10**30), 10**30) | st.booleans()),
)
def test_items_are_equal_exactly_when_their_digests_are(one, other):
    first, second = to_item(one), to_item(other)
    assert (digest(first) == digest(second)) == (first == second)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6))
def test_a_number_has_one_digest_in_every_spelling(number):
    spellings = {f"{number:f}", f"{number:e}", str(Decimal(number).normalize()), f"{number:f}000"}
    assert len({digest({"n": {"N": spelling}}) for spelling in spellings}) == 1
