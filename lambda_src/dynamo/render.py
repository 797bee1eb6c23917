"""What readers compute from a table's declaration: a `CreateTable` call, IAM grants, and the text of `TABLES.md`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lambda_src.dynamo.schema import AccessPattern, Entity, Grant, Index, Table


def create_table_input(table: Table, physical_name: str) -> dict[str, Any]:
    """Arguments of boto3's `create_table`: keys, indexes, on-demand billing and the stream.

    TTL is a call of its own (`update_time_to_live`), protection and recovery are no concern of a table for tests.
    """
    request: dict[str, Any] = {
        "TableName": physical_name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(table.key_names),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in table.key_attributes()],
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [_index_input(index) for index in table.indexes]
    if table.stream:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream}
    return request


def grants_of(patterns_by_table: Mapping[Table, Sequence[AccessPattern]]) -> list[Grant]:
    """The least that these access patterns need: per table its item actions and the indexes that are queried.

    A Query on an index is granted on that index alone, not on the table.
    """
    return [_grant(table, patterns) for table, patterns in patterns_by_table.items() if patterns]


def tables_markdown(tables: Sequence[Table], service_title: str) -> str:
    """The table design of a service as a page: `TABLES.md`, which `make docs` renews."""
    parts = [
        f"# {service_title}: tables\n",
        "Rendered from `tables.py` by `make docs`. Every question the product asks is an access pattern below.\n",
    ]
    return "\n".join([*parts, *(_table_markdown(table) for table in tables)])


def _key_schema(attributes: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": key_type}
        for name, key_type in zip(attributes, ("HASH", "RANGE"), strict=False)
    ]


def _index_input(index: Index) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(index.attributes),
        "Projection": {"ProjectionType": index.projection},
    }


def _grant(table: Table, patterns: Sequence[AccessPattern]) -> Grant:
    foreign = [pattern.name for pattern in patterns if pattern not in table.patterns]
    if foreign:
        raise ValueError(f"table {table.name} does not declare the patterns {foreign}")
    on_table = {
        operation
        for pattern in patterns
        for operation in pattern.operations
        if operation != "Query" or pattern.index is None
    }
    index_names = {pattern.index.name for pattern in patterns if pattern.index is not None}
    return Grant(table, tuple(sorted(on_table)), tuple(sorted(index_names)))


def _table_markdown(table: Table) -> str:
    keys = " and ".join(f"`{name}`" for name in table.key_names)
    facts = [f"Key {keys}, all keys are text, on-demand capacity."]
    if table.ttl:
        facts.append(f"Items leave at `{table.ttl}` (epoch seconds, TTL).")
    if table.stream:
        facts.append(f"Stream of `{table.stream}`.")
    facts.append(f"Functions find the name in `{table.environment_variable}`.")
    sections = [f"## `{table.seed_name}-<environment>`\n", " ".join(facts) + "\n"]
    if table.indexes:
        sections += ["### Indexes\n", _grid(("Index", "Key", "Projection"), map(_index_row, table.indexes))]
    sections += [
        "### Items\n",
        _grid(("Item", *table.key_names, "Index keys", "What it is"), (_entity_row(e) for e in table.entities)),
        "### Access patterns\n",
        _grid(("Pattern", "Question", "Operations", "On", "Cost"), map(_pattern_row, table.patterns)),
    ]
    return "\n".join(sections)


def _index_row(index: Index) -> tuple[str, ...]:
    return f"`{index.name}`", ", ".join(f"`{name}`" for name in index.attributes), index.projection


def _entity_row(entity: Entity) -> tuple[str, ...]:
    keys = [entity.partition] if entity.sort is None else [entity.partition, entity.sort]
    index_keys = "<br>".join(f"`{name}={template.text}`" for name, template in entity.index_keys.items())
    return entity.name, *(f"`{key.text}`" for key in keys), index_keys, entity.notes


def _pattern_row(pattern: AccessPattern) -> tuple[str, ...]:
    operations = ", ".join(pattern.operations) + (" in one transaction" if pattern.transaction else "")
    place = [f"`{pattern.index.name}`" if pattern.index else "table"]
    place += [f"`{text}`" for text in (pattern.partition, pattern.sort) if text]
    if pattern.descending:
        place.append("descending")
    return f"`{pattern.name}`", pattern.question, operations, ", ".join(place), pattern.cost


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', r'\|') for cell in line)} |\n" for line in lines)
