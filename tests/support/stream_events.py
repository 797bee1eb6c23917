"""Records of a table's stream as Lambda would hand them over."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MAX_PAGES = 100


@contextmanager
def records_of_tables(client: "DynamoDBClient", endpoint: str) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Reads everything that the stream of a table holds, by the table's name."""
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
    streams = session.client("dynamodbstreams", endpoint_url=endpoint)

    def read(table: str) -> list[dict[str, Any]]:
        records = _records(streams, client.describe_table(TableName=table)["Table"]["LatestStreamArn"])
        return list(json.loads(json.dumps(records)))

    yield read
    streams.close()


def _records(streams: Any, arn: str) -> list[Any]:
    records: list[Any] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator: str | None = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for _ in range(MAX_PAGES):
            page = streams.get_records(ShardIterator=iterator or "")
            records += [{**_as_json(record), "eventSourceARN": arn} for record in page["Records"]]
            iterator = page.get("NextShardIterator")
            if iterator is None or not page["Records"]:
                break
    return records


def _as_json(value: Any) -> Any:
    """As JSON has it: binary content as Base64, a time as seconds since 1970."""
    if isinstance(value, dict):
        return {name: _as_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if hasattr(value, "timestamp") else value
