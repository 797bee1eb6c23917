"""Reading and writing by access pattern: what every repository, and many a route, stands on."""

import random as random_numbers
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, Literal

from lambda_src.dynamo import reads
from lambda_src.dynamo.actions import Action, Check, Delete, Put, UpdateItem, transact_item, write_request
from lambda_src.dynamo.batches import batch_get, batch_write
from lambda_src.dynamo.calls import Backoff, RetryingClient
from lambda_src.dynamo.client import Client
from lambda_src.dynamo.conditions import ABSENT, EXISTS, Attr, Condition
from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.dynamo.keys import KeyValue
from lambda_src.dynamo.lists import ItemList, Page, decoder
from lambda_src.dynamo.merge import merged
from lambda_src.dynamo.reads import Part, Position, Query
from lambda_src.dynamo.schema import AccessPattern, ItemKey
from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import Item, from_item, to_key

__all__ = [
    "ABSENT", "EXISTS", "Action", "Attr", "Check", "Condition", "Delete", "Page", "Part", "Put", "Store", "Update",
    "UpdateItem",
]  # fmt: skip

type Returning = Literal["NONE", "ALL_NEW", "ALL_OLD", "UPDATED_NEW"]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MAX_ACTIONS: Final = 100


class Store:
    """The tables of a service. Safe to use from many threads.

    names: physical name by `Table.name`. cursors: signs those of `page`. Every call names the pattern it belongs to,
    and every method raises StoreUnavailable when conflicts, throttles or a silent DynamoDB outlast the retries
    (`backoff`), ItemTooLarge for an item above 400 KB, StoreMisconfigured where the deployment is set up
    wrong, StoreError for what is our fault.

    Only a transaction is safe from a lost answer. A single write whose answer got lost is tried again: what was
    conditional then fails on its own first try, and `Update.add` adds twice.
    """

    def __init__(
        self,
        client: Client,
        names: Mapping[str, str],
        *,
        cursors: CursorCodec | None = None,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_numbers.random,
    ) -> None:
        self._caller = RetryingClient(client, names, backoff or Backoff(), sleep, random)
        self._cursors = cursors

    # ---- reads -----------------------------------------------------------------------------------------------------

    def get[M](self, pattern: AccessPattern[M], **values: KeyValue) -> M | None:
        """The item of these key values, or None. 1 request; 0.5 read units per 4 KB, consistent 1, also for nothing."""
        key = to_key(pattern.entity.key(**values).values)
        request = {"TableName": self._name(pattern), "Key": key, "ConsistentRead": pattern.consistent}
        found = self._caller.call("GetItem", request, pattern.name).get("Item")
        return pattern.entity.decode(found) if found else None

    def batch_get[M](self, pattern: AccessPattern[M], keys: Iterable[ItemKey]) -> list[M]:
        """The items that exist, in any order; a key asked twice counts once. Each is of the model its key is of.

        1 request per 100 keys and 16 MB, none for no keys; read units as for `get`, each.
        """
        found = batch_get(self._caller, pattern, keys, consistent=pattern.consistent)
        return list(map(decoder(pattern), found))

    def items[M](
        self,
        pattern: AccessPattern[M],
        *,
        where: Condition | None = None,
        stop_after: int | None = None,
        after: Position | None = None,
        consistent: bool | None = None,
        **values: KeyValue,
    ) -> list[M]:
        """What a Query finds: the items of all pages, or the first `stop_after` of them.

        where: a filter, over what was read and paid for. after: the position of the item before. consistent: other than
        the pattern says. 1 request a page of up to 1 MB; 0.5 read units per 4 KB read, consistent 1. Without a filter
        a page reads no more than `stop_after` items.
        """
        query = Query(
            pattern=pattern,
            values=values,
            where=where,
            limit=stop_after if where is None else None,
            after=after,
            consistent=consistent,
        )
        return list(map(decoder(pattern), islice(reads.items(self._caller, query), stop_after)))

    def rows(
        self, pattern: AccessPattern[Any], *attributes: str, stop_after: int | None = None, **values: KeyValue
    ) -> list[Item]:
        """Some attributes of what a Query finds, as stored; otherwise as `items`. Nothing is saved but transfer."""
        query = Query(pattern=pattern, values=values, limit=stop_after, attributes=attributes)
        return [from_item(item) for item in islice(reads.items(self._caller, query), stop_after)]

    def count(self, pattern: AccessPattern[Any], *, where: Condition | None = None, **values: KeyValue) -> int:
        """How many items match, over all pages. It costs as much as reading them."""
        query = Query(pattern=pattern, values=values, where=where, select={"Select": "COUNT"})
        return sum(answer["Count"] for answer in reads.pages(self._caller, query))

    def page[M](self, pattern: AccessPattern[M], *, limit: int, cursor: str | None, **values: KeyValue) -> Page[M]:
        """One page of a list. cursor: of the page before. Raises InvalidCursor, before any request.

        1 request per MB; it reads one item more than it returns, which tells whether another page follows.
        """
        return self._page(ItemList(pattern, values, self._cursors, partition={}), limit, cursor)

    def merged_page[M](
        self,
        pattern: AccessPattern[M],
        *,
        limit: int,
        cursor: str | None,
        partitions: Sequence[Mapping[str, KeyValue]],
        beside: Sequence[Part] = (),
        bound_to: str | None = None,
        **values: KeyValue,
    ) -> Page[M]:
        """One page of a list that is spread over several partitions of an index or the table; otherwise as `page`.

        partitions: what is asked of each, beside `values`. beside: further lists of the same order, whose items come as
        their own patterns read them; what is in several of them comes from the first. bound_to: tells cursors of such a
        list from those of `pattern` alone. The cursor names no partition, so their number may change between pages. 1
        request each, made by up to 8 threads. Items of one sort key are in the order of their keys; in a single
        partition in DynamoDB's own, so that a change from or to one may repeat or miss some of them. In the table
        itself a sort key stands for one item, in whatever partition. Raises ValueError for lists of different orders,
        and for a beginning in several partitions.
        """
        listed = ItemList(pattern, values, self._cursors, partition=partitions[0], bound_to=bound_to)
        parts = [*(Part(pattern, {**values, **partition}) for partition in partitions), *beside]
        if len(parts) == 1:
            return self._page(listed, limit, cursor)
        position = listed.position(cursor)
        reads.check_parts(parts)
        after = None if position is None else reads.rank_at(parts[0], position)
        # The item behind the page tells that one follows, the next one that it shares no sort key with it.
        looked_at = limit + 2 + (after is not None)
        found = merged(
            [partial(reads.ranked, self._caller, part, limit=looked_at, after=after) for part in parts],
            rank=lambda each: each.rank,
            after=after,
            limit=limit + 1,
            descending=pattern.descending,
        )
        return listed.page([decoder(each.pattern)(each.item) for each in found], limit)

    def filtered_page[M](
        self,
        pattern: AccessPattern[M],
        *,
        where: Condition,
        bound_to: str,
        limit: int,
        cursor: str | None,
        looked_at: int = 200,
        requests: int = 5,
        **values: KeyValue,
    ) -> Page[M]:
        """One page of what a filter holds for in a list of one kind of items, for a bounded amount of work.

        A page may be short, or even empty, and have a cursor: the list goes on behind the last item of a full page, and
        otherwise behind the last one that was looked at. bound_to: what else a cursor is of than the list, a digest of
        the search. limit: items, from 1. Up to `requests` requests, none further once there are `limit` items; each
        looks at up to `looked_at` items or 1 MB, for 0.5 read units per 4 KB of them, consistent 1, found or not.

        Raises InvalidCursor, and ValueError for a filter on keys of the list or on what its index does not hold, for a
        bound below 1 and for a list of several kinds; all before any request.
        """
        if len(pattern.reads) > 1:
            raise ValueError(f"pattern {pattern.name} reads several kinds of items, whose positions have no one form")
        if min(limit, looked_at, requests) < 1:
            raise ValueError(
                f"a page takes at least one item, request and item looked at: {limit, requests, looked_at}"
            )
        reads.check_filter(pattern, where)
        listed = ItemList(pattern, values, self._cursors, partition={}, bound_to=bound_to)
        query = Query(pattern=pattern, values=values, where=where, limit=looked_at, after=listed.position(cursor))
        return listed.filtered_page(islice(reads.pages(self._caller, query), requests), limit)

    def position(self, pattern: AccessPattern[Any], cursor: str | None, **values: KeyValue) -> Position | None:
        """Where a page begins, None for the first. For lists that are read in parts. Raises InvalidCursor."""
        return ItemList(pattern, values, self._cursors, partition={}).position(cursor)

    def cursor(self, pattern: AccessPattern[Any], last: object, **values: KeyValue) -> str:
        """The cursor of the page behind a model, which `position` reads."""
        return ItemList(pattern, values, self._cursors, partition={}).cursor(last)

    # ---- writes ----------------------------------------------------------------------------------------------------

    def put[M](self, pattern: AccessPattern[Any], put: Put[M]) -> None:
        """Write a whole item.

        Raises ConditionFailed, with the item that stands there if `return_old` asks for it. 1 request; 1 write unit per
        KB, and as much per index the item appears in.
        """
        self._caller.call("PutItem", write_request(put, pattern.table, self._name(pattern)), pattern.name)

    def update(self, pattern: AccessPattern[Any], update: UpdateItem, *, returning: Returning = "NONE") -> Item:
        """Change an item, or create it where no condition forbids that. Returns the attributes asked for, else {}.

        Raises ConditionFailed, like `put`. 1 request; 1 write unit per KB of the larger of the item before and after.
        """
        request = {**write_request(update, pattern.table, self._name(pattern)), "ReturnValues": returning}
        return from_item(self._caller.call("UpdateItem", request, pattern.name).get("Attributes", {}))

    def delete(
        self, pattern: AccessPattern[Any], delete: Delete, *, returning: Literal["NONE", "ALL_OLD"] = "NONE"
    ) -> Item:
        """Delete an item; there need not be one. Returns it if asked for, else {}.

        Raises ConditionFailed, like `put`. 1 request; 1 write unit per KB of the item.
        """
        request = {**write_request(delete, pattern.table, self._name(pattern)), "ReturnValues": returning}
        return from_item(self._caller.call("DeleteItem", request, pattern.name).get("Attributes", {}))

    def batch_write(
        self,
        pattern: AccessPattern[Any],
        *,
        puts: Iterable[Mapping[str, object]] = (),
        deletes: Iterable[Mapping[str, str]] = (),
    ) -> None:
        """Put and delete items, each for itself and without conditions; some may be written when this raises.

        puts: whole items, deletes: primary keys, both as stored. Raises ValueError when it would write an item twice,
        before any call. 1 request per 25 items.
        """
        batch_write(self._caller, pattern, puts, deletes)

    def transact(self, pattern: AccessPattern[Any], actions: Sequence[Action], *, token: str | None = None) -> None:
        """Carry out 1 to 100 actions, all or none, and once however often an answer gets lost.

        token: repeating a transaction with the token of an earlier one does nothing for ten minutes; None makes a
        new one. Raises TransactionCancelled when a condition does not hold, OutcomeUnknown when the token is known
        for other actions, ValueError before any call for too many actions, two on one item, or one on another table.
        1 request; 2 write units per KB of each item, checks too, 1 per KB in indexes.
        """
        if not 1 <= len(actions) <= MAX_ACTIONS:
            raise ValueError(f"a transaction holds 1 to {MAX_ACTIONS} actions, not {len(actions)}")
        _refuse_repeated_items(actions)
        name = self._name(pattern)
        request = {
            "TransactItems": [transact_item(action, pattern.table, name) for action in actions],
            # One token for all tries: when the answer to a try was lost, the next one finds it done and does nothing.
            "ClientRequestToken": token or str(uuid.uuid4()),
        }
        self._caller.call("TransactWriteItems", request, pattern.name)

    def _page[M](self, listed: ItemList[M], limit: int, cursor: str | None) -> Page[M]:
        """One page of a list that is read in one partition."""
        pattern, values = listed.pattern, {**listed.values, **listed.partition}
        query = Query(pattern=pattern, values=values, limit=limit + 1, after=listed.position(cursor))
        return listed.page(list(map(decoder(pattern), islice(reads.items(self._caller, query), limit + 1))), limit)

    def _name(self, pattern: AccessPattern[Any]) -> str:
        return self._caller.physical_name(pattern.table)


def _refuse_repeated_items(actions: Sequence[Action]) -> None:
    seen: set[tuple[str, ...]] = set()
    for position, action in enumerate(actions):
        identity = tuple(action.key.values.values())
        if identity in seen:
            raise ValueError(f"a transaction touches an item once; action {position} is the second of {identity}")
        seen.add(identity)
