"""Query, page after page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypedDict

from boto3.dynamodb.conditions import ConditionBase

from lambda_src.dynamo.calls import Caller
from lambda_src.dynamo.expressions import read_arguments
from lambda_src.dynamo.failures import unavailable
from lambda_src.dynamo.schema import Index, Table
from lambda_src.dynamo.values import Item, Request, from_item, key_of, to_key

MAX_PAGES: Final = 10_000  # 10 GB: a loop that reads on and on is a mistake, not a list


class QueryOptions(TypedDict, total=False):
    """How to read. limit: items looked at per page, before the filter. start: a `last_key`, exclusive."""

    index: Index | None
    descending: bool
    limit: int | None
    consistent: bool
    filter: ConditionBase | None
    start: Mapping[str, str] | None
    projection: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One page; it may be empty and still not be the last. last_key: where the next begins, None after the last."""

    items: list[Item]
    last_key: dict[str, str] | None


def query_pages(
    caller: Caller, table: Table, condition: ConditionBase, options: QueryOptions, *, max_pages: int = MAX_PAGES
) -> Iterator[QueryPage]:
    """The pages of a Query, each read when it is asked for. 1 request a page; a page reads at most 1 MB."""
    for answer in _answers(caller, _request(caller, table, condition, options), max_pages):
        last = answer.get("LastEvaluatedKey")
        yield QueryPage([from_item(item) for item in answer["Items"]], key_of(last) if last else None)


def count_matches(caller: Caller, table: Table, condition: ConditionBase, options: QueryOptions) -> int:
    """How many items match. It costs what reading them costs, but for their way here."""
    request = _request(caller, table, condition, options) | {"Select": "COUNT"}
    return sum(answer["Count"] for answer in _answers(caller, request, MAX_PAGES))


def _answers(caller: Caller, request: Request, max_pages: int) -> Iterator[Request]:
    for _ in range(max_pages):
        answer: Request = {**caller.call(partial(caller.client.query, **request))}
        yield answer
        if not answer.get("LastEvaluatedKey"):
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    raise unavailable("The list is too long to be read at once")


def _request(caller: Caller, table: Table, condition: ConditionBase, options: QueryOptions) -> Request:
    request: Request = {
        "TableName": caller.physical_name(table),
        **read_arguments(condition, options.get("filter"), options.get("projection")),
        "ScanIndexForward": not options.get("descending", False),
    }
    index, limit, start = options.get("index"), options.get("limit"), options.get("start")
    if index is not None:
        request["IndexName"] = index.name
    if options.get("consistent", False):
        request["ConsistentRead"] = True
    if limit is not None:
        request["Limit"] = limit
    if start is not None:
        request["ExclusiveStartKey"] = to_key(start)
    return request
