from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.services.stock_track_record.market.rules import price


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (185.92, "185.9200"),
        ("183.63", "183.6300"),
        (Decimal("0.00015"), "0.0002"),
        (Decimal("0.00025"), "0.0002"),
        (7, "7.0000"),
        (1.1 + 2.2, "3.3000"),
    ],
)
def test_a_price_has_four_decimals_rounded_half_even(value, expected):
    assert str(price(value)) == expected


@pytest.mark.parametrize(
    "value",
    [0, -1, 0.0, "0", None, True, "", "N/A", float("nan"), float("inf"), Decimal("sNaN"), "1e400", [], "0.00004"],
)
def test_what_is_no_positive_number_is_no_price(value):
    assert price(value) is None


@given(st.floats() | st.decimals() | st.integers(max_value=10**4000) | st.text(max_size=10))
def test_any_value_gives_a_price_or_none(value):
    result = price(value)
    assert result is None or (result > 0 and result.as_tuple().exponent == -4)
