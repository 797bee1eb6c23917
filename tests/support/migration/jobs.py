"""Migrations of rows in memory: everything but the SQL server is real."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_src.migration.mapping import Row, ServiceMapping
from lambda_src.migration.phases.job import Job
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.findings import SourceReport
from lambda_src.migration.source.kind import OnRows, Source
from lambda_src.migration.target.budget import WriteBudget
from lambda_src.migration.target.place import Place

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Rows = Mapping[str, Iterable[Row]]

VERSION = "version of the tests"


@dataclass
class RowsInHand(Source):
    """A source whose rows can be changed between two readings."""

    mapping: ServiceMapping
    rows: Rows = field(default_factory=dict)

    def examine(self) -> SourceReport:
        return SourceReport({}, (), {}, {})

    def take(self, path: Path, *, on_rows: OnRows = lambda _: None) -> None:
        with Snapshot.begin(path, self.mapping) as snapshot:
            for source in self.mapping.sources:
                on_rows(snapshot.load(source, self.rows.get(source.name, ())))
            snapshot.finish(taken_at="2025-01-01", mapping_version=VERSION)


def job(
    source: RowsInHand,
    client: "DynamoDBClient",
    names: Mapping[str, str],
    folder: Path,
    *,
    budget: WriteBudget | None = None,
    **options: Any,
) -> Job:
    """A migration from rows in hand into tables of an engine."""
    place = Place.of(source.mapping, client, names, budget=budget, **options)
    return Job(place, folder, source, VERSION)


def items_of(client: "DynamoDBClient", name: str) -> dict[tuple[str, ...], dict[str, Any]]:
    """Every item of a table by its key, without the migration's own state."""
    # Of a page that may be 1 MB, DynamoDB Local reads everything that follows: too much of a large table.
    limited: Any = {"PageSize": 1_000}
    pages = client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True, PaginationConfig=limited)
    described = client.describe_table(TableName=name)["Table"]["KeySchema"]
    key_names = [part["AttributeName"] for part in sorted(described, key=lambda part: part["KeyType"])]
    items = [item for page in pages for item in page["Items"]]
    by_key = {tuple(item[key_name]["S"] for key_name in key_names): {**item} for item in items}
    return {key: item for key, item in by_key.items() if key[0] != "MIGRATION"}
