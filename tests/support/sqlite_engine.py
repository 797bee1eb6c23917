"""SQLite where tests have a boto3 client of DynamoDB: services and their tests run on it as they are."""

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from botocore import xform_name

from lambda_src.dynamo.client import CallRefused, Response
from lambda_src.dynamo.evaluation import Attributes
from lambda_src.dynamo.schema import Index, Table
from lambda_src.dynamo.sqlite import SqliteClient
from lambda_src.dynamo.sqlite_table import _decoded
from lambda_src.dynamo.values import Request

_OPERATIONS = {
    xform_name(each): each
    for each in (
        "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem",
        "TransactWriteItems",
    )
}  # fmt: skip


class SqliteLikeBoto3:
    """The methods of a boto3 client that tests use, each table in memory of its own."""

    meta = SimpleNamespace(endpoint_url="http://127.0.0.1:1")  # nobody: another process cannot look into this one

    def __init__(self) -> None:
        self._engines: dict[str, SqliteClient] = {}

    def create_table(self, **request: Any) -> None:
        name = request["TableName"]
        partition, *sort = (key["AttributeName"] for key in request["KeySchema"])
        indexes = tuple(map(_index, request.get("GlobalSecondaryIndexes", ())))
        table = Table(name, name, name, partition, next(iter(sort), None), indexes)
        self._engines[name] = SqliteClient(":memory:", {name: table})

    def delete_table(self, **request: str) -> None:
        self._engines.pop(request["TableName"]).close()

    def get_paginator(self, operation: str) -> "_Scan":
        assert operation == "scan", "an engine of services has none, so tests look for themselves"
        return _Scan(self._engines)

    def close(self) -> None:
        """Each table ends by itself."""

    def __getattr__(self, name: str) -> Callable[..., Response]:
        operation = _OPERATIONS.get(name)
        if operation is None:
            raise AttributeError(name)
        return lambda **request: self._engine(request).call(operation, request, "test")

    def _engine(self, request: Request) -> SqliteClient:
        """The one of the table that a request names first; no pattern has two."""
        if "TransactItems" in request:
            [[action], *_] = (entry.values() for entry in request["TransactItems"])
            return self._engine(action)
        name = request.get("TableName") or next(iter(request["RequestItems"]))
        if name not in self._engines:
            raise CallRefused("ResourceNotFoundException")
        return self._engines[name]


class _Scan:
    def __init__(self, engines: Mapping[str, SqliteClient]) -> None:
        self._engines = engines

    def paginate(self, **request: Any) -> Iterator[Mapping[str, Any]]:
        name = request["TableName"]
        yield {"Items": stored_items(self._engines[name], name)}


def stored_items(engine: SqliteClient, name: str) -> list[Attributes]:
    """Every item of a table, as DynamoDB would give it."""
    assert engine._connection is not None
    found = engine._connection.execute(f'SELECT "(item)" FROM "{name}"')  # noqa: S608 -- a name of our own
    return [_decoded(text) for (text,) in found]


def _index(request: Mapping[str, Any]) -> Index:
    partition, *sort = (key["AttributeName"] for key in request["KeySchema"])
    projection = request["Projection"]
    return Index(
        request["IndexName"],
        partition,
        next(iter(sort), None),
        projection["ProjectionType"],
        tuple(projection.get("NonKeyAttributes", ())),
    )
