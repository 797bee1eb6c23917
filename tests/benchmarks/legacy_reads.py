"""How the code that the service replaces reads its results: the control of the capacity figures.

It keeps mentions only in the partitions of their videos, so whatever is asked of a channel asks every video, then every
ticker one by one; lists are counted in full and paged from the start. Written against DynamoDB itself, on purpose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lambda_src.dynamo.client import Client


@dataclass(frozen=True, slots=True)
class LegacyReads:
    """Reads of one channel. All are eventually consistent; every page of a Query is followed."""

    client: Client
    main: str
    stocks_table: str

    def stocks(self, channel_id: str) -> dict[str, dict[str, Any]]:
        """The channel's stocks by ticker."""
        tickers = sorted({mention["ticker"]["S"] for mention in self.timeline(channel_id)})
        return {ticker: self._get(self.stocks_table, {"ticker": {"S": ticker}}) for ticker in tickers}

    def timeline(self, channel_id: str) -> list[dict[str, Any]]:
        """Every mention of the channel."""
        self._channel(channel_id)
        videos = self._query(f"CHANNEL#{channel_id}", "VIDEO#")
        return [mention for video in videos for mention in self._query(f"VIDEO#{video['id']['S']}", "MENTION#")]

    def drilldown(self, channel_id: str, ticker: str) -> list[dict[str, Any]]:
        """The mentions of one ticker, filtered after everything was read."""
        return [mention for mention in self.timeline(channel_id) if mention["ticker"]["S"] == ticker]

    def count_unpriced(self, channel_id: str) -> int:
        """How many mentions have no price, counted after everything was read."""
        return sum("price_at_mention" not in mention for mention in self.timeline(channel_id))

    def logs(self, channel_id: str) -> list[dict[str, Any]]:
        """The whole log, at every poll."""
        self._channel(channel_id)
        return list(self._query(f"CHANNEL#{channel_id}", "LOG#"))

    def channel_page(self, *, page: int, per_page: int) -> tuple[int, list[dict[str, Any]]]:
        """How many channels there are, counted each time, and one page, reached through all pages before it."""
        listed: dict[str, Any] = {
            "TableName": self.main,
            "IndexName": "GSI1-index",
            "KeyConditionExpression": "GSI1PK = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "CHANNELS"}},
            "ScanIndexForward": False,
        }
        total = sum(answer["Count"] for answer in self._pages(listed | {"Select": "COUNT"}))
        pages = self._pages(listed | {"Limit": per_page})
        items: list[dict[str, Any]] = []
        for _, answer in zip(range(page), pages, strict=False):
            items = answer["Items"]
        return total, items

    # ---- parts -----------------------------------------------------------------------------------------------------

    def _channel(self, channel_id: str) -> dict[str, Any]:
        key = {"S": f"CHANNEL#{channel_id}"}
        return self._get(self.main, {"PK": key, "SK": key})

    def _get(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        item: dict[str, Any] = self.client.call("GetItem", {"TableName": table, "Key": key}, "legacy")["Item"]
        return item

    def _query(self, partition: str, prefix: str) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {
            "TableName": self.main,
            "KeyConditionExpression": "PK = :pk AND begins_with(SK, :prefix)",
            "ExpressionAttributeValues": {":pk": {"S": partition}, ":prefix": {"S": prefix}},
        }
        for answer in self._pages(request):
            yield from answer["Items"]

    def _pages(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:  # ends with the partition
            answer: dict[str, Any] = dict(self.client.call("Query", request, "legacy"))
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            request = request | {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
