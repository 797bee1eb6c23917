"""Deletes expired items, which DynamoDB does by itself and DynamoDB Local never.

A scan per table and round is the only way to find them without an index; it is confined to this machine.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from cdk_app.local.streams.journal import Journal
from cdk_app.local.tables import DeployedTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)

ROUND_SECONDS: Final = 60  # AWS promises "within a few days"; tests of the product never wait for it
MAX_PAGES: Final = 200  # of 1 MB each; a table that is larger is finished in the next rounds


def delete_expired(client: "DynamoDBClient", table: DeployedTable, journal: Journal, *, now: float) -> int:
    """Delete the items of a table whose time is over, and return how many. now: epoch seconds.

    An item whose expiry moved between reading and deleting stays. journal: is told first, so that the table's stream
    can say of these removals, and of no others, that DynamoDB made them. Raises botocore's errors.
    """
    if table.ttl_attribute is None:
        return 0
    names = {"#expiry": table.ttl_attribute, **{f"#key{n}": key for n, key in enumerate(_keys(table))}}
    pages = client.get_paginator("scan").paginate(
        TableName=table.name,
        ProjectionExpression=", ".join(names),
        FilterExpression="attribute_type(#expiry, :number) AND #expiry < :now",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={":now": {"N": str(int(now))}, ":number": {"S": "N"}},
    )
    deleted = 0
    for _, page in zip(range(MAX_PAGES), pages, strict=False):
        for item in page["Items"]:
            key, expiry = {name: item[name] for name in _keys(table)}, item[table.ttl_attribute]
            try:
                with journal.removing(table.name, key, expiry["N"], now=time.time()):
                    client.delete_item(
                        TableName=table.name,
                        Key=key,
                        ConditionExpression="#expiry = :seen",
                        ExpressionAttributeNames={"#expiry": table.ttl_attribute},
                        ExpressionAttributeValues={":seen": expiry},
                    )
            except client.exceptions.ConditionalCheckFailedException:
                continue
            deleted += 1
    return deleted


def settle(client: "DynamoDBClient", tables: Iterable[DeployedTable], journal: Journal) -> None:
    """Find out about deletions that a kill cut short whether they came about; before anybody else changes the tables.

    Raises botocore's errors.
    """
    attributes = {table.name: table.ttl_attribute for table in tables}
    for number, table_name, key, expiry in journal.unsure():
        attribute = attributes.get(table_name)
        if attribute is None:  # its table is gone, or items stay in it now
            journal.withdraw(number)
            continue
        item = client.get_item(TableName=table_name, Key=key, ConsistentRead=True).get("Item", {})
        is_there = item.get(attribute) == {"N": expiry}
        (journal.withdraw if is_there else journal.confirm)(number)


class ExpirySweeper:
    """Sweeps some tables once a minute in a thread of its own, from `start` to `stop`."""

    def __init__(
        self,
        client: "DynamoDBClient",
        tables: Iterable[DeployedTable],
        journal: Journal,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._tables = tuple(tables)
        self._journal = journal
        self._clock = clock
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="expiry", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a round that is under way is given five seconds."""
        self._ended.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._ended.wait(ROUND_SECONDS):
            for table in self._tables:
                try:
                    deleted = delete_expired(self._client, table, self._journal, now=self._clock())
                except (BotoCoreError, ClientError, sqlite3.Error) as error:  # all may be ending; another round comes
                    logger.warning("expired items were not deleted", extra={"table": table.name, "error": str(error)})
                else:
                    logger.info("expired items deleted", extra={"table": table.name, "item_count": deleted})


def _keys(table: DeployedTable) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in table.key_schema)
