"""Records of a table's stream as Lambda would hand them over."""

import base64
from typing import Any

MAX_PAGES = 100


def stream_event(streams: Any, arn: str) -> dict[str, Any]:
    """Everything that a stream holds, as one event. streams: boto3's client for `dynamodbstreams`."""
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
    return {"Records": records}


def _as_json(value: Any) -> Any:
    """As JSON has it: binary content as Base64, a time as seconds since 1970."""
    if isinstance(value, dict):
        return {name: _as_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if hasattr(value, "timestamp") else value
