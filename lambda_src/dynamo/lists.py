"""One list as a client sees it: the cursor that leads into it, and the one behind a page."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lambda_src.dynamo import reads
from lambda_src.dynamo.client import Response
from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.dynamo.keys import KeyValue, escape
from lambda_src.dynamo.reads import Position
from lambda_src.dynamo.schema import AccessPattern
from lambda_src.dynamo.values import AttributeValue
from lambda_src.errors import InvalidCursor


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page of a list. next_cursor: None after the last."""

    items: list[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ItemList[M]:
    """What a pattern finds for these values.

    partition: further values, which its cursors do not know. bound_to: what else these are bound to.
    """

    pattern: AccessPattern[M]
    values: Mapping[str, KeyValue]
    cursors: CursorCodec | None
    partition: Mapping[str, KeyValue]
    bound_to: str | None = None

    def position(self, cursor: str | None) -> Position | None:
        """Where a page begins, None for the first. Raises InvalidCursor."""
        if cursor is None:
            return None
        said = self._codec().decode(cursor, self._scope())
        try:
            return {name: said[written] for name, written in self._names().items()}
        except KeyError as exc:  # signed by us, for a list that was laid out in another way
            raise InvalidCursor from exc

    def cursor(self, last: object) -> str:
        """The cursor of the page behind a model."""
        return self._cursor_at({name: getattr(last, name) for name in self._names()})

    def page(self, models: list[M], limit: int) -> Page[M]:
        """The first `limit` of these, and where the next page begins if there are more."""
        return Page(models[:limit], self.cursor(models[limit - 1]) if len(models) > limit else None)

    def filtered_page(self, answers: Iterable[Response], limit: int) -> Page[M]:
        """The first `limit` items of these answers, read until there are so many, and where the next page begins.

        That is behind the last item of a full page, and otherwise behind what was read.
        """
        found: list[Mapping[str, AttributeValue]] = []
        end: Mapping[str, AttributeValue] | None = None
        for answer in answers:
            found += answer["Items"]
            end = answer.get("LastEvaluatedKey")
            if len(found) >= limit:
                break
        if len(found) > limit or (end and len(found) == limit):
            end = found[limit - 1]
        models = list(map(decoder(self.pattern), found[:limit]))
        return Page(models, self._cursor_at(reads.position_at(self.pattern, self.values, end)) if end else None)

    def _cursor_at(self, position: Position) -> str:
        written = {written: position[name] for name, written in self._names().items()}
        return self._codec().encode(self._scope(), written)

    def _codec(self) -> CursorCodec:
        assert self.cursors is not None, "this store was made without cursors"
        return self.cursors

    def _scope(self) -> str:
        scope = self._scope_of_list()
        # What is escaped holds no #, so the last one of a scope tells where this begins.
        return scope if self.bound_to is None else f"{scope}#{escape(self.bound_to)}"

    def _scope_of_list(self) -> str:
        values = reads.given(self.pattern, self.values)
        if self.pattern.cursor.scope:
            nothing = {} if self.pattern.begins is None else {self.pattern.begins: ""}
            return self.pattern.cursor.scope.format_map({**nothing, **values})
        asked = (f"{name}={escape(value)}" for name, value in sorted(values.items()))
        return ":".join((self.pattern.name, *asked))

    def _names(self) -> dict[str, str]:
        """The fields of a position, and what they are called in a cursor."""
        names = self.pattern.cursor.fields
        asked = {**self.values, **self.partition}
        return {name: names.get(name, name) for name in reads.position_fields(self.pattern, asked)}


def decoder[M](pattern: AccessPattern[M]) -> Callable[[Mapping[str, AttributeValue]], M]:
    """What makes models of the items that a pattern finds."""
    return pattern.entity.decode if len(pattern.reads) == 1 else partial(_decoded, pattern)


def _decoded(pattern: AccessPattern[Any], item: Mapping[str, AttributeValue]) -> Any:
    """The model of an item whose kind its key tells."""
    key = {name: item[name]["S"] for name in pattern.table.key_names}
    for entity in pattern.reads:
        if entity.has_key(key):
            return entity.decode(item)
    raise KeyError(f"pattern {pattern.name} found an item of no kind it reads: {key}")
