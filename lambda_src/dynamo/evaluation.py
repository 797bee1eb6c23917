"""What a request says in expressions, carried out in Python on an item as it comes over the wire.

It reads the text that `expressions` writes rather than the conditions and updates behind it: an engine then takes the
very requests that DynamoDB takes, and whatever stands between the two engines and the store serves both.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Context, Decimal, Inexact
from typing import Any, Final, NamedTuple

from lambda_src.dynamo.client import CallRefused
from lambda_src.dynamo.values import AttributeValue, Request

type Attributes = Mapping[str, AttributeValue]
type Holds = Callable[[Attributes], bool]
type _Operand = AttributeValue | None  # None for an attribute that the item lacks
type _Test = tuple[str, list[str]]  # `=`, `BETWEEN`, `begins_with` and so on, of placeholders: the attribute first

_TOKENS: Final = re.compile(r"[#:]?\w+|<>|[<>]=|[<>=(),]")
_EXACT: Final = Context(prec=38, traps=[Inexact])
_SMALLEST, _LARGEST = -130, 125  # powers of ten that a number begins with
_MOST_OPERANDS: Final = 100  # of IN


class Reader:
    """The expressions of one request. Raises CallRefused, as DynamoDB does, for what cannot be asked of any item."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._names: Mapping[str, str] = request.get("ExpressionAttributeNames", {})
        values: Attributes = request.get("ExpressionAttributeValues", {})
        self._values = {placeholder: stored_value(value) for placeholder, value in values.items()}
        self._tokens: list[str] = []

    def condition(self, parameter: str) -> Holds:
        """Whether an item fulfils the expression in this parameter of the request; all do where there is none."""
        if not self._read(parameter):
            return lambda _: True
        return self._joined("OR", "AND")

    def key_tests(self) -> list[tuple[str, str, list[AttributeValue]]]:
        """The condition on keys: each attribute, what is asked of it, and with which values."""
        self._read("KeyConditionExpression")
        tests = [self._test()]
        while self._takes("AND"):
            tests.append(self._test())
        return [(self._name(name), word, [self._values[each] for each in rest]) for word, (name, *rest) in tests]

    def names(self, parameter: str) -> set[str]:
        """The attributes that an expression speaks of."""
        return {self._names[token] for token in self._read(parameter) if token.startswith("#")}

    def steps(self) -> "list[Step]":
        """What an update does."""
        self._read("UpdateExpression")
        return list(self._steps())

    def _name(self, token: str) -> str:
        return self._names.get(token, token)

    def _read(self, parameter: str) -> list[str]:
        self._tokens = _TOKENS.findall(self._request.get(parameter, ""))[::-1]
        return self._tokens

    def _takes(self, token: str) -> bool:
        """Whether this is what comes next; it is behind us then."""
        is_next = bool(self._tokens) and self._tokens[-1] == token
        if is_next:
            self._tokens.pop()
        return is_next

    def _list(self) -> list[str]:
        """Operands in parentheses."""
        until = len(self._tokens) - 1 - self._tokens[::-1].index(")")
        inside = self._tokens[until + 1 : -1][::-1]
        del self._tokens[until:]
        return [each for each in inside if each != ","]

    # ---- conditions --------------------------------------------------------------------------------------------------

    def _joined(self, word: str = "", *tighter: str) -> Holds:
        if not word:
            return self._single()
        parts = [self._joined(*tighter)]
        while self._takes(word):
            parts.append(self._joined(*tighter))
        combine = any if word == "OR" else all
        return parts[0] if len(parts) == 1 else lambda item: combine(part(item) for part in parts)

    def _single(self) -> Holds:
        if self._takes("NOT"):
            inner = self._single()
            return lambda item: not inner(item)
        if self._takes("("):
            inner = self._joined("OR", "AND")
            self._takes(")")
            return inner
        word, operands = self._test()
        holds, read = _TESTS[word], [self._operand(token) for token in operands]
        return lambda item: holds(*(each(item) for each in read))

    def _test(self) -> _Test:
        word, first = "", self._tokens.pop()
        if first in _TESTS:
            word, (first, *others) = first, self._list()
        else:
            word = self._tokens.pop()
            others = self._list() if word == "IN" else [self._tokens.pop()]
            if word == "BETWEEN" and self._takes("AND"):
                others.append(self._tokens.pop())
        self._check(word, [self._values[each] for each in others if each in self._values])
        if first in others or len(others) > _MOST_OPERANDS:
            raise refused(f"{word} takes up to {_MOST_OPERANDS} operands other than the first one")
        return word, [first, *others]

    def _operand(self, token: str) -> Callable[[Attributes], _Operand]:
        if token in self._values:
            value = self._values[token]
            return lambda _: value
        name = self._name(token)
        return lambda item: item.get(name)

    def _check(self, word: str, values: list[AttributeValue]) -> None:
        if not all(_is_of(value, word) for value in values):
            raise refused(f"Incorrect operand type for operator or function: {word}")
        if word == "BETWEEN" and len(values) == 2 and not _TESTS["<="](*values):
            raise refused("BETWEEN requires an upper bound of the type of the lower one, and not below it")

    # ---- updates -----------------------------------------------------------------------------------------------------

    def _steps(self) -> "Iterator[Step]":
        clause = ""
        while self._tokens:
            token = self._tokens.pop()
            if token in _CLAUSES:
                clause, token = token, self._tokens.pop()
            self._takes("=")
            keeps = self._takes("if_not_exists")
            value = None if clause == "REMOVE" else self._values[self._list()[1] if keeps else self._tokens.pop()]
            self._check(clause, [] if value is None else [value])
            yield Step(clause, self._name(token), value, keeps)
            self._takes(",")


