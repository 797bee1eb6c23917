"""Ids of users and plans: numbers that rise, drawn from one item each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import Attr, Store, Update, UpdateItem
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.tables import NEXT_ID, RAISE_ID

type CounterName = Literal["user_id", "plan_id"]


@dataclass(frozen=True, slots=True)
class CounterRepository:
    """The newest id of each kind. Nothing sets it back: what cannot be drawn is an error, never a number."""

    store: Store

    def get_next_id(self, name: CounterName, *, step: int = 1) -> int:
        """An id that nobody else draws. 1 request; 1 WRU."""
        draw = UpdateItem(items.COUNTER.key(name=name), Update().add(value=step).set_if_absent(tp="counter"))
        return int(self.store.update(NEXT_ID, draw, returning="UPDATED_NEW")["val"])

    def draws(self, name: CounterName) -> Iterator[int]:
        """6 ids to try until one is free, ever further on: a counter may be older than its items. 1 request each."""
        return (self.get_next_id(name, step=step) for step in (1, 10, 100, 1_000, 10_000, 100_000))

    def raise_to(self, name: CounterName, value: int) -> None:
        """Let the next id be above this one; a counter that is there already stays. 1 request; 1 WRU."""
        is_below = Attr("value").not_exists() | Attr("value").lt(value)
        change = Update().set(value=value).set_if_absent(tp="counter")
        applied(self.store.update, RAISE_ID, UpdateItem(items.COUNTER.key(name=name), change, is_below))
