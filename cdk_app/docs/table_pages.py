"""The table design of a service as a page: `TABLES.md`."""

from collections.abc import Iterable, Sequence
from typing import Any

from lambda_src.dynamo.schema import AccessPattern, Entity, Index, Table


def tables_markdown(tables: Sequence[Table], service_title: str) -> str:
    """The table design of a service as a page: `TABLES.md`, which `make docs` renews."""
    parts = [
        f"# {service_title}: tables\n",
        "Rendered from `tables.py` by `make docs`. Every question the product asks is an access pattern below.\n",
    ]
    return "\n".join([*parts, *(_table_markdown(table) for table in tables)])


def _table_markdown(table: Table) -> str:
    keys = " and ".join(f"`{name}`" for name in table.key_names)
    facts = [f"Key {keys}, all keys are text, on-demand capacity."]
    if table.ttl:
        facts.append(f"Items leave at `{table.ttl}` (epoch seconds, TTL).")
    if table.stream:
        facts.append(f"Stream of `{table.stream}`.")
    facts.append(f"Functions find the name in `{table.environment_variable}`.")
    sections = [f"## `{table.base_name}-<environment>`\n", " ".join(facts) + "\n"]
    if table.indexes:
        sections += ["### Indexes\n", _grid(("Index", "Key", "Projection"), map(_index_row, table.indexes))]
    sections += [
        "### Items\n",
        _grid(("Item", *table.key_names, "Index keys", "What it is"), (_entity_row(e) for e in table.entities)),
        "### Access patterns\n",
        _grid(("Pattern", "Question", "Operations", "On", "Asked by", "Cost"), map(_pattern_row, table.patterns)),
    ]
    return "\n".join(sections)


def _index_row(index: Index) -> tuple[str, ...]:
    return (
        f"`{index.name}`",
        ", ".join(f"`{name}`" for name in index.attributes),
        f"{index.projection}{': ' if index.include else ''}{', '.join(f'`{name}`' for name in index.include)}",
    )


def _entity_row(entity: Entity[Any]) -> tuple[str, ...]:
    keys = [entity.pk] if entity.sk is None else [entity.pk, entity.sk]
    index_keys = "<br>".join(f"`{name}={template.text}`" for name, template in entity.index_keys.items())
    return entity.name, *(f"`{key.text}`" for key in keys), index_keys, entity.notes


def _pattern_row(pattern: AccessPattern[Any]) -> tuple[str, ...]:
    operations = ", ".join(pattern.operations) + (" in one transaction" if pattern.transaction else "")
    on = [f"`{pattern.index.name}`" if pattern.index else "table"]
    on += [entity.name for entity in dict.fromkeys((*pattern.reads, *pattern.writes))]
    if pattern.descending:
        on.append("descending")
    asked_by = ", ".join(sorted(pattern.asked_by))
    return f"`{pattern.name}`", pattern.question, operations, ", ".join(on), asked_by, pattern.cost


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', r'\|') for cell in line)} |\n" for line in lines)
