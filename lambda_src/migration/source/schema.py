"""Compares the schema of a source with the one its mapping expects: by columns and types, not by names of indexes."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from lambda_src.migration.mapping import Column, Kind, ServiceMapping, SourceTable
from lambda_src.migration.source.findings import Finding

# Names as SQLAlchemy reflects them: SERIAL is INTEGER, BOOL of MySQL is TINYINT.
_SUGGESTED: Final[Mapping[Kind, frozenset[str]]] = {
    "text": frozenset(
        {"CHAR", "NCHAR", "VARCHAR", "NVARCHAR", "TEXT", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "ENUM", "UUID", "CITEXT"}
    ),
    "integer": frozenset({"TINYINT", "SMALLINT", "MEDIUMINT", "INTEGER", "BIGINT"}),
    "decimal": frozenset({"DECIMAL", "NUMERIC"}),
    "datetime": frozenset({"DATETIME", "TIMESTAMP"}),
    "date": frozenset({"DATE"}),
    "boolean": frozenset({"BOOLEAN", "TINYINT", "BIT"}),
}

type Present = Mapping[str, frozenset[str]]
"""Of each expected table that is there, those of the mapping's columns that are there."""


def compare(connection: sa.Connection, mapping: ServiceMapping) -> tuple[Present, tuple[Finding, ...]]:
    """What is there of what the mapping reads, and what differs."""
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names())
    present: dict[str, frozenset[str]] = {}
    findings: list[Finding] = []
    for source in mapping.sources:
        if source.name not in tables:
            findings.append(Finding("stop", source.name, "", "the table is missing, or the user may not read it"))
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sa.exc.SAWarning)  # of types it does not know: we say so ourselves
            columns = {column["name"]: column["type"] for column in inspector.get_columns(source.name)}
        key = inspector.get_pk_constraint(source.name)["constrained_columns"]
        present[source.name] = frozenset(columns) & frozenset(column.name for column in source.columns)
        findings += [*_key(source, key), *_columns(source, columns)]
    if extra := sorted(tables - {source.name for source in mapping.sources}):
        findings.append(Finding("note", "", "", f"tables that stay behind: {', '.join(extra)}"))
    return present, tuple(findings)


def _key(source: SourceTable, key: Sequence[str]) -> Iterator[Finding]:
    if set(key) != set(source.key):
        found = f"({', '.join(key)})" if key else "none"
        sentence = f"its primary key is {found}; expected is ({', '.join(source.key)}), or rows cannot be told apart"
        yield Finding("stop", source.name, "", sentence)


def _columns(source: SourceTable, columns: Mapping[str, sa.types.TypeEngine[Any]]) -> Iterator[Finding]:
    for column in source.columns:
        found = columns.get(column.name)
        if found is not None:
            yield from _type(source, column, _type_name(found))
        elif column.optional:
            reads = "it reads as NULL" if column.missing is None else "its values follow from others"
            sentence = f"the column is missing, as in a known variant of the schema: {reads}"
            yield Finding("note", source.name, column.name, sentence)
        else:
            yield Finding("stop", source.name, column.name, "the column is missing")
    if extra := sorted(columns.keys() - {column.name for column in source.columns}):
        yield Finding("note", source.name, "", f"columns that stay behind: {', '.join(extra)}")


def _type(source: SourceTable, column: Column, found: str) -> Iterator[Finding]:
    accepted = frozenset(column.types) if column.types else _SUGGESTED[column.kind]
    if found not in accepted:
        sentence = f"its type is {found}; accepted are {', '.join(sorted(accepted))}"
        yield Finding("stop", source.name, column.name, sentence)


def _type_name(found: sa.types.TypeEngine[Any]) -> str:
    return "unknown" if isinstance(found, sa.types.NullType) else type(found).__name__.upper()
