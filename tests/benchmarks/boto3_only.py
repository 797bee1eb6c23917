"""The smallest function that uses DynamoDB through boto3: the floor that a cold start is compared with.

It is copied into a bundle and runs there; the benchmark fills its environment.
"""

import json
import os
from typing import Any

import boto3

_client = boto3.client(
    "dynamodb", region_name="us-east-1", endpoint_url=os.environ["DYNAMODB_ENDPOINT"]
)  # fmt: skip
_key = json.loads(os.environ["BENCHMARK_KEY"])


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Read one item."""
    answer = _client.get_item(TableName=os.environ["DYNAMODB_TABLE_NAME"], Key=_key)
    return {"statusCode": 200 if "Item" in answer else 404, "body": ""}
