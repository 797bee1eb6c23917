"""Python values as DynamoDB stores them, and back.

Plain functions rather than boto3's `TypeSerializer`, which looks its methods up by name for every value: this is a
large part of the time of a request that reads a page of items. The tests hold the two against each other.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any, Final

type Item = dict[str, Any]  # an item as Python values
type AttributeValue = dict[str, Any]  # {"S": "text"} and so on
type Request = dict[str, Any]  # arguments of a call, as DynamoDB's API names them

# 38 digits, and an error rather than a rounded number:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_NUMBERS: Final = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])


def to_item(mapping: Mapping[str, object]) -> dict[str, AttributeValue]:
    """An item for the wire. Absent values (None, "" and empty sets) are left out, also in maps inside.

    Raises TypeError for values DynamoDB has no type for, float among them: binary floats are not what was meant.
    Raises decimal's Inexact, Rounded or Overflow for a number that does not fit.
    """
    return {name: to_value(value) for name, value in mapping.items() if not is_absent(value)}


def is_absent(value: object) -> bool:
    """Whether a value is one of those that are left out of an item."""
    return not value and (value is None or value == "" or isinstance(value, AbstractSet))


def to_value(value: object) -> AttributeValue:
    """One value for the wire; see `to_item`. Raises TypeError for None: absent values are left out by who asks."""
    write = _WRITERS.get(type(value)) or _writer_of_base(value)
    return write(value)


def from_item(attributes: Mapping[str, Mapping[str, Any]]) -> Item:
    """An item of the wire as Python values: numbers as int when integral, else Decimal; sets as frozenset."""
    item = {}
    for name, value in attributes.items():
        [(kind, content)] = value.items()
        item[name] = content if kind == "S" else _READERS[kind](content)
    return item


def from_value(value: Mapping[str, Any]) -> Any:
    """One value of the wire; see `from_item`."""
    [(kind, content)] = value.items()
    return _READERS[kind](content)


def to_key(key: Mapping[str, str]) -> dict[str, AttributeValue]:
    """A key for the wire."""
    return {name: {"S": text} for name, text in key.items()}


def _writer_of_base(value: object) -> Callable[[Any], AttributeValue]:
    for base, write in _WRITERS.items():
        if isinstance(value, base):
            return write
    if isinstance(value, float):
        raise TypeError("a float is no exact number: use Decimal")
    raise TypeError(f"DynamoDB has no type for {type(value).__name__}")


def _number_text(number: int | Decimal) -> str:
    if isinstance(number, int) and -(10**38) < number < 10**38:
        return str(number)
    if isinstance(number, Decimal) and not number.is_finite():
        raise TypeError(f"DynamoDB has no type for {number}")
    return str(_NUMBERS.create_decimal(number))


def _texts(values: AbstractSet[object]) -> list[str]:
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values) or not texts:
        raise TypeError("a set must hold text, and must not be empty")
    return sorted(texts)


def _read_number(text: str) -> int | Decimal:
    if text.isdecimal():
        return int(text)
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else number


# By exact type, which is nearly always enough; the order matters for the rest (True is an int).
_WRITERS: Final[Mapping[type, Callable[[Any], AttributeValue]]] = {
    str: lambda text: {"S": text},
    bool: lambda flag: {"BOOL": flag},
    **dict.fromkeys((int, Decimal), lambda number: {"N": _number_text(number)}),
    **dict.fromkeys((dict, Mapping), lambda mapping: {"M": to_item(mapping)}),
    **dict.fromkeys((set, frozenset, AbstractSet), lambda elements: {"SS": _texts(elements)}),
    **dict.fromkeys((list, tuple), lambda elements: {"L": [to_value(element) for element in elements]}),
    bytes: lambda content: {"B": content},
}
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "S": lambda text: text,
    "N": _read_number,
    "BOOL": lambda flag: flag,
    "M": from_item,
    "L": lambda values: [from_value(value) for value in values],
    "SS": frozenset,
    "NS": lambda texts: frozenset(_read_number(text) for text in texts),
    "BS": frozenset,
    "B": lambda content: content,
    "NULL": lambda _: None,
}
