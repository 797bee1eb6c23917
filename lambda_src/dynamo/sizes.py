"""How large DynamoDB takes an item to be, which its limits and its prices go by.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from math import ceil
from typing import Final

from lambda_src.dynamo.values import is_absent

_COLLECTION_BYTES: Final = 3  # of a list or map, and one more for each of its elements


def item_size_bytes(item: Mapping[str, object]) -> int:
    """The size DynamoDB counts: names and values in UTF-8, numbers by their digits. Absent values count nothing."""
    return sum(len(name.encode()) + _value_size_bytes(value) for name, value in item.items() if not is_absent(value))


def _value_size_bytes(value: object) -> int:
    match value:
        case str():
            return len(value.encode())
        case bool():
            return 1
        case int() | Decimal():
            return _number_size_bytes(Decimal(value))
        case bytes():
            return len(value)
        case Mapping():
            present = {name: inner for name, inner in value.items() if not is_absent(inner)}
            return _COLLECTION_BYTES + len(present) + item_size_bytes(present)
        case list() | tuple() | AbstractSet():
            overhead = 0 if isinstance(value, AbstractSet) else _COLLECTION_BYTES + len(value)
            return overhead + sum(_value_size_bytes(element) for element in value)
        case _:
            raise TypeError(f"DynamoDB has no type for {type(value).__name__}")


def _number_size_bytes(number: Decimal) -> int:
    """About a byte for two significant digits and one more, and one for a minus; at most 21."""
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return min(21, ceil(len(digits) / 2) + 1 + (1 if number < 0 else 0))
