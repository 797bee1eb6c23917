"""The items that follow from a snapshot: the same ones in the same order, however often they are asked for."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import AttributeValue, to_item
from lambda_src.migration.content import marked, veiled
from lambda_src.migration.errors import MigrationError
from lambda_src.migration.mapping import Row, ServiceMapping, Stream
from lambda_src.migration.snapshot import Snapshot


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two answers of the streams: everything before it was derived. row: answers taken of `stream`."""

    stream: int = 0
    row: int = 0


@dataclass(frozen=True, slots=True)
class Derived:
    """The items of one answer, marked and as DynamoDB takes them, and the place after them."""

    stream: Stream
    items: tuple[tuple[Table, dict[str, AttributeValue]], ...]
    after: Position


def derive(
    snapshot: Snapshot, mapping: ServiceMapping, migration_id: str, *, start: Position | None = None
) -> Generator[Derived]:
    """The items of every answer from a place on. Raises MigrationError for an answer that a stream cannot use."""
    start = start or Position()
    for number, stream in enumerate(mapping.streams):
        if number < start.stream:
            continue
        skipped = start.row if number == start.stream else 0
        query = f"{stream.query} LIMIT -1 OFFSET {skipped:d}"  # SQLite steps over what was taken before
        for taken, row in enumerate(snapshot.rows(query), start=skipped + 1):
            items = tuple((table, marked(item, migration_id)) for table, item in _items(mapping, stream, row))
            yield Derived(stream, items, Position(number, taken))


def _items(mapping: ServiceMapping, stream: Stream, row: Row) -> Iterator[tuple[Table, dict[str, AttributeValue]]]:
    try:
        for table, item in stream.items(row):
            yield table, to_item(item)
    except Exception as exc:
        seen = veiled(dict(row), mapping.confidential)
        why = type(exc).__name__ if mapping.confidential else exc  # whose text may quote a value
        raise MigrationError(f"{stream.name}: no item can be made of {seen}: {why}") from exc
