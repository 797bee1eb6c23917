"""Two engines that are asked everything at once, and have to give the same answer."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

from lambda_src.dynamo.client import CallRefused, Client, Response
from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled
from lambda_src.dynamo.failures import translate
from lambda_src.dynamo.values import Request, from_item


class AgreeingEngines:
    """A client whose answers are those of the first engine; it fails where the second one says something else.

    Items of one index key may come in another order, and capacity units are not compared. A cancelled transaction that
    names a mistake of ours may be refused outright instead.
    """

    def __init__(self, first: Client, second: Client) -> None:
        self._first = first
        self._second = second

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        answers = [_outcome(engine, operation, request, pattern) for engine in (self._first, self._second)]
        one, other = (_comparable(answer, request) for answer in answers)
        assert one == other, f"{operation} {request}"[:3000]
        if isinstance(answers[0], CallRefused):
            raise answers[0]
        return answers[0]

    def close(self) -> None:
        self._first.close()
        self._second.close()


def as_a_set(items: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """Items whose order says nothing, to be compared."""
    return sorted(map(_text, items))


def _text(item: Mapping[str, Any]) -> str:
    """The same for equal items; DynamoDB Local gives some numbers back as they were written (1.50)."""
    return repr(_sorted(from_item(item)))


def _sorted(value: object) -> object:
    match value:
        case dict():
            return {name: _sorted(value[name]) for name in sorted(value)}
        case list():
            return [_sorted(each) for each in value]
        case frozenset():
            return sorted(value)
        case Decimal():
            return value.normalize(Context(prec=38))
    return value


def _outcome(engine: Client, operation: str, request: Request, pattern: str) -> Response | CallRefused:
    try:
        return engine.call(operation, request, pattern)
    except CallRefused as refused:
        return refused


def _comparable(answer: Response | CallRefused, request: Request) -> object:
    if isinstance(answer, CallRefused):
        return _error(answer)
    parts = {name: part for name, part in answer.items() if name not in {"ResponseMetadata", "ConsumedCapacity"}}
    for name in ("Item", "Attributes", "LastEvaluatedKey"):
        if name in parts:
            parts[name] = _text(parts[name])
    if "Responses" in parts:
        parts["Responses"] = {name: as_a_set(items) for name, items in parts["Responses"].items()}
    if "Items" in parts:
        order = list(map(_text, parts["Items"]))
        parts["Items"] = as_a_set(parts["Items"]) if "IndexName" in request and "Limit" not in request else order
    return parts


def _error(refused: CallRefused) -> object:
    error = translate(refused)
    match error:
        case ConditionFailed():
            return ConditionFailed, error.item
        case TransactionCancelled() if all(reason.code != "ValidationError" for reason in error.reasons):
            return TransactionCancelled, error.reasons
        case TransactionCancelled():
            return "StoreError"
    return type(error).__name__
