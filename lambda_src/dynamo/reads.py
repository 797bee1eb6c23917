"""From an access pattern and its values to a Query: conditions, start key, and the position behind an item."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from lambda_src.dynamo.calls import RetryingClient
from lambda_src.dynamo.client import Response
from lambda_src.dynamo.conditions import Condition, attributes_of
from lambda_src.dynamo.expressions import Expressions
from lambda_src.dynamo.failures import unavailable
from lambda_src.dynamo.keys import KeyTemplate, KeyValue
from lambda_src.dynamo.schema import AccessPattern
from lambda_src.dynamo.values import AttributeValue, Request, to_key

MAX_PAGES: Final = 10_000  # 10 GB: a loop that reads on and on is a mistake, not a list
_BEHIND_ALL: Final = "~"  # sorts behind every value that a bounded range of keys may have

type Position = Mapping[str, Any]
"""Where in a list an item stands: what its keys are made of beyond the values that the list was asked with."""


class Part(NamedTuple):
    """A list that is merged with others. values: what it is asked with."""

    pattern: AccessPattern[Any]
    values: Mapping[str, KeyValue]


class Ranked(NamedTuple):
    """An item of a merged list. rank: where it stands there. pattern: that of its part."""

    rank: tuple[str, ...]
    pattern: AccessPattern[Any]
    item: Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question. values: of the pattern's keys. where: a filter, which saves transfer only.

    limit: items looked at per page, before the filter. after: the position behind which it begins. up_to: the sort key
    at which it begins, itself included. attributes: as stored, where not whole items are wanted. consistent: other than
    the pattern says.
    """

    pattern: AccessPattern[Any]
    values: Mapping[str, KeyValue]
    where: Condition | None = None
    limit: int | None = None
    after: Position | None = None
    up_to: str | None = None
    attributes: Sequence[str] = ()
    consistent: bool | None = None
    select: Mapping[str, str] = field(default_factory=dict)

    def request(self, physical_name: str) -> Request:
        """The arguments of the Query. Raises InvalidKey for values that make no key, TypeError for those that lack."""
        pattern = self.pattern
        expressions = Expressions(pattern.entity.codec, pattern.table.partition)
        request: Request = {
            "TableName": physical_name,
            "KeyConditionExpression": self._key_condition(expressions),
            "ScanIndexForward": not pattern.descending,
            **self.select,
        }
        if self.where is not None:
            request["FilterExpression"] = expressions.condition(self.where)
        if self.attributes:
            request["ProjectionExpression"] = ", ".join(map(expressions.name, self.attributes))
        request |= expressions.placeholders()
        if pattern.index is not None:
            request["IndexName"] = pattern.index.name
        if pattern.consistent if self.consistent is None else self.consistent:
            request["ConsistentRead"] = True
        if self.limit is not None:
            request["Limit"] = self.limit
        if self.after is not None:
            request["ExclusiveStartKey"] = to_key(key_at(pattern, {**self.values, **self.after}))
        return request

    def _key_condition(self, expressions: Expressions) -> str:
        entity, (partition_name, name) = self.pattern.entity, self.pattern.key_names
        partition = entity.template_of(partition_name)
        assert partition is not None  # the pattern was checked when it was made
        sort = entity.template_of(name) if len(self.pattern.reads) == 1 else None  # several kinds of items share none
        values = given(self.pattern, self.values)
        rest = {name: value for name, value in values.items() if name not in partition.fields}
        of_partition = {name: value for name, value in values.items() if name in partition.fields}
        text = f"{expressions.name(partition_name)} = {expressions.value(partition.build(**of_partition))}"
        if sort is None or name is None:
            if rest:
                raise TypeError(f"pattern {self.pattern.name} knows no {', '.join(sorted(rest))}")
            return text
        of_sort = self._sort_condition(expressions, name, sort, rest)
        return f"{text} AND {of_sort}" if of_sort else text

    def _sort_condition(
        self, expressions: Expressions, name: str, sort: KeyTemplate, values: Mapping[str, KeyValue]
    ) -> str:
        if self.up_to is not None:
            comparison = "<=" if self.pattern.descending else ">="
            return f"{expressions.name(name)} {comparison} {expressions.value(self.up_to)}"
        begins = self.pattern.begins
        if begins is not None and begins in values:
            beginning = sort.beginning(begins, **values)
            return f"begins_with({expressions.name(name)}, {expressions.value(beginning)})"
        prefix = sort.prefix(**values)
        if self.pattern.from_ in values:
            others = {name: value for name, value in values.items() if name != self.pattern.from_}
            last = sort.prefix(**others) + _BEHIND_ALL
            return f"{expressions.name(name)} BETWEEN {expressions.value(prefix)} AND {expressions.value(last)}"
        if not prefix:
            return ""
        if len(values) == len(sort.fields):
            return f"{expressions.name(name)} = {expressions.value(prefix)}"
        return f"begins_with({expressions.name(name)}, {expressions.value(prefix)})"


