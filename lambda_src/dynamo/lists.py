"""One list as a client sees it: the cursor that leads into it, and the one behind a page."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lambda_src.dynamo import reads
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
    """What a pattern finds for these values. partition: further values, which its cursors do not know."""

    pattern: AccessPattern[M]
    values: Mapping[str, KeyValue]
    cursors: CursorCodec | None
    partition: Mapping[str, KeyValue]

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
        position = {written: getattr(last, name) for name, written in self._names().items()}
        return self._codec().encode(self._scope(), position)

    def page(self, found: Iterable[Mapping[str, AttributeValue]], limit: int) -> Page[M]:
        """The first `limit` of these items, and where the next page begins if there are more."""
        models = list(map(decoder(self.pattern), found))
        return Page(models[:limit], self.cursor(models[limit - 1]) if len(models) > limit else None)

    def _codec(self) -> CursorCodec:
        assert self.cursors is not None, "this store was made without cursors"
        return self.cursors

    def _scope(self) -> str:
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
