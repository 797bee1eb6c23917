"""Reads the stream of one table of DynamoDB Local, for all functions that want it.

Places are sequence numbers, which survive the engine; iterators, which do not, are kept in memory only. Whoever is at
the same place shares the question whether there is more, so that an idle stream is asked once a round.
"""

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError

from cdk_app.local.running import REGION
from cdk_app.local.streams.journal import Journal
from cdk_app.local.tables import DeployedTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

POLL_SECONDS: Final = 0.25  # as Lambda asks
MAX_ITERATORS: Final = 64  # a few per function; the oldest are asked for again
MAX_SHARD_PAGES: Final = 100  # of 100 shards each; DynamoDB Local has one shard at a time
# What DynamoDB itself says of a removal: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
EXPIRY_IDENTITY: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
GONE: Final = frozenset({"ExpiredIteratorException", "TrimmedDataAccessException"})


class Clock(Protocol):
    """What the module `time` is: epoch seconds, and seconds that nobody sets back."""

    def time(self) -> float: ...

    def monotonic(self) -> float: ...


class StreamsClient(Protocol):
    """What is used of boto3's client `dynamodbstreams`."""

    def describe_stream(self, **request: Any) -> Any: ...

    def get_shard_iterator(self, **request: Any) -> Any: ...

    def get_records(self, **request: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a stream, in order in itself, and after its parent where it has one."""

    stream_arn: str
    shard_id: str
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where to read on in a shard. after: a sequence number; None: at the oldest record."""

    shard: Shard
    after: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """One change. body: as a function is told it, but for the stream's ARN. created_at: epoch seconds, full minutes."""

    sequence_number: str
    created_at: float
    body: Mapping[str, Any]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, oldest first. is_last: the shard is closed, and nothing comes after these."""

    records: Sequence[Record]
    is_last: bool


class StreamReader:
    """The stream of one table. journal: which removals were DynamoDB's."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        streams: StreamsClient,
        table: DeployedTable,
        journal: Journal,
        *,
        clock: Clock = time,
    ) -> None:
        self._dynamodb = dynamodb
        self._streams = streams
        self._table = table
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._iterators: dict[Place, tuple[str, float]] = {}  # and until when there is nothing new

    def shards(self) -> list[Shard]:
        """The shards of the table's current stream, parents first. Two requests; raises botocore's errors."""
        described = self._dynamodb.describe_table(TableName=self._table.name)["Table"]
        if "LatestStreamArn" not in described:
            return []
        return list(self._shards_of(described["LatestStreamArn"]))

    def read(self, place: Place) -> Page:
        """Up to 1,000 records or 1 MB after a place; none when it was found to be the end 0.25 s ago.

        One request, two or three for a place that was not read up to by this process. Records that are older than the
        engine remembers are skipped. A place that the engine does not know (its data was exchanged for an older copy)
        is taken for the beginning. Raises botocore's errors.
        """
        with self._lock:
            iterator, quiet_until = self._iterators.get(place, (None, 0.0))
            if self._clock.monotonic() < quiet_until:
                return Page((), is_last=False)
            self._iterators.pop(place, None)
            try:
                return self._page(place, iterator or self._open(place))
            except ClientError as error:
                if _code(error) in GONE:
                    return Page((), is_last=False)  # the next read begins with another iterator
                if _code(error) == "ResourceNotFoundException":
                    return Page((), is_last=True)
                raise

    def _page(self, place: Place, iterator: str | None) -> Page:
        if iterator is None:
            return Page((), is_last=True)
        answer = self._streams.get_records(ShardIterator=iterator)
        records = [self._record(each) for each in answer["Records"]]
        following = answer.get("NextShardIterator")
        if records:
            self._keep(place, iterator)  # for the next function that comes by
        if following is not None:
            end = Place(place.shard, records[-1].sequence_number) if records else place
            self._keep(end, following, quiet_until=0.0 if records else self._clock.monotonic() + POLL_SECONDS)
        return Page(records, is_last=following is None)

    def _keep(self, place: Place, iterator: str, *, quiet_until: float = 0.0) -> None:
        self._iterators[place] = iterator, quiet_until
        if len(self._iterators) > MAX_ITERATORS:
            del self._iterators[next(iter(self._iterators))]

    def _open(self, place: Place) -> str | None:
        """An iterator for a place; None when the shard ends there.

        Asked for the records after one that it does not know, the engine waits for larger numbers and says nothing. So
        the last record is read once more: it is there, or the place counts for nothing.
        """
        if place.after is not None:
            try:
                iterator = self._iterator(place.shard, "AT_SEQUENCE_NUMBER", SequenceNumber=place.after)
                found = self._streams.get_records(ShardIterator=iterator, Limit=1)
            except ClientError as error:
                if _code(error) not in {*GONE, "ValidationException"}:  # a number from before the shard began
                    raise
            else:
                if [each["dynamodb"]["SequenceNumber"] for each in found["Records"]] == [place.after]:
                    following: str | None = found.get("NextShardIterator")
                    return following
        return self._iterator(place.shard, "TRIM_HORIZON")

    def _iterator(self, shard: Shard, kind: str, **position: str) -> str:
        iterator: str = self._streams.get_shard_iterator(
            StreamArn=shard.stream_arn, ShardId=shard.shard_id, ShardIteratorType=kind, **position
        )["ShardIterator"]
        return iterator

    def _shards_of(self, stream_arn: str) -> Iterator[Shard]:
        following: dict[str, Any] = {}
        for _ in range(MAX_SHARD_PAGES):
            described = self._streams.describe_stream(StreamArn=stream_arn, **following)["StreamDescription"]
            for shard in described["Shards"]:
                yield Shard(stream_arn, shard["ShardId"], shard.get("ParentShardId"))
            if "LastEvaluatedShardId" not in described:
                return
            following = {"ExclusiveStartShardId": described["LastEvaluatedShardId"]}

    def _record(self, found: Any) -> Record:
        body = {**_as_json(found), "awsRegion": REGION}
        created_at = body["dynamodb"]["ApproximateCreationDateTime"]
        if found["eventName"] == "REMOVE" and self._is_expiry(found, created_at):
            body["userIdentity"] = EXPIRY_IDENTITY
        return Record(found["dynamodb"]["SequenceNumber"], created_at, body, len(json.dumps(body)))

    def _is_expiry(self, found: Any, created_at: float) -> bool:
        change = found["dynamodb"]
        expiry = change.get("OldImage", {}).get(self._table.ttl_attribute, {}).get("N")
        return self._journal.is_removal(
            self._table.name, change["Keys"], event_id=found["eventID"], expiry=expiry, created_at=created_at
        )


def _as_json(part: Any) -> Any:
    """A part of a record as Lambda writes it: binary values in base64, times in epoch seconds."""
    match part:
        case bytes():
            return base64.b64encode(part).decode("ascii")
        case datetime():
            return int(part.timestamp())
        case dict():
            return {name: _as_json(each) for name, each in part.items()}
        case list():
            return [_as_json(each) for each in part]
    return part


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
