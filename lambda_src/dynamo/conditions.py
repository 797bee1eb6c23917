"""Conditions of writes and filters of reads, as plain values.

`Attr("status").eq("active") & Attr("deleting").not_exists()` reads as boto3's conditions do. Ours are data that
any engine below the store can evaluate or write down, and a service that states one needs no AWS library.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

type Operator = Literal[
    "=", "<>", "<", "<=", ">", ">=", "between", "in", "exists", "not_exists", "contains", "begins_with"
]


class Condition:
    """Something that holds of an item or not. Join them with `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: "Condition") -> "Condition":
        return Joined("AND", (self, other))

    def __or__(self, other: "Condition") -> "Condition":
        return Joined("OR", (self, other))

    def __invert__(self) -> "Condition":
        return Not(self)


@dataclass(frozen=True, slots=True)
class Test(Condition):
    """What is asked of one attribute. name: "" stands for the partition key, whatever the table calls it.

    operands: values, or an `Attr` for another attribute of the same item.
    """

    name: str
    operator: Operator
    operands: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined(Condition):
    """All of the parts, or any of them."""

    word: Literal["AND", "OR"]
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not(Condition):
    inner: Condition


@dataclass(frozen=True, slots=True)
class Attr:
    """An attribute by the model's name. Values are compared as they are stored."""

    name: str

    def eq(self, operand: object) -> Condition:
        return Test(self.name, "=", (operand,))

    def ne(self, operand: object) -> Condition:
        """Also holds where the attribute is missing."""
        return Test(self.name, "<>", (operand,))

    def lt(self, operand: object) -> Condition:
        return Test(self.name, "<", (operand,))

    def lte(self, operand: object) -> Condition:
        return Test(self.name, "<=", (operand,))

    def gt(self, operand: object) -> Condition:
        return Test(self.name, ">", (operand,))

    def gte(self, operand: object) -> Condition:
        return Test(self.name, ">=", (operand,))

    def between(self, low: object, high: object) -> Condition:
        """Both ends included."""
        return Test(self.name, "between", (low, high))

    def is_in(self, values: Sequence[object]) -> Condition:
        """One of 1 to 100 values."""
        return Test(self.name, "in", tuple(values))

    def exists(self) -> Condition:
        return Test(self.name, "exists")

    def not_exists(self) -> Condition:
        return Test(self.name, "not_exists")

    def contains(self, element: object) -> Condition:
        """A text contains a text; a set or list contains an element."""
        return Test(self.name, "contains", (element,))

    def begins_with(self, prefix: str) -> Condition:
        return Test(self.name, "begins_with", (prefix,))


def attributes_of(condition: Condition) -> Iterator[str]:
    """The attributes that a condition speaks of, by the model's names; "" is the partition key, as in `Test`."""
    match condition:
        case Joined(_, parts):
            for part in parts:
                yield from attributes_of(part)
        case Not(inner):
            yield from attributes_of(inner)
        case Test(name, _, operands):
            yield name
            yield from (each.name for each in operands if isinstance(each, Attr))


EXISTS: Final[Condition] = Test("", "exists")
"""There is an item."""
ABSENT: Final[Condition] = Test("", "not_exists")
"""There is none."""