class Step(NamedTuple):
    """One change of one attribute. keeps: a value that is there already."""

    clause: str
    name: str
    value: AttributeValue | None
    keeps: bool

    def apply(self, item: dict[str, AttributeValue]) -> None:
        """Change an item in place."""
        old = item.get(self.name)
        if self.value is None:
            item.pop(self.name, None)
        elif self.clause == "SET":
            item[self.name] = old if self.keeps and old is not None else self.value
        elif old is not None and old.keys() != self.value.keys():
            raise refused("An operand in the update expression has an incorrect data type")
        elif "N" in self.value:
            item[self.name] = self.value if old is None else _number(old["N"], self.value["N"])
        else:
            elements, given = set(old["SS"] if old else ()), set(self.value["SS"])
            left = elements | given if self.clause == "ADD" else elements - given
            item[self.name] = {"SS": sorted(left)}
            if not left:
                del item[self.name]


def refused(message: str) -> CallRefused:
    """What DynamoDB says of a request that makes no sense."""
    return CallRefused("ValidationException", message)


# ---- values ----------------------------------------------------------------------------------------------------------


def stored_value(value: AttributeValue) -> AttributeValue:
    """A value as DynamoDB gives it back: numbers in their shortest form."""
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return _number(content)
        case "L":
            return {"L": [stored_value(each) for each in content]}
        case "M":
            return {"M": {name: stored_value(each) for name, each in content.items()}}
        case "S" | "B" | "BOOL" | "SS" | "NULL":
            return value
    raise TypeError(f"this layer stores no {kind}")


def _number(text: str, more: str = "0") -> AttributeValue:
    try:
        total = _EXACT.normalize(_EXACT.add(Decimal(text), Decimal(more)))
    except Inexact as exc:
        raise refused("DynamoDB only supports precision up to 38 digits") from exc
    if total and not _SMALLEST <= total.adjusted() <= _LARGEST:
        raise refused("The magnitude of a number is out of range")
    return {"N": f"{total or Decimal(0):f}"}  # no -0


def _comparable(value: AttributeValue) -> tuple[str, Any]:
    """A value that is equal to another one exactly where DynamoDB says so."""
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return kind, Decimal(content)
        case "SS":
            return kind, frozenset(content)
        case "L":
            return kind, [_comparable(each) for each in content]
        case "M":
            return kind, {name: _comparable(each) for name, each in content.items()}
    return kind, content


_SORTED: Final = frozenset({"S", "N", "B"})
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("<", "<=", ">", ">=", "BETWEEN"), _SORTED),
    "begins_with": frozenset({"S", "B"}),
    "ADD": frozenset({"N", "SS"}),
    "DELETE": frozenset({"SS"}),
}  # what else there is takes values of all types


def _is_of(value: AttributeValue, word: str) -> bool:
    """Whether an operator, function or clause takes a value of this type."""
    return word not in _KINDS or value.keys() <= _KINDS[word]


def _both(word: str, compare: Callable[[Any, Any], bool]) -> Callable[[_Operand, _Operand], bool]:
    """A comparison of two values of one type. Python has texts in the order of code points, which is that of UTF-8."""

    def holds(one: _Operand, other: _Operand) -> bool:
        if one is None or other is None or one.keys() != other.keys() or not _is_of(one, word):
            return False
        return compare(_comparable(one)[1], _comparable(other)[1])

    return holds


def _contains(whole: _Operand, part: _Operand) -> bool:
    if whole is None or part is None:
        return False
    (kind, content), looked_for = _comparable(whole), _comparable(part)
    if kind == "L":
        return looked_for in content
    return kind in {"S", "B", "SS"} and kind[0] == looked_for[0] and looked_for[1] in content


_EQUAL: Final = _both("=", operator.eq)
_AT_MOST: Final = _both("<=", operator.le)
_CLAUSES: Final = frozenset({"SET", "ADD", "REMOVE", "DELETE"})
_TESTS: Final[Mapping[str, Callable[..., bool]]] = {
    "=": _EQUAL,
    "<>": lambda one, other: not _EQUAL(one, other),
    "<": _both("<", operator.lt),
    "<=": _AT_MOST,
    ">": _both(">", operator.gt),
    ">=": _both(">=", operator.ge),
    "BETWEEN": lambda value, low, high: _AT_MOST(low, value) and _AT_MOST(value, high),
    "IN": lambda value, *others: any(_EQUAL(value, each) for each in others),
    "attribute_exists": lambda value: value is not None,
    "attribute_not_exists": lambda value: value is None,
    "contains": _contains,
    "begins_with": _both("begins_with", lambda whole, prefix: whole.startswith(prefix)),
}
