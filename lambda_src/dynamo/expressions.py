"""Conditions and updates as arguments of a call, every name and value behind a placeholder."""

from typing import Final, Protocol

from lambda_src.dynamo.conditions import Attr, Condition, Joined, Not, Test
from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import AttributeValue, Request, to_value


class StoredAs(Protocol):
    """How an item's attributes are stored, by the model's names."""

    def stored_name(self, name: str) -> str: ...

    def stored_value(self, name: str, value: object) -> object: ...


class Expressions:
    """Collects the placeholders of one request. partition: the attribute that every item has.

    Names and values are numbered in the order of their appearance: `#n0`, `:v0`.
    """

    def __init__(self, stored_as: StoredAs, partition: str) -> None:
        self._stored_as = stored_as
        self._partition = partition
        self._names: dict[str, str] = {}
        self._values: dict[str, AttributeValue] = {}

    def name(self, name: str) -> str:
        """The placeholder of an attribute, by the model's name; one per attribute."""
        stored = self._stored_as.stored_name(name)
        return self._names.setdefault(stored, f"#n{len(self._names)}")

    def value(self, value: object, *, of: str = "") -> str:
        """A new placeholder for a value. of: the attribute that decides how it is stored."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = to_value(self._stored_as.stored_value(of, value))
        return placeholder

    def condition(self, condition: Condition) -> str:
        match condition:
            case Joined(word, parts):
                return f"({f' {word} '.join(map(self.condition, parts))})"
            case Not(inner):
                return f"(NOT {self.condition(inner)})"
            case Test(name, operator, operands):
                stored_as = "" if operator in {"contains", "begins_with"} else name
                texts = [
                    self.name(each.name) if isinstance(each, Attr) else self.value(each, of=stored_as)
                    for each in operands
                ]
                form = _FORMS.get(operator, f"{{name}} {operator} {{0}}")
                subject = self.name(name or self._partition)
                return form.format(*texts, name=subject, all=", ".join(texts))
        raise TypeError(f"{type(condition).__name__} is no condition of this layer")

    def update(self, update: Update) -> str:
        """An update as text. Raises ValueError when there is nothing to change: DynamoDB would create an empty item."""
        clauses: dict[str, list[str]] = {}
        for step in update.steps:
            value = "" if step.clause == "REMOVE" else self.value(step.value, of=step.name)
            clauses.setdefault(step.clause, []).append(step.template.format(name=self.name(step.name), value=value))
        if not clauses:
            raise ValueError("an update changes at least one attribute")
        return " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items())

    def placeholders(self) -> Request:
        """The names and values of all expressions so far, to be added to the request."""
        names = {placeholder: name for name, placeholder in self._names.items()}
        given = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": self._values}
        return {name: each for name, each in given.items() if each}  # DynamoDB refuses an empty map


_FORMS: Final = {
    "between": "{name} BETWEEN {0} AND {1}",
    "in": "{name} IN ({all})",
    "exists": "attribute_exists({name})",
    "not_exists": "attribute_not_exists({name})",
    "contains": "contains({name}, {0})",
    "begins_with": "begins_with({name}, {0})",
}
