"""A mapping with every kind of column, and the tables it reads, in the words of each database."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from lambda_src.migration.mapping import Column, Row, ServiceMapping, SourceTable, Warn
from tests.support.sample_tables import NOTES

COLUMNS: Final = (
    Column("id"),
    Column("order", "integer"),  # a name that needs quotes
    Column("rank", types=("ENUM", "VARCHAR")),
    Column("bio"),
    Column("weight", "decimal"),
    Column("born", "date"),
    Column("seen_at", "datetime"),
    Column("is_admin", "boolean"),
    Column("nickname", optional=True),
)
MARIADB: Final = """
CREATE TABLE people (
  id VARCHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, `order` BIGINT, `rank` ENUM('low','high'), bio LONGTEXT,
  weight DECIMAL(30,4), born DATE, seen_at DATETIME(6), is_admin TINYINT(1), nickname VARCHAR(20));
CREATE TABLE pets (
  id INT NOT NULL PRIMARY KEY, person_id VARCHAR(36), name VARCHAR(20) CHARACTER SET latin1, born_at TIMESTAMP NULL);
"""
POSTGRESQL: Final = """
CREATE TABLE people (
  id VARCHAR(36) NOT NULL PRIMARY KEY, "order" BIGINT, rank VARCHAR(10), bio TEXT,
  weight NUMERIC, born DATE, seen_at TIMESTAMPTZ, is_admin BOOLEAN, nickname VARCHAR(20));
CREATE TABLE pets (id INTEGER NOT NULL PRIMARY KEY, person_id VARCHAR(36), name TEXT, born_at TIMESTAMP);
"""
SQLITE: Final = """
CREATE TABLE people (
  id VARCHAR(36) NOT NULL PRIMARY KEY, "order" BIGINT, rank VARCHAR(10), bio TEXT,
  weight NUMERIC(30,4), born DATE, seen_at DATETIME, is_admin BOOLEAN, nickname VARCHAR(20));
CREATE TABLE pets (id INTEGER NOT NULL PRIMARY KEY, person_id VARCHAR(36), name TEXT, born_at TIMESTAMP);
"""


def _as_it_is(row: Row, _: Warn) -> Row:
    return row


PEOPLE: Final = SourceTable("people", COLUMNS, ("id",), tuple(column.name for column in COLUMNS), _as_it_is)
PETS: Final = SourceTable(
    "pets",
    (Column("id", "integer"), Column("person_id"), Column("name"), Column("born_at", "datetime")),
    ("id",),
    ("id", "person_id", "name", "born_at"),
    _as_it_is,
)
MAPPING: Final = ServiceMapping(
    service="sample",
    dialects=("mysql", "postgresql", "sqlite"),
    sources=(PEOPLE, PETS),
    streams=(),
    tables=(NOTES,),
    state_table=NOTES,
    owns=lambda _table, _key: False,
    restore=lambda _table, _item: None,
)


def reading(table: SourceTable, **changes: Any) -> ServiceMapping:
    """A mapping of one table, with changes to it."""
    return replace(MAPPING, sources=(replace(table, **changes),))


def people(count: int, *, bytes_each: int = 20) -> Iterator[Mapping[str, Any]]:
    """Rows of `people`, by key."""
    for number in range(count):
        yield {"id": f"p{number:08}", "order": number, "bio": f"{number:x}".ljust(bytes_each, "-")}


def pets(count: int) -> Iterator[Mapping[str, Any]]:
    """Rows of `pets`, by key."""
    for number in range(count):
        yield {"id": number, "person_id": f"p{number:08}", "name": "Rex"}
