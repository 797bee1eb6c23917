"""Reading and writing items: what every repository stands on."""

import random as random_numbers
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Literal, Unpack

from boto3.dynamodb.conditions import ConditionBase

from lambda_src.dynamo.actions import Action, Change, Check, Delete, Put, write_request
from lambda_src.dynamo.batches import batch_get, batch_write
from lambda_src.dynamo.calls import Caller
from lambda_src.dynamo.queries import QueryOptions, QueryPage, count_matches, query_pages
from lambda_src.dynamo.retry import Backoff
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.transactions import transact_write
from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import Item, from_item, to_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["Action", "Change", "Check", "Delete", "Put", "QueryOptions", "QueryPage", "Store"]

type Returning = Literal["NONE", "ALL_NEW", "ALL_OLD", "UPDATED_NEW"]


class Store:
    """The tables of a service. Safe to use from many threads.

    names: physical name by `Table.name`. Every method raises StoreUnavailable when conflicts, throttles or a silent
    DynamoDB outlast the retries (`backoff`), ItemTooLarge for an item above 400 KB, StoreError for what is our fault.

    Only a transaction is safe from a lost answer. A single write whose answer got lost is tried again: what was
    conditional then fails on its own first try, and `Update.add` adds twice.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        names: Mapping[str, str],
        *,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_numbers.random,
    ) -> None:
        self._caller = Caller(client, names, backoff or Backoff(), sleep, random)

    # ---- reads -----------------------------------------------------------------------------------------------------

    def get(self, table: Table, key: Mapping[str, str], *, consistent: bool = False) -> Item | None:
        """An item, or None. 1 request; 0.5 read units per 4 KB, consistent 1, also for an item that is missing."""
        caller = self._caller
        answer = caller.call(
            partial(
                caller.client.get_item,
                TableName=caller.physical_name(table),
                Key=to_key(key),
                ConsistentRead=consistent,
            )
        )
        found = answer.get("Item")
        return from_item(found) if found else None

    def batch_get(self, keys: Iterable[tuple[Table, Mapping[str, str]]], *, consistent: bool = False) -> list[Item]:
        """The items that exist, in any order; a key asked twice counts once.

        1 request per 100 keys and 16 MB, none for no keys; read units as for `get`, each.
        """
        return batch_get(self._caller, keys, consistent=consistent)

    def query(self, table: Table, condition: ConditionBase, **options: Unpack[QueryOptions]) -> Iterator[QueryPage]:
        """The pages of a Query, each read when it is asked for; without `limit` a page reads up to 1 MB.

        condition: boto3's Key. 1 request a page; 0.5 read units per 4 KB read, consistent 1; filter and projection
        save nothing but transfer.
        """
        return query_pages(self._caller, table, condition, options)

    def query_items(
        self, table: Table, condition: ConditionBase, *, stop_after: int | None = None, **options: Unpack[QueryOptions]
    ) -> list[Item]:
        """The items of all pages, or the first `stop_after` of them.

        1 request a page. Without a filter and a `limit` of its own, a page reads no more than `stop_after` items.
        """
        if stop_after is not None and options.get("limit") is None and options.get("filter") is None:
            options["limit"] = stop_after
        pages = query_pages(self._caller, table, condition, options)
        return list(islice((item for page in pages for item in page.items), stop_after))

    def count(self, table: Table, condition: ConditionBase, **options: Unpack[QueryOptions]) -> int:
        """How many items match, over all pages. It costs as much as reading them."""
        return count_matches(self._caller, table, condition, options)

    # ---- writes of one item ----------------------------------------------------------------------------------------

    def put(
        self,
        table: Table,
        item: Mapping[str, object],
        *,
        condition: ConditionBase | None = None,
        return_old: bool = False,
    ) -> None:
        """Write a whole item.

        return_old: ConditionFailed brings along the item that stands there. Raises ConditionFailed.
        1 request; 1 write unit per KB, and as much per index the item appears in.
        """
        caller = self._caller
        action = Put(table, item, condition, return_old)
        caller.call(partial(caller.client.put_item, **write_request(action, caller.physical_name(table))))

    def update(
        self,
        table: Table,
        key: Mapping[str, str],
        update: Update,
        *,
        condition: ConditionBase | None = None,
        returning: Returning = "NONE",
        return_old: bool = False,
    ) -> Item:
        """Change an item, or create it where no condition forbids that. Returns the attributes asked for, else {}.

        Raises ConditionFailed, like `put`. 1 request; 1 write unit per KB of the larger of the item before and after.
        """
        caller = self._caller
        request = write_request(Change(table, key, update, condition, return_old), caller.physical_name(table))
        answer = caller.call(partial(caller.client.update_item, **request, ReturnValues=returning))
        return from_item(answer.get("Attributes", {}))

    def delete(
        self,
        table: Table,
        key: Mapping[str, str],
        *,
        condition: ConditionBase | None = None,
        returning: Literal["NONE", "ALL_OLD"] = "NONE",
        return_old: bool = False,
    ) -> Item:
        """Delete an item; there need not be one. Returns it if asked for, else {}.

        Raises ConditionFailed, like `put`. 1 request; 1 write unit per KB of the item.
        """
        caller = self._caller
        request = write_request(Delete(table, key, condition, return_old), caller.physical_name(table))
        answer = caller.call(partial(caller.client.delete_item, **request, ReturnValues=returning))
        return from_item(answer.get("Attributes", {}))

    # ---- writes of many items --------------------------------------------------------------------------------------

    def batch_write(
        self,
        table: Table,
        *,
        puts: Iterable[Mapping[str, object]] = (),
        deletes: Iterable[Mapping[str, str]] = (),
    ) -> None:
        """Put and delete items, each for itself and without conditions; some may be written when this raises.

        Raises ValueError when it would write an item twice, before any call. 1 request per 25 items.
        """
        batch_write(self._caller, table, puts, deletes)

    def transact(self, actions: Sequence[Action], *, token: str | None = None) -> None:
        """Carry out 1 to 100 actions, all or none, and once however often an answer gets lost.

        token: repeating a transaction with the token of an earlier one does nothing for ten minutes; None makes a
        new one. Raises TransactionCancelled when a condition does not hold, ValueError before any call for too many
        actions or two on one item. 1 request; 2 write units per KB of each item, checks too, 1 per KB in indexes.
        """
        transact_write(self._caller, actions, token)
