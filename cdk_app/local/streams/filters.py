"""Which records of a stream a function is given: the filter criteria of its event source mapping.

    {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["a", {"prefix": "b"}]}}}}

All keys of a pattern have to match, one rule of each list, and one pattern of several. Rules: a text, number or boolean
that is equal, `prefix`, `anything-but`, `numeric`, `exists`. Others of AWS are refused: a filter that is carried out
differently here would show a service that does not exist.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

import json
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from cdk_app.local.layout import LocalCloudError

type Filter = Callable[[Mapping[str, Any]], bool]

# Of the values at a leaf, empty where the record has none: whether the rule is met.
type _Rule = Callable[[Sequence[object]], bool]

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_filters(patterns: Iterable[str]) -> Filter:
    """Whether a record, as a function is given it, meets one of these patterns; without patterns all do.

    Raises LocalCloudError for what is no pattern, and for a rule that is not carried out here.
    """
    compiled = tuple(_pattern(pattern) for pattern in patterns)
    if not compiled:
        return lambda _record: True
    return lambda record: any(matches(record) for matches in compiled)


def _pattern(text: str) -> Filter:
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise LocalCloudError(f"The filter {text!r} is no JSON: {error}") from error
    return _keys(pattern, where="")


def _keys(pattern: object, *, where: str) -> Filter:
    if not isinstance(pattern, dict) or not pattern:
        raise _refusal(where, pattern)
    parts = tuple((key, _part(part, where=f"{where}.{key}")) for key, part in pattern.items())
    return lambda record: all(matches(record.get(key)) for key, matches in parts)


def _part(part: object, *, where: str) -> Callable[[Any], bool]:
    if isinstance(part, dict):
        matches = _keys(part, where=where)
        return lambda value: matches(value if isinstance(value, Mapping) else {})
    if not isinstance(part, list) or not part:
        raise _refusal(where, part)
    rules = tuple(_rule(rule, where=where) for rule in part)
    return lambda value: any(rule(_leaves(value)) for rule in rules)


def _leaves(value: object) -> Sequence[object]:
    """The values to compare: each one of a set; none for what is absent, or no leaf. Null is `NULL: true`."""
    if value is None or isinstance(value, Mapping):
        return ()
    return value if isinstance(value, list) else (value,)


def _rule(rule: object, *, where: str) -> _Rule:
    match rule:
        case str() | bool() | int() | float():
            return lambda values: any(_is_same(value, rule) for value in values)
        case {"exists": bool(wanted), **others} if not others:
            return lambda values: bool(values) == wanted
        case {"prefix": str(prefix), **others} if not others:
            return lambda values: any(isinstance(value, str) and value.startswith(prefix) for value in values)
        case {"anything-but": list(banned), **others} if not others and all(map(_is_text_or_number, banned)):
            return lambda values: any(not any(_is_same(value, each) for each in banned) for value in values)
        case {"numeric": list(words), **others} if not others and not where.endswith((".N", ".NS")):
            return _numeric(words, where=where)
    raise _refusal(where, rule)


def _numeric(words: Sequence[Any], *, where: str) -> _Rule:
    """`[">", 0, "<=", 5]`: all of it. Not of an item's numbers, which DynamoDB writes as text."""
    pairs = tuple(zip(words[::2], words[1::2], strict=False))
    is_whole = words and len(words) % 2 == 0
    if not is_whole or not all(str(sign) in COMPARISONS and _is_number(limit) for sign, limit in pairs):
        raise _refusal(where, {"numeric": words})
    limits = tuple((COMPARISONS[sign], limit) for sign, limit in pairs)
    return lambda values: any(
        _is_number(value) and all(compare(value, limit) for compare, limit in limits) for value in values
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text_or_number(value: object) -> bool:
    return isinstance(value, str) or _is_number(value)


def _is_same(value: object, wanted: object) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted  # True is no 1


def _refusal(where: str, part: object) -> LocalCloudError:
    place = where.lstrip(".") or "its root"
    return LocalCloudError(f"The local cloud does not carry out {json.dumps(part)} at {place} of a filter")