def pages(caller: RetryingClient, query: Query, *, max_pages: int = MAX_PAGES) -> Iterator[Response]:
    """The answers to a Query, each asked for when it is wanted. 1 request a page; a page reads at most 1 MB."""
    request = query.request(caller.physical_name(query.pattern.table))
    for _ in range(max_pages):
        answer = caller.call("Query", dict(request), query.pattern.name)
        yield answer
        last = answer.get("LastEvaluatedKey")
        if not last:
            return
        request["ExclusiveStartKey"] = last
    raise unavailable("The list is too long to be read at once")


def items(caller: RetryingClient, query: Query) -> Iterator[Mapping[str, AttributeValue]]:
    """The items of all pages, as they come over the wire."""
    return (item for answer in pages(caller, query) for item in answer["Items"])


def given(pattern: AccessPattern[Any], values: Mapping[str, KeyValue]) -> dict[str, KeyValue]:
    """The values that say something. An empty beginning does not, and DynamoDB refuses to be asked for it."""
    return {name: value for name, value in values.items() if name != pattern.begins or value != ""}


def key_at(pattern: AccessPattern[Any], values: Mapping[str, KeyValue]) -> dict[str, str]:
    """The key of an item in a list, those of the index included. Raises KeyError when a value lacks."""
    templates = _templates(pattern).items()
    return {name: template.build(**{each: values[each] for each in template.fields}) for name, template in templates}


def position_at(
    pattern: AccessPattern[Any], values: Mapping[str, KeyValue], key: Mapping[str, AttributeValue]
) -> Position:
    """The position of an item in a list, by its key or the whole of it. Raises ValueError for one of another kind."""
    parts: dict[str, str] = {}
    for name, template in _templates(pattern).items():
        parts |= template.parse(key[name]["S"])
    return {name: pattern.entity.codec.key_value(name, parts[name]) for name in position_fields(pattern, values)}


def position_fields(pattern: AccessPattern[Any], values: Mapping[str, KeyValue]) -> list[str]:
    """What tells an item of a list from the others: the fields of its keys that the list was not asked with.

    Nor does a bound, which `from_` is, or a beginning tell where an item stands.
    """
    names = (*(pattern.index.attributes[::-1] if pattern.index else ()), *pattern.table.key_names)
    fixed = values.keys() - {pattern.from_, pattern.begins}
    return list(dict.fromkeys(each for name in names for each in pattern.entity.fields_of(name) if each not in fixed))


def check_filter(pattern: AccessPattern[Any], where: Condition) -> None:
    """Raises ValueError for a filter on a key that the Query looks at, or on what the entries read do not hold."""
    codec, table, index = pattern.entity.codec, pattern.table, pattern.index
    for name in attributes_of(where):
        stored = codec.stored_name(name or table.partition)
        if stored in pattern.key_names:
            raise ValueError(f"pattern {pattern.name} cannot filter by {stored}, a key that it asks")
        is_held = index is None or stored in table.key_names or index.holds(stored)
        if not (is_held and codec.is_stored(name)):
            raise ValueError(f"pattern {pattern.name} cannot filter by {stored}, which is not in what it reads")


def rank_at(part: Part, position: Position) -> tuple[str, ...]:
    """Where a position stands among the items of a merged list."""
    key = key_at(part.pattern, {**part.values, **position})
    return tuple(key[name] for name in _rank_names(part.pattern))


def ranked(caller: RetryingClient, part: Part, *, limit: int, after: tuple[str, ...] | None) -> Iterator[Ranked]:
    """The items of a part of a merged list from a rank on, that one included. limit: items of a request."""
    names = _rank_names(part.pattern)
    query = Query(pattern=part.pattern, values=part.values, limit=limit, up_to=None if after is None else after[0])
    for item in items(caller, query):
        yield Ranked(tuple(item[name]["S"] for name in names), part.pattern, item)


def check_parts(parts: Sequence[Part]) -> None:
    """Raises ValueError for lists that make no common order, and for a beginning of what is in several of them."""
    first = parts[0]
    sort_key = first.pattern.entity.template_of(first.pattern.key_names[1])
    for pattern, values in parts:
        if pattern.begins in given(pattern, values):
            raise ValueError(f"pattern {pattern.name} takes a beginning in one partition, not in {len(parts)}")
        if pattern.entity.template_of(pattern.key_names[1]) != sort_key or (
            pattern.descending != first.pattern.descending
            or len(_rank_names(pattern)) != len(_rank_names(first.pattern))
        ):
            raise ValueError(f"patterns {first.pattern.name} and {pattern.name} make no list in one order")


def _rank_names(pattern: AccessPattern[Any]) -> tuple[str, ...]:
    """The attributes that put items of several partitions into one order: the sort key, of an index the table's, too.

    In the table itself a sort key is of one item in each partition; the same one in two of them is the same to a list.
    """
    sort = pattern.key_names[1]
    assert sort is not None
    return (sort,) if pattern.index is None else tuple(dict.fromkeys((sort, *pattern.table.key_names)))


def _templates(pattern: AccessPattern[Any]) -> dict[str, KeyTemplate]:
    """What the key of an item in a list is made of, by attribute."""
    names = (*pattern.table.key_names, *(pattern.index.attributes if pattern.index else ()))
    found = {name: pattern.entity.template_of(name) for name in names}
    return {name: template for name, template in found.items() if template is not None}
