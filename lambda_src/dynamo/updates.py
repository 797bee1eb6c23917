"""Changes of an item: what `UpdateItem` shall set, add, remove and delete."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, Self

from lambda_src.dynamo.values import AttributeValue, is_absent, to_value

type _Clause = Literal["SET", "ADD", "REMOVE", "DELETE"]


class UpdateExpression(NamedTuple):
    """An update for the wire: its text, and names and values by placeholder."""

    text: str
    names: dict[str, str]
    values: dict[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class _Step:
    clause: _Clause
    name: str
    template: str  # with {name} and {value} for the placeholders
    value: object = None


@dataclass(frozen=True, slots=True)
class Update:
    """A change of an item, put together step by step; every step returns a new value.

    `Update().set(status="completed").add(finished=1).remove("lease_until")`. Every attribute name goes through a
    placeholder, so none is ever a reserved word. Raises ValueError when an attribute is changed twice, and for absent
    values (None, "" and empty sets): those are removed, not stored.
    """

    _steps: tuple[_Step, ...] = ()

    def set(self, **values: object) -> Self:
        """Set attributes, whether the item has them or not."""
        return self._with("SET", "{name} = {value}", values)

    def set_if_absent(self, **values: object) -> Self:
        """Set attributes the item does not have yet; the others keep their value."""
        return self._with("SET", "{name} = if_not_exists({name}, {value})", values)

    def add(self, **values: int | Decimal | AbstractSet[str]) -> Self:
        """Add to numbers (absent: from 0) or to sets (absent: from the empty set)."""
        return self._with("ADD", "{name} {value}", values)

    def remove(self, *names: str) -> Self:
        """Remove attributes, if they are there."""
        return self._with("REMOVE", "{name}", dict.fromkeys(names))

    def delete(self, **sets: AbstractSet[str]) -> Self:
        """Take elements out of sets."""
        return self._with("DELETE", "{name} {value}", sets)

    def render(self) -> UpdateExpression:
        """The update for the wire. Placeholders are `#u0` and `:u0`, apart from those of boto3's conditions (`#n0`).

        Raises ValueError when there is nothing to change: DynamoDB would create an empty item.
        """
        if not self._steps:
            raise ValueError("an update changes at least one attribute")
        names: dict[str, str] = {}
        values: dict[str, AttributeValue] = {}
        clauses: dict[_Clause, list[str]] = {}
        for number, step in enumerate(self._steps):
            name, value = f"#u{number}", f":u{number}"
            names[name] = step.name
            if step.clause != "REMOVE":
                values[value] = to_value(step.value)
            clauses.setdefault(step.clause, []).append(step.template.format(name=name, value=value))
        text = " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items())
        return UpdateExpression(text, names, values)

    def _with(self, clause: _Clause, template: str, values: Mapping[str, object]) -> Self:
        changed = {step.name for step in self._steps}
        twice = changed & values.keys()
        if twice:
            raise ValueError(f"an update changes an attribute once: {sorted(twice)}")
        nothing = [name for name, value in values.items() if clause != "REMOVE" and is_absent(value)]
        if nothing:
            raise ValueError(f"an update takes no absent values, remove the attributes: {nothing}")
        steps = tuple(_Step(clause, name, template, value) for name, value in values.items())
        return type(self)(self._steps + steps)
