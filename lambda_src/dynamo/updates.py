"""Changes of an item: what `UpdateItem` shall set, add, remove and delete."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, Self

from lambda_src.dynamo.values import is_absent

type _Clause = Literal["SET", "ADD", "REMOVE", "DELETE"]


class Step(NamedTuple):
    """One change of one attribute. template: with {name} and {value} for the placeholders."""

    clause: _Clause
    name: str
    template: str
    value: object = None


@dataclass(frozen=True, slots=True)
class Update:
    """A change of an item, put together step by step; every step returns a new value.

    `Update().set(status="completed").add(finished=1).remove("lease_until")`. Attributes go by the model's names.
    Raises ValueError when an attribute is changed twice, and for absent values (None, "" and empty sets): those are
    removed, not stored.
    """

    steps: tuple[Step, ...] = ()

    def set(self, **values: object) -> Self:
        """Set attributes, whether the item has them or not."""
        return self._with("SET", "{name} = {value}", values)

    def set_if_absent(self, **values: object) -> Self:
        """Set attributes the item does not have yet; the others keep their value."""
        return self._with("SET", "{name} = if_not_exists({name}, {value})", values)

    def assign(self, values: Mapping[str, object]) -> Self:
        """Set what has a value and remove what is absent: a body's fields, as they come."""
        present = {name: value for name, value in values.items() if not is_absent(value)}
        return self.set(**present).remove(*(name for name in values if name not in present))

    def add(self, **values: int | Decimal | AbstractSet[str]) -> Self:
        """Add to numbers (absent: from 0) or to sets (absent: from the empty set)."""
        return self._with("ADD", "{name} {value}", values)

    def remove(self, *names: str) -> Self:
        """Remove attributes, if they are there."""
        return self._with("REMOVE", "{name}", dict.fromkeys(names))

    def delete(self, **sets: AbstractSet[str]) -> Self:
        """Take elements out of sets."""
        return self._with("DELETE", "{name} {value}", sets)

    def _with(self, clause: _Clause, template: str, values: Mapping[str, object]) -> Self:
        twice = {step.name for step in self.steps} & values.keys()
        if twice:
            raise ValueError(f"an update changes an attribute once: {sorted(twice)}")
        nothing = [name for name, value in values.items() if clause != "REMOVE" and is_absent(value)]
        if nothing:
            raise ValueError(f"an update takes no absent values, remove the attributes: {nothing}")
        steps = tuple(Step(clause, name, template, value) for name, value in values.items())
        return type(self)(self.steps + steps)
