"""What counts as a price."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

_FOUR_PLACES: Final = Decimal("0.0001")


def price(value: object) -> Decimal | None:
    """A provider's number or numeric text as US dollars with 4 decimals, rounded half-even.

    None for anything that is not a finite number above zero after rounding. Binary floats go through their shortest
    text, so 185.92 stays 185.92.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value)).quantize(_FOUR_PLACES, rounding=ROUND_HALF_EVEN)
    except InvalidOperation:  # no number, infinite, or more digits than any price has
        return None
    return number if number.is_finite() and number > 0 else None
